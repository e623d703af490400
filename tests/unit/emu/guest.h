/* SPDX-License-Identifier: MIT */
/*
 * A processor with 16 MiB of memory and no machine: flat code of 64, 32 or 16 bits, run by the
 * software engine until it halts.
 */
#ifndef TESTS_EMU_GUEST_H
#define TESTS_EMU_GUEST_H

#include "emu/accel.h"
#include "emu/accel/soft/soft.h"
#include "emu/bus.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/mman.h>

#define GUEST_RAM       (16u << 20)
#define GUEST_CODE      0x10000u
#define GUEST_STACK     0x80000u
/* Three pages, each elsewhere in RAM than its neighbours; the next is not mapped. */
#define GUEST_DATA      0x20000000ull
#define GUEST_DATA_SIZE 0x3000u

struct guest {
	struct mem *mem;
	struct bus *bus;
	uint8_t *ram;
	struct vcpu v;
	struct x86_cpuid cpuid;
	void *vm;
	struct accel_env env;
};

static inline void guest_put(struct guest *g, uint64_t at, const void *b, size_t n)
{
	memcpy(g->ram + at, b, n);
}

static inline void guest_put64(struct guest *g, uint64_t at, uint64_t v)
{
	guest_put(g, at, &v, 8);
}

static inline uint64_t guest_get64(const struct guest *g, uint64_t at)
{
	uint64_t v;

	memcpy(&v, g->ram + at, 8);
	return v;
}

/* Where a byte of GUEST_DATA is in RAM. */
static inline uint64_t guest_data(uint64_t off)
{
	static const uint64_t page[] = { 0x300000, 0x500000, 0x400000 };

	return page[off >> 12] + (off & 4095);
}

/* 4-level tables: the first 1 GiB by 2 MiB pages as it is, GUEST_DATA by 4 KiB pages. */
static inline void guest_tables(struct guest *g)
{
	guest_put64(g, 0x1000, 0x2007);
	guest_put64(g, 0x2000, 0x3007);
	for (uint64_t i = 0; i < 512; i++)
		guest_put64(g, 0x3000 + 8 * i, (i << 21) | 0x87);
	guest_put64(g, 0x3000 + 8 * (GUEST_DATA >> 21), 0x4007);
	for (uint64_t i = 0; i < 3; i++)
		guest_put64(g, 0x4000 + 8 * i, guest_data(i << 12) | 7);
}

static inline void guest_long(struct guest *g)
{
	struct x86_cpu *c = g->v.x86;

	x86_reset(c);
	x86_seg_flat(c, 0x10, 0x18, true);
	c->cr3 = 0x1000;
	c->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	c->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
	c->cr0 = CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_ET;
	c->xcr0 = g->cpuid.xcr0 ? g->cpuid.xcr0 : 1;
	c->rip = GUEST_CODE;
	c->gpr[X86_RSP] = GUEST_STACK;
	c->idtr.limit = 0;
}

static inline void guest_flat32(struct guest *g)
{
	struct x86_cpu *c = g->v.x86;

	x86_reset(c);
	x86_seg_flat(c, 0x10, 0x18, false);
	c->cr0 = CR0_PE | CR0_NE | CR0_ET;
	c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	c->rip = GUEST_CODE;
	c->gpr[X86_RSP] = GUEST_STACK;
	c->idtr.limit = 0;
}

static inline void guest_real(struct guest *g)
{
	struct x86_cpu *c = g->v.x86;

	x86_reset(c);
	c->cr0 = CR0_ET | CR0_NE;
	c->cr4 = CR4_OSFXSR;
	x86_seg_real(c, X86_CS, GUEST_CODE >> 4);
	x86_seg_real(c, X86_DS, 0x2000);
	x86_seg_real(c, X86_ES, 0x3000);
	x86_seg_real(c, X86_SS, 0x7000);
	c->rip = 0;
	c->gpr[X86_RSP] = 0x8000;
}

static inline void guest_open(struct guest *g, const char *opts)
{
	uint32_t host[FEAT_WORDS];

	memset(g, 0, sizeof(*g));
	assert_int_equal(mem_new(&g->mem, NULL), 0);
	assert_int_equal(bus_new(&g->bus, NULL), 0);
	assert_int_equal(mem_alloc(GUEST_RAM, NULL, false, &g->ram, NULL), 0);
	assert_int_equal(mem_map(g->mem, 0, GUEST_RAM, g->ram, true, NULL), 0);
	x86_cpuid_host(host);
	assert_int_equal(x86_cpuid_parse(&g->cpuid, "max", host, NULL), 0);
	assert_int_equal(x86_cpu_new(&g->v.x86, 0, NULL), 0);
	g->v.x86->cpuid = &g->cpuid;
	g->env = (struct accel_env){ .mem = g->mem, .bus = g->bus, .vcpus = 1 };
	assert_int_equal(accel_soft.open(&g->env, opts, &g->vm, NULL), 0);
	assert_int_equal(accel_soft.vcpu_init(g->vm, &g->v, NULL), 0);
	guest_tables(g);
}

static inline void guest_close(struct guest *g)
{
	accel_soft.vcpu_fini(&g->v);
	accel_soft.close(g->vm);
	x86_cpu_free(g->v.x86);
	mem_dealloc(g->ram, GUEST_RAM);
	bus_free(g->bus);
	mem_free(g->mem);
}

/* New code at GUEST_CODE, told to the engine as a device's write would be. */
static inline void guest_code(struct guest *g, const void *code, size_t n)
{
	static const uint8_t hlt = 0xf4;

	assert_int_equal(mem_write(g->mem, GUEST_CODE, code, n), 0);
	assert_int_equal(mem_write(g->mem, GUEST_CODE + n, &hlt, 1), 0);
}

static inline enum exit_reason guest_run(struct guest *g)
{
	struct err e = { 0 };

	/* cmocka takes these signals before each test. */
	assert_int_equal(signals_claim(&e), 0);
	enum exit_reason r = accel_soft.run(&g->v, &e);

	if (r == EXIT_FAILED)
		print_message("# %s\n", e.msg);
	return r;
}

#endif
