/* SPDX-License-Identifier: MIT */
/*
 * What runs guest instructions: "kvm" or "soft".  Both work on the same struct x86_cpu and
 * the same mem, bus and irq, so one guest can run under two of them, or under soft's step and
 * block modes, and be compared.
 *
 * An accelerator knows no device; devices know no accelerator.
 */
#ifndef EMU_ACCEL_H
#define EMU_ACCEL_H

#include "base/err.h"
#include "emu/vcpu.h"

#include <stdbool.h>
#include <stdint.h>

struct mem;
struct bus;

/* Why run() came back. */
enum exit_reason {
	EXIT_REQUEST,  /* vcpu->request has a bit set that the caller deals with */
	EXIT_HALT,     /* HLT; the state is past it */
	EXIT_SHUTDOWN, /* triple fault */
	EXIT_DEBUG,    /* breakpoint or single step of the debugger */
	EXIT_FAILED,   /* this accelerator cannot go on; @e says why */
};

/* What an accelerator runs in: the machine gives it, tests make their own. */
struct accel_env {
	struct mem *mem;
	struct bus *bus;
	unsigned vcpus;
	/* An interrupt for this vCPU from the PIC, asked when the local APIC lets external ones
	 * through; the vector, or -1. */
	int (*pic_vector)(void *arg);
	void *pic_arg;
	uint64_t (*clock_ns)(void *arg); /* virtual time since the machine started */
	void *clock_arg;
};

struct accel_ops {
	const char *name;
	/* 0, or why not in one sentence: -ENOENT, -EACCES, -ENOTSUP. */
	int (*probe)(struct err *e);
	int (*open)(const struct accel_env *env, const char *opts, void **vm, struct err *e);
	int (*vcpu_init)(void *vm, struct vcpu *c, struct err *e);
	/* In the vCPU's own thread, until there is a reason.  The state in c->x86 is current
	 * when it returns.  Called by vcpu_run(). */
	enum exit_reason (*run)(struct vcpu *c, struct err *e);
	/* Makes run() of this vCPU return or notice its requests; any thread. */
	void (*kick)(struct vcpu *c);
	void (*vcpu_fini)(struct vcpu *c);
	void (*close)(void *vm);
	/* Which processor features it can offer; NULL: those of x86_cpuid_host(). */
	int (*features)(uint32_t *feat, struct err *e);
};

/* c->ops->run() as one of its group; its exclusive jobs are done when this returns. */
enum exit_reason vcpu_run(struct vcpu *c, struct err *e);

extern const struct accel_ops accel_soft, accel_kvm;

#endif
