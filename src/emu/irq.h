/* SPDX-License-Identifier: MIT */
/* Interrupt lines and messages, from whoever raises them to whoever takes them. */
#ifndef EMU_IRQ_H
#define EMU_IRQ_H

#include <stdint.h>

/* One input of an interrupt controller.  Any thread. */
struct irq {
	void (*set)(void *arg, unsigned pin, int level);
	void *arg;
	unsigned pin;
};

static inline void irq_set(const struct irq *i, int level)
{
	if (i->set)
		i->set(i->arg, i->pin, level);
}

/* Where a device's MSI and MSI-X writes go. */
struct msi_sink {
	void (*send)(void *arg, uint64_t addr, uint32_t data);
	void *arg;
};

#endif
