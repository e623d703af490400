/* SPDX-License-Identifier: MIT */
/*
 * Compressed clusters.  The first byte says which codec and how large the cluster is, the
 * rest is taken once as a compressed stream and once as bytes to compress and expand.
 */
#include "img/codec/codec.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct codec *c = NULL;
	uint8_t *out, *packed;
	size_t cluster;
	long n;
	int r;

	if (len < 1)
		return 0;
	must(codec_new(data[0] & 1 ? CODEC_ZSTD : CODEC_DEFLATE,
		       data[0] & 2 ? CODEC_SMALL : CODEC_FAST, &c, &e) == 0);
	cluster = (size_t)512 << (data[0] >> 2) % 9;
	data++;
	len--;

	/* The exact size, so that a sanitizer sees the first byte written past it. */
	out = malloc(cluster);
	must(out != NULL);
	r = codec_expand(c, out, cluster, data, len, &e);
	must(r == 0 || (r == -EUCLEAN && e.code == r && e.msg[0]));

	if (len > 0) {
		memset(&e, 0, sizeof(e));
		packed = malloc(len);
		must(packed != NULL);
		n = codec_compress(c, packed, len, data, len, &e);
		must(n == -ENOSPC || (n > 0 && (size_t)n <= len));
		if (n > 0) {
			out = realloc(out, len);
			must(out != NULL);
			must(codec_expand(c, out, len, packed, (size_t)n, &e) == 0);
			must(memcmp(out, data, len) == 0);
		}
		free(packed);
	}
	free(out);
	codec_free(c);
	return 0;
}
