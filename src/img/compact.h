/* SPDX-License-Identifier: MIT */
/*
 * Giving back the space that an image takes and does not need, in place.
 *
 * Data that is zero is dropped, what nothing refers to is freed, what lies at the end of the
 * file moves into holes before it, and the file is cut; what remains free inside is
 * punched out.  Snapshots and bitmaps stay.  At any instant the image in the file is whole, with
 * leaked clusters at worst: whoever is stopped begins again.
 *
 * A raw image, and a data file of its own, get holes where they hold zeroes.
 */
#ifndef IMG_COMPACT_H
#define IMG_COMPACT_H

#include "base/pace.h"
#include "base/progress.h"
#include "img/blk.h"

struct img_compact {
	/* in */
	bool dry_run;   /* say what there is to be had; @b may be read-only */
	bool no_zeroes; /* do not read data to look for zeroes: only holes of the file count */
	uint64_t rate;  /* bytes read and written per second; 0: no limit */
	struct progress *progress; /* bytes looked at and bytes to be moved; may be NULL */
	const atomic_bool *stop;   /* becomes true: -EINTR, with all done so far kept */
	/* out; of a dry run: as it would be, but for the disk sizes */
	uint64_t file_before, file_after; /* length of the file */
	uint64_t disk_before, disk_after; /* allocated, with the data file */
	uint64_t zero;                    /* bytes of data that were zero and took space */
	uint64_t leaked;                  /* bytes that nothing referred to */
	uint64_t moved;                   /* bytes that changed their place */
};

/*
 * @b is open for writing with BLK_UNMAP, and can only be closed after.  -EUCLEAN: repair it
 * first; -ENOTSUP: the format cannot be compacted.
 */
int img_compact(struct blk *b, struct img_compact *c, struct err *e) MUST_CHECK;

/* ---- for formats ---- */

/* Holes where @b, a node of plain bytes, holds zeroes. */
int compact_holes(struct blk *b, struct img_compact *c, struct err *e) MUST_CHECK;
/* After each @bytes of work: counts them, keeps the rate, -EINTR. */
struct compact_pace {
	struct img_compact *c;
	struct pace pace;
};
void compact_pace_start(struct compact_pace *p, struct img_compact *c);
int compact_pace_step(struct compact_pace *p, uint64_t bytes, struct err *e) MUST_CHECK;

#endif
