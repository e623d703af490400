/* SPDX-License-Identifier: MIT */
/* The loop around KVM_RUN.  Interrupt controllers are the machine's own. */
#include "emu/accel/kvm.h"
#include "emu/bus.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

/* What the caller deals with, and for which it wants all of the state. */
#define FOR_CALLER (VCPU_SMI | VCPU_INIT | VCPU_SIPI | VCPU_STOP | VCPU_EXCL | VCPU_RESET)

static void do_io(struct kvm_vcpu *k)
{
	struct kvm_run *r = k->run;
	uint8_t *p = (uint8_t *)r + r->io.data_offset;
	struct bus *b = k->vm->env.bus;

	for (uint32_t i = 0; i < r->io.count; i++, p += r->io.size) {
		uint64_t v = 0;

		if (r->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&v, p, r->io.size);
			bus_write(b, BUS_PORT, r->io.port, r->io.size, v);
		} else {
			v = bus_read(b, BUS_PORT, r->io.port, r->io.size);
			memcpy(p, &v, r->io.size);
		}
	}
}

static void do_mmio(struct kvm_vcpu *k)
{
	struct kvm_run *r = k->run;
	uint64_t v = 0;

	if (r->mmio.is_write) {
		memcpy(&v, r->mmio.data, r->mmio.len);
		bus_write(k->vm->env.bus, BUS_MEM, r->mmio.phys_addr, r->mmio.len, v);
	} else {
		v = bus_read(k->vm->env.bus, BUS_MEM, r->mmio.phys_addr, r->mmio.len);
		memcpy(r->mmio.data, &v, r->mmio.len);
	}
}

static int take(struct kvm_vcpu *k)
{
	struct x86_cpu *c = k->v->x86;
	int v = c->apic ? c->apic->take(c->apic_arg) : X86_APIC_EXTINT;

	if (v == X86_APIC_EXTINT && k->vm->env.pic_vector)
		v = k->vm->env.pic_vector(k->vm->env.pic_arg);
	return v;
}

/* Brings an interrupt in, or asks to be told when one may come. */
static int inject(struct kvm_vcpu *k, struct err *e)
{
	struct kvm_run *r = k->run;
	struct kvm_interrupt irq;
	struct x86_cpu *c = k->v->x86;
	int v;

	r->request_interrupt_window = 0;
	if (!k->irq)
		return 0;
	if (r->ready_for_interrupt_injection) {
		v = take(k);
		if (v < 0) {
			k->irq = false;
			return 0;
		}
		irq.irq = (uint32_t)v;
		if (ioctl(k->fd, KVM_INTERRUPT, &irq) < 0)
			return err_errno(e, "KVM_INTERRUPT");
		r->ready_for_interrupt_injection = 0;
	}
	if (!c->apic || c->apic->pending(c->apic_arg))
		r->request_interrupt_window = 1;
	return 0;
}

static int requests(struct kvm_vcpu *k, struct err *e)
{
	struct vcpu *v = k->v;
	uint32_t mine = VCPU_IRQ | VCPU_NMI | VCPU_FLUSH;
	uint32_t req = atomic_load(&v->request);

	if (req & mine)
		req = atomic_fetch_and(&v->request, ~mine);
	if (req & VCPU_IRQ)
		k->irq = true;
	if (req & VCPU_NMI)
		/* more than two would be one anyway */
		for (uint32_t n = atomic_exchange(&v->nmis, 0), i = 0; i < n && i < 2; i++)
			if (ioctl(k->fd, KVM_NMI) < 0)
				return err_errno(e, "KVM_NMI");
	return req & FOR_CALLER ? 1 : 0;
}

static enum exit_reason leave(struct kvm_vcpu *k, enum exit_reason why, struct err *e)
{
	bool all = atomic_load(&k->v->request) & FOR_CALLER;

	if (kvm_save(k, all, e) < 0)
		return EXIT_FAILED;
	k->full_load = all;
	return why;
}

static enum exit_reason unhandled(struct kvm_vcpu *k, struct err *e)
{
	const struct kvm_run *r = k->run;

	if (r->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		err_set(e, -EIO, "KVM cannot go on: internal error %u", r->internal.suberror);
	else if (r->exit_reason == KVM_EXIT_FAIL_ENTRY)
		err_set(e, -EIO, "KVM cannot enter the guest: reason %#llx",
			(unsigned long long)r->fail_entry.hardware_entry_failure_reason);
	else
		err_set(e, -EIO, "KVM came back for reason %u", r->exit_reason);
	return EXIT_FAILED;
}

/* One entry.  0: go on; 1: *@why is the answer. */
static int enter(struct kvm_vcpu *k, enum exit_reason *why, struct err *e)
{
	struct kvm_run *r = k->run;
	struct x86_cpu *c = k->v->x86;
	int n;

	if (c->apic)
		r->cr8 = c->apic->get_tpr(c->apic_arg);
	n = ioctl(k->fd, KVM_RUN, 0);
	if (c->apic && r->cr8 != c->apic->get_tpr(c->apic_arg))
		c->apic->set_tpr(c->apic_arg, (uint8_t)r->cr8);
	c->msr.apic_base = r->apic_base;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0) {
		*why = EXIT_FAILED;
		err_errno(e, "KVM_RUN");
		return 1;
	}
	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		do_io(k);
		return 0;
	case KVM_EXIT_MMIO:
		do_mmio(k);
		return 0;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_INTR:
	case KVM_EXIT_SET_TPR:
		return 0;
	case KVM_EXIT_HLT:
		*why = leave(k, EXIT_HALT, e);
		return 1;
	case KVM_EXIT_SHUTDOWN:
		*why = leave(k, EXIT_SHUTDOWN, e);
		return 1;
	case KVM_EXIT_DEBUG:
		*why = leave(k, EXIT_DEBUG, e);
		return 1;
	default:
		*why = unhandled(k, e);
		return 1;
	}
}

/* The signal that interrupts KVM_RUN gets through in this thread only. */
static void claim_thread(struct kvm_vcpu *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	k->thread = pthread_self();
	atomic_store(&k->in_thread, true);
}

enum exit_reason kvm_run(struct vcpu *v, struct err *e)
{
	struct kvm_vcpu *k = v->accel;
	enum exit_reason why = EXIT_REQUEST;
	int r;

	if (!k->in_thread)
		claim_thread(k);
	/* a reset has changed everything */
	k->full_load |= (atomic_load(&v->request) & VCPU_FLUSH) != 0;
	if (kvm_load(k, k->full_load, e) < 0)
		return EXIT_FAILED;
	k->full_load = false;
	for (;;) {
		/* in this order: who asks after the look finds KVM_RUN refusing to start */
		k->run->immediate_exit = 0;
		atomic_thread_fence(memory_order_seq_cst);
		r = requests(k, e);
		if (r > 0) {
			/* what is half done (a port read) is finished first */
			k->run->immediate_exit = 1;
			if (ioctl(k->fd, KVM_RUN, 0) < 0 && errno != EINTR)
				return err_errno(e, "KVM_RUN") < 0 ? EXIT_FAILED : EXIT_REQUEST;
			return leave(k, EXIT_REQUEST, e);
		}
		if (r == 0)
			r = inject(k, e);
		if (r < 0)
			return EXIT_FAILED;
		if (enter(k, &why, e))
			return why;
	}
}
