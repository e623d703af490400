/* SPDX-License-Identifier: MIT */
#include "emu/clock.h"

#include "emu/loop.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static char order[16];

static void fired(void *arg)
{
	strcat(order, arg);
}

static struct timer timer(struct clock *c, const char *name)
{
	return (struct timer){ .clock = c, .fire = fired, .arg = (void *)(uintptr_t)name };
}

static void timers(void **state)
{
	struct err e = { 0 };
	struct clock *c;
	struct timer a, b, d;

	assert_int_equal(clock_new(&c, NULL, NULL, &e), 0);
	a = timer(c, "a");
	b = timer(c, "b");
	d = timer(c, "d");
	assert_true(clock_wait(c) == UINT64_MAX);
	timer_set(&b, 20);
	timer_set(&a, 10);
	timer_set(&d, 15);
	/* it stands */
	clock_fire(c);
	assert_string_equal(order, "");
	assert_int_equal(clock_now(c), 0);
	timer_cancel(&d);
	clock_run(c);
	while (clock_now(c) < 30)
		;
	assert_int_equal(clock_wait(c), 0);
	clock_fire(c);
	assert_string_equal(order, "ab");
	timer_set(&a, clock_now(c) + NS_PER_SEC * 1000);
	clock_fire(c);
	assert_string_equal(order, "ab");
	timer_set(&a, 1);
	clock_fire(c);
	assert_string_equal(order, "aba");
	clock_stop(c);
	uint64_t t = clock_now(c);

	usleep(2000);
	assert_true(clock_now(c) == t);
	clock_free(c);
}

static struct loop *the_loop;

static void job(void *arg)
{
	strcat(order, "j");
	loop_quit(the_loop);
}

static void readable(void *arg, short revents)
{
	struct loop_fd *f = arg;
	char c;

	assert_int_equal(read(f->fd, &c, 1), 1);
	strcat(order, "r");
	loop_do(the_loop, (void *)(f + 1));
	loop_do(the_loop, (void *)(f + 1));
}

static void looping(void **state)
{
	struct {
		struct loop_fd fd;
		struct loop_job job;
	} s = { { .events = POLLIN, .ready = readable, .arg = &s }, { .run = job } };
	struct err e = { 0 };
	int p[2];

	order[0] = '\0';
	assert_int_equal(pipe(p), 0);
	s.fd.fd = p[0];
	assert_int_equal(loop_new(&the_loop, &e), 0);
	assert_int_equal(loop_watch(the_loop, &s.fd, &e), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(loop_run(the_loop, &e), 0);
	assert_string_equal(order, "rj");
	loop_do(the_loop, &s.job);
	loop_forget(the_loop, &s.job);
	assert_int_equal(loop_once(the_loop, 0, &e), 0);
	assert_string_equal(order, "rj");
	loop_free(the_loop);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers),
		cmocka_unit_test(looping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
