/* SPDX-License-Identifier: MIT */
/* The two 8259A interrupt controllers of a PC. */
#ifndef EMU_DEV_PIC_H
#define EMU_DEV_PIC_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

struct pic;
struct str;

/* @intr follows the output of the pair. */
int pic_new(struct pic **out, struct bus *b, struct irq intr, struct err *e) MUST_CHECK;
void pic_free(struct pic *p);
void pic_reset(struct pic *p);
/* Input 0..15, for struct irq. */
void pic_set(void *pic, unsigned pin, int level);
/* The processor's acknowledge: the vector of what is most urgent (a spurious one where
 * nothing is any more).  Any thread. */
int pic_take(void *pic);
/* For people. */
void pic_show(struct pic *p, struct str *out);

#endif
