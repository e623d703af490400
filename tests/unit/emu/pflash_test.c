/* SPDX-License-Identifier: MIT */
#include "emu/dev/pflash.h"

#include "emu/mem.h"
#include "emu/vcpu.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

#define SIZE (64u << 10)
#define END  (UINT64_C(1) << 32)
#define BASE (END - SIZE)

struct bench {
	struct mem *mem;
	struct bus *bus;
	struct blk *image;
	struct vcpu_group group;
	struct vcpu vcpu;
	struct pflash *f;
};

static void setup(struct bench *b, bool readonly)
{
	static uint8_t content[SIZE];
	struct pflash_env env = { .name = "test", .end = END, .readonly = readonly };
	struct err e = { 0 };

	memset(b, 0, sizeof(*b));
	memset(content, 0xff, SIZE);
	content[SIZE - 16] = 0xea;
	vcpu_group_init(&b->group, &b->vcpu, 1);
	b->image = memblk_new(content, SIZE);
	assert_int_equal(bus_new(&b->bus, &e), 0);
	assert_int_equal(mem_new(&b->mem, &e), 0);
	env.mem = b->mem;
	env.bus = b->bus;
	env.image = b->image;
	env.group = &b->group;
	assert_int_equal(pflash_new(&b->f, &env, &e), 0);
}

static void teardown(struct bench *b)
{
	struct err e = { 0 };

	pflash_free(b->f);
	mem_free(b->mem);
	bus_free(b->bus);
	assert_int_equal(blk_close(b->image, &e), 0);
	vcpu_group_fini(&b->group);
}

static void put(struct bench *b, unsigned at, uint8_t v)
{
	bus_write(b->bus, BUS_MEM, BASE + at, 1, v);
}

/* As a guest reads: memory where it is, else the device. */
static uint8_t get(struct bench *b, unsigned at)
{
	uint8_t v;

	if (mem_read(b->mem, BASE + at, &v, 1) < 0)
		v = (uint8_t)bus_read(b->bus, BUS_MEM, BASE + at, 1);
	return v;
}

static uint8_t image(struct bench *b, unsigned at)
{
	return memblk(b->image)->m.p[at];
}

static void array(void **state)
{
	struct bench b;

	(void)state;
	setup(&b, false);
	assert_int_equal(pflash_size(b.f), SIZE);
	assert_non_null(mem_ptr(b.mem, BASE, SIZE, false));
	assert_null(mem_ptr(b.mem, BASE, 1, true));
	assert_int_equal(get(&b, SIZE - 16), 0xea);
	put(&b, 0, 0x70); /* the status is read by the device */
	assert_null(mem_ptr(b.mem, BASE, 1, false));
	assert_int_equal(get(&b, 0), 0x80);
	put(&b, 0, 0xff);
	assert_non_null(mem_ptr(b.mem, BASE, SIZE, false));
	teardown(&b);
}

/* How OVMF tells flash from RAM and ROM. */
static void probe(void **state)
{
	struct bench b;

	(void)state;
	setup(&b, false);
	put(&b, 16, 0x50);
	assert_int_equal(get(&b, 16), 0xff);
	put(&b, 16, 0x70);
	assert_int_equal(get(&b, 16), 0x00);
	put(&b, 16, 0xff);
	assert_int_equal(get(&b, 16), 0xff);
	put(&b, 0, 0x90);
	assert_int_equal(get(&b, 0), 0x89);
	put(&b, 0, 0x98);
	assert_int_equal(get(&b, 0x10), 'Q');
	assert_int_equal(get(&b, 0x27), 16);
	assert_int_equal(get(&b, 0x2d), 15);
	assert_int_equal(get(&b, 0x2f), 16);
	assert_int_equal(get(&b, 0x80), 0);
	teardown(&b);
}

static void programs(void **state)
{
	struct bench b;

	(void)state;
	setup(&b, false);
	put(&b, 0x1234, 0x40);
	put(&b, 0x1234, 0x0f);
	assert_int_equal(get(&b, 0), 0x80);
	put(&b, 0x1234, 0x10);
	put(&b, 0x1234, 0xf3); /* bits are cleared only */
	put(&b, 0, 0xff);
	assert_int_equal(get(&b, 0x1234), 0x03);
	assert_int_equal(image(&b, 0x1234), 0x03);
	/* a row */
	put(&b, 0x2000, 0xe8);
	put(&b, 0x2000, 2);
	put(&b, 0x2000, 1);
	put(&b, 0x2001, 2);
	put(&b, 0x2100, 3); /* the next row */
	assert_int_equal(image(&b, 0x2000), 0xff);
	put(&b, 0x2000, 0xd0);
	put(&b, 0, 0xff);
	assert_int_equal(image(&b, 0x2000), 1);
	assert_int_equal(image(&b, 0x2001), 2);
	assert_int_equal(image(&b, 0x2100), 0xff);
	/* not confirmed */
	put(&b, 0x2000, 0xe8);
	put(&b, 0x2000, 0);
	put(&b, 0x2000, 0);
	put(&b, 0x2000, 0xff);
	assert_int_equal(get(&b, 0), 0x90);
	assert_int_equal(image(&b, 0x2000), 1);
	/* a block, and no other */
	put(&b, 0x1fff, 0x20);
	put(&b, 0x1fff, 0xd0);
	put(&b, 0, 0xff);
	assert_int_equal(image(&b, 0x1234), 0xff);
	assert_int_equal(image(&b, 0x2000), 1);
	teardown(&b);
}

static void refused(void **state)
{
	struct bench b;

	(void)state;
	setup(&b, true);
	put(&b, 0, 0x50);
	put(&b, 0, 0x40);
	put(&b, 0, 0);
	assert_int_equal(get(&b, 0) & 0x12, 0x12);
	put(&b, 0, 0xff);
	assert_int_equal(get(&b, 0), 0xff);
	put(&b, SIZE - 16, 0x20);
	put(&b, SIZE - 16, 0xd0);
	assert_int_equal(get(&b, 0) & 0x20, 0x20);
	pflash_reset(b.f);
	assert_int_equal(get(&b, SIZE - 16), 0xea);
	teardown(&b);
	/* an image that fails */
	setup(&b, false);
	memblk(b.image)->fail_at = memblk(b.image)->calls + 1;
	put(&b, 0, 0x50);
	put(&b, 0, 0x40);
	put(&b, 0, 0);
	assert_int_equal(get(&b, 0), 0x90);
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array),
		cmocka_unit_test(probe),
		cmocka_unit_test(programs),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
