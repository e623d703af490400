/* SPDX-License-Identifier: MIT */
#include "base/threads.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

struct seen {
	atomic_uint calls, mask;
	_Atomic uint64_t sum;
	pthread_t self;
	pthread_barrier_t all;
	uint64_t fail_at;
};

static int note_worker(void *arg, unsigned worker, struct err *e)
{
	struct seen *s = arg;
	volatile char stack[64 * 1024]; /* as deep as a library call may go */

	stack[0] = stack[sizeof(stack) - 1] = 1;
	atomic_fetch_add(&s->calls, 1);
	atomic_fetch_or(&s->mask, 1u << worker);
	if (worker == 0 && !pthread_equal(s->self, pthread_self()))
		return err_set(e, -EINVAL, "worker 0 is not the caller");
	/* returns only when all run at once */
	pthread_barrier_wait(&s->all);
	return stack[0] - 1;
}

static void each_worker_once_and_together(void **state)
{
	for (unsigned n = 1; n <= 8; n++) {
		struct seen s = { .self = pthread_self() };

		pthread_barrier_init(&s.all, NULL, n);
		assert_int_equal(threads_run(n, note_worker, &s, NULL), 0);
		assert_int_equal(s.calls, n);
		assert_int_equal(s.mask, (1u << n) - 1);
		pthread_barrier_destroy(&s.all);
	}
}

static int fail_in_turn(void *arg, unsigned worker, struct err *e)
{
	struct seen *s = arg;

	if (worker != 2) {
		while (!atomic_load(&s->calls))
			sched_yield();
		/* worker 2's failure must be on record before this one */
		for (int i = 0; i < 1000; i++)
			sched_yield();
		return worker == 1 ? err_set(e, -ENOSPC, "late") : 0;
	}
	err_set(e, -EIO, "early");
	atomic_store(&s->calls, 1);
	return -EIO;
}

static void a_failure_is_reported(void **state)
{
	struct seen s = { 0 };
	struct err e = { 0 };
	int r = threads_run(3, fail_in_turn, &s, &e);

	/* whichever was recorded first, code and text belong together */
	assert_true(r == -EIO || r == -ENOSPC);
	assert_int_equal(e.code, r);
	assert_string_equal(e.msg, r == -EIO ? "early" : "late");
	s.calls = 0;
	assert_true(threads_run(3, fail_in_turn, &s, NULL) < 0);
}

static int add_item(void *arg, uint64_t i, struct err *e)
{
	struct seen *s = arg;

	atomic_fetch_add(&s->calls, 1);
	atomic_fetch_add(&s->sum, i);
	if (i == s->fail_at)
		return err_set(e, -EUCLEAN, "item %u", (unsigned)i);
	return 0;
}

static void all_items_once(void **state)
{
	for (unsigned n = 0; n <= 5; n++) {
		struct seen s = { .fail_at = UINT64_MAX };

		assert_int_equal(threads_each(n, 10000, add_item, &s, NULL), 0);
		assert_int_equal(s.calls, 10000);
		assert_int_equal(s.sum, 9999 * 5000);
	}
	struct seen none = { 0 };
	assert_int_equal(threads_each(3, 0, add_item, &none, NULL), 0);
	assert_int_equal(none.calls, 0);
}

static void nothing_new_after_a_failure(void **state)
{
	struct seen s = { .fail_at = 0 };
	struct err e = { 0 };

	assert_int_equal(threads_each(1, 1000000, add_item, &s, &e), -EUCLEAN);
	assert_int_equal(s.calls, 1);
	assert_string_equal(e.msg, "item 0");
}

static void at_least_one_processor(void **state)
{
	assert_true(threads_cpus() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_once_and_together),
		cmocka_unit_test(a_failure_is_reported),
		cmocka_unit_test(all_items_once),
		cmocka_unit_test(nothing_new_after_a_failure),
		cmocka_unit_test(at_least_one_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
