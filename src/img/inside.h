/* SPDX-License-Identifier: MIT */
/*
 * What a disk holds: partition table, file systems, volumes, and what its partitions are
 * for.  Nothing is mounted: libblkid looks at the places where such things are known by,
 * which are copied out of the image, whatever its format.
 */
#ifndef IMG_INSIDE_H
#define IMG_INSIDE_H

#include "img/blk.h"

enum { INSIDE_PARTS_MAX = 256 };

/* What lies at one place.  Strings are owned, NULL where there is nothing to say. */
struct inside_content {
	char *type;  /* "ext4", "crypto_LUKS", "LVM2_member", "swap" */
	char *usage; /* "file system", "encrypted volume", ... */
	char *label, *uuid;
};

struct inside_part {
	unsigned number;    /* as the kernel would count */
	uint64_t off, size; /* bytes */
	char *kind;         /* type in the table: GUID, or 0x83 */
	const char *means;  /* in words, where the kind is a known one, or NULL */
	char *name;         /* GPT */
	bool boot;          /* the active flag of an MBR, the legacy boot bit of a GPT */
	struct inside_content content;
};

struct inside {
	char *table; /* "gpt", "dos", ...; NULL: none */
	char *table_uuid;
	struct inside_content content; /* of a disk without table */
	bool several;                  /* signatures of several kinds: nobody can say which */
	struct inside_part *parts;     /* at most INSIDE_PARTS_MAX */
	size_t parts_n;
};

/* inside_free() frees @out, also after a failure. */
int img_inside(struct blk *b, struct inside *out, struct err *e) MUST_CHECK;
void inside_free(struct inside *in);

#endif
