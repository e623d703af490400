/* SPDX-License-Identifier: MIT */
/*
 * QEMU's pc-testdev, for tests that run as guests: ports e0..e3 and e8..eb (single bytes) keep
 * what is written, e4 takes the address of a page whose translation a host should forget, 2000
 * and the 23 behind it drive the interrupt lines of the same number, and 64 KiB at ff000000
 * keep what is written, as a device's registers.
 */
#ifndef EMU_DEV_PC_TESTDEV_H
#define EMU_DEV_PC_TESTDEV_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define PC_TESTDEV_LINES 24

struct pc_testdev;

int pc_testdev_new(struct pc_testdev **out, struct bus *b,
		   const struct irq line[PC_TESTDEV_LINES], struct err *e) MUST_CHECK;
void pc_testdev_free(struct pc_testdev *d);
void pc_testdev_reset(struct pc_testdev *d);

#endif
