/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

enum { DISK = 4 << 20, CLUSTER = 4096, CLUSTERS = DISK / CLUSTER };

/* An image in memory and what a guest finds in it, one byte for each cluster. */
struct image {
	struct blk *b;
	struct memblk *mem;
	uint8_t want[CLUSTERS];
};

static struct blk *open_bytes(const uint8_t *p, uint64_t len, unsigned flags)
{
	struct blk *b = NULL;
	struct err e = { 0 };

	if (img_format_qcow2.open(memblk_new(p, len), NULL, flags, &b, &e) < 0)
		fail_msg("open: %s", e.msg);
	return b;
}

static void put(struct image *m, uint32_t first, uint32_t n, uint8_t v)
{
	uint8_t *buf = malloc(n * CLUSTER);

	assert_non_null(buf);
	memset(buf, v, n * CLUSTER);
	assert_int_equal(blk_pwrite(m->b, buf, n * CLUSTER, (uint64_t)first * CLUSTER, NULL),
			 0);
	memset(m->want + first, v, n);
	free(buf);
}

static void zero(struct image *m, uint32_t first, uint32_t n, unsigned flags)
{
	assert_int_equal(blk_zero(m->b, (uint64_t)first * CLUSTER, (uint64_t)n * CLUSTER, flags,
				  NULL),
			 0);
	memset(m->want + first, 0, n);
}

/* Data, zero clusters with and without a place, and what snapshots share. */
static void start(struct image *m, unsigned compat, unsigned bits)
{
	struct blk *file = memblk_new(NULL, 0);
	struct img_create c;

	memset(m, 0, sizeof(*m));
	img_create_defaults(&c);
	c.size = DISK;
	c.cluster_size = CLUSTER;
	c.compat = compat;
	c.refcount_bits = bits;
	assert_int_equal(img_format_qcow2.create(file, NULL, &c, NULL, NULL), 0);
	assert_int_equal(img_format_qcow2.open(file, NULL, BLK_WRITE | BLK_UNMAP, &m->b, NULL),
			 0);
	m->mem = memblk(file);
	put(m, 10, 40, 1);
	put(m, 600, 30, 2);
	zero(m, 20, 5, 0);
	zero(m, 300, 10, 0);
	if (bits == 1)
		return;
	assert_int_equal(img_format_qcow2.snapshot(m->b, SNAPSHOT_CREATE, "a", NULL, NULL), 0);
	zero(m, 30, 5, 0);
	put(m, 610, 4, 3);
	if (bits == 2)
		return;
	assert_int_equal(img_format_qcow2.snapshot(m->b, SNAPSHOT_CREATE, "b", NULL, NULL), 0);
	zero(m, 12, 2, BLK_MAY_UNMAP);
}

static void end(struct image *m)
{
	m->mem->fail_at = 0;
	(void)!blk_close(m->b, NULL);
}

static int amend(struct image *m, const char *text, struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r;

	assert_int_equal(optset_parse(&o, text, NULL, NULL), 0);
	r = img_format_qcow2.amend(m->b, &o, false, NULL, e);
	optset_free(&o);
	return r;
}

static struct qcow2_header *header(struct image *m)
{
	return &to_qcow2(m->b)->h;
}

/* What the file holds now opens, checks, and reads as it should. */
static void judge(struct image *m, const char *what, bool leaks_allowed)
{
	struct blk *b = open_bytes(m->mem->m.p, m->mem->m.len, BLK_CHECK);
	struct img_check c = { 0 };
	static uint8_t buf[CLUSTER];

	assert_int_equal(img_format_qcow2.check(b, &c, NULL), 0);
	if (c.corruptions || c.check_errors || (c.leaks && !leaks_allowed))
		fail_msg("%s: %llu corruptions, %llu leaks", what,
			 (unsigned long long)c.corruptions, (unsigned long long)c.leaks);
	for (uint32_t i = 0; i < CLUSTERS && (uint64_t)i * CLUSTER < b->size; i++) {
		assert_int_equal(blk_pread(b, buf, CLUSTER, (uint64_t)i * CLUSTER, NULL), 0);
		if (buf[0] != m->want[i] || buf[CLUSTER - 1] != m->want[i])
			fail_msg("%s: cluster %u holds %u, should be %u", what, i, buf[0],
				 m->want[i]);
	}
	assert_int_equal(blk_close(b, NULL), 0);
}

/* Everything is in the file. */
static void sync_image(struct image *m)
{
	assert_int_equal(blk_flush(m->b, NULL), 0);
	pthread_mutex_lock(&to_qcow2(m->b)->lock);
	assert_int_equal(qcow2_flush_meta(to_qcow2(m->b), NULL), 0);
	pthread_mutex_unlock(&to_qcow2(m->b)->lock);
}

static void every_width_becomes_every_other(void **state)
{
	for (unsigned from = 1; from <= 64; from *= 2)
		for (unsigned to = 1; to <= 64; to *= 2) {
			struct err e = { 0 };
			struct image m;
			char text[64];
			bool fits = to > 2 || from == 1 || (to == 2 && from == 2);
			int r;

			start(&m, 3, from);
			snprintf(text, sizeof(text), "refcount_bits=%u", to);
			r = amend(&m, text, &e);
			if (from == to)
				fits = true;
			/* three references at most */
			if (to == 2 && from > 2)
				fits = true;
			if (r != (fits ? 0 : -EINVAL))
				fail_msg("%u to %u bits: %d %s", from, to, r, e.msg);
			assert_int_equal(1u << header(&m)->refcount_order, fits ? to : from);
			put(&m, 700, 3, 7);
			sync_image(&m);
			judge(&m, text, false);
			end(&m);
		}
}

static void versions_go_down_and_up(void **state)
{
	struct image m;
	const uint8_t *p;

	start(&m, 3, 16);
	assert_int_equal(amend(&m, "lazy_refcounts=on", NULL), 0);
	assert_true(header(&m)->compat & QCOW2_COMPAT_LAZY);
	assert_int_equal(amend(&m, "compat=0.10", NULL), 0);
	p = m.mem->m.p;
	assert_int_equal(load_be32(p + 4), 2);
	/* Where version 3 has its features, version 2 has the first extension. */
	assert_int_equal(load_be32(p + 72), 0);
	sync_image(&m);
	judge(&m, "version 2", false);
	assert_int_equal(amend(&m, "compat=v3,refcount_bits=8,lazy_refcounts=on", NULL), 0);
	p = m.mem->m.p;
	assert_int_equal(load_be32(p + 4), 3);
	assert_int_equal(load_be32(p + 100), QCOW2_V3_LENGTH);
	assert_int_equal(load_be32(p + 96), 3);
	zero(&m, 600, 2, 0);
	sync_image(&m);
	judge(&m, "version 3", false);
	/* Snapshots of the same bytes. */
	assert_int_equal(img_format_qcow2.snapshot(m.b, SNAPSHOT_APPLY, "a", NULL, NULL), 0);
	memset(m.want, 0, sizeof(m.want));
	memset(m.want + 10, 1, 40);
	memset(m.want + 20, 0, 5);
	memset(m.want + 600, 2, 30);
	sync_image(&m);
	judge(&m, "snapshot", false);
	end(&m);
}

static const struct {
	const char *text;
	unsigned compat;
	int want;
} refusals[] = {
	{ "compat=4", 3, -EINVAL },
	{ "nothing=1", 3, -EINVAL },
	{ "cluster_size=64k", 3, -EINVAL },
	{ "preallocation=full", 3, -EINVAL },
	{ "refcount_bits=3", 3, -EINVAL },
	{ "refcount_bits=0", 3, -EINVAL },
	{ "refcount_bits=-1", 3, -EINVAL },
	{ "refcount_bits=1", 3, -EINVAL }, /* snapshots share clusters */
	{ "refcount_bits=8", 2, -EINVAL },
	{ "lazy_refcounts=on", 2, -EINVAL },
	{ "lazy_refcounts=on,compat=0.10", 3, -EINVAL },
	{ "data_file=x", 3, -EINVAL },
	{ "data_file_raw=on", 3, -EINVAL },
	{ "backing_file=x", 3, -EINVAL },
	{ "backing_fmt=raw", 3, -EINVAL },
	{ "size=1000", 3, -EINVAL },
	{ "size=8M", 2, -ENOTSUP }, /* snapshots */
};

static void refuses_and_changes_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct err e = { 0 };
		struct image m;
		uint8_t was[QCOW2_V3_LENGTH];
		int r;

		start(&m, refusals[i].compat, 16);
		sync_image(&m);
		memcpy(was, m.mem->m.p, sizeof(was));
		r = amend(&m, refusals[i].text, &e);
		if (r != refusals[i].want)
			fail_msg("%s: got %d, want %d: %s", refusals[i].text, r,
				 refusals[i].want, e.msg);
		assert_true(e.code == r && e.msg[0]);
		assert_memory_equal(was, m.mem->m.p, sizeof(was));
		judge(&m, refusals[i].text, false);
		end(&m);
	}
}

/* Whichever write or sync fails, now or at close: an image with leaks at worst. */
static void every_failure_leaves_an_image(void **state)
{
	static const char *const texts[] = { "refcount_bits=64", "compat=0.10",
					     "lazy_refcounts=on" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (int after = 0; after < 2; after++) {
			int r = -1;

			for (uint64_t n = 1; r < 0; n++) {
				struct err e = { 0 };
				struct image m;

				start(&m, 3, 16);
				sync_image(&m);
				m.mem->calls = 0;
				m.mem->fail_writes = true;
				m.mem->fail_after = after;
				m.mem->fail_at = n;
				r = amend(&m, texts[i], &e);
				if (r < 0)
					assert_true(e.code == r && e.msg[0]);
				judge(&m, texts[i], true);
				end(&m);
				assert_true(n < 5000);
			}
		}
}

static void names_of_backing_files(void **state)
{
	struct err e = { 0 };
	struct image m;
	char name[QCOW2_BACKING_NAME_MAX + 2];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	start(&m, 3, 16);
	assert_int_equal(img_format_qcow2.set_backing(m.b, "base.img", "raw", NULL), 0);
	assert_string_equal(header(&m)->backing_file, "base.img");
	assert_string_equal(header(&m)->backing_fmt, "raw");
	/* What is there already may be asked for. */
	assert_int_equal(amend(&m, "backing_file=base.img,backing_fmt=raw", NULL), 0);
	assert_int_equal(amend(&m, "backing_file=other.img,backing_fmt=raw", NULL), -EINVAL);
	/* Too long, and the old name stays. */
	assert_true(img_format_qcow2.set_backing(m.b, name, "raw", &e) < 0);
	assert_true(e.msg[0]);
	assert_string_equal(header(&m)->backing_file, "base.img");
	m.mem->calls = 0;
	m.mem->fail_writes = true;
	m.mem->fail_at = 2;
	assert_int_equal(img_format_qcow2.set_backing(m.b, "b.img", NULL, NULL), -EIO);
	assert_string_equal(header(&m)->backing_file, "base.img");
	assert_string_equal(header(&m)->backing_fmt, "raw");
	m.mem->fail_at = 0;
	assert_int_equal(img_format_qcow2.set_backing(m.b, NULL, NULL, NULL), 0);
	assert_null(header(&m)->backing_file);
	assert_null(header(&m)->backing_fmt);
	assert_int_equal(load_be64(m.mem->m.p + 8), 0);
	sync_image(&m);
	judge(&m, "no backing file", false);
	end(&m);
}

/* What nobody here knows stays in the header. */
static void unknown_extensions_stay(void **state)
{
	struct image m;
	struct qcow2 *s;

	start(&m, 3, 16);
	s = to_qcow2(m.b);
	s->h.unknown = calloc(1, sizeof(*s->h.unknown));
	assert_non_null(s->h.unknown);
	s->h.unknown_n = 1;
	s->h.unknown[0] = (struct qcow2_ext){ 0x12345678, 3, (uint8_t *)strdup("abc") };
	s->h.unknown[0].len = 3;
	assert_int_equal(amend(&m, "compat=0.10", NULL), 0);
	assert_int_equal(amend(&m, "compat=1.1,refcount_bits=32", NULL), 0);
	sync_image(&m);
	{
		struct blk *b = open_bytes(m.mem->m.p, m.mem->m.len, 0);
		const struct qcow2_header *h = &to_qcow2(b)->h;

		assert_int_equal(h->unknown_n, 1);
		assert_int_equal(h->unknown[0].type, 0x12345678);
		assert_memory_equal(h->unknown[0].data, "abc", 3);
		assert_int_equal(blk_close(b, NULL), 0);
	}
	end(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_becomes_every_other),
		cmocka_unit_test(versions_go_down_and_up),
		cmocka_unit_test(refuses_and_changes_nothing),
		cmocka_unit_test(every_failure_leaves_an_image),
		cmocka_unit_test(names_of_backing_files),
		cmocka_unit_test(unknown_extensions_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
