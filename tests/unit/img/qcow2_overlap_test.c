/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

static void each_kind_may_be_written_as_itself_only(void **state)
{
	struct fixture f;
	const struct {
		uint64_t cluster;
		unsigned kind;
		const char *name;
	} places[] = {
		{ 0, QCOW2_R_HEADER, "qcow2_header" },
		{ 1, QCOW2_R_REFTABLE, "refcount table" },
		{ 2, QCOW2_R_REFBLOCK, "refcount block" },
		{ 3, QCOW2_R_L1, "active L1 table" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct err e = { 0 };

		assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
		assert_int_equal(qcow2_region_kinds(&f.s, places[i].cluster << 12),
				 places[i].kind);
		assert_int_equal(qcow2_check_overlap(&f.s, places[i].cluster << 12, 4096,
						     places[i].kind, &e),
				 0);
		assert_int_equal(qcow2_check_overlap(&f.s, 4 << 12, 1 << 20, 0, &e), 0);
		assert_false(f.s.broken);
		/* the last byte of the range is enough */
		assert_int_equal(qcow2_check_overlap(&f.s, (places[i].cluster << 12) + 4095, 1,
						     QCOW2_R_L2, &e),
				 -EIO);
		assert_non_null(strstr(e.msg, places[i].name));
		assert_non_null(strstr(f.warned, places[i].name));
		/* said once, and nothing is written any more */
		assert_int_equal(qcow2_check_overlap(&f.s, 4 << 12, 4096, 0, &e), -EIO);
		assert_int_equal(strchr(f.warned, '\n')[1], '\0');
		fixture_close(&f);
	}
}

static void kinds_not_asked_for_are_let_pass(void **state)
{
	struct fixture f;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.overlap_kinds &= ~(unsigned)QCOW2_R_REFBLOCK;
	assert_int_equal(qcow2_check_overlap(&f.s, 2 << 12, 4096, 0, NULL), 0);
	assert_int_equal(qcow2_check_overlap(&f.s, 1 << 12, 4096, 0, NULL), -EIO);
	fixture_close(&f);
}

static void long_ranges_find_lone_clusters(void **state)
{
	struct fixture f;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_region_add(&f.s, 100000ull << 9, 512, QCOW2_R_L2, NULL), 0);
	assert_int_equal(qcow2_check_overlap(&f.s, 4 << 9, 99996ull << 9, 0, NULL), 0);
	assert_int_equal(qcow2_check_overlap(&f.s, 100001ull << 9, 1ull << 40, 0, NULL), 0);
	assert_int_equal(qcow2_check_overlap(&f.s, 4 << 9, 99997ull << 9, 0, NULL), -EIO);
	fixture_close(&f);
}

static void set_follows_a_model(void **state)
{
	enum { N = 4096 };
	static uint8_t model[N];
	struct fixture f;
	uint64_t seed = 7;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	memset(model, 0, sizeof(model));
	for (unsigned i = 0; i < 200000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;

		uint64_t c = 4 + (seed >> 33) % (N - 4);
		uint64_t n = 1 + (seed >> 28) % 4;

		if (c + n > N)
			continue;
		/* mostly removals at times, so that stones pile up */
		if ((seed >> 20) % 8 < (i / 20000 % 2 ? 2 : 5)) {
			assert_int_equal(qcow2_region_add(&f.s, c << 9, n << 9, QCOW2_R_L2,
							  NULL),
					 0);
			memset(model + c, QCOW2_R_L2, n);
		} else {
			qcow2_region_del(&f.s, c << 9, n << 9);
			memset(model + c, 0, n);
		}
	}
	for (uint64_t c = 4; c < N; c++)
		assert_int_equal(qcow2_region_kinds(&f.s, c << 9), model[c]);
	assert_int_equal(qcow2_region_kinds(&f.s, 0), QCOW2_R_HEADER);
	fixture_close(&f);
}

static void read_only_is_not_marked(void **state)
{
	struct fixture f;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.blk.flags = 0;
	assert_int_equal(qcow2_corrupt(&f.s, true, NULL, "entry %d", 5), -EIO);
	assert_int_equal(qcow2_corrupt(&f.s, true, NULL, "entry %d", 6), -EIO);
	assert_string_equal(f.warned, "qcow2: Image is corrupt: entry 5; further non-fatal "
				      "corruption events will be suppressed\n");
	assert_false(f.s.broken);
	assert_int_equal(f.log.n, 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_may_be_written_as_itself_only),
		cmocka_unit_test(kinds_not_asked_for_are_let_pass),
		cmocka_unit_test(long_ranges_find_lone_clusters),
		cmocka_unit_test(set_follows_a_model),
		cmocka_unit_test(read_only_is_not_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
