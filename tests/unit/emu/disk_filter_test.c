/* SPDX-License-Identifier: MIT */
/* What stands between a guest and an image: formats that were found out, and zeroes. */
#include "emu/disk_filter.h"

#include "emu/disk.h"
#include "img/img.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE (1u << 20)

static unsigned warnings;

static void warn(void *arg, const char *text)
{
	(void)arg;
	warnings += strstr(text, "format") != NULL;
}

static const struct blk_log told = { warn, NULL };

/* A file full of ones, open as a disk. */
static struct blk *open_disk(struct config_disk c)
{
	static uint8_t ones[SIZE];
	char name[] = "/tmp/disk-filter.XXXXXX";
	int fd = mkstemp(name);
	struct blk *b = NULL;
	struct err e = { 0 };

	memset(ones, 1, sizeof(ones));
	assert_true(fd >= 0 && write(fd, ones, SIZE) == SIZE);
	close(fd);
	c.file = name;
	warnings = 0;
	if (disk_open(&c, &told, &b, &e) < 0)
		fail_msg("%s", e.msg);
	unlink(name);
	return b;
}

static void found_out(void **state)
{
	static const uint8_t magic[8] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };
	struct blk *b = open_disk((struct config_disk){ 0 });
	uint8_t buf[4096] = { 0 }, back[4096];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(warnings, 1);
	assert_ptr_not_equal(disk_image(b), b);
	memcpy(buf, magic, sizeof(magic));
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 0, &e), -EPERM);
	assert_non_null(strstr(e.msg, "qcow2"));
	assert_int_equal(blk_pread(b, back, sizeof(back), 0, NULL), 0);
	for (unsigned i = 0; i < sizeof(back); i++)
		assert_int_equal(back[i], 1);
	/* in pieces: the last of them would make it one */
	assert_int_equal(blk_pwrite(b, buf + 2, 510, 2, NULL), 0);
	assert_int_equal(blk_pwrite(b, buf, 2, 0, NULL), -EPERM);
	/* what systems write there */
	memset(buf, 0, sizeof(buf));
	buf[0] = 0xfa;
	buf[510] = 0x55;
	buf[511] = 0xaa;
	buf[600] = 7;
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 0, NULL), 0);
	assert_int_equal(blk_pread(b, back, sizeof(back), 0, NULL), 0);
	assert_memory_equal(buf, back, sizeof(buf));
	/* elsewhere it is a guest's own business */
	memcpy(buf, magic, sizeof(magic));
	assert_int_equal(blk_pwrite(b, buf, 512, 512, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void given(void **state)
{
	static char raw[] = "raw";
	uint8_t buf[512] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };
	struct blk *b = open_disk((struct config_disk){ .format = raw });

	(void)state;
	assert_int_equal(warnings, 0);
	assert_ptr_equal(disk_image(b), b);
	assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 0, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	/* nobody can write to what is read-only */
	b = open_disk((struct config_disk){ .readonly = true });
	assert_int_equal(warnings, 0);
	assert_int_equal(blk_close(b, NULL), 0);
}

static unsigned flags_at(struct blk *b, uint64_t off)
{
	struct blk_extent x = { 0 };

	assert_int_equal(blk_extent(b, off, 4096, &x, NULL), 0);
	return x.flags;
}

static void zeroes(void **state)
{
	static char raw[] = "raw";
	static uint8_t buf[65536];
	struct config_disk c = { .format = raw };
	uint8_t back[512];
	struct err e = { 0 };
	struct blk *b;

	(void)state;
	for (unsigned how = ZEROES_WRITE; how <= ZEROES_UNMAP; how++) {
		c.zeroes = (enum disk_zeroes)how;
		c.cache = BLK_UNMAP;
		b = open_disk(c);
		memset(buf, 0, sizeof(buf));
		assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 131072, NULL), 0);
		if (how == ZEROES_WRITE)
			assert_false(flags_at(b, 131072) & BLK_EXT_ZERO);
		else if (how == ZEROES_UNMAP)
			assert_true(flags_at(b, 131072) & BLK_EXT_ZERO);
		assert_int_equal(blk_pread(b, back, 512, 131072, NULL), 0);
		assert_true(!back[0] && !back[511]);
		/* one byte that is none, first and last */
		for (unsigned i = 0; i < 2; i++) {
			buf[i ? sizeof(buf) - 1 : 0] = 9;
			assert_int_equal(blk_pwrite(b, buf, sizeof(buf), 262144, NULL), 0);
			assert_int_equal(blk_pread(b, back, 512,
						   262144 + (i ? sizeof(buf) - 512 : 0), NULL),
					 0);
			assert_int_equal(back[i ? 511 : 0], 9);
			memset(buf, 0, sizeof(buf));
		}
		assert_int_equal(blk_close(b, NULL), 0);
	}
	/* nothing may be given back */
	c.cache = 0;
	c.file = raw;
	{
		char name[] = "/tmp/disk-filter.XXXXXX";
		int fd = mkstemp(name);

		assert_true(fd >= 0 && ftruncate(fd, SIZE) == 0);
		close(fd);
		c.file = name;
		assert_int_equal(disk_open(&c, NULL, &b, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "discard=unmap"));
		unlink(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_out),
		cmocka_unit_test(given),
		cmocka_unit_test(zeroes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
