/* SPDX-License-Identifier: MIT */
/* virtio-scsi: a controller with disks and CD-ROM drives. */
#ifndef EMU_VIRTIO_SCSI_H
#define EMU_VIRTIO_SCSI_H

#include "emu/virtio/virtio.h"

struct disk;
struct virtio_scsi;

struct virtio_scsi_unit {
	struct disk *disk; /* stays the caller's */
	bool cdrom;
	uint8_t target, lun;
};

#define VIRTIO_SCSI_UNITS 32

struct virtio_scsi_config {
	const struct virtio_scsi_unit *unit;
	unsigned units, queues;
	const struct config_pci *where; /* NULL: anywhere */
};

int virtio_scsi_new(struct virtio_scsi **out, struct pci *p, struct mem *m,
		    const struct virtio_scsi_config *c, struct err *e) MUST_CHECK;
/* No request is in work when it returns. */
void virtio_scsi_free(struct virtio_scsi *s);
void virtio_scsi_reset(struct virtio_scsi *s);
/* For its place on the bus. */
const struct pci_dev *virtio_scsi_pci(const struct virtio_scsi *s);

#endif
