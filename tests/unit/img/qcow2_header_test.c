/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_header.h"

#include "base/bytes.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { CLUSTER = 65536 };

/* A 1 MiB image of 64 KiB clusters. */
static void good(uint8_t *buf)
{
	memset(buf, 0, CLUSTER);
	store_be32(buf, QCOW2_MAGIC);
	store_be32(buf + 4, 3);
	store_be32(buf + 20, 16);
	store_be64(buf + 24, 1 << 20);
	store_be32(buf + 36, 1);
	store_be64(buf + 40, 0x30000);
	store_be64(buf + 48, 0x10000);
	store_be32(buf + 56, 1);
	store_be32(buf + 96, 4);
	store_be32(buf + 100, QCOW2_V3_LENGTH);
}

static int parse(struct qcow2_header *h, const uint8_t *buf, size_t len)
{
	struct err e = { 0 };
	int r = qcow2_header_parse(h, buf, len, &e);

	if (r == 0)
		r = qcow2_header_check_tables(h, &e);
	assert_int_equal(r, e.code);
	assert_true(r == 0 || e.msg[0]);
	if (r == 0) {
		r = qcow2_header_parse_ext(h, buf, len, &e);
		assert_int_equal(r, e.code);
		if (r < 0)
			qcow2_header_free(h);
	}
	return r;
}

static uint8_t *put_ext(uint8_t *p, uint32_t type, const void *data, uint32_t len)
{
	store_be32(p, type);
	store_be32(p + 4, len);
	if (len)
		memcpy(p + 8, data, len);
	return p + 8 + round_up(len, 8);
}

static const struct field {
	const char *what;
	unsigned off, width;
	uint64_t value;
	int want;
} fields[] = {
	{ "magic", 0, 4, 0, -EINVAL },
	{ "version 1", 4, 4, 1, -ENOTSUP },
	{ "version 4", 4, 4, 4, -ENOTSUP },
	{ "backing name in the header", 8, 8, 80, -EUCLEAN },
	{ "backing name behind the cluster", 8, 8, CLUSTER + 1, -EUCLEAN },
	{ "cluster bits 8", 20, 4, 8, -EUCLEAN },
	{ "cluster bits 22", 20, 4, 22, -EUCLEAN },
	{ "cluster bits 4294967295", 20, 4, UINT32_MAX, -EUCLEAN },
	{ "size beyond the L1 table", 24, 8, (512 << 20) + 1, -EUCLEAN },
	{ "largest size", 24, 8, UINT64_MAX, -EUCLEAN },
	{ "encryption method 3", 32, 4, 3, -ENOTSUP },
	{ "L1 table of 32 MiB and more", 36, 4, (32 << 17) + 1, -EUCLEAN },
	{ "L1 table without end", 36, 4, UINT32_MAX, -EUCLEAN },
	{ "L1 table too small", 36, 4, 0, -EUCLEAN },
	{ "L1 table not aligned", 40, 8, 0x30200, -EUCLEAN },
	{ "L1 table past all offsets", 40, 8, 0xffffffffffff0000, -EUCLEAN },
	{ "refcount table not aligned", 48, 8, 0x10008, -EUCLEAN },
	{ "refcount table past all offsets", 48, 8, 0x7fffffffffff0000, -EUCLEAN },
	{ "refcount table over 8 MiB", 56, 4, 129, -EUCLEAN },
	{ "refcount table without end", 56, 4, UINT32_MAX, -EUCLEAN },
	{ "65537 snapshots", 60, 4, 65537, -EUCLEAN },
	{ "snapshot table not aligned", 64, 8, 12, -EUCLEAN },
	{ "unknown feature", 72, 8, 32, -ENOTSUP },
	{ "unknown feature, highest bit", 72, 8, 1ull << 63, -ENOTSUP },
	{ "compression bit without a type", 72, 8, QCOW2_INCOMPAT_COMPRESSION, -EUCLEAN },
	{ "refcounts of 128 bits", 96, 4, 7, -EUCLEAN },
	{ "refcount order without end", 96, 4, UINT32_MAX, -EUCLEAN },
	{ "short header", 100, 4, 96, -EUCLEAN },
	{ "header length not a multiple of 8", 100, 4, 113, -EUCLEAN },
	{ "header longer than a cluster", 100, 4, CLUSTER + 8, -EUCLEAN },
	{ "zstd without the bit", 104, 1, QCOW2_ZSTD, -EUCLEAN },
	{ "unknown compression", 104, 1, 2, -ENOTSUP },
};

static void put(uint8_t *buf, const struct field *f)
{
	for (unsigned k = 0; k < f->width; k++)
		buf[f->off + k] = (uint8_t)(f->value >> 8 * (f->width - 1 - k));
}

static void takes_a_good_header(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h;

	good(buf);
	assert_int_equal(parse(&h, buf, CLUSTER), 0);
	assert_int_equal(h.version, 3);
	assert_int_equal(h.size, 1 << 20);
	assert_int_equal(h.l1_offset, 0x30000);
	assert_null(h.backing_file);
	qcow2_header_free(&h);
}

static void refuses_each_bad_field(void **state)
{
	static uint8_t buf[CLUSTER];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct qcow2_header h;
		int r;

		good(buf);
		put(buf, &fields[i]);
		r = parse(&h, buf, CLUSTER);
		if (r != fields[i].want)
			fail_msg("%s: got %d, want %d", fields[i].what, r, fields[i].want);
	}
}

static void refuses_every_cut(void **state)
{
	static uint8_t buf[CLUSTER];

	good(buf);
	for (size_t n = 0; n < QCOW2_V3_LENGTH; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct qcow2_header h;
		int r;

		memcpy(cut, buf, n);
		r = parse(&h, cut, n);
		/* The type of compression is the last field that must be there. */
		if (n > 104)
			qcow2_header_free(&h);
		assert_int_equal(r, n < 4 ? -EINVAL : n <= 104 ? -ENODATA : 0);
		free(cut);
	}
}

static void version_2_has_none_of_the_later_fields(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h;

	good(buf);
	store_be32(buf + 4, 2);
	memset(buf + 72, 0xff, 40);
	store_be32(buf + 72, 0); /* end of its extensions */
	assert_int_equal(parse(&h, buf, CLUSTER), 0);
	assert_int_equal(h.refcount_order, 4);
	assert_int_equal(h.length, QCOW2_V2_LENGTH);
	assert_true(h.incompat == 0 && h.compat == 0 && h.autoclear == 0);
	assert_int_equal(h.compression, QCOW2_ZLIB);
	qcow2_header_free(&h);
}

static void subclusters_need_16_kib(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h;

	good(buf);
	store_be64(buf + 72, QCOW2_INCOMPAT_EXTL2);
	store_be32(buf + 20, 13);
	assert_int_equal(parse(&h, buf, CLUSTER), -EUCLEAN);
	store_be32(buf + 20, 14);
	assert_int_equal(parse(&h, buf, CLUSTER), 0);
	qcow2_header_free(&h);
	/* Entries are twice as long: one L1 entry covers 16 MiB. */
	store_be64(buf + 24, (16 << 20) + 1);
	assert_int_equal(parse(&h, buf, CLUSTER), -EUCLEAN);
}

static void names_unknown_features(void **state)
{
	static uint8_t buf[CLUSTER];
	static const char table[3][48] = { "\0\11second sight", "\1\12other kind",
					   "\0\12third \033eye" };
	struct err e = { 0 };
	struct qcow2_header h;

	good(buf);
	store_be64(buf + 72, 1 << 9 | 1 << 10 | 1 << 11);
	put_ext(buf + QCOW2_V3_LENGTH, 0x6803f857, table, sizeof(table));
	assert_int_equal(qcow2_header_parse(&h, buf, CLUSTER, &e), -ENOTSUP);
	assert_non_null(strstr(e.msg, "second sight"));
	assert_non_null(strstr(e.msg, "third ?eye"));
	assert_null(strstr(e.msg, "other kind"));
	assert_non_null(strstr(e.msg, "800"));
	/* Without the table, and with one that is cut off. */
	assert_int_equal(qcow2_header_parse(&h, buf, 130, NULL), -ENOTSUP);
}

static void rich(struct qcow2_header *h)
{
	static uint8_t extra[8] = "unknown";
	static uint8_t five[] = { 1, 2, 3, 4, 5 }, eight[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	static struct qcow2_ext unknown[] = {
		{ 0x11111111, 5, five },
		{ 0x22222222, 0, NULL },
		{ 0x00000003, 8, eight },
	};
	static char name[] = "../base.img", fmt[] = "qcow2", data[] = "bytes.raw";

	*h = (struct qcow2_header){
		.version = 3,
		.cluster_bits = 16,
		.size = 1 << 20,
		.crypt = 2,
		.l1_entries = 3,
		.l1_offset = 0x30000,
		.reftable_offset = 0x10000,
		.reftable_clusters = 1,
		.snapshots_n = 2,
		.snapshots_offset = 0x80000,
		.incompat = QCOW2_INCOMPAT_DATA_FILE | QCOW2_INCOMPAT_COMPRESSION,
		.compat = QCOW2_COMPAT_LAZY | 1ull << 40,
		.autoclear = QCOW2_AUTOCLEAR_BITMAPS | 1ull << 41,
		.refcount_order = 5,
		.compression = QCOW2_ZSTD,
		.extra = extra,
		.extra_len = sizeof(extra),
		.backing_file = name,
		.backing_fmt = fmt,
		.data_file = data,
		.has_bitmaps = true,
		.bitmaps_n = 3,
		.bitmap_dir_size = 96,
		.bitmap_dir_offset = 0x90000,
		.has_crypto = true,
		.crypto_offset = 0xa0000,
		.crypto_len = 4096,
		.unknown = unknown,
		.unknown_n = ARRAY_SIZE(unknown),
	};
}

static void comes_back_as_it_was_written(void **state)
{
	static uint8_t buf[CLUSTER], again[CLUSTER];
	struct qcow2_header h, p;

	rich(&h);
	assert_int_equal(qcow2_header_write(&h, buf, CLUSTER, NULL), 0);
	assert_int_equal(h.length, QCOW2_V3_LENGTH + 8);
	assert_memory_equal(buf + h.backing_offset, "../base.img", h.backing_len);
	assert_int_equal(parse(&p, buf, CLUSTER), 0);
	assert_int_equal(p.size, h.size);
	assert_int_equal(p.crypt, 2);
	assert_int_equal(p.snapshots_n, 2);
	assert_int_equal(p.snapshots_offset, 0x80000);
	assert_true(p.incompat == h.incompat && p.compat == h.compat);
	assert_true(p.autoclear == h.autoclear);
	assert_int_equal(p.refcount_order, 5);
	assert_int_equal(p.compression, QCOW2_ZSTD);
	assert_string_equal(p.backing_file, h.backing_file);
	assert_string_equal(p.backing_fmt, h.backing_fmt);
	assert_string_equal(p.data_file, h.data_file);
	assert_true(p.has_bitmaps && !p.bitmaps_stale);
	assert_int_equal(p.bitmaps_n, 3);
	assert_int_equal(p.bitmap_dir_size, 96);
	assert_int_equal(p.bitmap_dir_offset, 0x90000);
	assert_true(p.has_crypto);
	assert_int_equal(p.crypto_offset, 0xa0000);
	assert_int_equal(p.unknown_n, 3);
	assert_int_equal(p.unknown[0].type, 0x11111111);
	assert_memory_equal(p.unknown[0].data, h.unknown[0].data, 5);
	assert_int_equal(p.unknown[1].len, 0);
	assert_int_equal(p.unknown[2].type, 3);
	/* The second writing is the first. */
	assert_int_equal(qcow2_header_write(&p, again, CLUSTER, NULL), 0);
	assert_memory_equal(buf, again, CLUSTER);
	qcow2_header_free(&p);
}

static void every_cut_of_the_extensions_is_safe(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h;

	rich(&h);
	assert_int_equal(qcow2_header_write(&h, buf, CLUSTER, NULL), 0);
	for (size_t n = 0; n < h.backing_offset + h.backing_len; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct qcow2_header p;

		memcpy(cut, buf, n);
		assert_true(parse(&p, cut, n) < 0);
		free(cut);
	}
}

static void bitmaps_count_only_with_their_bit(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h, p;

	rich(&h);
	h.autoclear = 0;
	assert_int_equal(qcow2_header_write(&h, buf, CLUSTER, NULL), 0);
	assert_int_equal(parse(&p, buf, CLUSTER), 0);
	assert_true(p.bitmaps_stale && !p.has_bitmaps);
	qcow2_header_free(&p);
}

static const struct {
	const char *what;
	uint32_t type, len;
	uint8_t data[32];
	int want;
} exts[] = {
	{ "format name of 16 bytes", 0xe2792aca, 16, "0123456789abcdef", -EUCLEAN },
	{ "format name of 15 bytes", 0xe2792aca, 15, "0123456789abcde", 0 },
	{ "bitmaps of 16 bytes", 0x23852875, 16, { 0 }, -EUCLEAN },
	{ "no bitmap", 0x23852875, 24, { [21] = 9 }, -EUCLEAN },
	{ "65536 bitmaps", 0x23852875, 24, { 0, 1, 0, 0, [21] = 9 }, -EUCLEAN },
	{ "reserved field", 0x23852875, 24, { 0, 0, 0, 1, 1, [21] = 9 }, -EUCLEAN },
	{ "directory at 0", 0x23852875, 24, { 0, 0, 0, 1 }, -EUCLEAN },
	{ "directory not aligned", 0x23852875, 24, { 0, 0, 0, 1, [22] = 9 }, -EUCLEAN },
	{ "directory without end",
	  0x23852875,
	  24,
	  { 0, 0, 0, 1, [8] = 1, [21] = 9 },
	  -EUCLEAN },
	{ "good bitmaps", 0x23852875, 24, { 0, 0, 0, 1, [15] = 32, [21] = 9 }, 0 },
	{ "encryption where there is none", 0x0537be77, 16, { 0 }, -EUCLEAN },
	{ "unknown", 0x12345678, 32, { 1 }, 0 },
};

static void judges_each_extension(void **state)
{
	static uint8_t buf[CLUSTER];

	for (size_t i = 0; i < ARRAY_SIZE(exts); i++) {
		struct qcow2_header h;
		int r;

		good(buf);
		store_be64(buf + 88, QCOW2_AUTOCLEAR_BITMAPS);
		put_ext(buf + QCOW2_V3_LENGTH, exts[i].type, exts[i].data, exts[i].len);
		r = parse(&h, buf, CLUSTER);
		if (r != exts[i].want)
			fail_msg("%s: got %d, want %d", exts[i].what, r, exts[i].want);
		if (r == 0)
			qcow2_header_free(&h);
	}
	/* One that claims more than the cluster has. */
	good(buf);
	store_be32(buf + QCOW2_V3_LENGTH, 0x12345678);
	store_be32(buf + QCOW2_V3_LENGTH + 4, UINT32_MAX);
	assert_int_equal(parse(&(struct qcow2_header){ 0 }, buf, CLUSTER), -EUCLEAN);
}

static void a_cluster_full_of_tiny_extensions(void **state)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header h;

	good(buf);
	for (size_t at = QCOW2_V3_LENGTH; at + 8 <= CLUSTER; at += 8)
		store_be32(buf + at, 0x7fffffff);
	assert_int_equal(parse(&h, buf, CLUSTER), 0);
	assert_int_equal(h.unknown_n, (CLUSTER - QCOW2_V3_LENGTH) / 8);
	qcow2_header_free(&h);
}

static void small_clusters_hold_what_they_can(void **state)
{
	static uint8_t buf[4096];
	static char name[1025];
	struct qcow2_header h = { .version = 3, .cluster_bits = 9, .backing_file = name };

	/* No feature names, so that a name of some length fits. */
	memset(name, 'x', 512 - QCOW2_V3_LENGTH - 8);
	assert_int_equal(qcow2_header_write(&h, buf, 512, NULL), 0);
	assert_int_equal(h.backing_offset, QCOW2_V3_LENGTH + 8);
	name[strlen(name)] = 'x';
	assert_int_equal(qcow2_header_write(&h, buf, 512, NULL), -ENOSPC);
	/* The limit of the format. */
	memset(name, 'x', 1024);
	h.cluster_bits = 12;
	assert_int_equal(qcow2_header_write(&h, buf, 4096, NULL), -EINVAL);
	name[1023] = '\0';
	assert_int_equal(qcow2_header_write(&h, buf, 4096, NULL), 0);
	assert_int_equal(h.backing_len, 1023);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_good_header),
		cmocka_unit_test(refuses_each_bad_field),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(version_2_has_none_of_the_later_fields),
		cmocka_unit_test(subclusters_need_16_kib),
		cmocka_unit_test(names_unknown_features),
		cmocka_unit_test(comes_back_as_it_was_written),
		cmocka_unit_test(every_cut_of_the_extensions_is_safe),
		cmocka_unit_test(bitmaps_count_only_with_their_bit),
		cmocka_unit_test(judges_each_extension),
		cmocka_unit_test(a_cluster_full_of_tiny_extensions),
		cmocka_unit_test(small_clusters_hold_what_they_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
