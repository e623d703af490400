/* SPDX-License-Identifier: MIT */
/*
 * Blocks against single steps over the boot of a stock kernel: two machines with the same
 * devices, whose clocks move only here, one running a block, the other single steps until it
 * stands where the block ended.  Registers are compared each time, memory now and then.  The
 * long run goes on until the kernel, which finds no root, resets the machine.
 * test-timeout: 3500
 */
#include "emu/accel/soft/soft.h"
#include "emu/clock.h"
#include "emu/dev/lapic.h"
#include "emu/machine.h"
#include "emu/mem.h"
#include "tests/unit/emu/host_code.h"
#include "tests/unit/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB     96u
#define TICK    200u     /* nanoseconds a block */
#define KHZ     1000000  /* of the TSC: one a nanosecond */
#define PREFIX  1000000u /* blocks of the short run */
#define STEPS   100u     /* more than a block has */
#define COMPARE 200000u  /* blocks between two comparisons of all memory */

struct side {
	struct machine_config c;
	struct machine *m;
	struct vcpu *v;
	struct x86_cpu *x;
	struct soft *s;
	const struct x86_apic_ops *apic;
	bool held;                 /* interrupts wait for the next block */
	uint64_t trail[STEPS + 1]; /* where the steps of this block came to */
	enum exit_reason why;
};

static bool held_pending(void *arg)
{
	struct side *s = arg;

	return !s->held && s->apic->pending(s->v->lapic);
}

static int held_take(void *arg)
{
	struct side *s = arg;

	return s->held ? X86_APIC_NONE : s->apic->take(s->v->lapic);
}

static uint8_t get_tpr(void *arg)
{
	struct side *s = arg;

	return s->apic->get_tpr(s->v->lapic);
}

static void set_tpr(void *arg, uint8_t v)
{
	struct side *s = arg;

	s->apic->set_tpr(s->v->lapic, v);
}

static int rdmsr(void *arg, uint32_t n, uint64_t *v)
{
	struct side *s = arg;

	return s->apic->rdmsr(s->v->lapic, n, v);
}

static int wrmsr(void *arg, uint32_t n, uint64_t v)
{
	struct side *s = arg;

	return s->apic->wrmsr(s->v->lapic, n, v);
}

static const struct x86_apic_ops held_ops = { held_pending, held_take, get_tpr,
					      set_tpr,      rdmsr,     wrmsr };

static void open_side(struct side *s, char *kernel, char *opts)
{
	/* Nothing that differs from run to run; no clock of the host's. */
	static char cpu[] = "max,-rdrand,-rdseed,-hypervisor", null[] = "null";
	static char append[] = "console=ttyS0 panic=-1 nokaslr random.trust_cpu=off";
	struct err e = { 0 };

	memset(s, 0, sizeof(*s));
	s->c = (struct machine_config){ .kind = MACHINE_Q35,
					.accel = ACCEL_SOFT,
					.accel_opts = opts,
					.cpu = cpu,
					.smp = 1,
					.cores = 1,
					.threads = 1,
					.rtc_base = 1700000000,
					.mem = MIB << 20,
					.kernel = kernel,
					.append = append,
					.no_reboot = true };
	s->c.serial[0] = null;
	if (machine_new(&s->m, &s->c, &e) < 0)
		fail_msg("%s", e.msg);
	s->v = &s->m->vcpu[0];
	s->x = s->v->x86;
	s->s = s->v->accel;
	s->s->budget = 1;
	s->s->apart = true;
	s->m->cpuid.tsc_khz = s->x->tsc_khz = KHZ;
	s->x->tsc_still = true;
	s->x->tsc_offset = 0;
	s->apic = s->x->apic;
	s->x->apic = &held_ops;
	s->x->apic_arg = s;
}

static void go(struct side *s)
{
	struct err e = { 0 };

	vcpu_set_current(s->v);
	s->why = accel_soft.run(s->v, &e);
	assert_int_not_equal(s->why, EXIT_FAILED);
}

static void tick(struct side *s, uint64_t ns)
{
	struct err e = { 0 };

	clock_skip(s->m->clock, ns);
	s->x->tsc_offset += ns;
	vcpu_set_current(s->v);
	clock_fire(s->m->clock);
	(void)e;
}

/* What x87 and vectors hold; where the last x87 instruction lay is not the guest's. */
static bool same_fpu(const uint8_t *a, const uint8_t *b)
{
	if (memcmp(a, b, 6) != 0 || memcmp(a + 24, b + 24, 4) != 0 ||
	    memcmp(a + 32, b + 32, 384) != 0)
		return false;
	return !(a[512] & b[512] & 4) || !memcmp(a + 576, b + 576, 256);
}

static bool same(const struct x86_cpu *a, const struct x86_cpu *b)
{
	return a->rip == b->rip && a->rflags == b->rflags &&
	       !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) &&
	       !memcmp(a->seg, b->seg, sizeof(a->seg)) && a->cr0 == b->cr0 &&
	       a->cr2 == b->cr2 && a->cr3 == b->cr3 && a->cr4 == b->cr4 && a->efer == b->efer &&
	       a->xcr0 == b->xcr0 && !memcmp(&a->msr, &b->msr, sizeof(a->msr)) &&
	       a->int_shadow == b->int_shadow && same_fpu(a->xsave, b->xsave);
}

/* The word of the frame that flags were pushed to: error code or not, RIP and CS before it. */
static uint64_t *pushed_flags(struct side *s, uint64_t error)
{
	uint64_t gpa, lin = s->x->gpr[X86_RSP] + 16 + error;

	assert_int_equal(x86_peek(s->x, s->m->mem, lin, &gpa), 0);
	return mem_ptr(s->m->mem, gpa, 8, true);
}

/*
 * Where a fault, or a write to code, ends a block in its midst, arithmetic flags that nothing reads before they
 * are set anew are not what they were; handlers that return do not mind.  They are made the
 * same here, in the processor and where they were pushed.
 */
static bool dead_flags(struct side *a, struct side *b)
{
	uint64_t fa = a->x->rflags, fb = b->x->rflags;

	bool event = a->s->exit_kind == SOFT_EVENT || a->s->exit_kind == SOFT_HOST;

	if (!(event || a->s->smc_self) || a->x->rip != b->x->rip || !x86_code64(a->x) ||
	    !((fa ^ fb) & RFL_ARITH))
		return false;
	a->x->rflags = (fa & ~(uint64_t)RFL_ARITH) | (fb & RFL_ARITH);
	if (!same(a->x, b->x)) {
		a->x->rflags = fa;
		return false;
	}
	if (!event)
		return true;
	uint64_t error = a->s->event.has_error ? 8 : 0;

	*pushed_flags(a, error) = *pushed_flags(b, error);
	return true;
}

static void differ(const struct side *a, const struct side *b, uint64_t n, uint64_t from)
{
	print_message("# block %llu at %llx: blocks end at %llx (%d), steps at %llx (%d)\n",
		      (unsigned long long)n, (unsigned long long)from,
		      (unsigned long long)a->x->rip, (int)a->why, (unsigned long long)b->x->rip,
		      (int)b->why);
	for (unsigned i = 0; i <= STEPS && b->trail[i]; i++)
		print_message("# step %u to %llx\n", i, (unsigned long long)b->trail[i]);
	for (unsigned i = 0; i < 16; i++)
		if (a->x->gpr[i] != b->x->gpr[i])
			print_message("# register %u: %llx %llx\n", i,
				      (unsigned long long)a->x->gpr[i],
				      (unsigned long long)b->x->gpr[i]);
	print_message("# flags %llx %llx, fpu %s\n", (unsigned long long)a->x->rflags,
		      (unsigned long long)b->x->rflags,
		      same_fpu(a->x->xsave, b->x->xsave) ? "same" : "differs");
	fail();
}

static void same_memory(const struct side *a, const struct side *b)
{
	if (!memcmp(a->m->ram, b->m->ram, MIB << 20))
		return;
	for (size_t i = 0; i < MIB << 20; i++)
		if (a->m->ram[i] != b->m->ram[i]) {
			print_message("# memory differs at %zx\n", i);
			fail();
		}
}

/* Both halted: time goes on until something comes. */
static void sleep_both(struct side *a, struct side *b)
{
	for (unsigned i = 0; i < 100000 && !lapic_pending(a->v->lapic); i++) {
		uint64_t ns = clock_wait(a->m->clock);

		assert_true(ns < UINT64_MAX);
		tick(a, ns ? ns : 1);
		tick(b, ns ? ns : 1);
	}
}

/* False: the machine's end. */
static bool block(struct side *a, struct side *b, uint64_t n)
{
	uint64_t from = a->x->rip;

	a->held = b->held = false;
	a->s->smc_self = false;
	go(a);
	a->held = true;
	for (unsigned k = 0;; k++) {
		go(b);
		b->held = true;
		b->trail[k] = b->x->rip;
		if (k < STEPS)
			b->trail[k + 1] = 0;
		if (a->why == b->why && (same(a->x, b->x) || dead_flags(a, b)))
			break;
		if (k == STEPS || b->why != EXIT_DEBUG)
			differ(a, b, n, from);
	}
	assert_int_equal(a->m->asked, b->m->asked);
	if (a->m->asked || a->why == EXIT_SHUTDOWN)
		return false;
	if (a->why == EXIT_HALT)
		sleep_both(a, b);
	tick(a, TICK);
	tick(b, TICK);
	return true;
}

static void boot(void **state)
{
	struct side *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	char step[] = "step=on", cmd[4200];
	const char *top = getenv("TOP"), *parts = getenv("VEMU_PARTS");
	glob_t g;
	uint64_t n = 0, end = getenv("HOSTKIT_LONG") ? UINT64_MAX : PREFIX;

	(void)state;
	assert_true(a && b);
	snprintf(cmd, sizeof(cmd), "%s/build/vm-parts", top ? top : ".");
	if (parts)
		snprintf(cmd, sizeof(cmd), "%s", parts);
	strcat(cmd, "/kernel/boot/vmlinuz-*");
	if (glob(cmd, 0, NULL, &g) != 0) {
		print_message("# no kernel at %s\n", cmd);
		skip();
	}
	open_side(a, g.gl_pathv[0], NULL);
	open_side(b, g.gl_pathv[0], step);
	while (n < end && block(a, b, n))
		if (++n % COMPARE == 0)
			same_memory(a, b);
	same_memory(a, b);
	print_message("# %llu blocks, %u translations\n", (unsigned long long)n,
		      host_code(a->s->cache));
	if (end == UINT64_MAX) /* the kernel's own reset */
		assert_true(a->m->asked & MACHINE_RESET);
	vcpu_set_current(NULL);
	a->x->apic = b->x->apic = a->apic;
	machine_free(a->m);
	machine_free(b->m);
	globfree(&g);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
