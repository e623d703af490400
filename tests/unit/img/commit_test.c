/* SPDX-License-Identifier: MIT */
#include "img/commit.h"

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "img/proto/file.h"
#include "tests/unit/img/layers.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEEDS = 24 };

static void commit_top(const char *base, bool keep, uint64_t part)
{
	struct blk *b = layer_open("top", BLK_WRITE | BLK_UNMAP);
	struct img_commit in = { .base = base, .keep = keep, .threads = 3, .part = part };
	struct err e = { 0 };

	if (img_commit(b, &in, &e) < 0)
		fail_msg("%s", e.msg);
	layer_close(b);
}

static bool is_empty(const char *name)
{
	struct blk *b = layer_open(name, 0);
	struct blk_extent x = { 0 };

	assert_int_equal(blk_extent(b, 0, b->size, &x, NULL), 0);
	while (!(x.flags & BLK_EXT_ALLOCATED) && x.len < b->size) {
		struct blk_extent next;

		assert_int_equal(blk_extent(b, x.len, b->size, &next, NULL), 0);
		x.len += next.len;
		x.flags |= next.flags;
	}
	layer_close(b);
	return !(x.flags & BLK_EXT_ALLOCATED);
}

/* The base then reads as the top did, and beyond its end as before. */
static void the_base_gets_all(void **state)
{
	for (int seed = 0; seed < SEEDS; seed++) {
		const char *base = seed % 3 ? NULL : "base";
		const char *target = base ? "base" : "mid";
		uint8_t *want, *old;
		struct blk *b;
		uint64_t size;

		layers_make(seed);
		want = layer_bytes("top");
		old = layer_bytes(target);
		b = layer_open("top", 0);
		size = b->size;
		layer_close(b);
		memcpy(old, want, size);
		commit_top(base, seed % 4 == 1, (uint64_t)(seed % 5) << 14);
		layer_expect("top", want, size);
		layer_expect(target, old, LAYER_MAX);
		layer_sound("top");
		layer_sound("mid");
		if (!base && seed % 4 != 1)
			assert_true(is_empty("top"));
		free(want);
		free(old);
	}
}

static void kept_where_asked(void **state)
{
	layers_make(2);
	commit_top(NULL, true, 0);
	assert_false(is_empty("top"));
	commit_top("mid", false, 0);
	assert_false(is_empty("top"));
	commit_top(NULL, false, 0);
	assert_true(is_empty("top"));
}

/* The base may be named as the overlay's header would name it, or from here. */
static void names_of_the_base(void **state)
{
	struct img_commit in = { .base = "nowhere" };
	struct err e = { 0 };
	struct blk *b;

	assert_int_equal(mkdir("d", 0700), 0);
	layer_create("d/base", "raw", "", 1 << 20, NULL, NULL);
	layer_create("d/mid", "qcow2", "", 1 << 20, "base", "raw");
	layer_create("top", "qcow2", "", 1 << 20, "d/mid", "qcow2");
	layer_scribble("top", 5);
	commit_top("./d/../d/mid", false, 0);
	commit_top("d/base", false, 0);
	commit_top("base", false, 0);
	b = layer_open("top", BLK_WRITE);
	assert_int_equal(img_commit(b, &in, &e), -ENOENT);
	assert_string_equal(e.msg, "Did not find 'nowhere' in the backing chain of 'top'");
	layer_close(b);
	b = layer_open("d/base", BLK_WRITE);
	in.base = NULL;
	assert_int_equal(img_commit(b, &in, &e), -ENOENT);
	assert_string_equal(e.msg, "Image does not have a backing file");
	layer_close(b);
}

/* Somebody reads the base: it cannot be written, and all stays as it was. */
static void a_base_in_use(void **state)
{
	struct img_commit in = { 0 };
	struct blk *b, *other;
	uint8_t *want;

	layers_make(4);
	want = layer_bytes("top");
	other = layer_open("mid", 0);
	b = layer_open("top", BLK_WRITE);
	assert_int_equal(img_commit(b, &in, NULL), -EBUSY);
	assert_non_null(b->backing);
	layer_close(b);
	layer_close(other);
	layer_expect("top", want, LAYER_MAX);
	assert_false(is_empty("top"));
	free(want);
}

enum { PARTS = 1 << 20, PART = 64 << 10 };

/* A top of @options over a raw base, all of it written. */
static uint8_t *full_top(const char *options)
{
	struct err e = { 0 };
	struct blk *b;
	uint8_t *buf = malloc(PARTS);

	assert_non_null(buf);
	layer_create("low", "raw", "", PARTS, NULL, NULL);
	layer_create("top", "qcow2", options, PARTS, "low", "raw");
	for (size_t i = 0; i < PARTS; i++)
		buf[i] = (uint8_t)(i / 512 * 7 + i % 3);
	b = layer_open("top", BLK_WRITE);
	if (blk_pwrite(b, buf, PARTS, 0, &e) < 0)
		fail_msg("%s", e.msg);
	layer_close(b);
	return buf;
}

/* How far from its beginning the top has nothing, and what it takes on the disk. */
static uint64_t top_is_empty_to(uint64_t *allocated)
{
	struct blk *b = layer_open("top", 0);
	struct blk_extent x;

	assert_int_equal(blk_extent(b, 0, b->size, &x, NULL), 0);
	assert_int_equal(file_allocated(b->child, allocated, NULL), 0);
	layer_close(b);
	return x.flags & BLK_EXT_ALLOCATED ? 0 : x.len;
}

/* Commits with a base that takes nothing beyond three quarters. */
static int commit_to_small_base(uint64_t part)
{
	struct rlimit old, small;
	struct blk *b = layer_open("top", BLK_WRITE | BLK_UNMAP);
	struct img_commit in = { .threads = 1, .part = part };
	struct err e = { 0 };
	int r;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = PARTS * 3 / 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = img_commit(b, &in, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	layer_close(b);
	return r;
}

/* The space of what was copied is there again before the end; whatever happens then, the
 * chain reads as before. */
static void given_back_part_by_part(void **state)
{
	static const char *const options[] = { "cluster_size=512", "cluster_size=512,compat=v2",
					       "cluster_size=1024,extended_l2=off" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		uint8_t *want = full_top(options[i]);
		uint64_t before, after;

		assert_int_equal(top_is_empty_to(&before), 0);
		assert_int_equal(commit_to_small_base(PART), -EFBIG);
		assert_in_range(top_is_empty_to(&after), PARTS / 4, PARTS * 3 / 4);
		assert_true(after <= before - PARTS / 4);
		layer_expect("top", want, PARTS);
		layer_sound("top");
		commit_top(NULL, false, PART);
		assert_true(is_empty("top"));
		layer_expect("low", want, PARTS);
		free(want);
	}
}

/* Two places of the disk use one cluster that is counted once: it must not go while only
 * one of them has been copied. */
static void not_in_parts_if_counted_wrongly(void **state)
{
	uint8_t *want = full_top("cluster_size=512"), entry[8];
	uint64_t l1, first, last, allocated;
	struct blk *b = layer_open("top", 0);
	struct qcow2 *s = to_qcow2(b);
	FILE *f;

	l1 = s->h.l1_entries;
	first = s->l1[0] & QCOW2_OFFSET_MASK;
	last = s->l1[l1 - 1] & QCOW2_OFFSET_MASK;
	layer_close(b);
	f = fopen("top", "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)first, SEEK_SET), 0);
	assert_int_equal(fread(entry, 8, 1, f), 1);
	assert_int_equal(fseek(f, (long)last, SEEK_SET), 0);
	assert_int_equal(fwrite(entry, 8, 1, f), 1);
	fclose(f);
	memcpy(want + PARTS - PARTS / l1, want, 512);
	layer_expect("top", want, PARTS);
	assert_int_equal(commit_to_small_base(PART), -EFBIG);
	assert_int_equal(top_is_empty_to(&allocated), 0);
	layer_expect("top", want, PARTS);
	free(want);
}

/* Clusters may be lost when a commit is cut short, nothing else. */
static void layer_leaks_only(const char *name)
{
	struct blk *b = layer_open(name, BLK_CHECK | BLK_NOBACKING);
	struct img_check c = { 0 };

	assert_int_equal(b->format->check(b, &c, NULL), 0);
	assert_int_equal(c.corruptions, 0);
	layer_close(b);
}

/* Killed at any moment, the chain reads as before; done again, it is as if it never was. */
static void killed_between_parts(void **state)
{
	enum { ROUNDS = 12 };

	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *want = full_top(i % 2 ? "cluster_size=512" : "cluster_size=1024");
		struct timespec t = { .tv_nsec = random() % 20000000 };
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			commit_top(NULL, false, PART);
			_exit(0);
		}
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		layer_leaks_only("top");
		layer_expect("top", want, PARTS);
		commit_top(NULL, false, PART);
		assert_true(is_empty("top"));
		layer_expect("low", want, PARTS);
		free(want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_base_gets_all),
		scratch_test(kept_where_asked),
		scratch_test(names_of_the_base),
		scratch_test(a_base_in_use),
		scratch_test(given_back_part_by_part),
		scratch_test(not_in_parts_if_counted_wrongly),
		scratch_test(killed_between_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
