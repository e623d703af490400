/* SPDX-License-Identifier: MIT */
/*
 * A virtual processor as the machine sees it: a thread that runs guest code through an
 * accelerator, and can be asked for things by others.
 */
#ifndef EMU_VCPU_H
#define EMU_VCPU_H

#include "base/err.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct accel_ops;
struct x86_cpu;
struct lapic;

/* What others want of a vCPU; bits of vcpu->request.  Setting one is followed by
 * vcpu_kick(). */
enum vcpu_request {
	VCPU_IRQ = 1 << 0, /* look at the local APIC and the PIC */
	VCPU_NMI = 1 << 1,
	VCPU_SMI = 1 << 2,
	VCPU_INIT = 1 << 3,
	VCPU_SIPI = 1 << 4,  /* vector in sipi_vector */
	VCPU_STOP = 1 << 5,  /* leave guest code: the machine stops or goes away */
	VCPU_FLUSH = 1 << 6, /* the physical map changed: forget translations */
	VCPU_EXCL = 1 << 7,  /* somebody wants all vCPUs outside guest code */
	VCPU_RESET = 1 << 8,
};

struct vcpu {
	struct machine *m;
	unsigned index;
	_Atomic uint32_t request;
	uint8_t sipi_vector;
	_Atomic bool halted;         /* HLT until an interrupt */
	_Atomic bool wait_sipi;      /* an application processor before its start */
	struct x86_cpu *x86;         /* the architecture's state, cpu/x86/state.h */
	struct lapic *lapic;         /* NULL when it is in the kernel */
	void *accel;                 /* the accelerator's own */
	const struct accel_ops *ops; /* NULL in tests that run no guest */
	pthread_t thread;
	bool started;
	sem_t wake; /* posted when it sleeps and something is asked of it */
	_Atomic bool sleeping;
};

/* Asks, and makes the vCPU notice soon: any thread, signal handlers too. */
void vcpu_ask(struct vcpu *c, uint32_t bits);

/* The vCPU whose thread this is, or NULL: devices that each vCPU has its own of ask. */
struct vcpu *vcpu_current(void);
void vcpu_set_current(struct vcpu *c);

/* Runs guest code and does what is asked until the machine ends; a thread's function. */
void *vcpu_thread(void *vcpu);

#endif
