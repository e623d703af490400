/* SPDX-License-Identifier: MIT */
#include "img/detail.h"

#include "tests/unit/unit.h"

#include <string.h>

/* Put in by declaration, they come out as QEMU's hash table has them. */
static void members_are_ordered(void **state)
{
	static const char *const order[] = { "compat", "lazy-refcounts", "bitmaps",
					     "refcount-bits", "corrupt" };
	struct detail *d = detail_new(), *list, *m;
	struct err e = { 0 };
	unsigned i = 0;

	(void)state;
	detail_bool(d, "corrupt", false);
	detail_bool(d, "lazy-refcounts", true);
	detail_text(d, "absent", NULL);
	detail_number(d, "refcount-bits", 16);
	list = detail_list(d, "bitmaps");
	detail_text(detail_group(list, NULL), "name", "b");
	detail_text(detail_group(list, NULL), "name", "a");
	detail_text(d, "compat", "1.1");
	assert_int_equal(detail_end(d, &e), 0);
	for (m = d->first; m; m = m->next)
		assert_string_equal(m->key, order[i++]);
	assert_int_equal(i, 5);
	assert_string_equal(list->first->first->text, "b");
	assert_string_equal(list->first->next->first->text, "a");
	detail_free(d);
}

static void what_was_lost_is_told(void **state)
{
	struct detail *d = detail_new();
	struct err e = { 0 };

	(void)state;
	detail_text(NULL, "key", "nothing happens");
	assert_null(detail_group(NULL, "key"));
	assert_int_equal(detail_end(NULL, &e), -ENOMEM);
	d->lost = true;
	assert_int_equal(detail_end(d, &e), -ENOMEM);
	detail_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_ordered),
		cmocka_unit_test(what_was_lost_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
