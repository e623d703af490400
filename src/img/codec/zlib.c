/* SPDX-License-Identifier: MIT */
/*
 * zlib streams (RFC 1950).  libdeflate writes them with a window of 32 KiB; without it our own
 * encoder does, whose matches reach 4 KiB only.
 */
#define ZLIB_CONST
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec_ops.h"
#include "img/codec/deflate_enc.h"

#include <stdlib.h>
#include <zlib.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { FRAME = 6, STORED_MAX = 65535, DATA_MAX = 2 << 20 };

struct zlib {
	struct codec codec;
	enum codec_level level;
	/* Each is made when first needed. */
#ifdef HAVE_LIBDEFLATE
	struct libdeflate_compressor *fast_enc;
	struct libdeflate_decompressor *fast_dec;
#endif
	struct deflate_enc *enc;
	z_stream dec;
	int dec_ready;
};

/* Stored blocks (RFC 1951, 3.2.4), for what does not shrink.  0: no room. */
static size_t store(uint8_t *out, size_t room, const uint8_t *in, size_t len)
{
	size_t at = 0;

	for (size_t done = 0; done < len || !at;) {
		size_t n = (size_t)min_u64(len - done, STORED_MAX);

		if (at + 5 + n > room)
			return 0;
		out[at] = done + n == len;
		store_le16(out + at + 1, (uint16_t)n);
		store_le16(out + at + 3, (uint16_t)~n);
		memcpy(out + at + 5, in + done, n);
		at += 5 + n;
		done += n;
	}
	return at;
}

static long own_compress(struct zlib *z, uint8_t *out, size_t room, const uint8_t *in,
			 size_t len, struct err *e)
{
	size_t n;

	if (!z->enc)
		z->enc = deflate_enc_new(z->level, e);
	if (!z->enc)
		return -ENOMEM;
	if (room < FRAME)
		return err_set(e, -ENOSPC, "no room for a zlib stream");
	n = deflate_enc_run(z->enc, out + 2, (size_t)min_u64(room - FRAME, len), in, len);
	if (!n)
		n = store(out + 2, room - FRAME, in, len);
	if (!n)
		return err_set(e, -ENOSPC, "%zu bytes do not shrink to %zu", len, room);
	/* deflate, a window of 32 KiB, the usual level */
	out[0] = 0x78;
	out[1] = 0x9c;
	store_be32(out + 2 + n, (uint32_t)adler32(adler32(0, NULL, 0), in, (uInt)len));
	return (long)(n + FRAME);
}

static long zlib_compress(struct codec *c, void *out, size_t room, const void *in, size_t len,
			  struct err *e)
{
	struct zlib *z = (struct zlib *)c;

	if (len > DATA_MAX)
		return err_set(e, -EINVAL, "%zu bytes at once", len);
#ifdef HAVE_LIBDEFLATE
	size_t n;

	if (!z->fast_enc)
		z->fast_enc = libdeflate_alloc_compressor(z->level == CODEC_SMALL ? 6 : 1);
	n = z->fast_enc ? libdeflate_zlib_compress(z->fast_enc, in, len, out, room) : 0;
	if (n)
		return (long)n;
#endif
	return own_compress(z, out, room, in, len, e);
}

static int expand_zlib(struct zlib *z, void *out, size_t len, const void *in, size_t in_len,
		       struct err *e)
{
	int r = z->dec_ready ? inflateReset(&z->dec) : inflateInit(&z->dec);

	if (r != Z_OK)
		return err_set(e, -ENOMEM, "out of memory for a zlib decoder");
	z->dec_ready = 1;
	z->dec.next_in = in;
	z->dec.avail_in = (uInt)in_len;
	z->dec.next_out = out;
	z->dec.avail_out = (uInt)len;
	r = inflate(&z->dec, Z_FINISH);
	if (r == Z_STREAM_END) {
		memset((uint8_t *)out + len - z->dec.avail_out, 0, z->dec.avail_out);
		return 0;
	}
	return err_set(e, -EUCLEAN, "compressed data is damaged: %s",
		       z->dec.msg         ? z->dec.msg
		       : z->dec.avail_out ? "it ends early"
					  : "it does not end");
}

static int zlib_expand(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
		       struct err *e)
{
	struct zlib *z = (struct zlib *)c;
#ifdef HAVE_LIBDEFLATE
	size_t used, got;

	if (!z->fast_dec)
		z->fast_dec = libdeflate_alloc_decompressor();
	if (z->fast_dec && libdeflate_zlib_decompress_ex(z->fast_dec, in, in_len, out, len,
							 &used, &got) == LIBDEFLATE_SUCCESS) {
		memset((uint8_t *)out + got, 0, len - got);
		return 0;
	}
#endif
	return expand_zlib(z, out, len, in, in_len, e);
}

static void zlib_free(struct codec *c)
{
	struct zlib *z = (struct zlib *)c;

	deflate_enc_free(z->enc);
#ifdef HAVE_LIBDEFLATE
	libdeflate_free_compressor(z->fast_enc);
	libdeflate_free_decompressor(z->fast_dec);
#endif
	if (z->dec_ready)
		inflateEnd(&z->dec);
	free(z);
}

static const struct codec_ops zlib_ops = {
	.compress = zlib_compress,
	.expand = zlib_expand,
	.free = zlib_free,
};

int zlib_new(enum codec_level level, struct codec **out, struct err *e)
{
	struct zlib *z = mem_zalloc(1, sizeof(*z), e);

	if (!z)
		return -ENOMEM;
	z->codec.ops = &zlib_ops;
	z->level = level;
	*out = &z->codec;
	return 0;
}
