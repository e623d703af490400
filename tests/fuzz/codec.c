/* SPDX-License-Identifier: MIT */
/*
 * Compressed clusters.  The first byte says which codec and how large the cluster is, the
 * rest is taken once as a compressed stream and once as bytes to compress and expand.
 * zlib and a strict decoder judge what deflate says and writes.
 */
#define ZLIB_CONST
#include "img/codec/codec.h"

#include "tests/lib/fuzz.h"
#include "tests/unit/img/strict_inflate.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

/* What a reader that knows only zlib makes of a stream: 1 if it fills @out. */
static int zlib_fills(uint8_t *out, size_t cluster, const uint8_t *in, size_t len)
{
	z_stream z = { .next_in = in,
		       .avail_in = (uInt)len,
		       .next_out = out,
		       .avail_out = (uInt)cluster };
	int r;

	must(inflateInit2(&z, -12) == Z_OK);
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && !z.avail_out;
}

/* Whatever is taken by one reader is taken by the other, and means the same. */
static void compare_with_zlib(const uint8_t *ours, int r, size_t cluster, const uint8_t *in,
			      size_t len)
{
	uint8_t *theirs = malloc(cluster);

	must(theirs != NULL);
	must(zlib_fills(theirs, cluster, in, len) == (r == 0));
	must(r < 0 || memcmp(ours, theirs, cluster) == 0);
	free(theirs);
}

static void check_strictly(const uint8_t *packed, size_t n, const uint8_t *data, size_t len)
{
	struct strict s = { .in = packed, .in_len = n, .out = malloc(len), .out_len = len };

	must(s.out != NULL);
	strict_inflate(&s);
	must(s.why == NULL && s.n == len && memcmp(s.out, data, len) == 0);
	free(s.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct codec *c = NULL;
	uint8_t *out, *packed;
	size_t cluster;
	long n;
	int r, zstd = len && data[0] & 1;

	if (len < 1)
		return 0;
	must(codec_new(zstd ? CODEC_ZSTD : CODEC_DEFLATE,
		       data[0] & 2 ? CODEC_SMALL : CODEC_FAST, &c, &e) == 0);
	cluster = (size_t)512 << (data[0] >> 2) % 9;
	data++;
	len--;

	/* The exact size, so that a sanitizer sees the first byte written past it. */
	out = malloc(cluster);
	must(out != NULL);
	r = codec_expand(c, out, cluster, data, len, &e);
	must(r == 0 || (r == -EUCLEAN && e.code == r && e.msg[0]));
	if (!zstd)
		compare_with_zlib(out, r, cluster, data, len);

	if (len > 0) {
		memset(&e, 0, sizeof(e));
		packed = malloc(len);
		must(packed != NULL);
		if (data[0] & 1) /* the first of a run */
			codec_begin(c, 16);
		n = codec_compress(c, packed, len, data, len, &e);
		must(n == -ENOSPC || (n > 0 && (size_t)n <= len));
		if (n > 0) {
			out = realloc(out, len);
			must(out != NULL);
			must(codec_expand(c, out, len, packed, (size_t)n, &e) == 0);
			must(memcmp(out, data, len) == 0);
			if (!zstd)
				check_strictly(packed, (size_t)n, data, len);
		}
		free(packed);
	}
	free(out);
	codec_free(c);
	return 0;
}
