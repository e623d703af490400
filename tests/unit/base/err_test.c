/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "tests/unit/unit.h"

#include <string.h>

static void set_records_code_and_text(void **state)
{
	struct err e = { 0 };

	assert_int_equal(err_set(&e, -EINVAL, "bad %s", "size"), -EINVAL);
	assert_int_equal(e.code, -EINVAL);
	assert_string_equal(e.msg, "bad size");
	assert_int_equal(err_set(NULL, -EIO, "nobody looks"), -EIO);
}

static void errno_is_told(void **state)
{
	struct err e = { 0 };

	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open %s", "a"), -ENOENT);
	assert_string_equal(e.msg, "open a: No such file or directory");
	/* a call that failed without saying why is still a failure */
	errno = 0;
	assert_int_equal(err_errno(&e, "x"), -EIO);
}

static void wrap_puts_context_in_front(void **state)
{
	struct err e = { 0 };

	err_set(&e, -EUCLEAN, "bad magic");
	assert_int_equal(err_wrap(&e, -EUCLEAN, "%s", "a.qcow2"), -EUCLEAN);
	assert_string_equal(e.msg, "a.qcow2: bad magic");
	e = (struct err){ 0 };
	err_wrap(&e, -EIO, "alone");
	assert_string_equal(e.msg, "alone");
}

static void long_texts_are_cut(void **state)
{
	struct err e = { 0 };
	char big[2 * ERR_MSG_SIZE];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, -EIO, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_SIZE - 1);
	err_wrap(&e, -EIO, "front");
	assert_int_equal(strlen(e.msg), ERR_MSG_SIZE - 1);
	assert_memory_equal(e.msg, "front: xxx", 10);
	err_wrap(&e, -EIO, "%s", big);
	assert_true(strlen(e.msg) < ERR_MSG_SIZE);
	errno = EIO;
	err_errno(&e, "%s", big);
	assert_true(strlen(e.msg) < ERR_MSG_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_records_code_and_text),
		cmocka_unit_test(errno_is_told),
		cmocka_unit_test(wrap_puts_context_in_front),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
