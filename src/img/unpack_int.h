/* SPDX-License-Identifier: MIT */
/* What unpack.c asks of each kind. */
#ifndef IMG_UNPACK_INT_H
#define IMG_UNPACK_INT_H

#include "img/unpack.h"

#include <stdbool.h>
#include <stdint.h>

enum { UNPACK_STEP = 256 << 10 };

struct unpack {
	enum unpack_kind kind;
	unpack_sink *sink;
	void *arg;
	const uint8_t *in; /* not yet taken */
	size_t in_n;
	size_t out_n; /* bytes in out */
	bool at_end;  /* a member ended, and nothing has come since */
	bool started; /* something came */
	void *state;  /* of the kind */
	uint8_t out[UNPACK_STEP];
};

struct unpack_ops {
	int (*start)(struct unpack *u, struct err *e);
	/* Takes from in, adds to out; sets at_end at the end of a member, and is ready for another.
	 * -EUCLEAN: damaged. */
	int (*step)(struct unpack *u, struct err *e);
	void (*stop)(struct unpack *u);
};

extern const struct unpack_ops unpack_gz, unpack_zst;
#ifdef HAVE_LIBLZMA
extern const struct unpack_ops unpack_xz;
#endif
#ifdef HAVE_BZIP2
extern const struct unpack_ops unpack_bz2;
#endif

#endif
