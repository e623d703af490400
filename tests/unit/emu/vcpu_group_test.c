/* SPDX-License-Identifier: MIT */
#include "emu/accel.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <stdlib.h>

#define N     3
#define TURNS 200

struct fixture {
	struct vcpu v[N];
	struct vcpu_group g;
	_Atomic int inside[N];
	_Atomic unsigned entered[N];
	_Atomic bool end;
	struct vcpu_job job[N];
	unsigned runs, found; /* by jobs: one at a time */
	_Atomic unsigned queued;
};

static struct fixture *f;

/* "Guest code": until somebody wants it outside; now and then a device's register is written. */
static enum exit_reason fake_run(struct vcpu *c, struct err *e)
{
	unsigned i = c->index;

	(void)e;
	atomic_store(&f->inside[i], 1);
	if (atomic_fetch_add(&f->entered[i], 1) % 8 == i) {
		vcpu_exclusive(&f->g, &f->job[i]);
		vcpu_exclusive(&f->g, &f->job[i]); /* once */
		atomic_fetch_add(&f->queued, 1);
		assert_true(atomic_load(&c->request) & VCPU_EXCL);
	}
	/* as an access that needs to be alone does */
	if (atomic_load(&f->entered[i]) % 8 == 7) {
		/* Who waits to be alone is not in guest code: another may be alone before. */
		atomic_store(&f->inside[i], 0);
		vcpu_exclusive_begin(&f->g, c);
		for (unsigned k = 0; k < N; k++)
			f->found += k != i && f->v[k].busy;
		vcpu_exclusive_end(&f->g, c);
		atomic_store(&f->inside[i], 1);
	}
	while (!(atomic_load(&c->request) & VCPU_EXCL) && !atomic_load(&f->end))
		sched_yield();
	atomic_store(&f->inside[i], 0);
	return EXIT_REQUEST;
}

static void fake_kick(struct vcpu *c)
{
	(void)c;
}

static const struct accel_ops fake = { .name = "fake", .run = fake_run, .kick = fake_kick };

static void alone(void *arg)
{
	(void)arg;
	f->runs++;
	for (unsigned i = 0; i < N; i++)
		f->found += (unsigned)atomic_load(&f->inside[i]);
}

static void *thread(void *arg)
{
	struct vcpu *c = arg;

	vcpu_set_current(c);
	while (!atomic_load(&f->end))
		vcpu_run(c, NULL);
	return NULL;
}

static void test_nobody_is_in_guest_code(void **state)
{
	struct vcpu_job outside = { .run = alone };
	unsigned turns = 0;

	(void)state;
	f = calloc(1, sizeof(*f));
	vcpu_group_init(&f->g, f->v, N);
	for (unsigned i = 0; i < N; i++) {
		f->v[i] = (struct vcpu){ .group = &f->g, .index = i, .ops = &fake };
		f->job[i] = (struct vcpu_job){ .run = alone };
		sem_init(&f->v[i].wake, 0, 0);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(pthread_create(&f->v[i].thread, NULL, thread, &f->v[i]), 0);
	/* until each kind of them had its turn, however slow the threads are */
	for (; turns < TURNS || !atomic_load(&f->queued); turns++) {
		vcpu_exclusive(&f->g, &outside);
		sched_yield();
	}
	atomic_store(&f->end, true);
	for (unsigned i = 0; i < N; i++)
		pthread_join(f->v[i].thread, NULL);
	assert_int_equal(f->found, 0);
	assert_int_equal(f->runs, turns + atomic_load(&f->queued));
	for (unsigned i = 0; i < N; i++)
		sem_destroy(&f->v[i].wake);
	vcpu_group_fini(&f->g);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_in_guest_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
