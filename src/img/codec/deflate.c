/* SPDX-License-Identifier: MIT */
/*
 * Raw deflate clusters (RFC 1951).  Readers may use a window of 4 KiB only, so no
 * distance we write exceeds 4096.
 */
#define ZLIB_CONST
#include "base/mem.h"
#include "img/codec/codec_ops.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { WINDOW_BITS = 12 };

struct deflate {
	struct codec codec;
	enum codec_level level;
	/* Each is made when first needed: readers never compress. */
#ifdef HAVE_ISAL
	struct isal_zstream *isal;
	uint8_t *level_buf;
#else
	z_stream enc;
	int enc_ready;
#endif
#ifdef HAVE_LIBDEFLATE
	struct libdeflate_decompressor *fast;
#endif
	z_stream dec;
	int dec_ready;
};

static long does_not_fit(size_t len, size_t room, struct err *e)
{
	return err_set(e, -ENOSPC, "%zu bytes do not shrink below %zu", len, room);
}

#ifdef HAVE_ISAL
static int encoder_ready(struct deflate *d, struct err *e)
{
	if (!d->isal)
		d->isal = mem_zalloc(1, sizeof(*d->isal), e);
	if (d->isal && !d->level_buf)
		d->level_buf = mem_zalloc(ISAL_DEF_LVL3_DEFAULT, 1, e);
	return d->isal && d->level_buf ? 0 : -ENOMEM;
}

static long deflate_compress(struct codec *c, void *out, size_t room, const void *in,
			     size_t len, struct err *e)
{
	struct deflate *d = (struct deflate *)c;
	int r = encoder_ready(d, e);
	struct isal_zstream *z = d->isal;

	if (r < 0)
		return r;
	/* The library leaves the last cluster's hash table there and finds matches by it: the
	 * same cluster would not always give the same bytes. */
	memset(d->level_buf, 0, ISAL_DEF_LVL3_DEFAULT);
	isal_deflate_init(z);
	z->end_of_stream = 1;
	z->flush = NO_FLUSH;
	z->hist_bits = WINDOW_BITS;
	z->gzip_flag = IGZIP_DEFLATE;
	z->level = d->level == CODEC_FAST ? 1 : 3;
	z->level_buf = d->level_buf;
	z->level_buf_size = ISAL_DEF_LVL3_DEFAULT;
	/* the library only reads, but does not say so */
	z->next_in = (uint8_t *)(uintptr_t)in;
	z->avail_in = (uint32_t)len;
	z->next_out = out;
	z->avail_out = (uint32_t)room;
	r = isal_deflate(z);
	if (r != COMP_OK)
		return err_set(e, -EINVAL, "igzip error %d", r);
	if (z->internal_state.state != ZSTATE_END)
		return does_not_fit(len, room, e);
	return (long)(room - z->avail_out);
}

static void encoder_free(struct deflate *d)
{
	free(d->isal);
	free(d->level_buf);
}
#else
static int encoder_ready(struct deflate *d, struct err *e)
{
	int level = d->level == CODEC_FAST ? 4 : 6;

	if (d->enc_ready)
		return deflateReset(&d->enc) == Z_OK
			       ? 0
			       : err_set(e, -EINVAL, "zlib encoder cannot be reset");
	if (deflateInit2(&d->enc, level, Z_DEFLATED, -WINDOW_BITS, 9, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return err_set(e, -ENOMEM, "out of memory for a deflate encoder");
	d->enc_ready = 1;
	return 0;
}

static long deflate_compress(struct codec *c, void *out, size_t room, const void *in,
			     size_t len, struct err *e)
{
	struct deflate *d = (struct deflate *)c;
	int r = encoder_ready(d, e);

	if (r < 0)
		return r;
	d->enc.next_in = in;
	d->enc.avail_in = (uInt)len;
	d->enc.next_out = out;
	d->enc.avail_out = (uInt)room;
	r = deflate(&d->enc, Z_FINISH);
	if (r != Z_STREAM_END)
		return does_not_fit(len, room, e);
	return (long)(room - d->enc.avail_out);
}

static void encoder_free(struct deflate *d)
{
	if (d->enc_ready)
		deflateEnd(&d->enc);
}
#endif

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

	encoder_free(d);
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
