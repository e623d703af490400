/* SPDX-License-Identifier: MIT */
/*
 * The local APICs of all vCPUs, and what goes between them: interrupts from devices as
 * messages, and from vCPU to vCPU (Intel SDM volume 3, chapter 11).  xAPIC and x2APIC; the timer
 * in its three modes.
 *
 * The registers in memory are those of the vCPU that asks: vcpu_current().  They lie at the
 * default address; a guest that moves them gets #GP.
 */
#ifndef EMU_DEV_LAPIC_H
#define EMU_DEV_LAPIC_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/cpu/x86/state.h"

#define LAPIC_BASE 0xfee00000u
/* What the timer counts at, for CPUID. */
#define LAPIC_KHZ  1000000u

struct apics;
struct lapic;
struct clock;
struct vcpu;

int apics_new(struct apics **out, struct bus *b, struct clock *c, unsigned n, struct err *e)
	MUST_CHECK;
void apics_free(struct apics *a);
/* @eoi is told of level-triggered interrupts that ended. */
void apics_on_eoi(struct apics *a, void (*eoi)(void *arg, uint8_t vector), void *arg);
/* Gives vCPU @c, whose x86 is there, the local APIC of its index. */
void apics_attach(struct apics *a, struct vcpu *c);
/* For struct msi_sink. */
void apics_msi(void *apics, uint64_t addr, uint32_t data);
/* The PIC's output, for struct irq: goes to LINT0 of the first. */
void apics_extint(void *apics, unsigned pin, int level);

/* After RESET and INIT of its vCPU; @init keeps the ID and the base. */
void lapic_reset(struct lapic *l, bool init);
/* Is there something that a halted vCPU wakes up for (if its interrupt flag is set)? */
bool lapic_pending(struct lapic *l);

#endif
