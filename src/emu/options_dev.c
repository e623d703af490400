/* SPDX-License-Identifier: MIT */
/* Networks and devices of the command line. */
#include "base/mem.h"
#include "emu/devices.h"
#include "emu/options_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (!kind || (strcmp(kind, "user") != 0 && strcmp(kind, "tap") != 0 &&
		      strcmp(kind, "bridge") != 0))
		return err_set(e, -ENOTSUP, "network '%s': there are user, tap and bridge",
			       value);
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
	to->id = n->id;
	n->id = NULL;
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
	return options_take(o, "id", &(*out)->id, e);
}

static int opt_netdev(struct parse *p, const char *value, struct err *e)
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

static int opt_nic(struct parse *p, const char *value, struct err *e)
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
		if (model && !strcmp(model, "e1000"))
			n->net.card = CARD_E1000;
		else if (model && strncmp(model, "virtio", 6) != 0)
			r = err_set(e, -ENOTSUP, "model=%s: there are virtio-net-pci and e1000",
				    model);
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

/* "5", "05.0" */
static int pci_slot(const char *s, unsigned *slot, struct err *e)
{
	char *end;
	unsigned long v = strtoul(s, &end, 16);

	if (end == s || (strcmp(end, ".0") != 0 && *end) || v < 1 || v > 31)
		return err_set(e, -EINVAL, "addr=%s: a slot of 1 to 1f, function 0", s);
	*slot = (unsigned)v;
	return 0;
}

int options_pci(struct optset *o, const struct device_row *row, struct config_pci *to,
		struct err *e)
{
	const char *addr = optset_get(o, "addr"), *legacy;
	int r = addr ? pci_slot(addr, &to->slot, e) : 0;

	if (r < 0 || strncmp(row->name, "virtio", 6) != 0)
		return r;
	legacy = optset_get(o, "disable-legacy");
	if (legacy && strcmp(legacy, "auto") != 0)
		r = optset_bool(o, "disable-legacy", &to->no_legacy, e);
	if (r == 0)
		r = optset_bool(o, "disable-modern", &to->no_modern, e);
	if (r == 0 && to->no_legacy && to->no_modern)
		r = err_set(e, -EINVAL,
			    "%s: disable-legacy and disable-modern leave no interface",
			    row->name);
	return r;
}

static int device_net(struct parse *p, const struct device_row *row, struct optset *o,
		      struct err *e)
{
	const char *id = optset_get(o, "netdev"), *mac = optset_get(o, "mac");
	int r = 0;

	for (unsigned i = 0; id && i < p->n_netdevs; i++) {
		struct netdev *n = &p->netdevs[i];

		if (n->taken || !n->id || strcmp(n->id, id) != 0)
			continue;
		if (!strcmp(row->name, "e1000"))
			n->net.card = CARD_E1000;
		if (mac) {
			n->net.has_mac = true;
			r = parse_mac(mac, n->net.mac, e);
		}
		if (r == 0)
			r = options_take(o, "id", &n->net.dev, e);
		if (r == 0)
			r = options_bootindex(o, &n->net.boot, e);
		if (r == 0)
			r = options_pci(o, row, &n->net.pci, e);
		return r < 0 ? r : add_net(p, n, e);
	}
	return err_set(e, -EINVAL, "-device %s,netdev=%s: no -netdev has that id", row->name,
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
	r = strcmp(row->bus, "PCI") != 0 ? 0 : options_pci(o, row, &d->pci, e);
	if (r < 0)
		return r;
	p->c->devices++;
	value += strcspn(value, ",");
	r = options_string(&d->name, row->name, e);
	if (r == 0)
		r = options_take(o, "id", &d->id, e);
	if (r < 0)
		return r;
	return options_string(&d->options, *value ? value + 1 : "", e);
}

static int opt_device(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct config_pci where = { 0 };
	const struct device_row *row;
	const char *name, *id;
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
	id = optset_get(&o, "id");
	switch (row->kind) {
	case DEVICE_BLK:
	case DEVICE_IDE_HD:
	case DEVICE_IDE_CD:
	case DEVICE_NVME:
	case DEVICE_SCSI_HD:
	case DEVICE_SCSI_CD:
		r = options_device_disk(p, row, &o, e);
		break;
	case DEVICE_SCSI:
		r = options_pci(&o, row, &where, e);
		if (r == 0)
			r = options_device_scsi(p, id, &where, e);
		break;
	case DEVICE_NET:
		r = device_net(p, row, &o, e);
		break;
	case DEVICE_VGA:
	case DEVICE_BOCHS:
		r = options_device_video(p, row, &o, e);
		break;
	case DEVICE_DEBUG_EXIT:
		r = device_exit(p, &o, e);
		break;
	case DEVICE_PLAIN:
		r = device_plain(p, row, value, &o, e);
		break;
	}
	if (r == 0)
		r = options_all_used(&o, row->name, e);
out:
	optset_free(&o);
	return r;
}

/* A card that is plugged in later may use it. */
static void spare_net(struct parse *p, struct netdev *n)
{
	struct config_net *to = &p->c->netdev[p->c->netdevs++];

	*to = n->net;
	to->id = n->id;
	n->net = (struct config_net){ 0 };
	n->id = NULL;
}

int options_finish(struct parse *p, struct err *e)
{
	int r = options_disks_finish(p, e);

	if (r == 0)
		r = options_net_finish(p, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < p->n_netdevs; i++)
		if (!p->netdevs[i].taken)
			spare_net(p, &p->netdevs[i]);
	return 0;
}

void options_free_net(struct config_net *n)
{
	free(n->id);
	free(n->dev);
	free(n->kind);
	free(n->options);
}

void options_free_device(struct config_device *d)
{
	free(d->name);
	free(d->options);
	free(d->file);
	free(d->id);
}

void options_parse_free(struct parse *p)
{
	free(p->net_card);
	free(p->net_kind);
	for (unsigned i = 0; i < p->n_drives; i++)
		options_free_disk(&p->drives[i].disk);
	for (unsigned i = 0; i < p->n_netdevs; i++) {
		free(p->netdevs[i].id);
		free(p->netdevs[i].net.dev);
		free(p->netdevs[i].net.kind);
		free(p->netdevs[i].net.options);
	}
}

static const struct device_key netdev_keys[] = {
	{ "type", "name", "user, tap or bridge" },
	{ "id", "name", "for -device" },
	{ NULL, NULL, NULL },
};
static const struct device_key nic_keys[] = {
	{ "type", "name", "user, tap, bridge or none" },
	{ "id", "name", "of the network" },
	{ "mac", "address", "of the card" },
	{ "model", "name", "virtio-net-pci or e1000" },
	{ NULL, NULL, NULL },
};
static const struct device_key user_keys[] = {
	{ "hostfwd", "rule", "tcp|udp:[HOST]:PORT-[GUEST]:PORT" },
	{ "restrict", "on|off", "the guest reaches nothing but what is forwarded" },
	{ "hostname", "name", "the guest's, by DHCP" },
	{ NULL, NULL, NULL },
};
static const struct device_key tap_keys[] = {
	{ "ifname", "name", "of the host's interface" },
	{ "script", "name", "no" },
	{ "downscript", "name", "no" },
	{ NULL, NULL, NULL },
};
static const struct device_key bridge_keys[] = {
	{ "br", "name", "of the bridge; br0" },
	{ "helper", "path", "of qemu-bridge-helper" },
	{ NULL, NULL, NULL },
};
static const struct option_kind net_kinds[] = {
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ NULL, NULL, NULL },
};
static const struct option_kind nic_kinds[] = {
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ "none", "no card", NULL },
	{ NULL, NULL, NULL },
};

static const struct device_key net_card_keys[] = {
	{ "macaddr", "address", "of the card" },
	{ "model", "name", "virtio-net-pci or e1000" },
	{ NULL, NULL, NULL },
};
static const struct device_key net_type_keys[] = {
	{ "type", "name", "nic, user, tap, bridge or none" },
	{ NULL, NULL, NULL },
};
static const struct option_kind old_net_kinds[] = {
	{ "nic", "the card of the network that is given with another -net", net_card_keys },
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ "none", "no card", NULL },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "net",
	  .arg = "OPTS",
	  .fn = options_net,
	  .first = "type",
	  .keys = net_type_keys,
	  .kinds = old_net_kinds },
	{ .name = "device", .arg = "OPTS", .fn = opt_device, .first = "driver" },
	{ .name = "netdev",
	  .arg = "OPTS",
	  .fn = opt_netdev,
	  .first = "type",
	  .keys = netdev_keys,
	  .kinds = net_kinds },
	{ .name = "nic",
	  .arg = "OPTS",
	  .fn = opt_nic,
	  .first = "type",
	  .keys = nic_keys,
	  .kinds = nic_kinds },
	{ .name = NULL },
};

const struct option_group options_dev = { "devices", rows };
