/* SPDX-License-Identifier: MIT */
/* Disks, networks and devices of the command line. */
#include "base/mem.h"
#include "emu/devices.h"
#include "emu/options_int.h"
#include "img/blk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take(struct optset *o, const char *key, char **to, struct err *e)
{
	const char *v = optset_get(o, key);

	return v ? options_string(to, v, e) : 0;
}

static int cache_mode(const char *v, unsigned *flags, struct err *e)
{
	static const struct {
		const char *name;
		unsigned flags;
	} modes[] = {
		{ "writeback", 0 },
		{ "none", BLK_DIRECT },
		{ "writethrough", BLK_WRITETHROUGH },
		{ "directsync", BLK_DIRECT | BLK_WRITETHROUGH },
		{ "unsafe", BLK_NOFLUSH },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, v) != 0)
			continue;
		*flags |= modes[i].flags;
		return 0;
	}
	return err_set(e, -EINVAL,
		       "cache=%s: writeback, none, writethrough, directsync or unsafe", v);
}

static int onoff_flag(struct optset *o, const char *key, const char *on, unsigned bit,
		      unsigned *flags, struct err *e)
{
	const char *v = optset_get(o, key);

	if (!v)
		return 0;
	if (!strcmp(v, on) || !strcmp(v, "on"))
		*flags |= bit;
	else if (strcmp(v, "off") != 0 && strcmp(v, "ignore") != 0)
		return err_set(e, -EINVAL, "%s=%s: on or off", key, v);
	return 0;
}

/* What is left are options of the image. */
static int image_options(struct optset *o, struct config_disk *d, struct err *e)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < o->n; i++)
		if (!o->v[i].used)
			len += strlen(o->v[i].key) + 2 * strlen(o->v[i].val) + 2;
	if (!len)
		return 0;
	d->blk_opts = mem_zalloc(1, len + 1, e);
	if (!d->blk_opts)
		return -ENOMEM;
	for (size_t i = 0; i < o->n; i++) {
		if (o->v[i].used)
			continue;
		at += (size_t)snprintf(d->blk_opts + at, len + 1 - at, "%s%s=", at ? "," : "",
				       o->v[i].key);
		for (const char *s = o->v[i].val; *s; s++) {
			d->blk_opts[at++] = *s;
			if (*s == ',')
				d->blk_opts[at++] = ',';
		}
	}
	return 0;
}

static int disk_options(struct optset *o, struct drive *d, struct err *e)
{
	const char *aio = optset_get(o, "aio"), *media = optset_get(o, "media");
	const char *cache = optset_get(o, "cache");
	int r = take(o, "file", &d->disk.file, e);

	if (r == 0)
		r = take(o, "format", &d->disk.format, e);
	if (r == 0)
		r = take(o, "id", &d->id, e);
	if (r == 0)
		r = take(o, "serial", &d->disk.serial, e);
	if (r == 0 && cache)
		r = cache_mode(cache, &d->disk.cache, e);
	if (r == 0)
		r = optset_bool(o, "readonly", &d->disk.readonly, e);
	if (r == 0)
		r = optset_bool(o, "snapshot", &d->disk.snapshot, e);
	if (r == 0)
		r = onoff_flag(o, "discard", "unmap", BLK_UNMAP, &d->disk.cache, e);
	if (r == 0 && aio && strcmp(aio, "threads") != 0)
		r = err_set(e, -ENOTSUP, "aio=%s: disks are served by threads (aio=threads)",
			    aio);
	if (r == 0 && media && strcmp(media, "disk") != 0)
		r = err_set(e, -ENOTSUP, "media=%s: there are no CD-ROM drives yet", media);
	if (r == 0)
		r = image_options(o, &d->disk, e);
	if (r == 0 && !d->disk.file)
		r = err_set(e, -EINVAL, "-drive without file=");
	return r;
}

int options_drive(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct drive *d = &p->drives[p->n_drives];
	const char *iface;
	int r;

	if (p->n_drives == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d disks", CONFIG_DEVICES);
	p->n_drives++;
	r = optset_parse(&o, value, NULL, e);
	if (r == 0) {
		iface = optset_get(&o, "if");
		d->virtio = iface && !strcmp(iface, "virtio");
		if (!d->virtio && (!iface || strcmp(iface, "none") != 0))
			r = err_set(
				e, -ENOTSUP,
				"-drive %s: if=%s disks are not supported yet; if=virtio and "
				"if=none are",
				value, iface ? iface : "ide (the default)");
	}
	if (r == 0)
		r = disk_options(&o, d, e);
	optset_free(&o);
	return r;
}

int options_hda(struct parse *p, const char *value, struct err *e)
{
	(void)p;
	return err_set(e, -ENOTSUP,
		       "%s: IDE disks are not supported yet; use -drive file=%s,if=virtio",
		       value, value);
}

int options_cdrom(struct parse *p, const char *value, struct err *e)
{
	(void)p;
	return err_set(e, -ENOTSUP, "-cdrom %s: there are no CD-ROM drives yet", value);
}

static int parse_mac(const char *s, uint8_t mac[6], struct err *e)
{
	unsigned v[6];
	int end = 0;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &end) != 6 ||
	    s[end] || (v[0] & 1))
		return err_set(e, -EINVAL, "mac=%s is no address of one card", s);
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return 0;
}

/* "user,hostfwd=..": the kind goes, the rest is the back end's. */
static int net_backend(struct netdev *n, const char *value, struct optset *o, struct err *e)
{
	static const char *const ours[] = { "type=", "id=", "model=", "mac=", "netdev=" };
	const char *kind = optset_get(o, "type");
	char *rest = mem_zalloc(1, strlen(value) + 1, e);

	if (!rest)
		return -ENOMEM;
	n->net.options = rest;
	if (!kind || (strcmp(kind, "user") != 0 && strcmp(kind, "tap") != 0))
		return err_set(e, -ENOTSUP, "network '%s': there are user and tap", value);
	/* parts are copied as they are written: a ",," stays one */
	for (const char *s = value + strcspn(value, ","); *s;) {
		const char *end = ++s;
		bool mine = false;

		while (*end && (*end != ',' || end[1] == ','))
			end += *end == ',' ? 2 : 1;
		for (unsigned i = 0; i < ARRAY_SIZE(ours); i++)
			mine |= !strncmp(s, ours[i], strlen(ours[i]));
		if (!mine) {
			if (rest != n->net.options)
				*rest++ = ',';
			memcpy(rest, s, (size_t)(end - s));
			rest += end - s;
		}
		s = end;
	}
	return options_string(&n->net.kind, kind, e);
}

static int add_net(struct parse *p, struct netdev *n, struct err *e)
{
	struct config_net *to = &p->c->net[p->c->nets];

	if (p->c->nets == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d network cards", CONFIG_DEVICES);
	*to = n->net;
	n->net = (struct config_net){ 0 };
	n->taken = true;
	if (!to->has_mac) {
		const uint8_t mac[6] = { 0x52, 0x54, 0x00,
					 0x12, 0x34, (uint8_t)(0x56 + p->c->nets) };

		memcpy(to->mac, mac, 6);
	}
	p->c->nets++;
	return 0;
}

static int new_netdev(struct parse *p, const char *value, struct optset *o, struct netdev **out,
		      struct err *e)
{
	int r = optset_parse(o, value, "type", e);

	if (r == 0 && p->n_netdevs == CONFIG_DEVICES)
		r = err_set(e, -EINVAL, "more than %d networks", CONFIG_DEVICES);
	if (r < 0)
		return r;
	*out = &p->netdevs[p->n_netdevs++];
	return take(o, "id", &(*out)->id, e);
}

int options_netdev(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct netdev *n = NULL;
	int r = new_netdev(p, value, &o, &n, e);

	if (r == 0 && !n->id)
		r = err_set(e, -EINVAL, "-netdev %s has no id=", value);
	if (r == 0)
		r = net_backend(n, value, &o, e);
	optset_free(&o);
	return r;
}

int options_nic(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct netdev *n = NULL;
	const char *model, *mac;
	int r;

	if (!strcmp(value, "none"))
		return 0;
	r = new_netdev(p, value, &o, &n, e);
	if (r == 0) {
		model = optset_get(&o, "model");
		mac = optset_get(&o, "mac");
		if (model && strncmp(model, "virtio", 6) != 0)
			r = err_set(e, -ENOTSUP, "model=%s: there is virtio-net-pci", model);
		if (r == 0 && mac) {
			n->net.has_mac = true;
			r = parse_mac(mac, n->net.mac, e);
		}
	}
	if (r == 0)
		r = net_backend(n, value, &o, e);
	if (r == 0)
		r = add_net(p, n, e);
	optset_free(&o);
	return r;
}

static int add_disk(struct parse *p, struct drive *d, struct err *e)
{
	if (p->c->disks == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d disks", CONFIG_DEVICES);
	p->c->disk[p->c->disks++] = d->disk;
	d->disk = (struct config_disk){ 0 };
	d->taken = true;
	return 0;
}

static int device_blk(struct parse *p, struct optset *o, struct err *e)
{
	const char *id = optset_get(o, "drive");
	uint64_t queues = 0, threads = 0;
	int r;

	for (unsigned i = 0; id && i < p->n_drives; i++) {
		struct drive *d = &p->drives[i];

		if (d->taken || !d->id || strcmp(d->id, id) != 0)
			continue;
		r = take(o, "serial", &d->disk.serial, e);
		if (r == 0)
			r = optset_u64(o, "num-queues", &queues, e);
		if (r == 0)
			r = optset_u64(o, "threads", &threads, e);
		if (r == 0 && (queues > 16 || threads > 64))
			r = err_set(e, -EINVAL,
				    "virtio-blk-pci: 16 queues and 64 threads at most");
		d->disk.queues = (unsigned)queues;
		d->disk.threads = (unsigned)threads;
		return r < 0 ? r : add_disk(p, d, e);
	}
	return err_set(e, -EINVAL, "-device virtio-blk-pci,drive=%s: no -drive has that id",
		       id ? id : "");
}

static int device_net(struct parse *p, struct optset *o, struct err *e)
{
	const char *id = optset_get(o, "netdev"), *mac = optset_get(o, "mac");
	int r = 0;

	for (unsigned i = 0; id && i < p->n_netdevs; i++) {
		struct netdev *n = &p->netdevs[i];

		if (n->taken || !n->id || strcmp(n->id, id) != 0)
			continue;
		if (mac) {
			n->net.has_mac = true;
			r = parse_mac(mac, n->net.mac, e);
		}
		return r < 0 ? r : add_net(p, n, e);
	}
	return err_set(e, -EINVAL, "-device virtio-net-pci,netdev=%s: no -netdev has that id",
		       id ? id : "");
}

static int device_exit(struct parse *p, struct optset *o, struct err *e)
{
	uint64_t base = 0x501, size = 2;
	int r = optset_u64(o, "iobase", &base, e);

	if (r == 0)
		r = optset_u64(o, "iosize", &size, e);
	if (r == 0 && (base > 0xffff || size < 1 || size > 4))
		r = err_set(e, -EINVAL, "isa-debug-exit: a port and 1 to 4 bytes");
	p->c->debug_exit = true;
	p->c->exit_base = (uint16_t)base;
	p->c->exit_size = (uint16_t)size;
	return r;
}

static int device_plain(struct parse *p, const struct device_row *row, const char *value,
			struct optset *o, struct err *e)
{
	struct config_device *d = &p->c->device[p->c->devices];
	int r;

	if (p->c->devices == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d devices", CONFIG_DEVICES);
	for (unsigned i = 0; row->keys[i].name; i++)
		optset_get(o, row->keys[i].name);
	p->c->devices++;
	value += strcspn(value, ",");
	r = options_string(&d->name, row->name, e);
	return r < 0 ? r : options_string(&d->options, *value ? value + 1 : "", e);
}

int options_device(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const struct device_row *row;
	const char *name;
	int r;

	if (!strcmp(value, "help") || !strcmp(value, "?")) {
		*p->ask = OPTIONS_DEVICES;
		return 0;
	}
	r = optset_parse(&o, value, "driver", e);
	if (r < 0)
		goto out;
	name = optset_get(&o, "driver");
	row = name ? device_find(name) : NULL;
	if (!row) {
		r = err_set(e, -ENOTSUP, "there is no device '%s'; -device help lists them",
			    name ? name : "");
		goto out;
	}
	if (optset_wants_help(value)) {
		*p->ask = OPTIONS_DEVICE;
		*p->about = row->name;
		goto out;
	}
	(void)optset_get(&o, "id"); /* nothing refers to it */
	switch (row->kind) {
	case DEVICE_BLK:
		r = device_blk(p, &o, e);
		break;
	case DEVICE_NET:
		r = device_net(p, &o, e);
		break;
	case DEVICE_DEBUG_EXIT:
		r = device_exit(p, &o, e);
		break;
	case DEVICE_RNG:
	case DEVICE_BALLOON:
	case DEVICE_CONSOLE:
	case DEVICE_TESTDEV:
		r = device_plain(p, row, value, &o, e);
		break;
	}
	if (r == 0)
		r = options_all_used(&o, row->name, e);
out:
	optset_free(&o);
	return r;
}

int options_finish(struct parse *p, struct err *e)
{
	for (unsigned i = 0; i < p->n_drives; i++) {
		struct drive *d = &p->drives[i];
		int r;

		if (d->taken)
			continue;
		if (!d->virtio)
			return err_set(e, -EINVAL, "no -device uses the drive %s (%s)",
				       d->id ? d->id : "", d->disk.file);
		r = add_disk(p, d, e);
		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < p->n_netdevs; i++)
		if (!p->netdevs[i].taken)
			return err_set(e, -EINVAL, "no -device uses the network %s",
				       p->netdevs[i].id);
	for (unsigned i = 0; i < p->c->disks; i++)
		p->c->disk[i].snapshot |= p->c->snapshot;
	return 0;
}

void options_parse_free(struct parse *p)
{
	for (unsigned i = 0; i < p->n_drives; i++) {
		free(p->drives[i].id);
		free(p->drives[i].disk.file);
		free(p->drives[i].disk.format);
		free(p->drives[i].disk.blk_opts);
		free(p->drives[i].disk.serial);
	}
	for (unsigned i = 0; i < p->n_netdevs; i++) {
		free(p->netdevs[i].id);
		free(p->netdevs[i].net.kind);
		free(p->netdevs[i].net.options);
	}
}
