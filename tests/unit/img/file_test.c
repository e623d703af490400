/* SPDX-License-Identifier: MIT */
#include "img/proto/file.h"

#include "base/optset.h"
#include "base/progress.h"
#include "tests/unit/img/scratch.h"

#include <errno.h>
#include <sys/stat.h>

static struct blk *open_file(const char *path, unsigned flags)
{
	struct blk *b = NULL;
	struct err e = { 0 };

	if (file_open(path, NULL, flags, &b, &e) < 0)
		fail_msg("%s", e.msg);
	return b;
}

static void what_cannot_be_opened(void **state)
{
	struct blk *b = NULL;
	struct err e = { 0 };

	assert_int_equal(file_open("none", NULL, 0, &b, &e), -ENOENT);
	assert_string_equal(e.msg, "Could not open 'none': No such file or directory");
	assert_int_equal(file_open(".", NULL, 0, &b, &e), -EINVAL);
	assert_string_equal(e.msg, "'file' driver requires '.' to be a regular file");
	assert_int_equal(file_open("", NULL, 0, &b, &e), -EINVAL);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	/* would wait for ever for somebody to write into it */
	assert_int_equal(file_open("pipe", NULL, 0, &b, &e), -EINVAL);
	assert_null(b);
}

static void options(void **state)
{
	struct optset o = OPTSET_INIT;
	struct blk *b = NULL;

	scratch_file("f", "", 0, 512);
	assert_int_equal(optset_parse(&o, "locking=off,aio=io_uring", NULL, NULL), 0);
	assert_int_equal(file_open("f", &o, 0, &b, NULL), 0);
	assert_true(b->flags & BLK_NOLOCK);
	assert_null(optset_unused(&o));
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(optset_set(&o, "aio", "native", NULL), 0);
	assert_int_equal(file_open("f", &o, 0, &b, NULL), -EINVAL);
	assert_int_equal(optset_set(&o, "aio", "psychic", NULL), 0);
	assert_int_equal(file_open("f", &o, 0, &b, NULL), -EINVAL);
	optset_free(&o);
}

static void it_grows_and_keeps_its_bytes(void **state)
{
	struct blk *b;
	char buf[8];

	scratch_file("f", "abc", 3, 3);
	b = open_file("f", BLK_WRITE);
	assert_int_equal(b->size, 3);
	assert_int_equal(blk_pwrite(b, "xyz", 3, 100000, NULL), 0);
	assert_int_equal(b->size, 100003);
	assert_int_equal(blk_pread(b, buf, 6, 99999, NULL), 0);
	assert_memory_equal(buf, "\0xyz\0\0", 6);
	assert_int_equal(blk_pread(b, buf, 4, 0, NULL), 0);
	assert_memory_equal(buf, "abc\0", 4);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void reading_only(void **state)
{
	struct blk *b;

	scratch_file("f", "abc", 3, 3);
	b = open_file("f", 0);
	assert_int_equal(blk_pwrite(b, "x", 1, 0, NULL), -EPERM);
	assert_int_equal(blk_close(b, NULL), 0);
	if (geteuid() == 0)
		return; /* no permission stops root */
	assert_int_equal(chmod("f", 0400), 0);
	assert_int_equal(file_open("f", NULL, BLK_WRITE, &b, NULL), -EACCES);
	b = open_file("f", BLK_WRITE | BLK_AUTO_RDONLY);
	assert_false(b->flags & BLK_WRITE);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* Map of the node as letters, one for each 64 KiB: data or hole. */
static void map_of(struct blk *b, char *out)
{
	for (uint64_t off = 0; off < b->size; off += 65536) {
		struct blk_extent x;

		assert_int_equal(blk_extent(b, off, UINT64_MAX, &x, NULL), 0);
		assert_ptr_equal(x.file, b);
		assert_int_equal(x.host_off, off);
		assert_true(x.flags & BLK_EXT_ALLOCATED);
		*out++ = x.flags & BLK_EXT_ZERO ? '.' : 'd';
	}
	*out = '\0';
}

static void holes(void **state)
{
	char full[65536], map[32];
	struct blk *b;

	memset(full, 'x', sizeof(full));
	scratch_file("f", "", 0, 0);
	b = open_file("f", BLK_WRITE | BLK_UNMAP);
	for (int i = 0; i < 6; i++)
		assert_int_equal(blk_pwrite(b, full, sizeof(full), 65536ull * 2 * i, NULL), 0);
	map_of(b, map);
	if (strchr(map, '.') == NULL)
		skip(); /* a file system without holes */
	assert_string_equal(map, "d.d.d.d.d.d");
	assert_int_equal(blk_discard(b, 0, 65536, NULL), 0);
	map_of(b, map);
	assert_string_equal(map, "..d.d.d.d.d");
	assert_int_equal(blk_zero(b, 2 * 65536, 3 * 65536, BLK_MAY_UNMAP, NULL), 0);
	map_of(b, map);
	assert_string_equal(map, "......d.d.d");
	/* past the end too */
	assert_int_equal(blk_zero(b, 10 * 65536, 3 * 65536, BLK_MAY_UNMAP, NULL), 0);
	assert_int_equal(b->size, 13 * 65536);
	map_of(b, map);
	assert_string_equal(map, "......d.d....");
	assert_int_equal(blk_pwrite(b, "1", 1, 0, NULL), 0);
	map_of(b, map);
	assert_string_equal(map, "d.....d.d....");
	assert_int_equal(blk_close(b, NULL), 0);

	/* read-only, where answers are remembered */
	b = open_file("f", 0);
	for (int i = 0; i < 3; i++) {
		map_of(b, map);
		assert_string_equal(map, "d.....d.d....");
	}
	assert_int_equal(blk_close(b, NULL), 0);
}

static void zeroes_that_stay_allocated(void **state)
{
	char full[65536] = "", zero[65536] = "";
	uint64_t before, after;
	struct blk *b;

	memset(full, 'x', sizeof(full));
	scratch_file("f", full, sizeof(full), sizeof(full));
	b = open_file("f", BLK_WRITE | BLK_UNMAP);
	assert_int_equal(blk_flush(b, NULL), 0);
	assert_int_equal(file_allocated(b, &before, NULL), 0);
	assert_int_equal(blk_zero(b, 4096, sizeof(full), 0, NULL), 0);
	assert_int_equal(b->size, sizeof(full) + 4096);
	assert_int_equal(blk_flush(b, NULL), 0);
	assert_int_equal(file_allocated(b, &after, NULL), 0);
	assert_true(after >= before);
	assert_int_equal(blk_pread(b, full, sizeof(full), 4096, NULL), 0);
	assert_memory_equal(full, zero, sizeof(full));
	assert_int_equal(blk_close(b, NULL), 0);
}

static void sizes(void **state)
{
	char buf[4096];
	uint64_t bytes;
	struct blk *b;

	scratch_file("f", "abc", 3, 3);
	b = open_file("f", BLK_WRITE);
	assert_int_equal(blk_resize(b, 1 << 20, PREALLOC_OFF, NULL), 0);
	assert_int_equal(b->size, 1 << 20);
	assert_int_equal(blk_resize(b, 1 << 20, PREALLOC_METADATA, NULL), -ENOTSUP);
	assert_int_equal(blk_resize(b, 1 << 10, PREALLOC_FULL, NULL), -ENOTSUP);
	assert_int_equal(blk_resize(b, 2 << 20, PREALLOC_FALLOC, NULL), 0);
	assert_int_equal(file_allocated(b, &bytes, NULL), 0);
	assert_true(bytes >= 1 << 20);
	assert_int_equal(blk_resize(b, (3 << 20) + 5, PREALLOC_FULL, NULL), 0);
	assert_int_equal(b->size, (3 << 20) + 5);
	assert_int_equal(blk_pread(b, buf, 3, 0, NULL), 0);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(blk_resize(b, 2, PREALLOC_OFF, NULL), 0);
	assert_int_equal(blk_resize(b, 9, PREALLOC_FULL, NULL), 0);
	assert_int_equal(blk_pread(b, buf, 9, 0, NULL), 0);
	assert_memory_equal(buf, "ab\0\0\0\0\0\0", 9);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* Asks for a stop as soon as something was done. */
static void stop_it(void *arg, const struct progress *p, bool last)
{
	atomic_store((atomic_bool *)arg, p->done > 0);
}

static void growing_is_counted_and_can_be_stopped(void **state)
{
	static const enum blk_prealloc hows[] = { PREALLOC_FALLOC, PREALLOC_FULL };
	enum { MB = 1 << 20 };
	struct stat st;
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
		atomic_bool stop = false;
		struct progress p;
		struct blk_watch w = { &p, &stop };
		struct blk *b;

		scratch_file("f", "abc", 3, 3);
		b = open_file("f", BLK_WRITE);
		progress_init(&p, 0, NULL, NULL);
		assert_int_equal(blk_resize_watched(b, 4 * MB + 3, hows[i], &w, NULL), 0);
		assert_int_equal(p.total, 4 * MB);
		assert_int_equal(p.done, 4 * MB);
		progress_init(&p, 0, stop_it, &stop);
		assert_int_equal(blk_resize_watched(b, 9 * MB, hows[i], &w, NULL), -EINTR);
		assert_true(p.done > 0);
		assert_int_equal(b->size, 4 * MB + 3);
		assert_int_equal(stat("f", &st), 0);
		assert_int_equal(st.st_size, 4 * MB + 3);
		assert_int_equal(file_allocated(b, &bytes, NULL), 0);
		assert_true(bytes < 5 * MB);
		assert_int_equal(blk_close(b, NULL), 0);
	}
}

static void cloning(void **state)
{
	char full[65536], back[65536];
	struct blk *a, *b;
	int r;

	for (size_t i = 0; i < sizeof(full); i++)
		full[i] = (char)(i / 7);
	scratch_file("a", full, sizeof(full), sizeof(full));
	scratch_file("b", "", 0, 0);
	a = open_file("a", 0);
	b = open_file("b", BLK_WRITE);
	assert_int_equal(blk_clone(b, 0, 100, b, INT64_MAX, false, NULL), -EINVAL);
	/* only part of it exists */
	assert_int_equal(blk_clone(b, 0, sizeof(full), a, 4096, false, NULL), -EOPNOTSUPP);
	r = blk_clone(b, 8192, sizeof(full), a, 0, false, NULL);
	if (r == -EOPNOTSUPP) {
		assert_int_equal(b->size, 0);
	} else {
		assert_int_equal(r, 0);
		assert_int_equal(b->size, 8192 + sizeof(full));
		assert_int_equal(blk_pread(b, back, sizeof(back), 8192, NULL), 0);
		assert_memory_equal(full, back, sizeof(full));
	}
	assert_int_equal(blk_close(a, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* Odd offsets on a file that takes only whole blocks. */
static void direct(void **state)
{
	uint8_t model[50000], back[50000];
	struct blk *b = NULL;

	memset(model, 'm', sizeof(model));
	scratch_file("f", model, sizeof(model), sizeof(model));
	if (file_open("f", NULL, BLK_WRITE | BLK_DIRECT, &b, NULL) < 0)
		skip(); /* the file system does not know O_DIRECT */
	assert_true(b->align >= 512);
	for (int i = 0; i < 200; i++) {
		size_t off = (size_t)(i * 7919) % 45000, len = (size_t)(i * 131) % 5000;

		memset(model + off, i, len);
		if (i % 3)
			assert_int_equal(blk_pwrite(b, model + off, len, off, NULL), 0);
		else
			memset(model + off, 0, len);
		if (i % 3 == 0)
			assert_int_equal(blk_zero(b, off, len, 0, NULL), 0);
	}
	assert_int_equal(blk_pread(b, back, sizeof(back), 0, NULL), 0);
	assert_memory_equal(model, back, sizeof(model));
	assert_int_equal(blk_close(b, NULL), 0);
}

static int try_open(const char *path, unsigned flags, enum file_role role)
{
	struct blk *b = NULL;
	int r = file_open_unlocked(path, NULL, flags, &b, NULL);

	if (r == 0)
		r = file_lock(b, role, NULL);
	(void)blk_close(b, NULL);
	return r;
}

static void locks(void **state)
{
	struct blk *b;

	scratch_file("f", "", 0, 512);
	b = open_file("f", 0);
	assert_int_equal(try_open("f", 0, FILE_METADATA), 0);
	assert_int_equal(try_open("f", BLK_WRITE, FILE_METADATA), -EBUSY);
	assert_int_equal(try_open("f", BLK_WRITE, FILE_RAW), -EBUSY);
	assert_int_equal(try_open("f", BLK_WRITE | BLK_NOLOCK, FILE_METADATA), 0);
	assert_int_equal(blk_close(b, NULL), 0);

	b = open_file("f", BLK_WRITE);
	assert_int_equal(try_open("f", 0, FILE_METADATA), -EBUSY);
	assert_int_equal(try_open("f", BLK_SHARE, FILE_METADATA), 0);
	assert_int_equal(try_open("f", 0, FILE_RAW), 0);
	assert_int_equal(blk_close(b, NULL), 0);

	assert_int_equal(file_open_unlocked("f", NULL, BLK_WRITE, &b, NULL), 0);
	assert_int_equal(file_lock(b, FILE_DATA, NULL), 0);
	assert_int_equal(try_open("f", 0, FILE_DATA), -EBUSY);
	assert_int_equal(try_open("f", 0, FILE_RAW), 0);
	assert_int_equal(try_open("f", BLK_WRITE, FILE_RAW), 0);
	assert_int_equal(blk_close(b, NULL), 0);

	/* writers of a raw image may be many, but it keeps its size for none */
	assert_int_equal(file_open_unlocked("f", NULL, BLK_WRITE, &b, NULL), 0);
	assert_int_equal(file_lock(b, FILE_RAW, NULL), 0);
	assert_int_equal(try_open("f", BLK_WRITE, FILE_RAW), 0);
	assert_int_equal(blk_resize(b, 1024, PREALLOC_OFF, NULL), 0);
	assert_int_equal(try_open("f", 0, FILE_DATA), -EBUSY);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(try_open("f", BLK_WRITE, FILE_METADATA), 0);
}

static void creating(void **state)
{
	struct stat st;
	struct blk *b;
	bool made;

	assert_int_equal(file_create("no/f", 0, PREALLOC_OFF, false, 0, &made, NULL), -ENOENT);
	assert_false(made);
	assert_int_equal(file_create("f", 5000, PREALLOC_OFF, true, 1 << 20, &made, NULL), 0);
	assert_true(made);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_size, 5000);
	b = open_file("f", BLK_WRITE);
	assert_int_equal(file_create("f", 0, PREALLOC_OFF, false, 0, &made, NULL), -EBUSY);
	assert_false(made);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_size, 5000);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(file_create("f", 70, PREALLOC_FULL, false, 0, &made, NULL), 0);
	assert_false(made);
	assert_int_equal(symlink("g", "link"), 0);
	assert_int_equal(file_create("link", 7, PREALLOC_OFF, false, 0, &made, NULL), 0);
	assert_true(made);
	assert_int_equal(stat("g", &st), 0);
	assert_int_equal(file_create(".", 7, PREALLOC_OFF, false, 0, NULL, NULL), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(what_cannot_be_opened),
		scratch_test(options),
		scratch_test(it_grows_and_keeps_its_bytes),
		scratch_test(reading_only),
		scratch_test(holes),
		scratch_test(zeroes_that_stay_allocated),
		scratch_test(sizes),
		scratch_test(growing_is_counted_and_can_be_stopped),
		scratch_test(cloning),
		scratch_test(direct),
		scratch_test(locks),
		scratch_test(creating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
