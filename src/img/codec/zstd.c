/* SPDX-License-Identifier: MIT */
/*
 * Zstandard clusters (RFC 8878): one frame per cluster.  The contexts keep their
 * tables from one cluster to the next.
 */
#include "base/mem.h"
#include "img/codec/codec_ops.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
	struct codec codec;
	ZSTD_CCtx *cctx; /* made when first needed: readers never compress */
	ZSTD_DCtx *dctx;
};

static int zstd_cctx(struct zstd *z, struct err *e)
{
	if (z->cctx)
		return 0;
	z->cctx = ZSTD_createCCtx();
	if (!z->cctx)
		return err_set(e, -ENOMEM, "out of memory for a zstd encoder");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_compressionLevel, 3)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_contentSizeFlag, 0)))
		return err_set(e, -ENOTSUP, "zstd library refuses its parameters");
	return 0;
}

static long zstd_compress(struct codec *c, void *out, size_t room, const void *in, size_t len,
			  struct err *e)
{
	struct zstd *z = (struct zstd *)c;
	int r = zstd_cctx(z, e);
	size_t n;

	if (r < 0)
		return r;
	n = ZSTD_compress2(z->cctx, out, room, in, len);
	if (!ZSTD_isError(n))
		return (long)n;
	if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall)
		return err_set(e, -ENOSPC, "%zu bytes do not shrink below %zu", len, room);
	return err_set(e, -ENOMEM, "zstd: %s", ZSTD_getErrorName(n));
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

	ZSTD_freeCCtx(z->cctx);
	ZSTD_freeDCtx(z->dctx);
	free(z);
}

static const struct codec_ops zstd_ops = {
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
