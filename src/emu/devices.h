/* SPDX-License-Identifier: MIT */
/* What -device knows: names, keys, what they mean. */
#ifndef EMU_DEVICES_H
#define EMU_DEVICES_H

#include <stdbool.h>

enum device_kind {
	DEVICE_BLK, /* disks are first: options_disk.c has a table of them */
	DEVICE_IDE_HD,
	DEVICE_IDE_CD,
	DEVICE_NVME,
	DEVICE_SCSI_HD,
	DEVICE_SCSI_CD,
	DEVICE_SCSI,
	DEVICE_NET,
	DEVICE_DEBUG_EXIT,
	DEVICE_PLAIN, /* the machine reads its keys */
	DEVICE_VGA,
	DEVICE_BOCHS,
};

struct device_key {
	const char *name, *type, *help;
};

struct device_row {
	const char *name, *bus, *help;
	enum device_kind kind;
	const struct device_key *keys; /* ends with a NULL name */
};

/* NULL past the last, or where there is none of that name. */
const struct device_row *device_row(unsigned i);
const struct device_row *device_find(const char *name);
bool device_has_key(const struct device_row *row, const char *key);

#endif
