/* SPDX-License-Identifier: MIT */
/*
 * A checksum of what a guest sees: the same for all formats, cluster sizes and
 * preallocations of the same bytes.
 *
 * In blocks (the construction of blkhash 1): with H the digest, the disk is cut into blocks of
 * 64 KiB, the last one shorter, and the checksum is
 *
 *	H( H(block 0) || H(block 1) || ... || size of the disk in bytes )
 *
 * with the size as 64 bits, little-endian.  Blocks are digested side by side, and those of
 * holes are not even read.  Plain: H of all bytes, as of the raw image; one thread's work.
 */
#ifndef IMG_CHECKSUM_H
#define IMG_CHECKSUM_H

#include "base/progress.h"
#include "img/blk.h"
#include "img/digest.h"

#include <stdatomic.h>

enum { CHECKSUM_BLOCK = 65536 };

struct img_checksum {
	/* in */
	struct stream_in *in;  /* raw bytes to their end instead of a node; or NULL */
	const char *algorithm; /* see digest_init() */
	bool plain;
	unsigned threads;          /* 0: as many as there are processors */
	struct progress *progress; /* in bytes of the disk; may be NULL */
	const atomic_bool *stop;   /* becomes true: give up with -EINTR.  May be NULL */
	/* out */
	uint64_t size; /* of the disk */
	uint8_t sum[DIGEST_MAX];
	size_t sum_len;
};

/* @b is NULL if c->in is there. */
int img_checksum(struct blk *b, struct img_checksum *c, struct err *e) MUST_CHECK;

#endif
