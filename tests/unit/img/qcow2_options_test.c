/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_options.h"

#include "tests/unit/unit.h"

#include <string.h>

/* What @text means for an image of @size bytes; the code of qcow2_options_parse. */
static int parse(const char *text, unsigned cluster_bits, uint64_t size,
		 struct qcow2_options *out, struct err *e)
{
	struct qcow2 s = { 0 };
	struct optset set = OPTSET_INIT;
	int r = text ? optset_parse(&set, text, NULL, e) : 0;

	assert_int_equal(r, 0);
	s.h.version = 3;
	s.h.size = size;
	s.cluster_bits = cluster_bits;
	s.cluster_size = 1ull << cluster_bits;
	s.l2_entry_bytes = 8;
	s.l2_bits = cluster_bits - 3;
	r = qcow2_options_parse(&s, text ? &set : NULL, BLK_UNMAP, out, e);
	if (r == 0)
		assert_null(optset_unused(&set));
	optset_free(&set);
	return r;
}

static void defaults_cover_the_disk_up_to_a_limit(void **state)
{
	struct qcow2_options o;

	assert_int_equal(parse(NULL, 16, 1ull << 30, &o, NULL), 0);
	assert_int_equal(o.l2_bytes, 65536);
	assert_int_equal(o.l2_tables, 4); /* 1 GiB takes two: the least there is */
	assert_int_equal(parse(NULL, 16, 10ull << 40, &o, NULL), 0);
	assert_int_equal(o.l2_tables * o.l2_bytes, 16 << 20);
	assert_int_equal(o.rb_tables, 8);
	/* slices, not tables, of large clusters */
	assert_int_equal(parse(NULL, 21, 10ull << 40, &o, NULL), 0);
	assert_int_equal(o.l2_bytes, 65536);
	assert_int_equal(o.rb_tables, 4);
	assert_true(o.l2_tables * o.l2_bytes + (o.rb_tables << 21) <= 24 << 20);
	assert_int_equal(parse(NULL, 9, 1ull << 50, &o, NULL), 0);
	assert_int_equal(o.l2_bytes, 512);
	assert_true(o.l2_tables * o.l2_bytes <= 16 << 20);
	assert_int_equal(o.clean_interval, 600);
	assert_false(o.lazy);
	assert_int_equal(o.overlap, QCOW2_R_SNAP_L2 - 1);
}

static void sizes_are_taken_as_said(void **state)
{
	struct qcow2_options o;
	struct err e = { 0 };

	assert_int_equal(parse("l2-cache-size=1M,refcount-cache-size=2M", 16, 10ull << 40, &o,
			       &e),
			 0);
	assert_int_equal(o.l2_tables, 16);
	assert_int_equal(o.rb_tables, 32);
	assert_int_equal(parse("cache-size=4M,l2-cache-size=1M", 16, 10ull << 40, &o, &e), 0);
	assert_int_equal(o.l2_tables, 16);
	assert_int_equal(o.rb_tables, 48);
	assert_int_equal(parse("cache-size=4M", 16, 10ull << 40, &o, &e), 0);
	assert_int_equal(o.rb_tables, 4);
	assert_int_equal(o.l2_tables, 60);
	/* more than the whole disk needs goes to refcounts */
	assert_int_equal(parse("cache-size=4M", 16, 4ull << 30, &o, &e), 0);
	assert_int_equal(o.l2_tables, 8);
	assert_int_equal(o.rb_tables, 56);
	assert_int_equal(parse("l2-cache-entry-size=4k,l2-cache-size=1M,cache-clean-interval=0",
			       16, 10ull << 40, &o, &e),
			 0);
	assert_int_equal(o.l2_bytes, 4096);
	assert_int_equal(o.l2_tables, 256);
	assert_int_equal(o.clean_interval, 0);
	/* no more than the disk can fill, whatever was asked */
	assert_int_equal(parse("l2-cache-size=1T", 16, 1ull << 40, &o, &e), 0);
	assert_int_equal(o.l2_tables, 2048);
}

static void switches(void **state)
{
	struct qcow2_options o;

	assert_int_equal(parse("lazy-refcounts=on,pass-discard-request=off,"
			       "pass-discard-snapshot=off,pass-discard-other=on",
			       16, 1 << 30, &o, NULL),
			 0);
	assert_true(o.lazy);
	assert_false(o.discard[QCOW2_FREED_REQUEST]);
	assert_false(o.discard[QCOW2_FREED_SNAPSHOT]);
	assert_true(o.discard[QCOW2_FREED_OTHER]);
	assert_int_equal(parse(NULL, 16, 1 << 30, &o, NULL), 0);
	assert_true(o.discard[QCOW2_FREED_REQUEST]);
	assert_true(o.discard[QCOW2_FREED_SNAPSHOT]);
	assert_false(o.discard[QCOW2_FREED_OTHER]);
	assert_int_equal(parse("overlap-check=none", 16, 1 << 30, &o, NULL), 0);
	assert_int_equal(o.overlap, 0);
	assert_int_equal(parse("overlap-check=all,overlap-check.inactive-l2=off", 16, 1 << 30,
			       &o, NULL),
			 0);
	assert_int_equal(o.overlap, QCOW2_R_SNAP_L2 - 1);
	assert_int_equal(parse("overlap-check.template=constant,overlap-check.active-l2=on", 16,
			       1 << 30, &o, NULL),
			 0);
	assert_int_equal(o.overlap, QCOW2_R_HEADER | QCOW2_R_L1 | QCOW2_R_L2 |
					    QCOW2_R_REFTABLE | QCOW2_R_SNAPTABLE |
					    QCOW2_R_BITMAP_DIR);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "cache-size=4M,l2-cache-size=1M,refcount-cache-size=1M",
		  "may not be set at the same time" },
		{ "cache-size=1M,l2-cache-size=2M", "l2-cache-size may not exceed cache-size" },
		{ "cache-size=1M,refcount-cache-size=2M",
		  "refcount-cache-size may not exceed cache-size" },
		{ "l2-cache-entry-size=256", "power of two" },
		{ "l2-cache-entry-size=3000", "power of two" },
		{ "l2-cache-entry-size=128k", "power of two" },
		{ "refcount-cache-size=4194304T", "efcount" },
		{ "cache-clean-interval=4294967296", "interval" },
		{ "overlap-check=some", "some" },
		{ "overlap-check=all,overlap-check.template=none", "Conflicting" },
		{ "overlap-check.active-l1=maybe", "'overlap-check.active-l1' expects" },
		{ "lazy-refcounts=2", "lazy-refcounts" },
		{ "l2-cache-size=much", "'l2-cache-size' expects" },
		{ "data-file=x", "Cannot find device='x'" },
		{ "data-file.driver=file", "requires a file name" },
		{ "data-file.driver=qcow2,data-file.filename=x", "not supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct qcow2_options o;
		struct err e = { 0 };
		int r = parse(bad[i].text, 16, 1ull << 40, &o, &e);

		if (r >= 0 || !strstr(e.msg, bad[i].why))
			fail_msg("%s: %d, %s", bad[i].text, r, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_cover_the_disk_up_to_a_limit),
		cmocka_unit_test(sizes_are_taken_as_said),
		cmocka_unit_test(switches),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
