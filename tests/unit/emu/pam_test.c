/* SPDX-License-Identifier: MIT */
#include "emu/dev/pam.h"

#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define RAM (2u << 20)
#define ROM (256u << 10)

struct bench {
	struct bus *bus;
	struct mem *mem;
	uint8_t *ram, *rom;
	struct pam *pam;
};

static void setup(struct bench *b)
{
	struct pam_env env;
	struct err e = { 0 };

	assert_int_equal(bus_new(&b->bus, &e), 0);
	assert_int_equal(mem_new(&b->mem, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &b->ram, &e), 0);
	assert_int_equal(mem_alloc(ROM, NULL, false, &b->rom, &e), 0);
	assert_int_equal(mem_map(b->mem, 0, RAM, b->ram, true, &e), 0);
	memset(b->ram, 'r', RAM);
	for (unsigned i = 0; i < ROM; i++)
		b->rom[i] = (uint8_t)(i >> 14);
	env = (struct pam_env){ b->mem, b->bus, b->ram, b->rom, ROM, false };
	assert_int_equal(pam_new(&b->pam, &env, &e), 0);
}

static void teardown(struct bench *b)
{
	pam_free(b->pam);
	mem_free(b->mem);
	bus_free(b->bus);
	mem_dealloc(b->ram, RAM);
	mem_dealloc(b->rom, ROM);
}

/* What a processor reads there: memory, or what the bus says. */
static uint8_t get(struct bench *b, uint64_t at)
{
	uint8_t v;

	if (mem_read(b->mem, at, &v, 1) < 0)
		v = (uint8_t)bus_read(b->bus, BUS_MEM, at, 1);
	return v;
}

static void put(struct bench *b, uint64_t at, uint8_t v)
{
	if (mem_write(b->mem, at, &v, 1) < 0)
		bus_write(b->bus, BUS_MEM, at, 1, v);
}

static void after_reset(void **state)
{
	const uint8_t regs[PAM_REGS] = { 0 };
	struct bench b;

	(void)state;
	setup(&b);
	pam_set(b.pam, regs, 0x02, false);
	assert_int_equal(get(&b, 0xfffffff0), 15);
	assert_int_equal(get(&b, 0xfffc0000), 0);
	assert_int_equal(get(&b, 0xffff0), 15);
	assert_int_equal(get(&b, 0xe0000), 8); /* the last 128 KiB */
	assert_int_equal(get(&b, 0xc0000), 0xff);
	assert_int_equal(get(&b, 0xa0000), 0xff);
	assert_int_equal(get(&b, 0x9ffff), 'r');
	assert_int_equal(get(&b, 0x100000), 'r');
	put(&b, 0xf0000, 'x');
	put(&b, 0xfffffff0, 'x');
	assert_int_equal(get(&b, 0xf0000), 12);
	assert_int_equal(get(&b, 0xfffffff0), 15);
	teardown(&b);
}

/* Firmware copies itself: reads from the ROM, writes to the RAM behind it. */
static void shadow(void **state)
{
	uint8_t regs[PAM_REGS] = { 0x20, 0, 0, 0, 0, 0, 0x22 };
	struct bench b;

	(void)state;
	setup(&b);
	pam_set(b.pam, regs, 0, false);
	put(&b, 0xf0123, 'x');
	assert_int_equal(get(&b, 0xf0123), 12);
	assert_int_equal(b.ram[0xf0123], 'x');
	put(&b, 0xe0000, 'x'); /* neither read nor written */
	assert_int_equal(b.ram[0xe0000], 'r');
	regs[0] = 0x10;
	pam_set(b.pam, regs, 0, false);
	assert_int_equal(get(&b, 0xf0123), 'x');
	put(&b, 0xf0123, 'y');
	assert_int_equal(get(&b, 0xf0123), 'x');
	regs[0] = 0x30;
	pam_set(b.pam, regs, 0, false);
	put(&b, 0xf0123, 'y');
	assert_int_equal(get(&b, 0xf0123), 'y');
	/* each half of each register has its 16 KiB */
	for (unsigned i = 0; i < 12; i++) {
		uint64_t at = 0xc0000 + 0x4000 * i;

		memset(regs, 0, sizeof(regs));
		regs[1 + i / 2] = (uint8_t)(i % 2 ? 0x30 : 0x03);
		pam_set(b.pam, regs, 0, false);
		assert_non_null(mem_ptr(b.mem, at, 0x4000, true));
		assert_null(mem_ptr(b.mem, at - 1, 1, true));
		assert_null(mem_ptr(b.mem, at + 0x4000, 1, true));
	}
	teardown(&b);
}

static void smram(void **state)
{
	const uint8_t regs[PAM_REGS] = { 0 };
	struct bench b;

	(void)state;
	setup(&b);
	pam_set(b.pam, regs, SMRAM_OPEN, false); /* not enabled */
	assert_null(mem_ptr(b.mem, 0xa0000, 1, false));
	pam_set(b.pam, regs, SMRAM_OPEN | SMRAM_ENABLE, false);
	assert_non_null(mem_ptr(b.mem, 0xa0000, 0x20000, true));
	pam_set(b.pam, regs, SMRAM_ENABLE, false);
	assert_null(mem_ptr(b.mem, 0xa0000, 1, false));
	pam_set(b.pam, regs, SMRAM_ENABLE, true);
	assert_non_null(mem_ptr(b.mem, 0xa0000, 0x20000, true));
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_reset),
		cmocka_unit_test(shadow),
		cmocka_unit_test(smram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
