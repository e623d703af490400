/* SPDX-License-Identifier: MIT */
/* Disks of the command line: -drive, -hda and its kin. */
#include "base/mem.h"
#include "emu/known.h"
#include "emu/options_int.h"
#include "img/blk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void options_free_disk(struct config_disk *d)
{
	free(d->id);
	free(d->dev);
	free(d->file);
	free(d->format);
	free(d->blk_opts);
	free(d->serial);
	free(d->traits.model);
	free(d->traits.version);
	free(d->traits.vendor);
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
int options_image(struct optset *o, struct config_disk *d, struct err *e)
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

int options_action(struct optset *o, const char *key, enum disk_action *out, struct err *e)
{
	static const char *const names[] = { "report", "ignore", "stop", "enospc" };
	const char *v = optset_get(o, key);

	if (!v)
		return 0;
	if (!strcmp(v, "auto")) {
		*out = *key == 'r' ? DISK_REPORT : DISK_ENOSPC;
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], v) != 0 || (i == DISK_ENOSPC && *key == 'r'))
			continue;
		*out = (enum disk_action)i;
		return 0;
	}
	return err_set(e, -EINVAL, "%s=%s: report, ignore, stop%s", key, v,
		       *key == 'r' ? "" : " or enospc");
}

int options_zeroes(struct optset *o, struct config_disk *d, struct err *e)
{
	static const char *const names[] = { "off", "on", "unmap" };
	const char *v = optset_get(o, "detect-zeroes");

	if (!v)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], v) != 0)
			continue;
		d->zeroes = (enum disk_zeroes)i;
		return 0;
	}
	return err_set(e, -EINVAL, "detect-zeroes=%s: off, on or unmap", v);
}

int options_small(struct optset *o, const char *key, int *out, struct err *e)
{
	uint64_t v = 0;
	int r = optset_u64(o, key, &v, e);

	if (r == 0 && v > 255)
		r = err_set(e, -EINVAL, "%s=%llu is too large", key, (unsigned long long)v);
	if (r == 0 && optset_get(o, key))
		*out = (int)v;
	return r;
}

static int no_interface(const char *v, struct err *e)
{
	int r = known_name("-drive if=", v, e);

	return r < 0 ? r
		     : err_set(e, -EINVAL,
			       "if=%s: there are ide, virtio, scsi, pflash and none", v);
}

static int interface(struct optset *o, struct drive *d, struct err *e)
{
	static const struct {
		const char *name;
		enum disk_bus bus;
	} kinds[] = { { "ide", DISK_IDE },
		      { "virtio", DISK_VIRTIO },
		      { "scsi", DISK_SCSI },
		      { "pflash", DISK_PFLASH } };
	const char *v = optset_get(o, "if"), *media = optset_get(o, "media");

	d->disk.bus = DISK_IDE;
	d->loose = v && !strcmp(v, "none");
	for (unsigned i = 0; v && !d->loose; i++) {
		if (i == ARRAY_SIZE(kinds))
			return no_interface(v, e);
		if (strcmp(kinds[i].name, v) != 0)
			continue;
		d->disk.bus = kinds[i].bus;
		break;
	}
	if (media && !strcmp(media, "cdrom"))
		d->disk.cdrom = true;
	else if (media && strcmp(media, "disk") != 0)
		return err_set(e, -EINVAL, "media=%s: disk or cdrom", media);
	if (d->disk.cdrom && (d->disk.bus == DISK_VIRTIO || d->disk.bus == DISK_PFLASH))
		return err_set(e, -EINVAL,
			       "if=%s has no CD-ROM drives; if=ide and if=scsi have", v);
	return 0;
}

static int image_keys(struct optset *o, struct config_disk *d, struct err *e)
{
	const char *aio = optset_get(o, "aio"), *cache = optset_get(o, "cache");
	const char *name = optset_get(o, "node-name");
	bool writeback = true;
	int r = options_take(o, "file", &d->file, e);

	if (r == 0)
		r = options_take(o, "format", &d->format, e);
	if (r == 0)
		r = options_take(o, "id", &d->id, e);
	if (r == 0 && name && d->id && strcmp(name, d->id) != 0)
		r = err_set(e, -EINVAL, "id=%s and node-name=%s: one name is enough", d->id,
			    name);
	if (r == 0)
		r = options_take(o, "node-name", &d->id, e);
	if (r == 0)
		r = options_take(o, "serial", &d->serial, e);
	if (r == 0 && cache)
		r = cache_mode(cache, &d->cache, e);
	if (r == 0)
		r = optset_bool(o, "cache.writeback", &writeback, e);
	if (!writeback)
		d->cache |= BLK_WRITETHROUGH;
	if (r == 0)
		r = optset_bool(o, "readonly", &d->readonly, e);
	if (r == 0)
		r = optset_bool(o, "read-only", &d->readonly, e);
	if (r == 0)
		r = optset_bool(o, "snapshot", &d->snapshot, e);
	if (r == 0)
		r = onoff_flag(o, "discard", "unmap", BLK_UNMAP, &d->cache, e);
	if (r == 0)
		r = options_zeroes(o, d, e);
	if (r == 0 && aio && strcmp(aio, "threads") != 0)
		r = err_set(e, -ENOTSUP, "aio=%s: disks are served by threads (aio=threads)",
			    aio);
	return r;
}

static int drive_keys(struct optset *o, struct drive *d, struct err *e)
{
	int r = interface(o, d, e);

	if (r == 0)
		r = image_keys(o, &d->disk, e);
	if (r == 0)
		r = options_action(o, "werror", &d->disk.werror, e);
	if (r == 0)
		r = options_action(o, "rerror", &d->disk.rerror, e);
	if (r == 0)
		r = options_small(o, "index", &d->index, e);
	if (r == 0)
		r = options_small(o, "bus", &d->bus, e);
	if (r == 0)
		r = options_small(o, "unit", &d->unit, e);
	if (r == 0 && d->index >= 0 && (d->bus >= 0 || d->unit >= 0))
		r = err_set(e, -EINVAL, "index= and bus=, unit= are two ways to say the same");
	if (r == 0)
		r = options_image(o, &d->disk, e);
	if (r == 0 && !d->disk.file && (!d->disk.cdrom || d->disk.blk_opts))
		r = err_set(e, -EINVAL, "-drive without file=");
	return r;
}

int options_new_drive(struct parse *p, struct drive **out, struct err *e)
{
	if (p->n_drives == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d disks", CONFIG_DEVICES);
	*out = &p->drives[p->n_drives++];
	**out = (struct drive){ .index = -1, .bus = -1, .unit = -1 };
	(*out)->disk.werror = DISK_ENOSPC;
	return 0;
}

int options_drive(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct drive *d;
	int r = options_new_drive(p, &d, e);

	if (r == 0)
		r = optset_parse(&o, value, NULL, e);
	if (r == 0)
		r = drive_keys(&o, d, e);
	optset_free(&o);
	return r < 0 ? err_wrap(e, r, "-drive %s", value) : 0;
}

static int hd(struct parse *p, int index, bool cdrom, const char *file, struct err *e)
{
	struct drive *d;
	int r = options_new_drive(p, &d, e);

	if (r < 0)
		return r;
	d->index = index;
	d->disk.bus = DISK_IDE;
	d->disk.cdrom = cdrom;
	return options_string(&d->disk.file, file, e);
}

int options_hda(struct parse *p, const char *value, struct err *e)
{
	return hd(p, 0, false, value, e);
}

int options_hdb(struct parse *p, const char *value, struct err *e)
{
	return hd(p, 1, false, value, e);
}

int options_hdc(struct parse *p, const char *value, struct err *e)
{
	return hd(p, 2, false, value, e);
}

int options_hdd(struct parse *p, const char *value, struct err *e)
{
	return hd(p, 3, false, value, e);
}

int options_pflash(struct parse *p, const char *value, struct err *e)
{
	struct drive *d;
	int r = options_new_drive(p, &d, e);

	if (r < 0)
		return r;
	d->disk.bus = DISK_PFLASH;
	r = options_string(&d->disk.file, value, e);
	return r < 0 ? r : options_string(&d->disk.format, "raw", e);
}

int options_cdrom(struct parse *p, const char *value, struct err *e)
{
	return hd(p, 2, true, value, e);
}
