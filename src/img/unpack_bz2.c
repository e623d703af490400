/* SPDX-License-Identifier: MIT */
#include "base/lib.h"
#include "base/mem.h"
#include "img/unpack_int.h"

#include <bzlib.h>
#include <stdlib.h>
#include <string.h>

#define CALLS(X, t)                \
	X(t, BZ2_bzDecompressInit) \
	X(t, BZ2_bzDecompress)     \
	X(t, BZ2_bzDecompressEnd)

struct bz2 {
	CALLS(LIB_MEMBER, )
	bz_stream s;
	bool open;
};

static const struct lib_call calls[] = { CALLS(LIB_CALL, struct bz2) };
static const struct lib lib = {
	.name = "libbz2",
	.sonames = { "libbz2.so.1.0", "libbz2.so.1" },
	.package = "libbz2-1.0, on Alpine libbz2",
	.calls = calls,
	.n = ARRAY_SIZE(calls),
};

static int bz2_start(struct unpack *u, struct err *e)
{
	struct bz2 *b = mem_zalloc(1, sizeof(*b), e);
	int r = b ? lib_load(&lib, b, e) : -ENOMEM;

	u->state = b;
	if (r < 0)
		free(b);
	return r;
}

static void end_member(struct bz2 *b)
{
	if (b->open)
		(void)b->BZ2_bzDecompressEnd(&b->s);
	b->open = false;
}

static int bz2_step(struct unpack *u, struct err *e)
{
	struct bz2 *b = u->state;
	int r;

	if (!b->open) {
		memset(&b->s, 0, sizeof(b->s));
		if (b->BZ2_bzDecompressInit(&b->s, 0, 0) != BZ_OK)
			return err_set(e, -ENOMEM, "out of memory");
		b->open = true;
	}
	b->s.next_in = (char *)(uintptr_t)u->in;
	b->s.avail_in = (unsigned)u->in_n;
	b->s.next_out = (char *)u->out;
	b->s.avail_out = UNPACK_STEP;
	r = b->BZ2_bzDecompress(&b->s);
	u->in += u->in_n - b->s.avail_in;
	u->in_n = b->s.avail_in;
	u->out_n = UNPACK_STEP - b->s.avail_out;
	if (r == BZ_STREAM_END) {
		u->at_end = true;
		end_member(b);
		return 0;
	}
	return r == BZ_OK ? 0 : err_set(e, -EUCLEAN, "the packed data is damaged (bz2: %d)", r);
}

static void bz2_stop(struct unpack *u)
{
	end_member(u->state);
	free(u->state);
}

const struct unpack_ops unpack_bz2 = { bz2_start, bz2_step, bz2_stop };
