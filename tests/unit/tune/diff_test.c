/* SPDX-License-Identifier: MIT */
#include "tune/diff.h"

#include "base/str.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void unified(const char *old, const char *fresh, const char *want)
{
	struct err e = { 0 };
	char *have = diff_unified("/x", old, fresh, &e);

	assert_non_null(have);
	assert_string_equal(have, want);
	free(have);
}

static void shows(void **state)
{
	(void)state;
	unified("a\n", "a\n", "");
	unified(NULL, "", "");
	unified(NULL, "a\nb\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n");
	unified("a\n", NULL, "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
	unified("a\nb\nc\n", "a\nx\nc\n",
		"--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	unified("a", "a\n",
		"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
	/* far apart: two hunks; three lines around each */
	unified("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
		"--- a/x\n+++ b/x\n@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -9,4 +8,3 @@\n 9\n 10\n"
		" 11\n-12\n");
}

/* Hunks lead from one text to the other, whatever the texts are. */
static void leads(const char *a, const char *b)
{
	struct err e = { 0 };
	struct str s = STR_INIT;
	struct diff d;
	size_t at = 0;
	char *made;

	assert_int_equal(diff_make(a, b, &d, &e), 0);
	for (size_t i = 0; i < d.n; i++) {
		assert_true(d.v[i].na || d.v[i].nb);
		assert_true(d.v[i].a >= at && d.v[i].a + d.v[i].na <= d.na);
		for (; at < d.v[i].a; at++)
			str_addn(&s, d.a[at].s, d.a[at].len);
		for (size_t k = 0; k < d.v[i].nb; k++)
			str_addn(&s, d.b[d.v[i].b + k].s, d.b[d.v[i].b + k].len);
		at += d.v[i].na;
	}
	for (; at < d.na; at++)
		str_addn(&s, d.a[at].s, d.a[at].len);
	made = str_take(&s, &e);
	assert_string_equal(made, b ? b : "");
	free(made);
	diff_free(&d);
}

static char *random_text(unsigned *seed, size_t lines)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < lines; i++)
		str_addf(&s, "%c%s", 'a' + rand_r(seed) % 4,
			 i + 1 < lines || rand_r(seed) % 3 ? "\n" : "");
	return str_take(&s, NULL);
}

static void any_texts(void **state)
{
	unsigned seed = 7;
	struct str big = STR_INIT, other = STR_INIT;
	char *x, *y;

	(void)state;
	leads(NULL, NULL);
	for (int i = 0; i < 3000; i++) {
		char *a = random_text(&seed, (size_t)rand_r(&seed) % 9);
		char *b = random_text(&seed, (size_t)rand_r(&seed) % 9);

		leads(a, b);
		free(a);
		free(b);
	}
	/* too large for the table */
	for (int i = 0; i < 3000; i++) {
		str_addf(&big, "%d\n", i);
		str_addf(&other, "%d\n", i * 3);
	}
	x = str_take(&big, NULL);
	y = str_take(&other, NULL);
	leads(x, y);
	free(x);
	free(y);
}

static void merge(const char *base, const char *mine, const char *theirs, const char *want)
{
	struct err e = { 0 };
	char *out = NULL;
	int r = diff_merge(base, mine, theirs, &out, &e);

	assert_int_equal(r, want ? 1 : 0);
	if (want)
		assert_string_equal(out, want);
	else
		assert_null(out);
	free(out);
}

static void merges(void **state)
{
	(void)state;
	/* ours goes, theirs behind it stays */
	merge("a\nours\n", "a\n", "a\nours\ntheirs\n", "a\ntheirs\n");
	merge("a\nours\n", "a\n", "theirs\na\nours\n", "theirs\na\n");
	merge("ours\n", NULL, "ours\ntheirs\n", "theirs\n");
	merge("ours\n", NULL, "ours\n", "");
	/* there was no end of line where they went on */
	merge("a\nours\n", "a", "a\nours\ntheirs\n", "a\ntheirs\n");
	merge("a\nours\n", "a", "a\nours\n", "a");
	/* they changed our line */
	merge("a\nours\n", "a\n", "a\nours too\n", NULL);
	merge("a\nours\n", "a\n", "a\n", NULL);
	/* we had removed a line, they added at that place */
	merge("a\nb\n", "a\nx\nb\n", "a\ny\nb\n", NULL);
	merge("a\nb\nc\n", "a\nx\nb\nc\n", "a\nb\ny\nc\n", "a\nx\nb\ny\nc\n");
}

static void keeps(void **state)
{
	struct err e = { 0 };

	(void)state;
	/* base: as we left it; theirs: as it is; fresh: as we would make it */
	assert_int_equal(diff_keeps("a\n", "a\nb\n", "a\nb\nc\n", &e), 1);
	assert_int_equal(diff_keeps("a\n", "a\nb\n", "a\nc\n", &e), 0);
	assert_int_equal(diff_keeps("a\nours\n", "a\n", "a\nours\n", &e), 0);
	assert_int_equal(diff_keeps("a\nours\n", "a\nhis\n", "a\nours\n", &e), 0);
	assert_int_equal(diff_keeps("a\nours\n", "b\nours\n", "b\nnew\n", &e), 1);
	assert_int_equal(diff_keeps("a\n", NULL, "a\n", &e), 0);
	assert_int_equal(diff_keeps(NULL, "b\n", NULL, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows),
		cmocka_unit_test(any_texts),
		cmocka_unit_test(merges),
		cmocka_unit_test(keeps),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
