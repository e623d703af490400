/* SPDX-License-Identifier: MIT */
#include "base/lib.h"
#include "base/mem.h"
#include "img/unpack_int.h"

#include <lzma.h>
#include <stdlib.h>

enum { MEMORY_MAX = 1 << 30 }; /* for the largest dictionaries that xz makes (-9e: 65 MiB) */

#define CALLS(X, t)               \
	X(t, lzma_stream_decoder) \
	X(t, lzma_code)           \
	X(t, lzma_end)

struct xz {
	CALLS(LIB_MEMBER, )
	lzma_stream s;
	bool between; /* a stream has ended: zeroes fill up to four bytes (xz format, 2.2) */
};

static const struct lib_call calls[] = { CALLS(LIB_CALL, struct xz) };
static const struct lib lib = {
	.name = "liblzma",
	.sonames = { "liblzma.so.5" },
	.package = "liblzma5, on Alpine xz-libs",
	.calls = calls,
	.n = ARRAY_SIZE(calls),
};

static int begin(struct xz *x, struct err *e)
{
	lzma_ret r = x->lzma_stream_decoder(&x->s, MEMORY_MAX, 0);

	return r == LZMA_OK ? 0 : err_set(e, -ENOMEM, "liblzma cannot begin (%d)", (int)r);
}

static void xz_stop(struct unpack *u)
{
	struct xz *x = u->state;

	x->lzma_end(&x->s);
	free(x);
}

static int xz_start(struct unpack *u, struct err *e)
{
	struct xz *x = mem_zalloc(1, sizeof(*x), e);
	int r = x ? lib_load(&lib, x, e) : -ENOMEM;

	u->state = x;
	if (r < 0) {
		free(x);
		return r;
	}
	x->s = (lzma_stream)LZMA_STREAM_INIT;
	r = begin(x, e);
	if (r < 0)
		xz_stop(u);
	return r;
}

static int xz_step(struct unpack *u, struct err *e)
{
	struct xz *x = u->state;
	lzma_ret r;

	while (x->between && u->in_n && !*u->in)
		u->in++, u->in_n--;
	if (!u->in_n && x->between) {
		u->at_end = true;
		return 0;
	}
	x->between = false;
	x->s.next_in = u->in;
	x->s.avail_in = u->in_n;
	x->s.next_out = u->out;
	x->s.avail_out = UNPACK_STEP;
	r = x->lzma_code(&x->s, LZMA_RUN);
	u->in = x->s.next_in;
	u->in_n = x->s.avail_in;
	u->out_n = UNPACK_STEP - x->s.avail_out;
	if (r == LZMA_STREAM_END) {
		u->at_end = x->between = true;
		return begin(x, e);
	}
	if (r == LZMA_OK || r == LZMA_BUF_ERROR)
		return 0;
	return err_set(e, r == LZMA_MEMLIMIT_ERROR || r == LZMA_MEM_ERROR ? -ENOMEM : -EUCLEAN,
		       r == LZMA_FORMAT_ERROR     ? "the data is not packed by xz"
		       : r == LZMA_MEMLIMIT_ERROR ? "unpacking takes more than 1 GiB of memory"
						  : "the packed data is damaged (xz)");
}

const struct unpack_ops unpack_xz = { xz_start, xz_step, xz_stop };
