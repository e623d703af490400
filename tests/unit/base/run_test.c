/* SPDX-License-Identifier: MIT */
#include "base/run.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct run here = { .root = -1, .seconds = 60 };

static void output_and_status(void **state)
{
	struct err e = { 0 };
	char *out = NULL;
	int status = -1;

	(void)state;
	assert_int_equal(run_program(&here, ARGV("sh", "-c", "echo one; echo two >&2; exit 7"),
				     &out, &status, &e),
			 0);
	assert_int_equal(status, 7);
	assert_string_equal(out, "one\ntwo\n");
	free(out);
	/* arguments are words, whatever is in them */
	assert_int_equal(run_program(&here, ARGV("printf", "%s|", "a b", "$HOME;`id`"), &out,
				     &status, &e),
			 0);
	assert_string_equal(out, "a b|$HOME;`id`|");
	free(out);
	assert_int_equal(run_program(&here, ARGV("sh", "-c", "kill -9 $$"), NULL, &status, &e),
			 0);
	assert_int_equal(status, 128 + 9);
}

static void the_environment_is_ours(void **state)
{
	struct err e = { 0 };
	char *out = NULL;
	int status;

	(void)state;
	setenv("LEAK", "yes", 1);
	assert_int_equal(run_program(&here, ARGV("sh", "-c", "echo \"$LEAK$LC_ALL\"; cat; pwd"),
				     &out, &status, &e),
			 0);
	assert_string_equal(out, "C\n/\n");
	free(out);
}

static void failures_are_told(void **state)
{
	struct err e = { 0 };
	struct run hasty = { .root = -1, .seconds = 1 };
	int status;

	(void)state;
	assert_int_equal(run_ok(&here, ARGV("true"), &e), 0);
	assert_int_equal(run_ok(&here, ARGV("sh", "-c", "echo a; echo why; exit 3"), &e), -EIO);
	assert_non_null(strstr(e.msg, "failed with code 3: why"));
	assert_int_equal(run_ok(&here, ARGV("no-such-program-here"), &e), -ENOENT);
	assert_int_equal(run_program(&hasty, ARGV("sleep", "30"), NULL, &status, &e),
			 -ETIMEDOUT);
	assert_true(run_find(-1, "sh"));
	assert_false(run_find(-1, "no-such-program-here"));
	assert_false(run_find(-1, "/etc"));
}

/* More than a pipe holds. */
static void much_output(void **state)
{
	struct err e = { 0 };
	char *out = NULL;
	int status;

	(void)state;
	assert_int_equal(run_program(&here,
				     ARGV("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"),
				     &out, &status, &e),
			 0);
	assert_int_equal(status, 0);
	assert_true(strlen(out) >= RUN_OUTPUT_MAX && strlen(out) < RUN_OUTPUT_MAX + 4096);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status),
		cmocka_unit_test(the_environment_is_ours),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(much_output),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
