/* SPDX-License-Identifier: MIT */
/*
 * Parallels disk images, version 2, with either magic.  docs/formats/parallels.md says how they
 * are laid out.
 */
#ifndef IMG_FORMAT_PARALLELS_H
#define IMG_FORMAT_PARALLELS_H

#include "img/format/bat.h"

enum { PARALLELS_HEADER = 64 };

/* In the field "in use". */
#define PARALLELS_OPEN 0x746f6e59u

struct parallels_header {
	bool ext;           /* "WithouFreSpacExt": places are counted in clusters */
	uint32_t tracks;    /* sectors of a cluster */
	uint32_t entries;   /* of the table that follows the header */
	uint64_t sectors;   /* of the disk */
	uint32_t in_use;    /* PARALLELS_OPEN: nobody has closed it */
	uint32_t data_off;  /* sector where clusters may begin, or 0 */
	uint64_t extension; /* sector of the format extension, or 0 */
};

/* -EINVAL: not Parallels; -EFBIG: a field is out of range; -EUCLEAN. */
int parallels_header_parse(struct parallels_header *h, const uint8_t *p, struct err *e)
	MUST_CHECK;

struct parallels {
	struct bat bat; /* first */
	struct parallels_header h;
	uint64_t unit; /* bytes in which places are counted */
	pthread_mutex_t first;
	_Atomic bool marked; /* the file says that it is in use, by us */
};

static inline struct parallels *to_parallels(const struct bat *t)
{
	return (struct parallels *)(uintptr_t)t;
}

/* Where block @n lies, 0: nowhere. */
uint64_t parallels_place(const struct parallels *v, uint64_t n);
/* Says in the file whether it is in use, and syncs. */
int parallels_mark(struct parallels *v, uint32_t in_use, struct err *e) MUST_CHECK;
/* Finds the end of the last cluster; *outside how many lie past the end of the file. */
void parallels_find_end(struct parallels *v, uint64_t *outside);

int parallels_create(struct blk *file, struct blk *data, const struct img_create *c,
		     struct progress *p, struct err *e) MUST_CHECK;
int parallels_check(struct blk *b, struct img_check *c, struct err *e) MUST_CHECK;

extern const struct img_format img_format_parallels;

#endif
