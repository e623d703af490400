/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include "base/threads.h"
#include "tests/unit/unit.h"

#include <sched.h>

struct shown {
	atomic_int calls, last, inside, overlaps;
	uint64_t done;
};

static void show(void *arg, const struct progress *p, bool last)
{
	struct shown *s = arg;

	if (atomic_fetch_add(&s->inside, 1))
		atomic_fetch_add(&s->overlaps, 1);
	atomic_fetch_add(&s->calls, 1);
	if (last)
		atomic_fetch_add(&s->last, 1);
	s->done = atomic_load(&p->done);
	sched_yield();
	atomic_fetch_sub(&s->inside, 1);
}

static int add_many(void *arg, unsigned worker, struct err *e)
{
	for (int i = 0; i < 5000; i++)
		progress_add(arg, 2);
	return 0;
}

static void one_at_a_time_and_nothing_lost(void **state)
{
	struct shown s = { 0 };
	struct progress p;

	progress_init(&p, 0, show, &s); /* no pause: as often as can be */
	progress_total(&p, 40000);
	assert_int_equal(threads_run(4, add_many, &p, NULL), 0);
	progress_end(&p);
	assert_int_equal(p.done, 40000);
	assert_int_equal(s.done, 40000);
	assert_int_equal(s.last, 1);
	assert_int_equal(s.overlaps, 0);
	assert_true(s.calls > 1);
}

static void silent_within_the_interval(void **state)
{
	struct shown s = { 0 };
	struct progress p;

	progress_init(&p, 3600 * 1000, show, &s);
	for (int i = 0; i < 1000; i++)
		progress_add(&p, 1);
	assert_int_equal(s.calls, 0);
	progress_end(&p);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.last, 1);
}

static void rate_and_time_left(void **state)
{
	struct progress p;

	progress_init(&p, 1000, NULL, NULL);
	assert_true(progress_eta(&p) == 0);
	progress_total(&p, 3000);
	p.start_ns -= INT64_C(10) * 1000000000;
	progress_add(&p, 1000);
	progress_end(&p);
	/* 1000 units in ten seconds and a little */
	assert_true(progress_rate(&p) > 0 && progress_rate(&p) <= 100);
	assert_true(progress_eta(&p) >= 20);
	progress_add(&p, 2000);
	assert_true(progress_eta(&p) == 0);
}

static void nobody_looks(void **state)
{
	progress_init(NULL, 1, NULL, NULL);
	progress_total(NULL, 1);
	progress_add(NULL, 1);
	progress_end(NULL);
	assert_true(progress_rate(NULL) == 0 && progress_eta(NULL) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time_and_nothing_lost),
		cmocka_unit_test(silent_within_the_interval),
		cmocka_unit_test(rate_and_time_left),
		cmocka_unit_test(nobody_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
