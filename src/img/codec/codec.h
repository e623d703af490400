/* SPDX-License-Identifier: MIT */
/*
 * Compressed clusters: raw deflate with a 4 KiB window, zstd, and zlib streams (RFC 1950).  A codec
 * belongs to one thread at a time; its working memory is made once and
 * reused, which is where most of the time of one-shot use goes.
 */
#ifndef IMG_CODEC_CODEC_H
#define IMG_CODEC_CODEC_H

#include "base/err.h"
#include "base/zero.h"

#include <stddef.h>
#include <stdint.h>

/* ZLIB never fails for want of room where there is 1/4096 and 64 bytes more than the data has, and
 * of a stream that ends early the rest is zeroes. */
enum codec_kind { CODEC_DEFLATE, CODEC_ZSTD, CODEC_ZLIB };
/* FAST: at most 1 % larger than zlib level 6; SMALL: no larger. */
enum codec_level { CODEC_FAST, CODEC_SMALL };

struct codec;

int codec_new(enum codec_kind k, enum codec_level level, struct codec **out, struct err *e)
	MUST_CHECK;
void codec_free(struct codec *c);

/*
 * @n clusters follow that are likely alike: what is learnt from the first ones may be used
 * for the rest, and what was learnt before is not, so that the result depends on the run
 * alone.  May be left out for clusters that have nothing to do with each other.
 */
void codec_begin(struct codec *c, size_t n);
/*
 * Compresses @len bytes into at most @room bytes.  Returns the compressed length,
 * -ENOSPC when it does not fit (the data is better stored plain; cheap
 * tests may say so without trying), or another negative errno.
 */
long codec_compress(struct codec *c, void *out, size_t room, const void *in, size_t len,
		    struct err *e) MUST_CHECK;
/*
 * Expands into exactly @len bytes.  @in may have bytes after the end of the
 * stream (padding to a sector).  -EUCLEAN: damaged or too short.
 */
int codec_expand(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
		 struct err *e) MUST_CHECK;

/* A codec of the calling thread's own kind from a small pool; give it back. */
struct codec_pool;
int codec_pool_new(enum codec_kind k, enum codec_level level, struct codec_pool **out,
		   struct err *e) MUST_CHECK;
int codec_pool_get(struct codec_pool *p, struct codec **out, struct err *e) MUST_CHECK;
void codec_pool_put(struct codec_pool *p, struct codec *c);
void codec_pool_free(struct codec_pool *p);

#endif
