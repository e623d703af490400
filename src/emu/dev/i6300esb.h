/* SPDX-License-Identifier: MIT */
/* The watchdog of Intel's 6300ESB (datasheet 300641, chapter 16): two stages, the second of which
 * bites. */
#ifndef EMU_DEV_I6300ESB_H
#define EMU_DEV_I6300ESB_H

#include "emu/clock.h"
#include "emu/dev/pci.h"

struct i6300esb;

/* @bite is called in the loop's thread with the device's lock held.  @slot 0: any. */
int i6300esb_new(struct i6300esb **out, struct pci *p, unsigned slot, struct clock *c,
		 void (*bite)(void *arg), void *arg, struct err *e) MUST_CHECK;
void i6300esb_free(struct i6300esb *w);
/* What it remembers is whether it has bitten. */
void i6300esb_reset(struct i6300esb *w);
const struct pci_dev *i6300esb_pci(const struct i6300esb *w);

#endif
