/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_disks.h"

#include "base/mem.h"
#include "base/str.h"
#include "emu/dev/ahci.h"
#include "emu/dev/ide.h"
#include "emu/dev/nvme.h"
#include "emu/disk.h"
#include "emu/virtio/blk.h"
#include "emu/virtio/scsi.h"
#include "img/blk.h"

#include <stdlib.h>

#define IDE_IRQ   14
#define IDE_SLOT  1
#define SATA_SLOT 31
#define THREADS   4

struct pc_disks {
	struct machine *m;
	struct pci *bus;
	struct irq isa;
	struct disk disk[CONFIG_DEVICES];
	char name[CONFIG_DEVICES][MACHINE_DISK_NAME];
	struct virtio_blk *blk[CONFIG_DEVICES];
	struct ide *ide;
	struct ahci *ahci;
	struct nvme *nvme[CONFIG_DEVICES];
	struct virtio_scsi *scsi[CONFIG_SCSI];
};

static const struct config_disk *config(const struct pc_disks *p, unsigned i)
{
	return &p->m->config->disk[i];
}

static unsigned threads(const struct config_disk *c)
{
	return c->threads ? c->threads : THREADS;
}

/* The disk that the configuration has at @i, without an image. */
static int prepare(struct pc_disks *p, unsigned i, struct err *e)
{
	const struct config_disk *c = config(p, i);
	struct disk *d = &p->disk[i];

	machine_disk_name(p->m->config, i, p->name[i]);
	*d = (struct disk){ .readonly = c->readonly,
			    .name = p->name[i],
			    .id = c->dev,
			    .serial = c->serial,
			    .traits = c->traits,
			    .werror = c->werror,
			    .rerror = c->rerror };
	machine_disk(p->m, d);
	return disk_gate_new(d, e);
}

static int open_all(struct pc_disks *p, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < p->m->config->disks && r == 0; i++) {
		const struct config_disk *c = config(p, i);

		r = prepare(p, i, e);
		/* flash memory is the firmware's */
		if (r == 0 && c->file && c->bus != DISK_PFLASH)
			r = disk_open(c, p->m->config->log, &p->disk[i].image, e);
	}
	return r;
}

static int add_virtio(struct pc_disks *p, unsigned i, struct err *e);
static int add_nvme(struct pc_disks *p, unsigned i, struct err *e);

int pc_disks_plug(struct pc_disks *p, unsigned i, struct node *v, struct err *e)
{
	struct disk *d = &p->disk[i];
	int r = prepare(p, i, e);

	if (r < 0)
		return r;
	d->image = v->image;
	d->node = v;
	r = config(p, i)->bus == DISK_NVME ? add_nvme(p, i, e) : add_virtio(p, i, e);
	if (r < 0)
		disk_gate_free(d);
	return r;
}

struct blk *pc_disks_unplug(struct pc_disks *p, unsigned i, struct node **v)
{
	struct disk *d = &p->disk[i];
	struct blk *image = d->image;

	virtio_blk_free(p->blk[i]);
	nvme_free(p->nvme[i]);
	p->blk[i] = NULL;
	p->nvme[i] = NULL;
	*v = d->node;
	disk_gate_free(d);
	*d = (struct disk){ .image = NULL };
	return image;
}

const struct pci_dev *pc_disks_place(const struct pc_disks *p, unsigned i)
{
	return p->blk[i] ? virtio_blk_pci(p->blk[i]) : p->nvme[i] ? nvme_pci(p->nvme[i]) : NULL;
}

struct disk *pc_disks_at(struct pc_disks *p, unsigned n)
{
	return &p->disk[n];
}

static int add_virtio(struct pc_disks *p, unsigned i, struct err *e)
{
	const struct config_disk *c = config(p, i);
	const struct virtio_blk_config v = { .disk = &p->disk[i],
					     .queues = c->queues ? c->queues : p->m->vcpus,
					     .threads = threads(c),
					     .where = &c->pci };

	return virtio_blk_new(&p->blk[i], p->bus, p->m->mem, &v, e);
}

static int add_scsi(struct pc_disks *p, unsigned n, struct err *e)
{
	struct virtio_scsi_unit u[VIRTIO_SCSI_UNITS];
	unsigned units = 0;

	for (unsigned i = 0; i < p->m->config->disks && units < VIRTIO_SCSI_UNITS; i++) {
		const struct config_disk *c = config(p, i);

		if (c->bus == DISK_SCSI && c->controller == n)
			u[units++] =
				(struct virtio_scsi_unit){ &p->disk[i], c->cdrom,
							   (uint8_t)c->unit, (uint8_t)c->lun };
	}
	return virtio_scsi_new(&p->scsi[n], p->bus, p->m->mem,
			       &(struct virtio_scsi_config){ u, units, p->m->vcpus,
							     &p->m->config->scsi_pci[n] },
			       e);
}

static int add_nvme(struct pc_disks *p, unsigned i, struct err *e)
{
	const struct config_disk *c = config(p, i);
	const struct nvme_env env = { .pci = p->bus,
				      .mem = p->m->mem,
				      .disk = &p->disk[i],
				      .queues = c->queues ? c->queues : p->m->vcpus,
				      .threads = threads(c),
				      .slot = c->pci.slot };

	return nvme_new(&p->nvme[i], &env, e);
}

static int add_ide(struct pc_disks *p, struct err *e)
{
	const struct ide_env env = {
		.bus = p->m->bus,
		.pci = p->bus,
		.slot = IDE_SLOT,
		.fn = 1,
		.mem = p->m->mem,
		.irq = { { p->isa.set, p->isa.arg, p->isa.pin + IDE_IRQ },
			 { p->isa.set, p->isa.arg, p->isa.pin + IDE_IRQ + 1 } },
	};
	struct ide_drive drive[IDE_DRIVES] = { { NULL, false } };

	for (unsigned i = 0; i < p->m->config->disks; i++)
		if (config(p, i)->bus == DISK_IDE)
			drive[config(p, i)->unit % IDE_DRIVES] =
				(struct ide_drive){ &p->disk[i], config(p, i)->cdrom };
	return ide_new(&p->ide, &env, drive, e);
}

static int add_ahci(struct pc_disks *p, struct err *e)
{
	const struct ahci_env env = {
		.pci = p->bus, .slot = SATA_SLOT, .fn = 2, .mem = p->m->mem, .threads = THREADS
	};
	struct ahci_drive drive[AHCI_PORTS] = { { NULL, false } };

	for (unsigned i = 0; i < p->m->config->disks; i++)
		if (config(p, i)->bus == DISK_IDE)
			drive[config(p, i)->unit % AHCI_PORTS] =
				(struct ahci_drive){ &p->disk[i], config(p, i)->cdrom };
	return ahci_new(&p->ahci, &env, drive, e);
}

int pc_disks_new(struct pc_disks **out, struct machine *m, struct pci *bus, struct irq isa,
		 struct err *e)
{
	bool q35 = m->config->kind == MACHINE_Q35;
	struct pc_disks *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	*out = p;
	p->m = m;
	p->bus = bus;
	p->isa = isa;
	r = open_all(p, e);
	for (unsigned i = 0; i < m->config->scsis && r == 0; i++)
		r = add_scsi(p, i, e);
	if (r == 0)
		r = q35 ? add_ahci(p, e) : add_ide(p, e);
	for (unsigned i = 0; i < m->config->disks && r == 0; i++) {
		const struct config_disk *c = config(p, i);

		if (c->bus == DISK_VIRTIO)
			r = add_virtio(p, i, e);
		else if (c->bus == DISK_NVME)
			r = add_nvme(p, i, e);
	}
	return r;
}

void pc_disks_path(const struct pc_disks *p, unsigned n, struct str *out)
{
	const struct config_disk *c = config(p, n);

	str_add(out, "/pci@i0cf8/");
	if (c->bus == DISK_VIRTIO)
		str_addf(out, "scsi@%x/disk@0,0", virtio_blk_pci(p->blk[n])->slot);
	else if (c->bus == DISK_NVME)
		str_addf(out, "pci8086,5845@%x/namespace@1,0", nvme_pci(p->nvme[n])->slot);
	else if (c->bus == DISK_SCSI)
		str_addf(out, "scsi@%x/channel@0/disk@%x,%x",
			 virtio_scsi_pci(p->scsi[c->controller])->slot, c->unit, c->lun);
	else if (p->ahci)
		str_addf(out, "pci8086,2922@%x,2/drive@%x/disk@0", SATA_SLOT, c->unit);
	else
		str_addf(out, "ide@%x,1/drive@%x/disk@%x", IDE_SLOT, c->unit / 2, c->unit % 2);
}

void pc_disks_reset(struct pc_disks *p)
{
	if (p->ide)
		ide_reset(p->ide);
	if (p->ahci)
		ahci_reset(p->ahci);
	for (unsigned i = 0; i < CONFIG_SCSI; i++)
		if (p->scsi[i])
			virtio_scsi_reset(p->scsi[i]);
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		if (p->blk[i])
			virtio_blk_reset(p->blk[i]);
		if (p->nvme[i])
			nvme_reset(p->nvme[i]);
	}
}

void pc_disks_free(struct pc_disks *p)
{
	if (!p)
		return;
	ide_free(p->ide);
	ahci_free(p->ahci);
	for (unsigned i = 0; i < CONFIG_SCSI; i++)
		virtio_scsi_free(p->scsi[i]);
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		struct disk *d = &p->disk[i];
		struct err e = { 0 };

		virtio_blk_free(p->blk[i]);
		nvme_free(p->nvme[i]);
		if (!d->node && blk_close(d->image, &e) < 0)
			machine_lost(p->m, e.msg);
		disk_gate_free(d);
	}
	free(p);
}
