/* SPDX-License-Identifier: MIT */
/*
 * Copying the contents of images into another one, of any format.
 *
 * Without no_create the result is built beside the destination and takes its name only when
 * it is complete (img/output.h), so a failure leaves what was there before.
 */
#ifndef IMG_CONVERT_H
#define IMG_CONVERT_H

#include "img/img.h"

#include <stdatomic.h>

enum { CONVERT_PARALLEL_MAX = 16 };

struct img_convert {
	/* What to read, open; several are laid one after the other. */
	struct blk **src;
	size_t src_n;
	/* Instead of them: raw bytes to their end, however many come (img/proto/stream.h). */
	struct stream_in *in;

	/* What to make. */
	const char *dst;          /* path, or a protocol's name */
	bool to_stdout;           /* instead of dst, front to back; no data file */
	const char *dst_format;   /* "raw", "qcow2" */
	unsigned dst_flags;       /* cache mode: BLK_DIRECT, BLK_NOFLUSH, BLK_WRITETHROUGH */
	struct img_create create; /* size 0: as much as the sources hold */
	struct optset *dst_opts;  /* run-time options of the destination (no_create), or NULL */
	/* No local file and no name: dst_opts say it all, dst is what messages call it. */
	bool dst_by_opts;
	bool no_create;      /* -n: write into the image that is there */
	bool target_is_zero; /* --target-is-zero: it reads as zeroes already */
	bool force;          /* do not ask img_guard() at all */
	bool content_guard;  /* refuse what holds a file system, partition table, ... too */

	/* How. */
	bool compress, salvage, copy_range, out_of_order;
	bool verify;       /* read both again when all is written, before the name is taken */
	unsigned parallel; /* 1..CONVERT_PARALLEL_MAX; 0: chosen by processors */
	bool sparse_given; /* -S was used: look for zeroes even where blocks can be shared */
	uint64_t sparse;   /* bytes of zeroes that become a hole; 0: all is written */
	uint64_t rate;     /* bytes per second; 0: no limit */
	/* What the map of the source calls data is written, zeroes in it or not. */
	bool by_map;
	unsigned rounds; /* how often the source is gone through; 0: once */
	bool map_only;   /* by_map, and nothing is read: whoever is written to does not look */
	bool bitmaps;    /* copy the source's persistent bitmaps, too */
	bool skip_bitmaps; /* leave inconsistent ones out, with a warning */
	const struct blk_log *log;
	struct progress *progress;
	const atomic_bool *stop; /* becomes true: give up with -EINTR.  May be NULL */

	/* out */
	bool in_place; /* the destination was written where it is; why: */
	const char *in_place_why;
	uint64_t read_errors; /* sectors that salvage replaced by zeroes */
};

/* -EINVAL: options that exclude each other; -ENOTSUP: the format cannot compress;
 * -ENOSPC with no_create: the destination is smaller than the sources. */
int img_convert(struct img_convert *c, struct err *e) MUST_CHECK;

#endif
