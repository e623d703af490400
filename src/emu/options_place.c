/* SPDX-License-Identifier: MIT */
/* What -device says about disks, and where they go in the end. */
#include "base/mem.h"
#include "emu/devices.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

#define IDE_UNITS  4u
#define SATA_PORTS 6u

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

/* No device uses it: one that is plugged in later may. */
static void spare_disk(struct parse *p, struct drive *d)
{
	d->disk.snapshot |= p->c->snapshot && !d->node;
	p->c->node[p->c->nodes++] = d->disk;
	d->disk = (struct config_disk){ 0 };
	d->taken = true;
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
	return r < 0 ? r : options_small(o, "unit", &d->unit, e);
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

/* A text of at most @most letters. */
static int trait_text(struct optset *o, const char *key, size_t most, char **to, struct err *e)
{
	int r = options_take(o, key, to, e);

	if (r == 0 && *to && strlen(*to) > most)
		r = err_set(e, -EINVAL, "%s=%s has more than %zu letters", key, *to, most);
	return r;
}

static int trait_size(struct optset *o, const char *key, uint64_t most, uint32_t *to,
		      struct err *e)
{
	uint64_t v = 0;
	int r = optset_size(o, key, &v, e);

	if (r == 0 && (v % 512 || v > most))
		r = err_set(e, -EINVAL, "%s=%llu: a multiple of 512 up to %llu", key,
			    (unsigned long long)v, (unsigned long long)most);
	*to = (uint32_t)v;
	return r;
}

/* Only the keys that the device has are asked for. */
static int traits(struct optset *o, const struct device_row *row, struct config_disk *d,
		  struct err *e)
{
	struct config_traits *t = &d->traits;
	bool scsi = d->bus == DISK_SCSI;
	uint64_t turns = 0;
	int r = 0;

	if (device_has_key(row, "model"))
		r = trait_text(o, "model", 40, &t->model, e);
	if (r == 0 && device_has_key(row, "product"))
		r = trait_text(o, "product", 16, &t->model, e);
	if (r == 0 && device_has_key(row, "vendor"))
		r = trait_text(o, "vendor", 8, &t->vendor, e);
	if (r == 0 && device_has_key(row, "ver"))
		r = trait_text(o, "ver", scsi ? 4 : 8, &t->version, e);
	if (r == 0 && device_has_key(row, "wwn"))
		r = optset_u64(o, "wwn", &t->wwn, e);
	if (r == 0 && device_has_key(row, "rotation_rate"))
		r = optset_u64(o, "rotation_rate", &turns, e);
	if (r == 0 && turns > 0xfffe)
		r = err_set(e, -EINVAL, "rotation_rate=%llu: at most 65534",
			    (unsigned long long)turns);
	t->rotation = (uint16_t)turns;
	if (r == 0 && device_has_key(row, "physical_block_size"))
		r = trait_size(o, "physical_block_size", 2 << 20, &t->physical, e);
	if (r == 0 && t->physical & (t->physical - 1))
		r = err_set(e, -EINVAL, "physical_block_size=%u: a power of two", t->physical);
	if (r == 0 && device_has_key(row, "min_io_size"))
		r = trait_size(o, "min_io_size", 65535 * 512, &t->min_io, e);
	if (r == 0 && device_has_key(row, "opt_io_size"))
		r = trait_size(o, "opt_io_size", 1 << 30, &t->opt_io, e);
	return r;
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
		r = options_take(o, "id", &d->disk.dev, e);
	if (r == 0)
		r = options_bootindex(o, &d->disk.boot, e);
	if (r == 0)
		r = options_action(o, "werror", &d->disk.werror, e);
	if (r == 0)
		r = options_action(o, "rerror", &d->disk.rerror, e);
	if (r == 0)
		r = traits(o, row, &d->disk, e);
	if (r == 0)
		r = counts(o, row, &d->disk, e);
	if (r == 0 && (bus == DISK_VIRTIO || bus == DISK_NVME))
		r = options_pci(o, row, &d->disk.pci, e);
	if (r == 0 && bus == DISK_IDE)
		r = place_ide(o, row, d, e);
	if (r == 0 && bus == DISK_SCSI)
		r = place_scsi(p, o, row, d, e);
	return r;
}

int options_device_scsi(struct parse *p, const char *id, const struct config_pci *pci,
			struct err *e)
{
	if (p->c->scsis == CONFIG_SCSI)
		return err_set(e, -EINVAL, "more than %d SCSI controllers", CONFIG_SCSI);
	p->c->scsi[p->c->scsis] = NULL;
	p->c->scsi_pci[p->c->scsis] = *pci;
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

		if (d->loose && !d->disk.id)
			r = err_set(
				e, -EINVAL,
				"%s: a drive of if=none needs id=, by which a device finds it",
				d->disk.file);
		/* as QEMU does for if=scsi */
		if (r == 0 && !d->loose && d->disk.bus == DISK_SCSI && !p->c->scsis)
			r = options_device_scsi(p, NULL, &(struct config_pci){ 0 }, e);
	}
	if (r == 0)
		r = place_all(p, e);
	for (unsigned i = 0; i < p->n_drives && r == 0; i++)
		if (!p->drives[i].loose)
			r = add_disk(p, &p->drives[i], e);
	for (unsigned i = 0; i < p->n_drives && r == 0; i++)
		if (p->drives[i].loose && !p->drives[i].taken)
			spare_disk(p, &p->drives[i]);
	for (unsigned i = 0; i < p->c->disks; i++) {
		struct config_disk *d = &p->c->disk[i];

		d->snapshot |= p->c->snapshot && !d->cdrom;
		d->readonly |= d->cdrom;
	}
	return r;
}
