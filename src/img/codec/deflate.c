/* SPDX-License-Identifier: MIT */
/*
 * Raw deflate clusters (RFC 1951).  Readers may use a window of 4 KiB only, so no
 * distance we write exceeds 4096.
 */
#define ZLIB_CONST
#include "base/mem.h"
#include "img/codec/codec_ops.h"
#include "img/codec/deflate_enc.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { WINDOW_BITS = 12, CLUSTER_MAX = 2 << 20 };

struct deflate {
	struct codec codec;
	enum codec_level level;
	/* Each is made when first needed: readers never compress. */
	struct deflate_enc *enc;
#ifdef HAVE_LIBDEFLATE
	struct libdeflate_decompressor *fast;
#endif
	z_stream dec;
	int dec_ready;
};

static long deflate_compress(struct codec *c, void *out, size_t room, const void *in,
			     size_t len, struct err *e)
{
	struct deflate *d = (struct deflate *)c;
	size_t n;

	if (len > CLUSTER_MAX)
		return err_set(e, -EINVAL, "cluster of %zu bytes", len);
	if (!d->enc)
		d->enc = deflate_enc_new(d->level, e);
	if (!d->enc)
		return -ENOMEM;
	n = deflate_enc_run(d->enc, out, room, in, len);
	if (!n)
		return err_set(e, -ENOSPC, "%zu bytes do not shrink to %zu", len, room);
	return (long)n;
}

/* Fills @out or fails; a stream that would go on is cut, as other readers do. */
static int expand_zlib(struct deflate *d, void *out, size_t len, const void *in, size_t in_len,
		       struct err *e)
{
	int r = d->dec_ready ? inflateReset(&d->dec) : inflateInit2(&d->dec, -WINDOW_BITS);

	if (r != Z_OK)
		return err_set(e, -ENOMEM, "out of memory for a deflate decoder");
	d->dec_ready = 1;
	d->dec.next_in = in;
	d->dec.avail_in = (uInt)in_len;
	d->dec.next_out = out;
	d->dec.avail_out = (uInt)len;
	r = inflate(&d->dec, Z_FINISH);
	if ((r == Z_STREAM_END || r == Z_BUF_ERROR) && d->dec.avail_out == 0)
		return 0;
	if (r == Z_DATA_ERROR && d->dec.msg)
		return err_set(e, -EUCLEAN, "compressed data is damaged: %s", d->dec.msg);
	return err_set(e, -EUCLEAN, "compressed data ends %u bytes short", d->dec.avail_out);
}

static int deflate_expand(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
			  struct err *e)
{
	struct deflate *d = (struct deflate *)c;
#ifdef HAVE_LIBDEFLATE
	size_t used, got;

	if (!d->fast)
		d->fast = libdeflate_alloc_decompressor();
	if (d->fast &&
	    libdeflate_deflate_decompress_ex(d->fast, in, in_len, out, len, &used, &got) ==
		    LIBDEFLATE_SUCCESS &&
	    got == len)
		return 0;
#endif
	/* zlib decides what is damaged, so that we read what other readers do */
	return expand_zlib(d, out, len, in, in_len, e);
}

static void deflate_free(struct codec *c)
{
	struct deflate *d = (struct deflate *)c;

	deflate_enc_free(d->enc);
#ifdef HAVE_LIBDEFLATE
	libdeflate_free_decompressor(d->fast);
#endif
	if (d->dec_ready)
		inflateEnd(&d->dec);
	free(d);
}

static const struct codec_ops deflate_ops = {
	.compress = deflate_compress,
	.expand = deflate_expand,
	.free = deflate_free,
};

int deflate_new(enum codec_level level, struct codec **out, struct err *e)
{
	struct deflate *d = mem_zalloc(1, sizeof(*d), e);

	if (!d)
		return -ENOMEM;
	d->codec.ops = &deflate_ops;
	d->level = level;
	*out = &d->codec;
	return 0;
}
