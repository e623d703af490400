/* SPDX-License-Identifier: MIT */
/* Images with random contents over each other, and what a disk made of them reads. */
#ifndef TESTS_UNIT_IMG_LAYERS_H
#define TESTS_UNIT_IMG_LAYERS_H

#include "img/img.h"
#include "tests/unit/img/scratch.h"

enum { LAYER_MAX = 3 << 20 };

static inline void layer_create(const char *name, const char *fmt, const char *opts,
				uint64_t size, const char *backing, const char *backing_fmt)
{
	struct optset o = OPTSET_INIT;
	struct err e = { 0 };
	struct img_create c;
	const struct img_format *f = img_format_find(fmt);

	img_create_defaults(&c);
	c.size = size;
	c.backing_file = backing;
	c.backing_fmt = backing_fmt;
	if ((*opts && optset_parse(&o, opts, NULL, &e) < 0) ||
	    img_create_parse(f, &o, &c, &e) < 0 ||
	    img_create_file(name, f, &c, BLK_NOFLUSH, NULL, NULL, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	optset_free(&o);
}

static inline struct blk *layer_open(const char *name, unsigned flags)
{
	struct img_open how = { .filename = name, .flags = flags };
	struct blk *b = NULL;
	struct err e = { 0 };

	if (img_open(&how, &b, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	return b;
}

static inline void layer_close(struct blk *b)
{
	struct err e = { 0 };

	if (blk_close(b, &e) < 0)
		fail_msg("closing: %s", e.msg);
}

/* @n random writes, zeroes and compressed clusters. */
static inline void layer_scribble(const char *name, int n)
{
	struct blk *b = layer_open(name, BLK_WRITE | BLK_UNMAP | BLK_NOFLUSH);
	uint8_t *buf = malloc(LAYER_MAX);

	assert_non_null(buf);
	while (n--) {
		uint64_t off = (uint64_t)random() % b->size / 512 * 512;
		size_t len = (size_t)(1 + random() % (n % 4 ? 40 : 600)) * 512;
		int kind = (int)(random() % 8), r;

		if (len > b->size - off)
			len = (size_t)(b->size - off);
		memset(buf, 1 + (int)(random() % 5), len);
		if (kind == 0) {
			r = blk_zero(b, off, len, 0, NULL);
		} else if (kind == 1) {
			r = blk_zero(b, off, len, BLK_MAY_UNMAP, NULL);
		} else if (kind == 2 && b->cluster_size) {
			off -= off % b->cluster_size;
			len = b->cluster_size;
			if (len > b->size - off)
				len = (size_t)(b->size - off);
			memset(buf, 7, len);
			r = blk_pwrite_compressed(b, buf, len, off, NULL, NULL);
		} else {
			r = blk_pwrite(b, buf, len, off, NULL);
		}
		assert_int_equal(r, 0);
	}
	free(buf);
	layer_close(b);
}

/* All bytes of the disk, zeroes from its end to LAYER_MAX. */
static inline uint8_t *layer_bytes(const char *name)
{
	struct blk *b = layer_open(name, 0);
	uint8_t *buf = calloc(1, LAYER_MAX);

	assert_non_null(buf);
	assert_true(b->size <= LAYER_MAX);
	assert_int_equal(blk_pread(b, buf, b->size, 0, NULL), 0);
	layer_close(b);
	return buf;
}

/* The disk reads as @want in its first @len bytes. */
static inline void layer_expect(const char *name, const uint8_t *want, uint64_t len)
{
	uint8_t *got = layer_bytes(name);

	for (uint64_t i = 0; i < len; i++)
		if (got[i] != want[i])
			fail_msg("%s: byte %llu is %d, not %d", name, (unsigned long long)i,
				 got[i], want[i]);
	free(got);
}

/* Nothing wrong with the metadata, not even leaks. */
static inline void layer_sound(const char *name)
{
	struct blk *b = layer_open(name, BLK_CHECK | BLK_NOBACKING);
	struct img_check c = { 0 };

	assert_int_equal(b->format->check(b, &c, NULL), 0);
	assert_int_equal(c.corruptions, 0);
	assert_int_equal(c.leaks, 0);
	layer_close(b);
}

/* Options of a qcow2 image, some of each kind. */
static inline const char *layer_options(int i)
{
	static const char *const opts[] = {
		"cluster_size=65536",
		"cluster_size=512",
		"cluster_size=65536,extended_l2=on",
		"cluster_size=4096,compat=v2",
		"cluster_size=2M,compression_type=zstd",
		"cluster_size=16384,extended_l2=on",
	};

	return opts[i % 6];
}

static inline uint64_t layer_size(int i)
{
	static const uint64_t sizes[] = { 2 << 20, 1 << 20, LAYER_MAX, (1 << 20) + 1536 };

	return sizes[i % 4];
}

/* base (raw) <- mid <- top, and other, alone; all scribbled over. */
static inline void layers_make(int seed)
{
	srandom((unsigned)seed);
	layer_create("base", "raw", "", layer_size(seed), NULL, NULL);
	layer_create("mid", "qcow2", layer_options(seed), layer_size(seed + 1), "base", "raw");
	layer_create("top", "qcow2", layer_options(seed / 2), layer_size(seed / 3), "mid",
		     "qcow2");
	layer_create("other", "qcow2", layer_options(seed + 3), layer_size(seed / 2), NULL,
		     NULL);
	layer_scribble("base", 20);
	layer_scribble("mid", 15);
	layer_scribble("top", 10);
	layer_scribble("other", 20);
}

#endif
