/* SPDX-License-Identifier: MIT */
/*
 * Zstandard clusters (RFC 8878): one frame per cluster.  The contexts keep their
 * tables from one cluster to the next.
 *
 * Two encoders share the work.  The careful one is the library's level 3, which qemu-img
 * uses, with tables twice as large where clusters are small: never larger, and a
 * little faster.  The quick one looks at fewer places, for longer matches: on logs it takes
 * two thirds of the time at the same size, on programs the result is some percent
 * larger.  So the first cluster of a run is given to both, and the quick one gets the rest
 * if it was as good.
 */
#include "base/mem.h"
#include "img/codec/codec_ops.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	RUN_MIN = 8,           /* clusters for which looking twice at one pays */
	AS_GOOD = 512,         /* larger by less than one part in so many */
	SMALL_MAX = 128 << 10, /* up to here the library takes small tables */
	QUICK_MATCH = 6,
	HASH_LOG = 17,
	CHAIN_LOG = 16,
};

enum choice { CAREFUL, QUICK, TRY_BOTH };

struct zstd {
	struct codec codec;
	/* Each is made when first needed: readers never compress. */
	ZSTD_CCtx *careful, *quick;
	ZSTD_DCtx *dctx;
	enum choice choice; /* for the rest of the run */
	void *second;       /* what the quick encoder made, while both are tried */
	size_t len;         /* of the clusters that the above are made for */
};

static bool set(ZSTD_CCtx *c, ZSTD_cParameter p, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(c, p, value));
}

static int encoder(ZSTD_CCtx **out, bool quick, size_t len, struct err *e)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	bool ok;

	if (!c)
		return err_set(e, -ENOMEM, "out of memory for a zstd encoder");
	ok = set(c, ZSTD_c_compressionLevel, 3) && set(c, ZSTD_c_contentSizeFlag, 0);
	if (len <= SMALL_MAX)
		ok = ok && set(c, ZSTD_c_hashLog, HASH_LOG) &&
		     set(c, ZSTD_c_chainLog, CHAIN_LOG);
	if (quick)
		ok = ok && set(c, ZSTD_c_strategy, ZSTD_fast) &&
		     set(c, ZSTD_c_minMatch, QUICK_MATCH);
	if (!ok) {
		ZSTD_freeCCtx(c);
		return err_set(e, -ENOTSUP, "zstd library refuses its parameters");
	}
	*out = c;
	return 0;
}

static void forget_encoders(struct zstd *z)
{
	ZSTD_freeCCtx(z->careful);
	ZSTD_freeCCtx(z->quick);
	free(z->second);
	z->careful = z->quick = NULL;
	z->second = NULL;
}

static long encode(struct zstd *z, bool quick, void *out, size_t room, const void *in,
		   size_t len, struct err *e)
{
	ZSTD_CCtx **c = quick ? &z->quick : &z->careful;
	int r = *c ? 0 : encoder(c, quick, len, e);
	size_t n;

	if (r < 0)
		return r;
	n = ZSTD_compress2(*c, out, room, in, len);
	if (!ZSTD_isError(n))
		return (long)n;
	if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall)
		return err_set(e, -ENOSPC, "%zu bytes do not shrink below %zu", len, room);
	return err_set(e, -ENOMEM, "zstd: %s", ZSTD_getErrorName(n));
}

/* What does not shrink says nothing about the rest of the run. */
static long try_both(struct zstd *z, void *out, size_t room, const void *in, size_t len,
		     struct err *e)
{
	struct err ignored = { 0 };
	long a = encode(z, false, out, room, in, len, e), b;

	if (a < 0)
		return a;
	if (!z->second)
		z->second = malloc(len);
	/* No more than @room, so that it fits where the other's result is. */
	b = z->second ? encode(z, true, z->second, room < len ? room : len, in, len, &ignored)
		      : -ENOMEM;
	z->choice = b > 0 && b <= a + a / AS_GOOD ? QUICK : CAREFUL;
	if (b < 0 || b >= a)
		return a;
	memcpy(out, z->second, (size_t)b);
	return b;
}

static long zstd_compress(struct codec *c, void *out, size_t room, const void *in, size_t len,
			  struct err *e)
{
	struct zstd *z = (struct zstd *)c;

	if (len != z->len)
		forget_encoders(z);
	z->len = len;
	if (z->choice == TRY_BOTH)
		return try_both(z, out, room, in, len, e);
	return encode(z, z->choice == QUICK, out, room, in, len, e);
}

static void zstd_begin(struct codec *c, size_t n)
{
	((struct zstd *)c)->choice = n < RUN_MIN ? CAREFUL : TRY_BOTH;
}

/*
 * Usually one frame, but any row of frames is fine as long as they fill @len
 * bytes.  Frames are expanded in place, so that the window a frame asks for
 * costs no memory.
 */
static int zstd_expand(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
		       struct err *e)
{
	struct zstd *z = (struct zstd *)c;
	const char *src = in;
	char *dst = out;

	if (!z->dctx)
		z->dctx = ZSTD_createDCtx();
	if (!z->dctx)
		return err_set(e, -ENOMEM, "out of memory for a zstd decoder");
	while (len) {
		size_t frame = ZSTD_findFrameCompressedSize(src, in_len);
		size_t n = frame;

		if (!ZSTD_isError(frame))
			n = ZSTD_decompressDCtx(z->dctx, dst, len, src, frame);
		if (ZSTD_isError(n))
			return err_set(e, -EUCLEAN, "compressed data is damaged: %s",
				       ZSTD_getErrorName(n));
		/* each frame is some bytes long, so this ends */
		src += frame;
		in_len -= frame;
		dst += n;
		len -= n;
	}
	return 0;
}

static void zstd_free(struct codec *c)
{
	struct zstd *z = (struct zstd *)c;

	forget_encoders(z);
	ZSTD_freeDCtx(z->dctx);
	free(z);
}

static const struct codec_ops zstd_ops = {
	.begin = zstd_begin,
	.compress = zstd_compress,
	.expand = zstd_expand,
	.free = zstd_free,
};

int zstd_new(enum codec_level level, struct codec **out, struct err *e)
{
	struct zstd *z = mem_zalloc(1, sizeof(*z), e);

	if (!z)
		return -ENOMEM;
	z->codec.ops = &zstd_ops;
	*out = &z->codec;
	return 0;
}
