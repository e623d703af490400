/* SPDX-License-Identifier: MIT */
#include "emu/vcpu.h"

#include "emu/accel.h"
#include "emu/cpu/x86/state.h"
#include "emu/dev/lapic.h"
#include "emu/machine.h"

/* A device that is asked for its registers has no other way to know who asks. */
static _Thread_local struct vcpu *current;

struct vcpu *vcpu_current(void)
{
	return current;
}

void vcpu_set_current(struct vcpu *c)
{
	current = c;
}

void vcpu_ask(struct vcpu *c, uint32_t bits)
{
	if (bits & VCPU_NMI)
		atomic_fetch_add(&c->nmis, 1);
	atomic_fetch_or(&c->request, bits);
	if (atomic_exchange(&c->sleeping, false))
		sem_post(&c->wake);
	else if (c->ops)
		c->ops->kick(c);
}

/* What ends a halt whatever the interrupt flag says. */
#define WAKES (VCPU_NMI | VCPU_SMI | VCPU_INIT | VCPU_SIPI | VCPU_STOP | VCPU_RESET)

static bool has_work(struct vcpu *c)
{
	uint32_t req = atomic_load(&c->request);

	if (atomic_load(&c->held))
		return req & (VCPU_STOP | VCPU_RESET);
	if (req & WAKES)
		return true;
	if (atomic_load(&c->wait_sipi))
		return false;
	/* taken in, but something else had to be done first */
	if (c->x86->nmi_pending && !c->x86->nmi_blocked)
		return true;
	if (!atomic_load(&c->halted))
		return true;
	if (!(c->x86->rflags & RFL_IF))
		return false;
	return c->lapic ? lapic_pending(c->lapic) : req & VCPU_IRQ;
}

/* Sleeps until there is something to do. */
static void sleep_now(struct vcpu *c)
{
	while (!has_work(c)) {
		/* whoever asks after this posts; who asked before is seen by the second look */
		atomic_store(&c->sleeping, true);
		if (has_work(c) && atomic_exchange(&c->sleeping, false))
			return;
		while (sem_wait(&c->wake) < 0)
			;
	}
}

static void become_waiting(struct vcpu *c)
{
	x86_init(c->x86);
	if (c->lapic)
		lapic_reset(c->lapic, true);
	atomic_store(&c->halted, false);
	/* INIT sends an application processor to wait, the first to its reset vector */
	atomic_store(&c->wait_sipi, c->index != 0);
}

static void be_started(struct vcpu *c)
{
	if (!atomic_exchange(&c->wait_sipi, false))
		return;
	x86_sipi(c->x86, atomic_load(&c->sipi_vector));
}

/* What was asked, in the order in which a processor looks at it.  False: the thread ends. */
static bool serve(struct vcpu *c)
{
	uint32_t mine = VCPU_INIT | VCPU_SIPI | VCPU_SMI;
	uint32_t req;

	if (atomic_load(&c->request) & (VCPU_STOP | VCPU_RESET))
		if (!machine_vcpu_stop(c))
			return false;
	req = atomic_fetch_and(&c->request, ~mine) & mine;
	/* both are there when this thread came late: INIT was first */
	if (req & VCPU_INIT)
		become_waiting(c);
	if (req & VCPU_SIPI)
		be_started(c);
	if (atomic_load(&c->request) & VCPU_NMI)
		atomic_store(&c->halted, false);
	return true;
}

void *vcpu_thread(void *arg)
{
	struct vcpu *c = arg;
	struct err e = { 0 };

	vcpu_set_current(c);
	while (serve(c)) {
		if (!has_work(c)) {
			sleep_now(c);
			continue;
		}
		if (atomic_load(&c->wait_sipi))
			continue;
		atomic_store(&c->halted, false);
		switch (vcpu_run(c, &e)) {
		case EXIT_REQUEST:
			break;
		case EXIT_HALT:
			atomic_store(&c->halted, true);
			break;
		case EXIT_SHUTDOWN:
			machine_request(c->m, MACHINE_RESET, "triple fault");
			atomic_store(&c->wait_sipi, true);
			break;
		case EXIT_DEBUG:
			/* whoever debugs hears of the stop and asks why */
			machine_request(c->m, MACHINE_PAUSE, NULL);
			break;
		case EXIT_FAILED:
			machine_request(c->m, MACHINE_FAILED, e.msg);
			atomic_store(&c->wait_sipi, true);
			break;
		}
	}
	return NULL;
}
