/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

enum { BITS = 12, CS = 1 << BITS, L1 = 16 };

/* Offsets of header fields. */
enum {
	H_SIZE = 24,
	H_CRYPT = 32,
	H_L1_ENTRIES = 36,
	H_L1_OFFSET = 40,
	H_REFTABLE_OFFSET = 48,
	H_REFTABLE_CLUSTERS = 56,
	H_INCOMPAT = 72,
	H_COMPAT = 80,
	H_AUTOCLEAR = 88,
};

struct place {
	uint8_t *image;
	size_t len;
	struct memlog log;
	uint64_t calls;   /* of the file, while opening */
	struct fixture f; /* for its warnings only */
	struct blk_log warn;
};

static void start(struct place *p)
{
	memset(p, 0, sizeof(*p));
	p->image = fixture_image(BITS, 4, L1, &p->len);
	p->warn = (struct blk_log){ fixture_warn, &p->f };
}

static void end(struct place *p)
{
	free(p->image);
	memlog_free(&p->log);
}

static int open_it(struct place *p, unsigned flags, const char *opts, struct blk **out,
		   struct err *e)
{
	struct blk *file = memblk_new(p->image, p->len);
	struct optset set = OPTSET_INIT;
	int r = opts ? optset_parse(&set, opts, NULL, e) : 0;

	assert_int_equal(r, 0);
	memblk(file)->log = &p->log;
	file->log = &p->warn;
	file->flags = flags;
	r = img_format_qcow2.open(file, &set, flags, out, e);
	p->calls = memblk(file)->calls;
	optset_free(&set);
	if (r < 0)
		(void)!blk_close(file, NULL);
	return r;
}

/* Bytes of the image after what the log says. */
static uint64_t field(struct place *p, uint64_t off)
{
	struct membytes m = { 0 };
	uint64_t v;

	membytes_size(&m, p->len);
	memcpy(m.p, p->image, p->len);
	for (size_t i = 0; i < p->log.n; i++)
		memlog_apply(&m, &p->log.v[i]);
	v = load_be64(m.p + off);
	free(m.p);
	return v;
}

/* As the tables in the file have it, wherever they are. */
static uint64_t refcount(struct place *p, uint64_t cluster)
{
	return field(p, field(p, field(p, H_REFTABLE_OFFSET)) + cluster * 2) >> 48;
}

static size_t writes(const struct place *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->log.n; i++)
		n += p->log.v[i].kind != MEMOP_SYNC;
	return n;
}

static void opening_and_closing_changes_nothing(void **state)
{
	static const unsigned flags[] = { 0, BLK_WRITE, BLK_NOIO, BLK_CHECK,
					  BLK_CHECK | BLK_WRITE };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct place p;
		struct blk *b;

		start(&p);
		store_be64(p.image + H_AUTOCLEAR, 0xf0);
		assert_int_equal(open_it(&p, flags[i], NULL, &b, NULL), 0);
		assert_int_equal(b->size, (uint64_t)L1 << (2 * BITS - 3));
		assert_int_equal(blk_close(b, NULL), 0);
		assert_int_equal(writes(&p), 0);
		end(&p);
	}
}

static void header_readers_read_no_tables(void **state)
{
	struct place p;
	struct blk *b;

	start(&p);
	/* there are none, even */
	store_be64(p.image + H_REFTABLE_OFFSET, 1ull << 40);
	store_be64(p.image + H_L1_OFFSET, 1ull << 40);
	assert_int_equal(open_it(&p, BLK_NOIO, NULL, &b, NULL), 0);
	assert_true(p.calls <= 2);
	assert_int_equal(blk_close(b, NULL), 0);
	end(&p);
}

static void claims_beyond_the_file_are_refused(void **state)
{
	static const struct {
		unsigned at;
		uint64_t value;
		unsigned bytes;
		bool readers; /* also without BLK_WRITE */
	} bad[] = {
		{ H_L1_OFFSET, 1ull << 40, 8, true },
		{ H_L1_OFFSET, 4 * CS, 8, true },
		{ H_L1_OFFSET, 0, 8, true },
		{ H_L1_ENTRIES, 4 << 20, 4, true }, /* all of 32 MiB */
		{ H_L1_ENTRIES, 5 << 20, 4, true },
		{ H_L1_ENTRIES, L1 - 1, 4, true },
		{ H_L1_OFFSET, 3 * CS + 8, 8, true },
		{ H_REFTABLE_OFFSET, 1ull << 40, 8, false },
		{ H_REFTABLE_OFFSET, 0, 8, false },
		{ H_REFTABLE_CLUSTERS, 2047, 4, false },
		{ H_REFTABLE_CLUSTERS, 0, 4, true },
		{ H_REFTABLE_CLUSTERS, 4096, 4, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = { 0 };
		struct place p;
		struct blk *b;
		int r;

		start(&p);
		if (bad[i].bytes == 8)
			store_be64(p.image + bad[i].at, bad[i].value);
		else
			store_be32(p.image + bad[i].at, (uint32_t)bad[i].value);
		r = open_it(&p, BLK_WRITE, NULL, &b, &e);
		if (r != -EUCLEAN)
			fail_msg("case %zu: %d %s", i, r, e.msg);
		r = open_it(&p, 0, NULL, &b, &e);
		if (r != (bad[i].readers ? -EUCLEAN : 0))
			fail_msg("case %zu, reading: %d %s", i, r, e.msg);
		if (r == 0)
			assert_int_equal(blk_close(b, NULL), 0);
		assert_int_equal(writes(&p), 0);
		end(&p);
	}
}

static void check_opens_without_a_refcount_table(void **state)
{
	static const uint64_t where[] = { 0, 1ull << 40, 4 * CS, CS + 8 };

	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		struct place p;
		struct blk *b;

		start(&p);
		store_be64(p.image + H_REFTABLE_OFFSET, where[i]);
		assert_int_equal(open_it(&p, BLK_CHECK, NULL, &b, NULL), 0);
		assert_int_equal(to_qcow2(b)->reftable_entries, 0);
		assert_int_equal(blk_close(b, NULL), 0);
		end(&p);
	}
}

static void a_check_is_bounded_by_the_file_too(void **state)
{
	static const uint64_t where[] = { 3 * CS, 4 * CS, 1ull << 40,
					  UINT64_MAX & ~(CS - 1ull) };

	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		struct place p;
		struct blk *b;

		start(&p);
		store_be64(p.image + H_L1_OFFSET, where[i]);
		store_be32(p.image + H_L1_ENTRIES, UINT32_MAX);
		assert_int_equal(open_it(&p, BLK_CHECK, NULL, &b, NULL), -EUCLEAN);
		end(&p);
	}
}

static void every_length_of_file_is_answered(void **state)
{
	struct place p;

	start(&p);
	for (size_t len = 0; len < p.len; len += len < 200 ? 1 : 61) {
		struct place cut = p;
		struct blk *b;
		int r;

		cut.len = len;
		r = open_it(&cut, BLK_WRITE, NULL, &b, NULL);
		/* the L1 table is the last; zeroes it ends with may be missing */
		assert_int_equal(r == 0, len > 3 * CS);
		if (r == 0)
			assert_int_equal(blk_close(b, NULL), 0);
		memlog_free(&cut.log);
	}
	end(&p);
}

static void corrupt_images_are_not_written(void **state)
{
	struct err e = { 0 };
	struct place p;
	struct blk *b;

	start(&p);
	store_be64(p.image + H_INCOMPAT, QCOW2_INCOMPAT_CORRUPT);
	assert_int_equal(open_it(&p, BLK_WRITE, NULL, &b, &e), -EACCES);
	assert_string_equal(e.msg, "qcow2: Image is corrupt; cannot be opened read/write");
	assert_int_equal(open_it(&p, 0, NULL, &b, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(open_it(&p, BLK_WRITE | BLK_CHECK, NULL, &b, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(writes(&p), 0);
	end(&p);
}

static void without_a_key_only_the_header_is_shown(void **state)
{
	struct err e = { 0 };
	struct place p;
	struct blk *b;

	start(&p);
	store_be32(p.image + H_CRYPT, 1);
	assert_int_equal(open_it(&p, 0, NULL, &b, &e), -EINVAL);
	assert_string_equal(e.msg, "Parameter 'encrypt.key-secret' is required for cipher");
	assert_int_equal(open_it(&p, BLK_WRITE, "encrypt.key-secret=x", &b, &e), -EINVAL);
	assert_string_equal(e.msg, "No secret with id 'x'");
	assert_int_equal(open_it(&p, BLK_NOIO, NULL, &b, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	store_be32(p.image + H_CRYPT, 2);
	assert_int_equal(open_it(&p, BLK_NOIO, NULL, &b, &e), -EUCLEAN);
	assert_string_equal(e.msg, "Missing CRYPTO header for crypt method 2");
	end(&p);
}

static void data_files_are_named_or_refused(void **state)
{
	struct err e = { 0 };
	struct place p;
	struct blk *b;

	start(&p);
	assert_int_equal(open_it(&p, 0, "data-file.filename=x.raw", &b, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "external data file"));
	store_be64(p.image + H_INCOMPAT, QCOW2_INCOMPAT_DATA_FILE);
	assert_int_equal(open_it(&p, 0, NULL, &b, &e), -EINVAL);
	assert_string_equal(e.msg, "'data-file' is required for this image");
	/* nobody who wants the header touches a file that the image names */
	assert_int_equal(open_it(&p, BLK_NOIO, "data-file.filename=/nonexistent/x", &b, NULL),
			 0);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(open_it(&p, 0, "data-file.filename=/nonexistent/x", &b, &e), -ENOENT);
	end(&p);
}

static void lazy_image_is_dirty_while_it_changes(void **state)
{
	uint8_t buf[512] = { 1 };
	struct place p;
	struct blk *b;

	start(&p);
	store_be64(p.image + H_COMPAT, QCOW2_COMPAT_LAZY);
	assert_int_equal(open_it(&p, BLK_WRITE, NULL, &b, NULL), 0);
	assert_int_equal(field(&p, H_INCOMPAT), 0);
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 0, NULL), 0);
	assert_int_equal(field(&p, H_INCOMPAT), QCOW2_INCOMPAT_DIRTY);
	assert_int_equal(blk_flush(b, NULL), 0);
	assert_int_equal(field(&p, H_INCOMPAT), QCOW2_INCOMPAT_DIRTY);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(field(&p, H_INCOMPAT), 0);
	/* header, tables, data, L2 table */
	for (uint64_t c = 0; c < 8; c++)
		assert_int_equal(refcount(&p, c), c < 6);
	end(&p);
}

static void dirty_image_is_repaired_before_it_is_written(void **state)
{
	uint8_t buf[512] = { 1 };
	struct place p;
	struct blk *b;
	struct err e = { 0 };

	start(&p);
	/* an L2 table and a cluster that no refcount knows of */
	p.image = realloc(p.image, 6 * CS);
	memset(p.image + 4 * CS, 0, 2 * CS);
	p.len = 6 * CS;
	store_be64(p.image + 3 * CS, 4 * CS | QCOW2_OFLAG_COPIED);
	store_be64(p.image + 4 * CS, 5 * CS | QCOW2_OFLAG_COPIED);
	memset(p.image + 5 * CS, 0x5a, CS);
	store_be64(p.image + H_INCOMPAT, QCOW2_INCOMPAT_DIRTY);

	assert_int_equal(open_it(&p, 0, NULL, &b, NULL), 0);
	assert_int_equal(blk_pread(b, buf, sizeof(buf), 0, NULL), 0);
	assert_int_equal(buf[0], 0x5a);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(writes(&p), 0);

	assert_int_equal(open_it(&p, BLK_WRITE, NULL, &b, &e), 0);
	assert_int_equal(field(&p, H_INCOMPAT), 0);
	assert_int_equal(refcount(&p, 4), 1);
	assert_int_equal(refcount(&p, 5), 1);

	/* what is in memory is what the repair wrote: nothing used is handed out */
	uint64_t taken;

	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 10 * CS, NULL), 0);
	assert_int_equal(blk_close(b, &e), 0);
	assert_int_equal(field(&p, 4 * CS) & QCOW2_OFFSET_MASK, 5 * CS);
	taken = (field(&p, 4 * CS + 80) & QCOW2_OFFSET_MASK) / CS;
	assert_true(taken > 5 || taken == 1 || taken == 2);
	assert_int_not_equal(taken, field(&p, H_REFTABLE_OFFSET) / CS);
	assert_int_equal(refcount(&p, taken), 1);
	assert_int_equal(refcount(&p, 5), 1);
	end(&p);
}

static void unknown_autoclear_bits_go_with_the_first_write(void **state)
{
	uint8_t buf[512] = { 1 };
	struct place p;
	struct blk *b;

	start(&p);
	store_be64(p.image + H_AUTOCLEAR, 0xf0);
	assert_int_equal(open_it(&p, BLK_WRITE, NULL, &b, NULL), 0);
	assert_int_equal(field(&p, H_AUTOCLEAR), 0xf0);
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 0, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(field(&p, H_AUTOCLEAR), 0);
	end(&p);
}

static void found_corrupt_it_takes_no_more_writes(void **state)
{
	uint8_t buf[512] = { 1 };
	struct place p;
	struct blk *b;

	start(&p);
	store_be64(p.image + 3 * CS, 0x2a00 | QCOW2_OFLAG_COPIED);
	assert_int_equal(open_it(&p, BLK_WRITE, NULL, &b, NULL), 0);
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 5 << 20, NULL), 0);
	assert_int_equal(blk_pread(b, buf, sizeof(buf), 0, NULL), -EIO);
	assert_string_equal(p.f.warned,
			    "qcow2: Marking image as corrupt: L2 table offset 0x2a00 unaligned "
			    "(L1 index: 0); further corruption events will be suppressed\n");
	assert_int_equal(field(&p, H_INCOMPAT), QCOW2_INCOMPAT_CORRUPT);

	size_t before = writes(&p);

	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 5 << 20, NULL), -EIO);
	(void)blk_close(b, NULL);
	assert_int_equal(writes(&p), before);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_and_closing_changes_nothing),
		cmocka_unit_test(header_readers_read_no_tables),
		cmocka_unit_test(claims_beyond_the_file_are_refused),
		cmocka_unit_test(check_opens_without_a_refcount_table),
		cmocka_unit_test(a_check_is_bounded_by_the_file_too),
		cmocka_unit_test(every_length_of_file_is_answered),
		cmocka_unit_test(corrupt_images_are_not_written),
		cmocka_unit_test(without_a_key_only_the_header_is_shown),
		cmocka_unit_test(data_files_are_named_or_refused),
		cmocka_unit_test(lazy_image_is_dirty_while_it_changes),
		cmocka_unit_test(dirty_image_is_repaired_before_it_is_written),
		cmocka_unit_test(unknown_autoclear_bits_go_with_the_first_write),
		cmocka_unit_test(found_corrupt_it_takes_no_more_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
