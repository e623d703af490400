/* SPDX-License-Identifier: MIT */
/* Keys that are pressed together. */
#ifndef EMU_MONITOR_CHORD_H
#define EMU_MONITOR_CHORD_H

#include "base/err.h"

struct machine;

/* "ctrl-alt-delete": all are pressed, in this order, then let go in the other.  -EINVAL names a key that
 * is none; -EAGAIN: the guest does not take them now. */
int chord_press(struct machine *m, const char *text, struct err *e) MUST_CHECK;

#endif
