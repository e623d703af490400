/* SPDX-License-Identifier: MIT */
/*
 * Several processors with one memory, each run by a thread: all begin at GUEST_CODE with their
 * number in RDI, and end with HLT.
 */
#ifndef TESTS_EMU_SMP_H
#define TESTS_EMU_SMP_H

#include "tests/unit/emu/asm.h"

#include <sched.h>

#define SMP_MAX  4
#define SMP_MMIO 0x3f000000ull /* mapped as it is; a device of 8 registers of 8 bytes */

struct smp {
	struct guest g; /* its vCPU is not used: g.v.x86 is that of the first */
	struct vcpu v[SMP_MAX];
	struct vcpu_group group;
	unsigned n;
	enum exit_reason why[SMP_MAX];
	struct bus_region region;
	pthread_mutex_t lock;
	uint64_t reg[8];
	struct vcpu_job job; /* asked for by a write of register 7 */
};

static inline uint64_t smp_mmio_read(void *arg, uint64_t off, unsigned size)
{
	const struct smp *s = arg;
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)s->reg + off, size);
	/* who is not alone is found out */
	sched_yield();
	return v;
}

static inline void smp_mmio_write(void *arg, uint64_t off, unsigned size, uint64_t v)
{
	struct smp *s = arg;

	memcpy((uint8_t *)s->reg + off, &v, size);
	if (off == 56 && s->job.run)
		vcpu_exclusive(&s->group, &s->job);
}

static const struct bus_ops smp_mmio_ops = { smp_mmio_read, smp_mmio_write, 1, 8 };

static inline void smp_open(struct smp *s, unsigned n)
{
	struct guest *g = &s->g;
	uint32_t host[FEAT_WORDS];

	memset(s, 0, sizeof(*s));
	s->n = n;
	assert_int_equal(signals_claim(NULL), 0);
	assert_int_equal(mem_new(&g->mem, NULL), 0);
	assert_int_equal(bus_new(&g->bus, NULL), 0);
	assert_int_equal(mem_alloc(GUEST_RAM, NULL, false, &g->ram, NULL), 0);
	assert_int_equal(mem_map(g->mem, 0, GUEST_RAM, g->ram, true, NULL), 0);
	pthread_mutex_init(&s->lock, NULL);
	s->region = (struct bus_region){ "test",        BUS_MEM, SMP_MMIO, sizeof(s->reg),
					 &smp_mmio_ops, s,       &s->lock };
	assert_int_equal(bus_add(g->bus, &s->region, NULL), 0);
	x86_cpuid_host(host);
	assert_int_equal(x86_cpuid_parse(&g->cpuid, "max", host, NULL), 0);
	g->env = (struct accel_env){ .mem = g->mem, .bus = g->bus, .vcpus = n };
	assert_int_equal(accel_soft.open(&g->env, NULL, &g->vm, NULL), 0);
	vcpu_group_init(&s->group, s->v, n);
	for (unsigned i = 0; i < n; i++) {
		struct vcpu *v = &s->v[i];

		v->group = &s->group;
		v->index = i;
		v->ops = &accel_soft;
		sem_init(&v->wake, 0, 0);
		assert_int_equal(x86_cpu_new(&v->x86, i, NULL), 0);
		v->x86->cpuid = &g->cpuid;
		assert_int_equal(accel_soft.vcpu_init(g->vm, v, NULL), 0);
	}
	guest_tables(g);
}

static inline void smp_close(struct smp *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		accel_soft.vcpu_fini(&s->v[i]);
		x86_cpu_free(s->v[i].x86);
		sem_destroy(&s->v[i].wake);
	}
	accel_soft.close(s->g.vm);
	vcpu_group_fini(&s->group);
	pthread_mutex_destroy(&s->lock);
	mem_dealloc(s->g.ram, GUEST_RAM);
	bus_free(s->g.bus);
	mem_free(s->g.mem);
}

static inline void *smp_thread(void *arg)
{
	struct vcpu *v = arg;
	struct smp *s =
		(struct smp *)(void *)((uint8_t *)(v - v->index) - offsetof(struct smp, v));
	struct err e = { 0 };

	vcpu_set_current(v);
	do
		s->why[v->index] = vcpu_run(v, &e);
	while (s->why[v->index] == EXIT_REQUEST);
	if (s->why[v->index] == EXIT_FAILED)
		print_message("# %s\n", e.msg);
	return NULL;
}

/* Runs @text on all to their ends; @meanwhile in this thread. */
static inline void smp_run(struct smp *s, const char *text, void (*meanwhile)(struct smp *s))
{
	guest_asm(&s->g, 64, text);
	for (unsigned i = 0; i < s->n; i++) {
		s->g.v.x86 = s->v[i].x86;
		guest_long(&s->g);
		s->v[i].x86->gpr[X86_RSP] = GUEST_STACK + 0x10000 * i;
		s->v[i].x86->gpr[X86_RDI] = i;
	}
	for (unsigned i = 0; i < s->n; i++)
		assert_int_equal(pthread_create(&s->v[i].thread, NULL, smp_thread, &s->v[i]),
				 0);
	if (meanwhile)
		meanwhile(s);
	for (unsigned i = 0; i < s->n; i++)
		pthread_join(s->v[i].thread, NULL);
	for (unsigned i = 0; i < s->n; i++)
		assert_int_equal(s->why[i], EXIT_HALT);
}

#endif
