/* SPDX-License-Identifier: MIT */
/* L2 entries as plain numbers, for every cluster size. */
/* clang-format off */
#include "tests/unit/unit.h"
/* clang-format on */

#include "img/format/qcow2.h"

#include <string.h>

#define COPIED     QCOW2_OFLAG_COPIED
#define COMPRESSED QCOW2_OFLAG_COMPRESSED

static struct qcow2 image(unsigned bits, bool extended, bool data_file, unsigned version)
{
	struct qcow2 s;

	memset(&s, 0, sizeof(s));
	s.h.version = version;
	s.h.incompat = data_file ? QCOW2_INCOMPAT_DATA_FILE : 0;
	s.cluster_bits = bits;
	s.cluster_size = 1ull << bits;
	s.subclusters = extended ? 32 : 1;
	s.subcluster_size = s.cluster_size / s.subclusters;
	s.l2_entry_bytes = extended ? 16 : 8;
	return s;
}

static struct qcow2_run decode(const struct qcow2 *s, uint64_t entry, uint64_t bitmap,
			       unsigned sc)
{
	struct qcow2_run run;
	struct err e = { 0 };

	if (qcow2_entry_decode(s, entry, bitmap, sc, &run, &e) < 0)
		fail_msg("%#llx: %s", (unsigned long long)entry, e.msg);
	return run;
}

static void refused(const struct qcow2 *s, uint64_t entry, uint64_t bitmap, unsigned sc)
{
	struct qcow2_run run;
	struct err e = { 0 };

	assert_int_equal(qcow2_entry_decode(s, entry, bitmap, sc, &run, &e), -EUCLEAN);
	assert_true(e.msg[0]);
}

static void standard_entries(void **state)
{
	(void)state;
	for (unsigned bits = 9; bits <= 21; bits++) {
		struct qcow2 s = image(bits, false, false, 3);
		uint64_t place = 5ull << bits;
		struct qcow2_run run = decode(&s, 0, 0, 0);

		assert_int_equal(run.kind, QCOW2_UNALLOCATED);
		assert_false(run.has_host);
		assert_int_equal(run.len, s.cluster_size);
		run = decode(&s, place | COPIED, 0, 0);
		assert_int_equal(run.kind, QCOW2_NORMAL);
		assert_int_equal(run.host, place);
		assert_true(run.copied);
		run = decode(&s, place, 0, 0);
		assert_int_equal(run.kind, QCOW2_NORMAL);
		assert_false(run.copied);
		run = decode(&s, QCOW2_OFLAG_ZERO, 0, 0);
		assert_int_equal(run.kind, QCOW2_ZERO_PLAIN);
		assert_false(run.has_host);
		run = decode(&s, place | COPIED | QCOW2_OFLAG_ZERO, 0, 0);
		assert_int_equal(run.kind, QCOW2_ZERO_ALLOC);
		assert_int_equal(run.host, place);
		/* the largest place there is */
		run = decode(&s, QCOW2_OFFSET_MASK & ~(s.cluster_size - 1), 0, 0);
		assert_int_equal(run.host, QCOW2_OFFSET_MASK & ~(s.cluster_size - 1));
	}
}

static void bad_standard_entries(void **state)
{
	(void)state;
	for (unsigned bits = 9; bits <= 21; bits++) {
		struct qcow2 s = image(bits, false, false, 3);
		struct qcow2 v2 = image(bits, false, false, 2);

		/* each bit of the offset below the cluster size */
		for (unsigned b = 9; b < bits; b++) {
			refused(&s, 1ull << b, 0, 0);
			refused(&s, 1ull << b | 7ull << bits | COPIED, 0, 0);
			refused(&s, 1ull << b | QCOW2_OFLAG_ZERO, 0, 0);
		}
		refused(&v2, QCOW2_OFLAG_ZERO, 0, 0);
		refused(&v2, 1ull << bits | QCOW2_OFLAG_ZERO | COPIED, 0, 0);
	}
}

static void data_file_entries(void **state)
{
	struct qcow2 s = image(16, false, true, 3);
	struct qcow2_run run;

	(void)state;
	/* the first cluster of the guest is the first of the file */
	run = decode(&s, COPIED, 0, 0);
	assert_int_equal(run.kind, QCOW2_NORMAL);
	assert_true(run.has_host);
	assert_int_equal(run.host, 0);
	assert_int_equal(decode(&s, 0, 0, 0).kind, QCOW2_UNALLOCATED);
	assert_int_equal(decode(&s, COPIED | QCOW2_OFLAG_ZERO, 0, 0).kind, QCOW2_ZERO_PLAIN);
	refused(&s, COMPRESSED | 0x10000, 0, 0);
	/* without a data file the flag says nothing there */
	s = image(16, false, false, 3);
	assert_int_equal(decode(&s, COPIED, 0, 0).kind, QCOW2_UNALLOCATED);
}

static void compressed_entries(void **state)
{
	(void)state;
	for (unsigned bits = 9; bits <= 21; bits++) {
		struct qcow2 s = image(bits, false, false, 2);
		unsigned shift = 62 - (bits - 8);
		uint64_t all = (1ull << (bits - 8)) - 1;
		struct qcow2_run run;

		/* one sector, from its start and from its last byte */
		run = decode(&s, COMPRESSED | 0x4000, 0, 0);
		assert_int_equal(run.kind, QCOW2_COMPRESSED);
		assert_int_equal(run.comp_off, 0x4000);
		assert_int_equal(run.comp_len, 512);
		assert_int_equal(run.len, s.cluster_size);
		assert_false(run.copied);
		assert_int_equal(decode(&s, COMPRESSED | 0x41ff, 0, 0).comp_len, 1);
		/* as many sectors as there can be, as far away as can be */
		run = decode(&s, COMPRESSED | all << shift, 0, 0);
		assert_int_equal(run.comp_len, (all + 1) * 512);
		assert_int_equal(run.comp_len, 2 * s.cluster_size);
		run = decode(&s, COMPRESSED | ((1ull << shift) - 1), 0, 0);
		assert_int_equal(run.comp_off, (1ull << shift) - 1);
		assert_int_equal(run.comp_len, 1);
		/* flags that have no meaning here */
		run = decode(&s, COMPRESSED | COPIED | 0x4001, 0, 0);
		assert_int_equal(run.comp_off, 0x4001);
	}
}

static void compressed_entries_hold_what_they_are_made_from(void **state)
{
	(void)state;
	for (unsigned bits = 9; bits <= 21; bits++) {
		struct qcow2 s = image(bits, false, false, 3);
		uint64_t offs[] = { 512, 513, 1023, 65537, (1ull << 40) + 511, 1ull << 48 };
		uint32_t cs = (uint32_t)s.cluster_size;
		uint32_t lens[] = { 1, 2, 511, cs / 2, cs - 1 };

		for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
			for (size_t k = 0; k < ARRAY_SIZE(lens); k++) {
				uint64_t entry = qcow2_compressed_entry(&s, offs[i], lens[k]);
				struct qcow2_run run = decode(&s, entry, 0, 0);
				uint64_t end = offs[i] + lens[k];

				assert_int_equal(run.kind, QCOW2_COMPRESSED);
				assert_int_equal(run.comp_off, offs[i]);
				/* up to the end of the last sector, and no further */
				assert_true(run.comp_off + run.comp_len >= end);
				assert_true(run.comp_off + run.comp_len < end + 512);
				assert_int_equal((run.comp_off + run.comp_len) % 512, 0);
			}
		}
	}
}

static void subclusters(void **state)
{
	(void)state;
	for (unsigned bits = 14; bits <= 21; bits++) {
		struct qcow2 s = image(bits, true, false, 3);
		uint64_t place = 3ull << bits | COPIED;

		for (unsigned sc = 0; sc < 32; sc++) {
			uint64_t alloc = 1ull << sc, zero = alloc << 32;
			struct qcow2_run run = decode(&s, place, alloc, sc);

			assert_int_equal(run.kind, QCOW2_NORMAL);
			assert_int_equal(run.len, s.cluster_size / 32);
			assert_int_equal(run.host, (3ull << bits) + sc * run.len);
			assert_true(run.copied);
			run = decode(&s, place, zero, sc);
			assert_int_equal(run.kind, QCOW2_ZERO_ALLOC);
			assert_true(run.has_host);
			run = decode(&s, place, ~(alloc | zero) & 0xffffffff, sc);
			assert_int_equal(run.kind, QCOW2_UNALLOCATED);
			assert_true(run.has_host);
			run = decode(&s, 0, zero, sc);
			assert_int_equal(run.kind, QCOW2_ZERO_PLAIN);
			assert_false(run.has_host);
			assert_int_equal(decode(&s, 0, ~zero & ~0xffffffffull, sc).kind,
					 QCOW2_UNALLOCATED);
			/* both bits of one, wherever it is asked */
			refused(&s, place, alloc | zero, sc);
			refused(&s, place, alloc | zero, (sc + 1) % 32);
			/* bytes of a cluster that has no place */
			refused(&s, 0, alloc, sc);
			refused(&s, 0, alloc, (sc + 1) % 32);
		}
		/* the zero flag of standard entries has no meaning */
		assert_int_equal(decode(&s, place | QCOW2_OFLAG_ZERO, 1, 0).kind, QCOW2_NORMAL);
		assert_int_equal(decode(&s, COMPRESSED | 512, 0, 5).kind, QCOW2_COMPRESSED);
		refused(&s, 1ull << (bits - 1), 0, 0);
	}
}

static void entries_of_tables(void **state)
{
	struct qcow2 s = image(16, false, false, 3);
	struct qcow2 x = image(16, true, false, 3);
	uint8_t table[64] = { 0 };

	(void)state;
	qcow2_l2_set(&s, table, 2, 0x8000000000050000, 77);
	assert_int_equal(qcow2_l2_entry(&s, table, 2), 0x8000000000050000);
	assert_int_equal(qcow2_l2_bitmap(&s, table, 2), 0);
	assert_int_equal(table[16], 0x80);
	assert_int_equal(table[21], 0x05);
	assert_int_equal(qcow2_l2_entry(&s, table, 3), 0);
	qcow2_l2_set(&x, table, 3, 0x90000, 0x100000002);
	assert_int_equal(qcow2_l2_entry(&x, table, 3), 0x90000);
	assert_int_equal(qcow2_l2_bitmap(&x, table, 3), 0x100000002);
	assert_int_equal(table[59], 1);
	assert_int_equal(table[63], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_entries),
		cmocka_unit_test(bad_standard_entries),
		cmocka_unit_test(data_file_entries),
		cmocka_unit_test(compressed_entries),
		cmocka_unit_test(compressed_entries_hold_what_they_are_made_from),
		cmocka_unit_test(subclusters),
		cmocka_unit_test(entries_of_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
