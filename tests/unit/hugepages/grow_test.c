/* SPDX-License-Identifier: MIT */
#include "hugepages/grow.h"

#include "tests/unit/unit.h"

#include <string.h>

/* A kernel with some memory, a part of which only comes when room is made. */
struct kernel {
	uint64_t pages, most, hidden, per_round;
	unsigned sets, rounds, last_round;
	int fail; /* set() gives this */
};

static int get(void *ctx, uint64_t *pages, struct err *e)
{
	*pages = ((struct kernel *)ctx)->pages;
	return 0;
}

static int set(void *ctx, uint64_t pages, struct err *e)
{
	struct kernel *k = ctx;

	k->sets++;
	if (k->fail)
		return err_set(e, k->fail, "no");
	k->pages = pages < k->most ? pages : k->most;
	return 0;
}

static int compact(void *ctx, unsigned round, struct err *e)
{
	struct kernel *k = ctx;
	uint64_t more = k->hidden < k->per_round ? k->hidden : k->per_round;

	k->rounds++;
	k->last_round = round;
	k->hidden -= more;
	k->most += more;
	return 0;
}

static const struct grow_ops ops = { get, set, compact };

static void in_steps(void **state)
{
	struct kernel k = { .pages = 3, .most = 1000 };
	struct progress p;
	uint64_t got = 0;

	progress_init(&p, 0, NULL, NULL);
	assert_int_equal(grow_to(&ops, &k, 103, 30, 0, &p, &got, NULL), 0);
	assert_int_equal(got, 103);
	assert_int_equal(k.sets, 4);
	assert_int_equal(atomic_load(&p.done), 100);
	assert_int_equal(k.rounds, 0);
}

static void nothing_to_do(void **state)
{
	struct kernel k = { .pages = 5, .most = 1000 };
	uint64_t got = 0;

	assert_int_equal(grow_to(&ops, &k, 5, 30, 3, NULL, &got, NULL), 0);
	assert_int_equal(got, 5);
	assert_int_equal(k.sets, 0);
}

static void down_at_once(void **state)
{
	struct kernel k = { .pages = 500, .most = 1000 };
	uint64_t got = 0;

	assert_int_equal(grow_to(&ops, &k, 0, 30, 3, NULL, &got, NULL), 0);
	assert_int_equal(got, 0);
	assert_int_equal(k.sets, 1);
}

/* The write succeeds, and 671 of 999999 pages come. */
static void a_short_allocation_is_an_error(void **state)
{
	struct kernel k = { .most = 671 };
	struct err e = { 0 };
	uint64_t got = 0;

	assert_int_equal(grow_to(&ops, &k, 999999, 512, 0, NULL, &got, &e), -ENOSPC);
	assert_int_equal(got, 671);
	assert_true(strstr(e.msg, "671 of 999999") != NULL);
	assert_int_equal(k.rounds, 0);
}

static void room_is_made(void **state)
{
	struct kernel k = { .most = 10, .hidden = 100, .per_round = 20 };
	uint64_t got = 0;

	/* each round helps, so more than three are made */
	assert_int_equal(grow_to(&ops, &k, 100, 1000, 3, NULL, &got, NULL), 0);
	assert_int_equal(got, 100);
	assert_int_equal(k.rounds, 5);
	assert_int_equal(k.last_round, 0);
}

static void and_given_up(void **state)
{
	struct kernel k = { .most = 10 };
	uint64_t got = 0;

	assert_int_equal(grow_to(&ops, &k, 100, 1000, 3, NULL, &got, NULL), -ENOSPC);
	assert_int_equal(got, 10);
	assert_int_equal(k.rounds, 3);
	assert_int_equal(k.last_round, 2);
}

static void failures_come_back(void **state)
{
	struct kernel k = { .most = 10, .pages = 2, .fail = -EINVAL };
	struct err e = { 0 };
	uint64_t got = 0;

	assert_int_equal(grow_to(&ops, &k, 100, 1000, 3, NULL, &got, &e), -EINVAL);
	assert_int_equal(got, 2);
	assert_int_equal(grow_to(&ops, &k, 1, 1000, 3, NULL, &got, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_steps),
		cmocka_unit_test(nothing_to_do),
		cmocka_unit_test(down_at_once),
		cmocka_unit_test(a_short_allocation_is_an_error),
		cmocka_unit_test(room_is_made),
		cmocka_unit_test(and_given_up),
		cmocka_unit_test(failures_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
