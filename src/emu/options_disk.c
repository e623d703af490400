/* SPDX-License-Identifier: MIT */
/* Disks of the command line: -drive, -hda and its kin, and what -device says about disks. */
#include "base/mem.h"
#include "emu/devices.h"
#include "emu/options_int.h"
#include "img/blk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDE_UNITS  4u
#define SATA_PORTS 6u

void options_free_disk(struct config_disk *d)
{
	free(d->id);
	free(d->file);
	free(d->format);
	free(d->blk_opts);
	free(d->serial);
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

static int action(struct optset *o, const char *key, enum disk_action *out, struct err *e)
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

static int small(struct optset *o, const char *key, int *out, struct err *e)
{
	uint64_t v = 0;
	int r = optset_u64(o, key, &v, e);

	if (r == 0 && v > 255)
		r = err_set(e, -EINVAL, "%s=%llu is too large", key, (unsigned long long)v);
	if (r == 0 && optset_get(o, key))
		*out = (int)v;
	return r;
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
			return err_set(e, -ENOTSUP,
				       "if=%s: ide, virtio, scsi, pflash and none are "
				       "supported",
				       v);
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
	int r = options_take(o, "file", &d->file, e);

	if (r == 0)
		r = options_take(o, "format", &d->format, e);
	if (r == 0)
		r = options_take(o, "id", &d->id, e);
	if (r == 0)
		r = options_take(o, "serial", &d->serial, e);
	if (r == 0 && cache)
		r = cache_mode(cache, &d->cache, e);
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
		r = action(o, "werror", &d->disk.werror, e);
	if (r == 0)
		r = action(o, "rerror", &d->disk.rerror, e);
	if (r == 0)
		r = small(o, "index", &d->index, e);
	if (r == 0)
		r = small(o, "bus", &d->bus, e);
	if (r == 0)
		r = small(o, "unit", &d->unit, e);
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

/* ---- -device ---- */

static int add_disk(struct parse *p, struct drive *d, struct err *e)
{
	if (p->c->disks == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d disks", CONFIG_DEVICES);
	p->c->disk[p->c->disks++] = d->disk;
	d->disk = (struct config_disk){ 0 };
	d->taken = true;
	return 0;
}

static int counts(struct optset *o, const struct device_row *row, struct config_disk *d,
		  struct err *e)
{
	uint64_t queues = 0, threads = 0;
	int r = optset_u64(o, "num-queues", &queues, e);

	if (r == 0)
		r = optset_u64(o, "threads", &threads, e);
	if (r == 0 && (queues > 16 || threads > 64))
		r = err_set(e, -EINVAL, "%s: 16 queues and 64 threads at most", row->name);
	d->queues = (unsigned)queues;
	d->threads = (unsigned)threads;
	return r;
}

/* "ide.0", "scsi0.0": the name of a controller and a number. */
static int bus_name(const char *bus, const char *device, char *name, size_t size, unsigned *n,
		    struct err *e)
{
	const char *dot = strrchr(bus, '.');
	char *end = NULL;
	unsigned long v = dot && dot[1] ? strtoul(dot + 1, &end, 10) : 0;

	if (!end || *end || v > 255 || (size_t)(dot - bus) >= size)
		return err_set(e, -EINVAL, "%s: there is no bus '%s'", device, bus);
	memcpy(name, bus, (size_t)(dot - bus));
	name[dot - bus] = '\0';
	*n = (unsigned)v;
	return 0;
}

/* bus=ide.N,unit=M: of IDE's channels, or the ports of AHCI. */
static int place_ide(struct optset *o, const struct device_row *row, struct drive *d,
		     struct err *e)
{
	const char *bus = optset_get(o, "bus");
	char name[32];
	unsigned n = 0;
	int r = 0;

	if (bus)
		r = bus_name(bus, row->name, name, sizeof(name), &n, e);
	if (r == 0 && bus && strcmp(name, "ide") != 0)
		r = err_set(e, -EINVAL, "%s: there is no bus '%s'; there is ide.0", row->name,
			    bus);
	if (r == 0 && bus)
		d->bus = (int)n;
	return r < 0 ? r : small(o, "unit", &d->unit, e);
}

static int place_scsi(struct parse *p, struct optset *o, const struct device_row *row,
		      struct drive *d, struct err *e)
{
	const char *bus = optset_get(o, "bus");
	uint64_t target = 0, lun = 0;
	char name[32] = "";
	unsigned n = 0, i = 0;
	int r = bus ? bus_name(bus, row->name, name, sizeof(name), &n, e) : 0;

	/* without a name of its own, the first is called "scsi" as QEMU calls it */
	while (r == 0 && bus && i < p->c->scsis && strcmp(p->c->scsi[i], name) != 0)
		i++;
	if (r == 0 && (i >= p->c->scsis || n))
		r = err_set(e, -EINVAL,
			    "%s: there is no bus '%s'; a -device virtio-scsi-pci before "
			    "it makes one",
			    row->name, bus ? bus : "scsi.0");
	d->unit = -1;
	d->disk.controller = i;
	if (r == 0)
		r = optset_u64(o, "scsi-id", &target, e);
	if (r == 0 && optset_get(o, "scsi-id"))
		d->unit = (int)target;
	if (r == 0)
		r = optset_u64(o, "lun", &lun, e);
	if (r == 0 && (target > 255 || lun > 255))
		r = err_set(e, -EINVAL, "%s: scsi-id and lun are at most 255", row->name);
	d->disk.lun = (unsigned)lun;
	return r;
}

static struct drive *find_drive(struct parse *p, const char *id)
{
	for (unsigned i = 0; id && i < p->n_drives; i++) {
		struct drive *d = &p->drives[i];

		if (!d->taken && d->loose && d->disk.id && !strcmp(d->disk.id, id))
			return d;
	}
	return NULL;
}

int options_device_disk(struct parse *p, const struct device_row *row, struct optset *o,
			struct err *e)
{
	static const struct {
		enum disk_bus bus;
		bool cdrom;
	} kinds[] = {
		[DEVICE_BLK] = { DISK_VIRTIO, false },   [DEVICE_IDE_HD] = { DISK_IDE, false },
		[DEVICE_IDE_CD] = { DISK_IDE, true },    [DEVICE_NVME] = { DISK_NVME, false },
		[DEVICE_SCSI_HD] = { DISK_SCSI, false }, [DEVICE_SCSI_CD] = { DISK_SCSI, true },
	};
	enum disk_bus bus = kinds[row->kind].bus;
	bool cdrom = kinds[row->kind].cdrom;
	const char *id = optset_get(o, "drive");
	struct drive *d = find_drive(p, id);
	int r;

	if (!d && !id && cdrom) {
		r = options_new_drive(p, &d, e);
		if (r < 0)
			return r;
	}
	if (!d && !id)
		return err_set(e, -EINVAL, "-device %s: drive= is missing", row->name);
	if (!d)
		return err_set(e, -EINVAL,
			       "-device %s,drive=%s: no -drive or -blockdev has that id",
			       row->name, id);
	d->disk.bus = bus;
	d->disk.cdrom = cdrom;
	/* what is placed now is not looked for by its if= later */
	d->loose = false;
	r = options_take(o, "serial", &d->disk.serial, e);
	if (r == 0)
		r = options_bootindex(o, &d->disk.boot, e);
	if (r == 0)
		r = action(o, "werror", &d->disk.werror, e);
	if (r == 0)
		r = action(o, "rerror", &d->disk.rerror, e);
	if (r == 0)
		r = counts(o, row, &d->disk, e);
	if (r == 0 && bus == DISK_IDE)
		r = place_ide(o, row, d, e);
	if (r == 0 && bus == DISK_SCSI)
		r = place_scsi(p, o, row, d, e);
	return r;
}

int options_device_scsi(struct parse *p, const char *id, struct err *e)
{
	if (p->c->scsis == CONFIG_SCSI)
		return err_set(e, -EINVAL, "more than %d SCSI controllers", CONFIG_SCSI);
	p->c->scsi[p->c->scsis] = NULL;
	return options_string(&p->c->scsi[p->c->scsis++], id ? id : "scsi", e);
}

/* ---- the end of the line ---- */

/* Which unit of IDE or port of SATA, among @units; @used has a bit for each that is taken. */
static int ide_unit(const struct parse *p, const struct drive *d, unsigned *used,
		    unsigned *unit, struct err *e)
{
	bool q35 = p->c->kind == MACHINE_Q35;
	unsigned units = q35 ? SATA_PORTS : IDE_UNITS, per = q35 ? 1 : 2, n = 0;

	if (d->index >= 0) {
		n = (unsigned)d->index;
	} else if (d->bus >= 0 && d->unit >= 0) {
		n = (unsigned)d->unit < per ? (unsigned)d->bus * per + (unsigned)d->unit
					    : units;
	} else {
		unsigned first = d->bus >= 0 ? (unsigned)d->bus * per : 0;
		unsigned end = d->bus >= 0 ? first + per : units;

		for (n = first; n < end && n < units; n++)
			if (!(*used >> n & 1) && (d->unit < 0 || n % per == (unsigned)d->unit))
				break;
		n = n < end ? n : units;
	}
	if (n >= units)
		return err_set(e, -EINVAL, "%s: there is no such place; %s",
			       d->disk.file ? d->disk.file : "the CD-ROM drive",
			       q35 ? "q35 has six SATA ports, one disk each"
				   : "pc has two IDE channels, two disks each");
	if (*used >> n & 1)
		return err_set(e, -EINVAL, "%s: drive %u of %s is taken already",
			       d->disk.file ? d->disk.file : "the CD-ROM drive", n,
			       q35 ? "the SATA ports" : "IDE");
	*used |= 1u << n;
	*unit = n;
	return 0;
}

static int scsi_unit(struct drive *d, uint8_t used[CONFIG_SCSI][256], struct err *e)
{
	uint8_t *u = used[d->disk.controller];
	unsigned n = d->unit >= 0 ? (unsigned)d->unit : 0;

	while (d->unit < 0 && n < 255 && u[n])
		n++;
	if (d->unit >= 0 ? u[n] > d->disk.lun : u[n])
		return err_set(e, -EINVAL, "SCSI target %u, unit %u is taken already", n,
			       d->disk.lun);
	u[n] = (uint8_t)(d->disk.lun + 1);
	d->disk.unit = n;
	return 0;
}

static int flash_unit(struct drive *d, unsigned *used, struct err *e)
{
	int n = d->unit >= 0 ? d->unit : d->index;

	if (n < 0)
		n = *used & 1;
	if (n >= CONFIG_FLASHES || (*used >> n & 1))
		return err_set(e, -EINVAL, "%s: there are two units of flash memory, 0 and 1",
			       d->disk.file);
	*used |= 1u << n;
	d->disk.unit = (unsigned)n;
	return 0;
}

/* -machine pflash0=ID. */
static int take_flashes(struct parse *p, struct err *e)
{
	for (int i = 0; i < CONFIG_FLASHES; i++) {
		struct drive *d = find_drive(p, p->pflash[i]);

		if (!p->pflash[i])
			continue;
		if (!d)
			return err_set(
				e, -EINVAL,
				"-machine pflash%d=%s: no -drive or -blockdev has that id", i,
				p->pflash[i]);
		d->disk.bus = DISK_PFLASH;
		d->loose = false;
		d->unit = i;
	}
	return 0;
}

/* Drives that say where they are come before those that take what is left. */
static int place_all(struct parse *p, struct err *e)
{
	uint8_t scsi[CONFIG_SCSI][256] = { 0 };
	unsigned used = 0, flashes = 0;
	int r = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < p->n_drives && r == 0; i++) {
			struct drive *d = &p->drives[i];
			bool fixed = d->index >= 0 || d->unit >= 0;

			if (d->loose || fixed == (pass == 1))
				continue;
			if (d->disk.bus == DISK_IDE)
				r = ide_unit(p, d, &used, &d->disk.unit, e);
			else if (d->disk.bus == DISK_SCSI)
				r = scsi_unit(d, scsi, e);
			else if (d->disk.bus == DISK_PFLASH)
				r = flash_unit(d, &flashes, e);
		}
	}
	return r;
}

int options_disks_finish(struct parse *p, struct err *e)
{
	int r = take_flashes(p, e);

	for (unsigned i = 0; i < p->n_drives && r == 0; i++) {
		struct drive *d = &p->drives[i];

		if (d->loose && !d->node)
			r = err_set(e, -EINVAL, "no -device uses the drive %s (%s)",
				    d->disk.id ? d->disk.id : "", d->disk.file);
		/* as QEMU does for if=scsi */
		if (r == 0 && !d->loose && d->disk.bus == DISK_SCSI && !p->c->scsis)
			r = options_device_scsi(p, NULL, e);
	}
	if (r == 0)
		r = place_all(p, e);
	for (unsigned i = 0; i < p->n_drives && r == 0; i++)
		if (!p->drives[i].loose)
			r = add_disk(p, &p->drives[i], e);
	for (unsigned i = 0; i < p->c->disks; i++) {
		struct config_disk *d = &p->c->disk[i];

		d->snapshot |= p->c->snapshot && !d->cdrom;
		d->readonly |= d->cdrom;
	}
	return r;
}
