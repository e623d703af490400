/* SPDX-License-Identifier: MIT */
/*
 * Monitors: HMP for people, QMP for programs, over chardevs.  All in the loop's thread.
 */
#ifndef EMU_MONITOR_MONITOR_H
#define EMU_MONITOR_MONITOR_H

#include "base/err.h"
#include "emu/chardev/chardev.h"

struct machine;
struct monitors;

/* Opens what the configuration asks for.  @mux, if not NULL, is shared with a person's. */
int monitors_new(struct monitors **out, struct machine *m, struct chardev *mux, struct err *e)
	MUST_CHECK;
void monitors_free(struct monitors *m);

#endif
