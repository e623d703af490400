/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_layout.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

enum { SIZE = (3 << 20) + 512 };

static struct img_create defaults(void)
{
	struct img_create c;

	img_create_defaults(&c);
	c.size = SIZE;
	return c;
}

static uint32_t magic(struct blk *file)
{
	return file->size >= 4 ? load_be32(memblk(file)->m.p) : 0;
}

static void show(void *arg, const char *line)
{
	print_message("# %s\n", line);
}

/* Opens and checks what @file holds, which is closed by that. */
static void judge(struct blk *file, struct blk *data, const char *what, struct img_check *c)
{
	struct blk *b = NULL;
	struct err e = { 0 };
	int r;

	*c = (struct img_check){ .report = show };
	if (img_format_qcow2.open(file, NULL, BLK_CHECK, &b, &e) < 0)
		fail_msg("%s: open: %s", what, e.msg);
	b->data = data;
	r = img_format_qcow2.check(b, c, &e);
	if (r < 0 || c->corruptions || c->leaks || c->check_errors)
		fail_msg("%s: check: %d, %llu corruptions, %llu leaks: %s", what, r,
			 (unsigned long long)c->corruptions, (unsigned long long)c->leaks,
			 e.msg);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* ---- layout ---- */

static const struct {
	uint64_t size;
	unsigned cluster_bits, order;
	bool extended_l2, l2;
	uint64_t l1_entries, refblocks, reftable, total;
} layouts[] = {
	{ 0, 16, 4, false, false, 0, 1, 1, 3 },
	{ 1, 16, 4, false, false, 1, 1, 1, 4 },
	{ 1 << 30, 16, 4, false, false, 2, 1, 1, 4 },
	{ 1 << 30, 16, 4, false, true, 2, 1, 1, 6 + 16384 },
	{ 1ull << 40, 16, 4, false, true, 2048, 513, 1, 1 + 1 + 513 + 1 + 2048 + (1 << 24) },
	{ 1 << 30, 16, 4, true, true, 4, 1, 1, 8 + 16384 },
	{ 1ull << 37, 9, 4, false, false, 4 << 20, 258, 5, 1 + 5 + 258 + 65536 },
	{ 1 << 20, 9, 6, false, true, 32, 34, 1, 1 + 1 + 34 + 1 + 32 + 2048 },
	{ 1 << 20, 9, 0, false, true, 32, 1, 1, 1 + 1 + 1 + 1 + 32 + 2048 },
};

static void layouts_have_no_gap_and_no_waste(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct qcow2_layout y = {
			.size = layouts[i].size,
			.cluster_bits = layouts[i].cluster_bits,
			.refcount_order = layouts[i].order,
			.extended_l2 = layouts[i].extended_l2,
			.l2 = layouts[i].l2,
			.data = layouts[i].l2,
		};
		uint64_t cs = 1ull << y.cluster_bits;

		assert_int_equal(qcow2_layout_plan(&y, NULL), 0);
		assert_int_equal(y.l1_entries, layouts[i].l1_entries);
		assert_int_equal(y.refblocks, layouts[i].refblocks);
		assert_int_equal(y.reftable_clusters, layouts[i].reftable);
		assert_int_equal(y.total, layouts[i].total);
		assert_int_equal(y.reftable_off, cs);
		assert_int_equal(y.refblock_off, y.reftable_off + y.reftable_clusters * cs);
		assert_int_equal(y.l1_off, y.refblock_off + y.refblocks * cs);
		assert_int_equal(y.l2_off, y.l1_off + y.l1_clusters * cs);
		assert_int_equal(y.data_off, y.l2_off + y.l2_tables * cs);
		assert_int_equal(y.end, y.total * cs);
		/* Every cluster has its count. */
		assert_true(y.refblocks * ((8 * cs) >> y.refcount_order) >= y.total);
		assert_true(y.reftable_clusters * cs / 8 >= y.refblocks);
	}
}

static void layouts_end_where_the_format_does(void **state)
{
	struct qcow2_layout y = { .size = (1ull << 37) + 1, .cluster_bits = 9 };

	assert_int_equal(qcow2_layout_plan(&y, NULL), -EFBIG);
	y = (struct qcow2_layout){ .size = UINT64_MAX, .cluster_bits = 21 };
	assert_int_equal(qcow2_layout_plan(&y, NULL), -EFBIG);
	y = (struct qcow2_layout){ .size = 1ull << 61, .cluster_bits = 21 };
	assert_int_equal(qcow2_layout_plan(&y, NULL), 0);
}

/* ---- images ---- */

static void create_one(const struct img_create *c)
{
	struct blk *file = memblk_new(NULL, 0);
	struct err e = { 0 };
	struct img_check k;
	char what[128];

	snprintf(what, sizeof(what), "clusters %llu, refcounts %u, preallocation %d, compat %u",
		 (unsigned long long)c->cluster_size, c->refcount_bits, c->prealloc, c->compat);
	if (img_format_qcow2.create(file, NULL, c, NULL, &e) < 0)
		fail_msg("%s: %s", what, e.msg);
	judge(file, NULL, what, &k);
	assert_int_equal(k.total_clusters, div_up(SIZE, c->cluster_size));
	assert_int_equal(k.allocated_clusters,
			 c->prealloc == PREALLOC_OFF ? 0 : k.total_clusters);
}

static void every_width_and_size_checks_clean(void **state)
{
	for (unsigned bits = 9; bits <= 21; bits += 3)
		for (unsigned order = 0; order <= 6; order++)
			for (int p = PREALLOC_OFF; p <= PREALLOC_FULL; p++) {
				struct img_create c = defaults();

				c.cluster_size = 1ull << bits;
				c.refcount_bits = 1u << order;
				c.prealloc = (enum blk_prealloc)p;
				create_one(&c);
				c.extended_l2 = bits >= 14;
				if (c.extended_l2)
					create_one(&c);
				c.extended_l2 = false;
				c.compat = 2;
				if (order == 4)
					create_one(&c);
			}
}

static void guest_bytes_of_an_external_file_take_no_cluster(void **state)
{
	for (int raw = 0; raw < 2; raw++) {
		struct blk *file = memblk_new(NULL, 0), *data = memblk_new(NULL, 0);
		struct img_create c = defaults();
		struct memblk *m = memblk(file);

		c.data_file = "bytes.raw";
		c.data_file_raw = raw;
		assert_int_equal(img_format_qcow2.create(file, data, &c, NULL, NULL), 0);
		assert_int_equal(data->size, SIZE);
		assert_int_equal(load_be64(m->m.p + 72), QCOW2_INCOMPAT_DATA_FILE);
		assert_int_equal(load_be64(m->m.p + 88), raw ? QCOW2_AUTOCLEAR_RAW_DATA : 0);
		/* A raw data file is mapped from the start, each cluster to itself. */
		assert_int_equal(file->size, raw ? 0x50000 : 0x30008);
		if (raw) {
			uint64_t e = load_be64(m->m.p + 0x40000 + 8 * 5);

			assert_true(e == (QCOW2_OFLAG_COPIED | 0x50000));
		}
		assert_int_equal(blk_close(file, NULL), 0);
		assert_int_equal(blk_close(data, NULL), 0);
	}
}

static const struct refusal {
	const char *what;
	struct img_create c;
	int want;
} refusals[] = {
	{ "clusters of 100", { .cluster_size = 100 }, -EINVAL },
	{ "clusters of 0", { .cluster_size = 0 }, -EINVAL },
	{ "clusters of 4 MiB", { .cluster_size = 4 << 20 }, -EINVAL },
	{ "3-bit refcounts", { .cluster_size = 65536, .refcount_bits = 3 }, -EINVAL },
	{ "0-bit refcounts", { .cluster_size = 65536 }, -EINVAL },
	{ "128-bit refcounts", { .cluster_size = 65536, .refcount_bits = 128 }, -EINVAL },
	{ "8-bit in version 2",
	  { .cluster_size = 65536, .refcount_bits = 8, .compat = 2 },
	  -EINVAL },
	{ "lazy in version 2",
	  { .cluster_size = 65536, .refcount_bits = 16, .compat = 2, .lazy_refcounts = true },
	  -EINVAL },
	{ "subclusters in version 2",
	  { .cluster_size = 65536, .refcount_bits = 16, .compat = 2, .extended_l2 = true },
	  -EINVAL },
	{ "subclusters of 256",
	  { .cluster_size = 8192, .refcount_bits = 16, .compat = 3, .extended_l2 = true },
	  -EINVAL },
	{ "zstd in version 2",
	  { .cluster_size = 65536, .refcount_bits = 16, .compat = 2, .compression_zstd = true },
	  -EINVAL },
	{ "raw data without data file",
	  { .cluster_size = 65536, .refcount_bits = 16, .compat = 3, .data_file_raw = true },
	  -EINVAL },
	{ "preallocation over a backing file",
	  { .cluster_size = 65536,
	    .refcount_bits = 16,
	    .compat = 3,
	    .backing_file = "b",
	    .prealloc = PREALLOC_METADATA },
	  -EINVAL },
	{ "format of no backing file",
	  { .cluster_size = 65536, .refcount_bits = 16, .compat = 3, .backing_fmt = "raw" },
	  -EINVAL },
	{ "too large for its clusters",
	  { .cluster_size = 512, .refcount_bits = 16, .compat = 3, .size = 1ull << 40 },
	  -EFBIG },
	{ "too large for its refcounts",
	  { .cluster_size = 512,
	    .refcount_bits = 64,
	    .compat = 3,
	    .size = 1ull << 36,
	    .prealloc = PREALLOC_METADATA },
	  -EFBIG },
};

static void refuses_without_touching_the_file(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct blk *file = memblk_new("old", 3);
		struct err e = { 0 };
		int r = img_format_qcow2.create(file, NULL, &refusals[i].c, NULL, &e);

		if (r != refusals[i].want)
			fail_msg("%s: got %d, want %d", refusals[i].what, r, refusals[i].want);
		assert_true(e.code == r && e.msg[0]);
		assert_int_equal(memblk(file)->calls, 0);
		assert_int_equal(blk_close(file, NULL), 0);
	}
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
	struct blk *file = memblk_new(NULL, 0);
	struct img_create c = defaults();
	char name[600];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	c.backing_file = name;
	c.cluster_size = 512;
	assert_int_equal(img_format_qcow2.create(file, NULL, &c, NULL, NULL), -ENOSPC);
	assert_int_equal(file->size, 0);
	assert_int_equal(blk_close(file, NULL), 0);
}

/* ---- crashes and failures ---- */

/* The header is one write, the last, and everything else was stable before it; what was
 * there before loses its header first. */
static void the_header_comes_last(void **state)
{
	for (int again = 0; again < 2; again++) {
		struct blk *file = memblk_new(NULL, 0);
		struct img_create c = defaults();
		struct memlog log = { 0 };
		size_t i = 0;

		if (again) {
			assert_int_equal(img_format_qcow2.create(file, NULL, &c, NULL, NULL),
					 0);
			assert_int_equal(magic(file), QCOW2_MAGIC);
		}
		c.prealloc = PREALLOC_METADATA;
		memblk(file)->log = &log;
		assert_int_equal(img_format_qcow2.create(file, NULL, &c, NULL, NULL), 0);
		if (again) {
			assert_true(log.v[0].kind != MEMOP_SIZE && log.v[0].off == 0);
			assert_int_equal(log.v[1].kind, MEMOP_SYNC);
			i = 2;
		}
		for (; i < log.n - 2; i++)
			assert_true(log.v[i].kind == MEMOP_SYNC ||
				    log.v[i].kind == MEMOP_SIZE || log.v[i].off > 0);
		assert_int_equal(log.v[log.n - 2].kind, MEMOP_SYNC);
		assert_int_equal(log.v[log.n - 1].kind, MEMOP_WRITE);
		assert_int_equal(log.v[log.n - 1].off, 0);
		memblk(file)->log = NULL;
		memlog_free(&log);
		assert_int_equal(blk_close(file, NULL), 0);
	}
}

static void every_failure_is_told(void **state)
{
	struct img_create c = defaults();
	int r = -1;

	c.cluster_size = 4096;
	c.prealloc = PREALLOC_FULL;
	for (uint64_t n = 1; r < 0; n++) {
		struct blk *file = memblk_new(NULL, 0);
		struct err e = { 0 };

		memblk(file)->fail_at = n;
		memblk(file)->fail_after = true;
		memblk(file)->fail_code = -ENOSPC;
		r = img_format_qcow2.create(file, NULL, &c, NULL, &e);
		if (r < 0) {
			assert_int_equal(r, -ENOSPC);
			assert_int_equal(e.code, -ENOSPC);
			assert_int_not_equal(magic(file), QCOW2_MAGIC);
		} else {
			assert_true(n > 4);
		}
		assert_true(n < 10000);
		memblk(file)->fail_at = 0;
		assert_int_equal(blk_close(file, NULL), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_have_no_gap_and_no_waste),
		cmocka_unit_test(layouts_end_where_the_format_does),
		cmocka_unit_test(every_width_and_size_checks_clean),
		cmocka_unit_test(guest_bytes_of_an_external_file_take_no_cluster),
		cmocka_unit_test(refuses_without_touching_the_file),
		cmocka_unit_test(a_name_that_does_not_fit_is_refused),
		cmocka_unit_test(the_header_comes_last),
		cmocka_unit_test(every_failure_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
