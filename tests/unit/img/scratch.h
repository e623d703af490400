/* SPDX-License-Identifier: MIT */
/* A folder for the files of one test, which is the current one meanwhile. */
#ifndef TESTS_UNIT_IMG_SCRATCH_H
#define TESTS_UNIT_IMG_SCRATCH_H

#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline int scratch_setup(void **state)
{
	char *dir = strdup("/tmp/unit.XXXXXX");

	if (!dir || !mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	*state = dir;
	return 0;
}

static inline int scratch_remove(const char *path, const struct stat *st, int kind,
				 struct FTW *ftw)
{
	return remove(path);
}

static inline int scratch_teardown(void **state)
{
	int r = chdir("/");

	if (r == 0)
		r = nftw(*state, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return r;
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

static inline void scratch_file(const char *name, const void *bytes, size_t len, size_t size)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(truncate(name, (off_t)size), 0);
}

#endif
