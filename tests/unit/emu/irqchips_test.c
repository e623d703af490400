/* SPDX-License-Identifier: MIT */
/* PIC, I/O APIC and local APICs: who gets which interrupt when. */
#include "emu/clock.h"
#include "emu/cpu/x86/state.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pic.h"
#include "emu/vcpu.h"
#include "tests/unit/unit.h"

#include <unistd.h>

static int intr;

static void set_intr(void *arg, unsigned pin, int level)
{
	intr = level;
}

static void out(struct bus *b, unsigned port, unsigned v)
{
	bus_write(b, BUS_PORT, port, 1, v);
}

static void pic_init(struct bus *b)
{
	out(b, 0x20, 0x11);
	out(b, 0xa0, 0x11);
	out(b, 0x21, 0x30);
	out(b, 0xa1, 0x38);
	out(b, 0x21, 4);
	out(b, 0xa1, 2);
	out(b, 0x21, 1);
	out(b, 0xa1, 1);
}

static void pics(void **state)
{
	struct err e = { 0 };
	struct bus *b;
	struct pic *p;

	assert_int_equal(bus_new(&b, &e), 0);
	assert_int_equal(pic_new(&p, b, (struct irq){ set_intr, NULL, 0 }, &e), 0);
	pic_init(b);
	assert_int_equal(intr, 0);
	pic_set(p, 4, 1);
	assert_int_equal(intr, 1);
	/* more urgent */
	pic_set(p, 1, 1);
	assert_int_equal(pic_take(p), 0x31);
	assert_int_equal(intr, 0);
	pic_set(p, 12, 1); /* by the cascade, urgency of input 2: not before 1 ended */
	assert_int_equal(intr, 0);
	out(b, 0x20, 0x20);
	assert_int_equal(pic_take(p), 0x3c);
	out(b, 0xa0, 0x20);
	out(b, 0x20, 0x20);
	assert_int_equal(pic_take(p), 0x34);
	out(b, 0x20, 0x64); /* specific */
	assert_int_equal(intr, 0);
	/* an edge is one interrupt; masked it waits */
	pic_set(p, 4, 1);
	assert_int_equal(intr, 0);
	pic_set(p, 4, 0);
	out(b, 0x21, 0x10);
	pic_set(p, 4, 1);
	assert_int_equal(intr, 0);
	out(b, 0x21, 0);
	assert_int_equal(intr, 1);
	pic_set(p, 4, 0);
	assert_int_equal(intr, 0);
	assert_int_equal(pic_take(p), 0x37); /* spurious */
	/* level: there until it goes */
	out(b, 0x4d1, 0x08);
	assert_int_equal(bus_read(b, BUS_PORT, 0x4d1, 1), 8);
	pic_set(p, 11, 1);
	assert_int_equal(pic_take(p), 0x3b);
	out(b, 0xa0, 0x20);
	out(b, 0x20, 0x20);
	assert_int_equal(intr, 1);
	pic_set(p, 11, 0);
	assert_int_equal(intr, 0);
	pic_free(p);
	bus_free(b);
}

struct rig {
	struct bus *bus;
	struct clock *clock;
	struct apics *apics;
	struct ioapic *io;
	struct vcpu v[2];
};

static void rig(struct rig *r)
{
	struct err e = { 0 };

	*r = (struct rig){ 0 };
	assert_int_equal(bus_new(&r->bus, &e), 0);
	assert_int_equal(clock_new(&r->clock, NULL, NULL, &e), 0);
	assert_int_equal(apics_new(&r->apics, r->bus, r->clock, 2, &e), 0);
	assert_int_equal(ioapic_new(&r->io, r->bus, (struct msi_sink){ apics_msi, r->apics },
				    &e),
			 0);
	apics_on_eoi(r->apics, ioapic_eoi, r->io);
	for (unsigned i = 0; i < 2; i++) {
		r->v[i].index = i;
		assert_int_equal(x86_cpu_new(&r->v[i].x86, i, &e), 0);
		apics_attach(r->apics, &r->v[i]);
	}
	clock_run(r->clock);
}

static void unrig(struct rig *r)
{
	vcpu_set_current(NULL);
	ioapic_free(r->io);
	apics_free(r->apics);
	clock_free(r->clock);
	bus_free(r->bus);
	x86_cpu_free(r->v[0].x86);
	x86_cpu_free(r->v[1].x86);
}

static uint32_t get(struct rig *r, unsigned cpu, unsigned reg)
{
	vcpu_set_current(&r->v[cpu]);
	return (uint32_t)bus_read(r->bus, BUS_MEM, LAPIC_BASE + reg, 4);
}

static void put(struct rig *r, unsigned cpu, unsigned reg, uint32_t v)
{
	vcpu_set_current(&r->v[cpu]);
	bus_write(r->bus, BUS_MEM, LAPIC_BASE + reg, 4, v);
}

static int take(struct rig *r, unsigned cpu)
{
	struct x86_cpu *c = r->v[cpu].x86;

	return c->apic->take(c->apic_arg);
}

static void redirect(struct rig *r, unsigned pin, uint32_t low, uint32_t dest)
{
	bus_write(r->bus, BUS_MEM, IOAPIC_BASE, 4, 0x11 + 2 * pin);
	bus_write(r->bus, BUS_MEM, IOAPIC_BASE + 0x10, 4, dest << 24);
	bus_write(r->bus, BUS_MEM, IOAPIC_BASE, 4, 0x10 + 2 * pin);
	bus_write(r->bus, BUS_MEM, IOAPIC_BASE + 0x10, 4, low);
}

static void local(void **state)
{
	struct rig r;

	rig(&r);
	assert_int_equal(get(&r, 1, 0x20), 1 << 24);
	apics_msi(r.apics, 0xfee00000, 0x41);
	assert_int_equal(take(&r, 0), X86_APIC_NONE); /* switched off by software */
	put(&r, 0, 0xf0, 0x1ff);
	put(&r, 1, 0xf0, 0x1ff);
	apics_msi(r.apics, 0xfee00000, 0x41);
	apics_msi(r.apics, 0xfee00000, 0x62);
	assert_int_equal(take(&r, 1), X86_APIC_NONE);
	assert_int_equal(take(&r, 0), 0x62);
	assert_int_equal(get(&r, 0, 0xa0), 0x60);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	atomic_store(&r.v[0].request, 0);
	put(&r, 0, 0xb0, 0);
	assert_int_equal(r.v[0].request, VCPU_IRQ);
	assert_int_equal(take(&r, 0), 0x41);
	put(&r, 0, 0xb0, 0);
	/* the task priority holds back its own class and below */
	put(&r, 0, 0x80, 0x40);
	apics_msi(r.apics, 0xfee00000, 0x4f);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	r.v[0].x86->apic->set_tpr(r.v[0].x86->apic_arg, 3);
	assert_int_equal(take(&r, 0), 0x4f);
	put(&r, 0, 0xb0, 0);
	/* from one to the other: fixed, NMI, INIT, SIPI */
	put(&r, 0, 0x310, 1 << 24);
	put(&r, 0, 0x300, 0x4055);
	assert_int_equal(take(&r, 1), 0x55);
	put(&r, 0, 0x300, 0x4400);
	put(&r, 0, 0x300, 0x4400);
	put(&r, 0, 0x300, 0x4500);
	put(&r, 0, 0x300, 0x4699);
	assert_int_equal(r.v[1].request & (VCPU_NMI | VCPU_INIT | VCPU_SIPI),
			 VCPU_NMI | VCPU_INIT | VCPU_SIPI);
	assert_int_equal(r.v[1].sipi_vector, 0x99);
	/* two NMIs, of which one waits where a handler runs */
	assert_int_equal(r.v[1].nmis, 2);
	assert_int_equal(x86_nmis(r.v[1].x86, 3), 2);
	r.v[1].x86->nmi_blocked = true;
	assert_int_equal(x86_nmis(r.v[1].x86, 3), 1);
	r.v[1].x86->nmi_pending = 1;
	assert_int_equal(x86_nmis(r.v[1].x86, 1), 1);
	r.v[1].x86->nmi_blocked = false;
	assert_int_equal(x86_nmis(r.v[1].x86, 0), 1);
	r.v[1].x86->nmi_pending = 0;
	/* logical and flat, all but self */
	put(&r, 0, 0xd0, 1 << 24);
	put(&r, 1, 0xb0, 0);
	put(&r, 1, 0xd0, 2 << 24);
	apics_msi(r.apics, 0xfee03004, 0x71);
	assert_int_equal(take(&r, 0), 0x71);
	assert_int_equal(take(&r, 1), 0x71);
	put(&r, 0, 0x300, 0xc0072);
	assert_int_equal(take(&r, 1), X86_APIC_NONE);
	put(&r, 1, 0xb0, 0);
	assert_int_equal(take(&r, 1), 0x72);
	/* the PIC, when LINT0 lets it through */
	put(&r, 0, 0xb0, 0);
	apics_extint(r.apics, 0, 1);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	put(&r, 0, 0x350, 0x700);
	assert_int_equal(take(&r, 0), X86_APIC_EXTINT);
	unrig(&r);
}

static void x2apic(void **state)
{
	struct rig r;
	struct x86_cpu *c;
	uint64_t v;

	rig(&r);
	c = r.v[1].x86;
	assert_int_not_equal(c->apic->rdmsr(c->apic_arg, 0x802, &v), 0);
	assert_int_not_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00400), 0);
	assert_int_not_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0x12345800), 0);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00c00), 0);
	assert_int_equal(c->apic->rdmsr(c->apic_arg, 0x802, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(c->apic->rdmsr(c->apic_arg, 0x80d, &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(get(&r, 1, 0x20), UINT32_MAX);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x80f, 0x1ff), 0);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x83f, 0x81), 0);
	assert_int_equal(take(&r, 1), 0x81);
	/* back only through off */
	assert_int_not_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00800), 0);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00000), 0);
	/* and then with the ID that it had at first, whatever was written since */
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00800), 0);
	put(&r, 1, 0x20, 9u << 24);
	assert_int_equal(get(&r, 1, 0x20), 9u << 24);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00000), 0);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00800), 0);
	assert_int_equal(get(&r, 1, 0x20), 1u << 24);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00000), 0);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00800), 0);
	unrig(&r);
}

static void timers(void **state)
{
	struct rig r;
	struct x86_cpu *c;

	rig(&r);
	c = r.v[0].x86;
	c->tsc_khz = 1000000;
	put(&r, 0, 0xf0, 0x1ff);
	put(&r, 0, 0x3e0, 0xb);
	put(&r, 0, 0x320, 0x20040); /* periodic */
	put(&r, 0, 0x380, 1000000);
	assert_true(get(&r, 0, 0x390) <= 1000000);
	for (int i = 0; i < 3; i++) {
		usleep(1500);
		clock_fire(r.clock);
		assert_int_equal(take(&r, 0), 0x40);
		put(&r, 0, 0xb0, 0);
	}
	put(&r, 0, 0x380, 0);
	usleep(2000);
	clock_fire(r.clock);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	put(&r, 0, 0x320, 0x41);
	put(&r, 0, 0x380, 1);
	usleep(10);
	clock_fire(r.clock);
	assert_int_equal(take(&r, 0), 0x41);
	assert_int_equal(get(&r, 0, 0x390), 0);
	put(&r, 0, 0xb0, 0);
	put(&r, 0, 0x320, 0x40042);
	assert_int_equal(c->apic->wrmsr(c->apic_arg, 0x6e0, 1), 0);
	clock_fire(r.clock);
	assert_int_equal(take(&r, 0), 0x42);
	assert_int_equal(c->msr.tsc_deadline, 0);
	unrig(&r);
}

static void io(void **state)
{
	struct rig r;

	rig(&r);
	put(&r, 0, 0xf0, 0x1ff);
	put(&r, 1, 0xf0, 0x1ff);
	bus_write(r.bus, BUS_MEM, IOAPIC_BASE, 4, 1);
	assert_int_equal(bus_read(r.bus, BUS_MEM, IOAPIC_BASE + 0x10, 4) >> 16, 23);
	ioapic_set(r.io, 5, 1); /* masked: lost */
	redirect(&r, 5, 0x35, 1);
	assert_int_equal(take(&r, 1), X86_APIC_NONE);
	ioapic_set(r.io, 5, 0);
	ioapic_set(r.io, 5, 1);
	assert_int_equal(take(&r, 1), 0x35);
	put(&r, 1, 0xb0, 0);
	/* level: again after its end while it is raised, also by two at once */
	redirect(&r, 16, 0x8045, 0);
	ioapic_set(r.io, 16, 1);
	assert_int_equal(take(&r, 0), 0x45);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	put(&r, 0, 0xb0, 0);
	assert_int_equal(take(&r, 0), 0x45);
	ioapic_set(r.io, 16, 0);
	put(&r, 0, 0xb0, 0);
	assert_int_equal(take(&r, 0), X86_APIC_NONE);
	ioapic_set(r.io, 200, 1);
	unrig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pics),   cmocka_unit_test(local), cmocka_unit_test(x2apic),
		cmocka_unit_test(timers), cmocka_unit_test(io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
