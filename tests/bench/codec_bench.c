/* SPDX-License-Identifier: MIT */
/*
 * Speed and size of the codecs, one thread, cluster by cluster, beside the libraries as
 * qemu-img uses them (zlib level 6 with a 12-bit window, zstd level 3, a new context for
 * each cluster).  Clusters of zeroes are left out, as they are never compressed; one
 * that does not shrink counts with its full size.
 *
 *	codec_bench FILE [CLUSTER_KIB]
 *
 * Times are processor time, for each cluster the best of three, so that what else the machine
 * does shows little.
 */
#define ZLIB_CONST
#include "base/io.h"
#include "base/zero.h"
#include "img/codec/codec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

enum { RUNS = 3, FILE_MAX = 512 << 20 };

struct work {
	uint8_t *bytes, *packed, *back;
	size_t cluster, count; /* bytes, clusters */
	size_t *len;           /* of each cluster packed, 0: does not shrink */
	size_t room;           /* of each slot in packed */
};

struct coder {
	const char *name;
	size_t (*pack)(struct codec *c, uint8_t *out, size_t room, const uint8_t *in,
		       size_t len);
	int (*unpack)(struct codec *c, uint8_t *out, size_t len, const uint8_t *in, size_t n);
	enum codec_kind kind;
	enum codec_level level;
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t codec_pack(struct codec *c, uint8_t *out, size_t room, const uint8_t *in,
			 size_t len)
{
	long n = codec_compress(c, out, room, in, len, NULL);

	return n > 0 ? (size_t)n : 0;
}

static int codec_unpack(struct codec *c, uint8_t *out, size_t len, const uint8_t *in, size_t n)
{
	return codec_expand(c, out, len, in, n, NULL);
}

static size_t zlib_pack(struct codec *c, uint8_t *out, size_t room, const uint8_t *in,
			size_t len)
{
	z_stream z = {
		.next_in = in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)room
	};
	int r;

	if (deflateInit2(&z, 6, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	r = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return r == Z_STREAM_END ? room - z.avail_out : 0;
}

static int zlib_unpack(struct codec *c, uint8_t *out, size_t len, const uint8_t *in, size_t n)
{
	z_stream z = {
		.next_in = in, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)len
	};
	int r;

	if (inflateInit2(&z, -12) != Z_OK)
		return -1;
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return r == Z_STREAM_END && !z.avail_out ? 0 : -1;
}

static size_t zstd_pack(struct codec *c, uint8_t *out, size_t room, const uint8_t *in,
			size_t len)
{
	ZSTD_CCtx *x = ZSTD_createCCtx();
	ZSTD_inBuffer i = { in, len, 0 };
	ZSTD_outBuffer o = { out, room, 0 };
	size_t r = ZSTD_compressStream2(x, &o, &i, ZSTD_e_end);

	ZSTD_freeCCtx(x);
	return r ? 0 : o.pos;
}

static int zstd_unpack(struct codec *c, uint8_t *out, size_t len, const uint8_t *in, size_t n)
{
	ZSTD_DCtx *x = ZSTD_createDCtx();
	ZSTD_inBuffer i = { in, n, 0 };
	ZSTD_outBuffer o = { out, len, 0 };
	size_t r = 0;

	while (o.pos < o.size && !ZSTD_isError(r) && i.pos < i.size)
		r = ZSTD_decompressStream(x, &o, &i);
	ZSTD_freeDCtx(x);
	return r == 0 && o.pos == len ? 0 : -1;
}

/* The reference of each kind comes first. */
static const struct coder coders[] = {
	{ "zlib 6, as qemu-img", zlib_pack, zlib_unpack, CODEC_DEFLATE, CODEC_FAST },
	{ "deflate, fast", codec_pack, codec_unpack, CODEC_DEFLATE, CODEC_FAST },
	{ "deflate, small", codec_pack, codec_unpack, CODEC_DEFLATE, CODEC_SMALL },
	{ "zstd 3, as qemu-img", zstd_pack, zstd_unpack, CODEC_ZSTD, CODEC_FAST },
	{ "zstd", codec_pack, codec_unpack, CODEC_ZSTD, CODEC_FAST },
};

static double time_pack(struct work *w, const struct coder *k, struct codec *c)
{
	double total = 0;

	for (size_t i = 0; i < w->count; i++) {
		double best = 1e9;

		for (int run = 0; run < RUNS; run++) {
			double t = cpu_seconds();

			w->len[i] = k->pack(c, w->packed + i * w->room, w->cluster - 1,
					    w->bytes + i * w->cluster, w->cluster);
			t = cpu_seconds() - t;
			best = t < best ? t : best;
		}
		total += best;
	}
	return total;
}

static double time_unpack(struct work *w, const struct coder *k, struct codec *c, size_t *count)
{
	double total = 0;

	*count = 0;
	for (size_t i = 0; i < w->count; i++) {
		double best = 1e9;

		if (!w->len[i])
			continue;
		for (int run = 0; run < RUNS; run++) {
			double t = cpu_seconds();
			int r = k->unpack(c, w->back, w->cluster, w->packed + i * w->room,
					  w->len[i]);

			t = cpu_seconds() - t;
			best = t < best ? t : best;
			if (r || memcmp(w->back, w->bytes + i * w->cluster, w->cluster)) {
				fprintf(stderr, "%s: cluster %zu is damaged\n", k->name, i);
				exit(1);
			}
		}
		total += best;
		++*count;
	}
	return total;
}

static void measure(struct work *w, const struct coder *k, double *pack_ref, double *unpack_ref,
		    size_t *size_ref)
{
	double pack, unpack;
	size_t shrunk, size = 0;
	struct codec *c = NULL;
	struct err e = { 0 };

	if (codec_new(k->kind, k->level, &c, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		exit(1);
	}
	pack = (double)(w->count * w->cluster) / 1e6 / time_pack(w, k, c);
	unpack = time_unpack(w, k, c, &shrunk);
	unpack = (double)(shrunk * w->cluster) / 1e6 / unpack;
	codec_free(c);
	for (size_t i = 0; i < w->count; i++)
		size += w->len[i] ? w->len[i] : w->cluster;
	if (k->pack != codec_pack) {
		*pack_ref = pack;
		*unpack_ref = unpack;
		*size_ref = size;
	}
	printf("| %-20s | %5.0f | %4.2f | %6.0f | %4.2f | %11zu | %+.3f %% |\n", k->name, pack,
	       pack / *pack_ref, unpack, unpack / *unpack_ref, size,
	       100 * ((double)size / (double)*size_ref - 1));
}

/* Reads what is not zero of the file; false if there is nothing. */
static int load(const char *path, struct work *w)
{
	struct err e = { 0 };
	AUTO_CLOSE int fd = io_open(path, O_RDONLY, 0, &e);
	uint64_t size = 0;

	if (fd < 0 || io_size(fd, &size, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 0;
	}
	if (size > FILE_MAX)
		size = FILE_MAX;
	w->bytes = malloc(size + w->cluster);
	if (!w->bytes)
		return 0;
	for (uint64_t at = 0; at + w->cluster <= size; at += w->cluster) {
		uint8_t *p = w->bytes + w->count * w->cluster;

		if (io_pread(fd, p, w->cluster, at, &e) < 0) {
			fprintf(stderr, "%s: %s\n", path, e.msg);
			return 0;
		}
		w->count += !zero_is(p, w->cluster);
	}
	return w->count > 0;
}

int main(int argc, char **argv)
{
	struct work w = { .cluster = 65536 };
	double pack = 1, unpack = 1;
	size_t size = 1;

	if (argc < 2) {
		fprintf(stderr, "Usage: codec_bench FILE [CLUSTER_KIB]\n");
		return 2;
	}
	if (argc > 2)
		w.cluster = strtoul(argv[2], NULL, 0) << 10;
	if (!w.cluster || !load(argv[1], &w))
		return 1;
	w.room = w.cluster;
	w.packed = malloc(w.count * w.room);
	w.back = malloc(w.cluster);
	w.len = calloc(w.count, sizeof(*w.len));
	if (!w.packed || !w.back || !w.len)
		return 1;
	printf("%s: %zu clusters of %zu KiB that are not zero\n\n", argv[1], w.count,
	       w.cluster >> 10);
	printf("| codec                | pack MB/s | times | unpack MB/s | times | bytes | size |\n");
	printf("|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(coders); i++)
		measure(&w, &coders[i], &pack, &unpack, &size);
	printf("\n");
	free(w.bytes);
	free(w.packed);
	free(w.back);
	free(w.len);
	return 0;
}
