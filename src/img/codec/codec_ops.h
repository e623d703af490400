/* SPDX-License-Identifier: MIT */
/* What deflate.c and zstd.c give to codec.c. */
#ifndef IMG_CODEC_CODEC_OPS_H
#define IMG_CODEC_CODEC_OPS_H

#include "img/codec/codec.h"

struct codec_ops {
	void (*begin)(struct codec *c, size_t n); /* may be NULL */
	long (*compress)(struct codec *c, void *out, size_t room, const void *in, size_t len,
			 struct err *e);
	int (*expand)(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
		      struct err *e);
	void (*free)(struct codec *c);
};

/* First member of each codec's own struct. */
struct codec {
	const struct codec_ops *ops;
	struct codec *next; /* in the pool's list of free ones */
};

int deflate_new(enum codec_level level, struct codec **out, struct err *e) MUST_CHECK;
int zlib_new(enum codec_level level, struct codec **out, struct err *e) MUST_CHECK;
int zstd_new(enum codec_level level, struct codec **out, struct err *e) MUST_CHECK;

#endif
