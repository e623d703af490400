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
	VCPU_CODE = 1 << 9, /* somebody wrote where this one has translated code: soft's own */
};

struct vcpu;

/*
 * The vCPUs of one machine, as they stop for one another.  A vCPU is busy from vcpu_enter()
 * to vcpu_leave(); while somebody holds the group none is.
 */
struct vcpu_group {
	pthread_mutex_t lock; /* what follows; taken last, but for a vCPU's semaphore */
	pthread_cond_t changed;
	struct vcpu *v;
	unsigned n;
	unsigned busy;
	bool held;
};

/* Something to do while no vCPU is in guest code.  The caller's, until it has run. */
struct vcpu_job {
	void (*run)(void *arg);
	void *arg;
	/* the group's */
	struct vcpu_job *next;
	bool queued;
};

struct vcpu {
	struct machine *m;
	struct vcpu_group *group; /* NULL: it is alone (tests) */
	bool busy, set_aside;     /* group->lock */
	bool in_run;              /* its own thread's, like the next */
	struct vcpu_job *jobs;    /* to do when run() comes back */
	unsigned index;
	_Atomic uint32_t request;
	_Atomic uint32_t nmis; /* how often VCPU_NMI was asked for since it was last seen */
	_Atomic uint8_t sipi_vector;
	_Atomic bool halted;         /* HLT until an interrupt */
	_Atomic bool held;           /* a debugger steps another */
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

void vcpu_group_init(struct vcpu_group *g, struct vcpu *v, unsigned n);
void vcpu_group_fini(struct vcpu_group *g);

/*
 * A change of the memory map, and whatever else no instruction may see half done: @j->run is
 * called while no vCPU of @g runs guest code and no other such call is under way.
 *
 * In a vCPU's thread (a device's register was written: PAM, SMRAM, a BAR, A20) it waits for
 * nobody and may be called with devices' locks held: the job runs in that thread, with no
 * lock held, after the instruction and before the next.  A job that is queued already is
 * not queued again.  In any other thread it waits for the vCPUs and then runs the job before
 * it returns: no lock may be held that a device takes.  While the machine is stopped or
 * resets, that is at once.
 */
void vcpu_exclusive(struct vcpu_group *g, struct vcpu_job *j);
/* The same in two steps, not to be called in a device's handler.  @c: the calling thread's
 * vCPU, which counts as outside guest code until the end, or NULL. */
void vcpu_exclusive_begin(struct vcpu_group *g, struct vcpu *c);
void vcpu_exclusive_end(struct vcpu_group *g, struct vcpu *c);

/* Runs guest code and does what is asked until the machine ends; a thread's function. */
void *vcpu_thread(void *vcpu);

#endif
