/* SPDX-License-Identifier: MIT */
#include "base/pace.h"

#include "base/now.h"
#include "tests/unit/unit.h"

/* Sleeping may take longer than it should, never shorter. */
static void waits_until_bytes_are_due(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, 1000000);
	pace_step(&p, 100000, NULL);
	pace_step(&p, 50000, NULL);
	assert_true(now_ns() - p.start_ns >= 150000000);
	assert_int_equal(p.done, 150000);
}

static void does_not_wait_without_a_rate_or_when_told_to_stop(void **state)
{
	atomic_bool stop = true;
	struct pace p;

	(void)state;
	pace_start(&p, 0);
	pace_step(&p, UINT64_MAX, NULL);
	/* years */
	pace_start(&p, 1);
	pace_step(&p, 1ull << 32, &stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_until_bytes_are_due),
		cmocka_unit_test(does_not_wait_without_a_rate_or_when_told_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
