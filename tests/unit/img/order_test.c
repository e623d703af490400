/* SPDX-License-Identifier: MIT */
#include "img/order.h"

#include "base/threads.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { PIECES = 3000, THREADS = 5, ITEMS = 8 };

struct item {
	uint64_t ticket;
};

struct work {
	struct order order;
	uint64_t log[PIECES]; /* tickets as they were written */
	unsigned written;
	_Atomic bool inside; /* somebody writes */
	uint64_t fail_at;    /* that ticket's write fails; PIECES: none */
	bool wait_instead;   /* by turns, without handing in */
};

static int write_item(void *arg, void *item, struct err *e)
{
	struct work *w = arg;
	struct item *i = item;

	if (atomic_exchange(&w->inside, true))
		return err_set(e, -EBUSY, "two write at once");
	w->log[w->written++] = i->ticket;
	if (i->ticket % 7 == 0)
		sched_yield();
	atomic_store(&w->inside, false);
	return i->ticket == w->fail_at
		       ? err_set(e, -EIO, "piece %u is bad", (unsigned)i->ticket)
		       : 0;
}

static int by_turns(struct work *w, struct item *i, struct err *e)
{
	int r = 0;

	if (order_wait(&w->order, i->ticket)) {
		r = write_item(w, i, e);
		if (r == 0)
			order_end(&w->order);
	}
	order_put(&w->order, i);
	return r;
}

static int worker(void *arg, unsigned n, struct err *e)
{
	struct work *w = arg;
	struct item *i;
	int r = 0;

	while (r == 0 && (i = order_get(&w->order))) {
		i->ticket = order_ticket(&w->order);
		if (i->ticket >= PIECES) {
			order_put(&w->order, i);
			return 0;
		}
		if ((i->ticket + n) % 3 == 0)
			sched_yield();
		r = w->wait_instead ? by_turns(w, i, e)
				    : order_hand_in(&w->order, i->ticket, i, e);
	}
	if (r < 0)
		order_fail(&w->order);
	return r;
}

static int run(struct work *w, struct err *e)
{
	struct item items[ITEMS];
	void *all[ITEMS];
	int r;

	for (unsigned i = 0; i < ITEMS; i++)
		all[i] = &items[i];
	order_init(&w->order, all, ITEMS, write_item, w);
	r = threads_run(THREADS, worker, w, e);
	order_fini(&w->order);
	for (unsigned i = 0; i < w->written; i++)
		assert_int_equal(w->log[i], i);
	return r;
}

static void pieces_are_written_in_order(void **state)
{
	for (int wait = 0; wait < 2; wait++) {
		struct work w = { .fail_at = PIECES, .wait_instead = wait };
		struct err e = { 0 };

		if (run(&w, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(w.written, PIECES);
	}
}

static void nothing_is_written_after_a_failure(void **state)
{
	static const uint64_t at[] = { 0, 1, ITEMS, 1234, PIECES - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		for (int wait = 0; wait < 2; wait++) {
			struct work w = { .fail_at = at[i], .wait_instead = wait };
			struct err e = { 0 };

			assert_int_equal(run(&w, &e), -EIO);
			assert_int_equal(w.written, at[i] + 1);
			assert_non_null(strstr(e.msg, "is bad"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_written_in_order),
		cmocka_unit_test(nothing_is_written_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
