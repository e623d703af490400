/* SPDX-License-Identifier: MIT */
#include "emu/mem.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define P MEM_PAGE

static unsigned changes, writes;
static uint64_t last_gpa, last_len;

static void changed(void *arg, uint64_t gpa, uint64_t size)
{
	changes++;
	last_gpa = gpa;
	last_len = size;
}

static void written(void *arg, uint64_t gpa, uint64_t len)
{
	writes++;
	last_gpa = gpa;
	last_len = len;
}

static void map(struct mem *m, uint64_t gpa, uint64_t size, uint8_t *host, bool w)
{
	struct err e = { 0 };

	assert_int_equal(mem_map(m, gpa, size, host, w, &e), 0);
}

/* A map over another cuts it, in the middle, at its ends, or all of it. */
static void cutting(void **state)
{
	static uint8_t a[16 * P], b[4 * P];
	struct err e = { 0 };
	struct mem *m;
	struct mem_slot slot;
	size_t n;

	assert_int_equal(mem_new(&m, &e), 0);
	map(m, 0x10000, sizeof(a), a, true);
	map(m, 0x10000 + 4 * P, sizeof(b), b, false);
	mem_slots(m, &n);
	assert_int_equal(n, 3);
	assert_ptr_equal(mem_ptr(m, 0x10000 + 4 * P - 1, 1, true), a + 4 * P - 1);
	assert_ptr_equal(mem_ptr(m, 0x10000 + 4 * P, 1, false), b);
	assert_null(mem_ptr(m, 0x10000 + 4 * P, 1, true));
	assert_ptr_equal(mem_ptr(m, 0x10000 + 8 * P, 1, true), a + 8 * P);
	assert_null(mem_ptr(m, 0x10000 + 4 * P - 1, 2, false));
	/* a hole over two borders */
	map(m, 0x10000 + 3 * P, 2 * P, NULL, false);
	assert_null(mem_ptr(m, 0x10000 + 3 * P, 1, false));
	assert_false(mem_slot_at(m, 0x10000 + 4 * P, &slot));
	assert_ptr_equal(mem_ptr(m, 0x10000 + 5 * P, 1, false), b + P);
	/* what is put back is one again */
	map(m, 0x10000 + 3 * P, 5 * P, a + 3 * P, true);
	mem_slots(m, &n);
	assert_int_equal(n, 1);
	assert_ptr_equal(mem_ptr(m, 0x10000, sizeof(a), true), a);
	map(m, 0, 64 * P, NULL, false);
	mem_slots(m, &n);
	assert_int_equal(n, 0);
	assert_int_equal(mem_map(m, 1, P, a, true, &e), -EINVAL);
	assert_int_equal(mem_map(m, 0, 0, a, true, &e), -EINVAL);
	assert_int_equal(mem_map(m, 0 - (uint64_t)P, 2 * P, a, true, &e), -EINVAL);
	/* the last page there is */
	map(m, 0 - (uint64_t)P, P, a, true);
	assert_ptr_equal(mem_ptr(m, UINT64_MAX, 1, true), a + P - 1);
	assert_null(mem_ptr(m, UINT64_MAX, 2, true));
	mem_free(m);
}

static void copying(void **state)
{
	static uint8_t a[P], b[P], buf[2 * P];
	const struct mem_listener l = { changed, written, NULL };
	struct err e = { 0 };
	struct mem *m;

	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_listen(m, &l, &e), 0);
	map(m, 0, P, a, true);
	map(m, P, P, b, true);
	assert_int_equal(changes, 2);
	memset(buf, 7, sizeof(buf));
	assert_int_equal(mem_write(m, 8, buf, 2 * P - 8), 0);
	assert_int_equal(a[8] + b[P - 1], 14);
	assert_int_equal(a[7], 0);
	assert_int_equal(writes, 2);
	assert_int_equal(last_gpa, P);
	assert_int_equal(last_len, P);
	assert_int_equal(mem_read(m, 1, buf, 2 * P - 1), 0);
	assert_int_equal(mem_read(m, 1, buf, 2 * P), -EFAULT);
	assert_int_equal(mem_write(m, 2 * P, buf, 1), -EFAULT);
	for (unsigned i = 1; i < MEM_LISTENERS; i++)
		assert_int_equal(mem_listen(m, &l, &e), 0);
	assert_int_equal(mem_listen(m, &l, &e), -ENOSPC);
	mem_free(m);
}

static void allocating(void **state)
{
	struct err e = { 0 };
	uint8_t *p;

	assert_int_equal(mem_alloc(1 << 20, NULL, true, &p, &e), 0);
	p[(1 << 20) - 1] = 1;
	mem_dealloc(p, 1 << 20);
	assert_int_equal(mem_alloc(1 << 20, "/tmp", false, &p, &e), 0);
	p[0] = 1;
	mem_dealloc(p, 1 << 20);
	assert_true(mem_alloc(1 << 20, "/nowhere/at/all", false, &p, &e) < 0);
	assert_non_null(strstr(e.msg, "/nowhere/at/all"));
	assert_int_equal(mem_alloc(UINT64_MAX, NULL, false, &p, &e), -ENOMEM);
}

static uint8_t low[16 * P], high[16 * P];
static _Atomic bool done;

/* Finds a slot as it was before a change or after it, never a mixture. */
static void *reader(void *arg)
{
	uintptr_t wrong = 0;

	while (!atomic_load(&done)) {
		struct mem_slot s;

		if (!mem_slot_at(arg, 0x20000 + 5 * P, &s))
			wrong++;
		else if (s.host == high)
			wrong += s.gpa != 0x20000 + 5 * P || s.size != P || s.writable;
		else
			wrong += s.host != low || s.gpa != 0x20000 || s.size != sizeof(low) ||
				 !s.writable;
	}
	return (void *)wrong;
}

static void reading_while_it_changes(void **state)
{
	struct err e = { 0 };
	struct mem *m;
	pthread_t t;
	void *wrong;

	(void)state;
	assert_int_equal(mem_new(&m, &e), 0);
	map(m, 0x20000, sizeof(low), low, true);
	assert_int_equal(pthread_create(&t, NULL, reader, m), 0);
	for (unsigned i = 0; i < 20000; i++) {
		map(m, 0x20000 + 5 * P, P, high, false);
		map(m, 0x20000 + 5 * P, P, low + 5 * P, true);
	}
	atomic_store(&done, true);
	pthread_join(t, &wrong);
	assert_ptr_equal(wrong, NULL);
	/* as many pieces as there may be, and no more */
	map(m, 0, 1024 * P, NULL, false);
	unsigned n = 0;

	while (n < 1000 && mem_map(m, (uint64_t)n * 2 * P, P, low, n & 1, &e) == 0)
		n++;
	assert_in_range(n, 100, 999);
	assert_true(mem_slot_at(m, (uint64_t)(n - 1) * 2 * P, &(struct mem_slot){ 0 }));
	assert_false(mem_slot_at(m, (uint64_t)n * 2 * P, &(struct mem_slot){ 0 }));
	mem_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting),
		cmocka_unit_test(copying),
		cmocka_unit_test(allocating),
		cmocka_unit_test(reading_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
