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

/* Those that the configuration asks for. */
int monitors_new(struct monitors **out, struct machine *m, struct err *e) MUST_CHECK;
void monitors_free(struct monitors *m);
/* Where other machines can reach one of them, or the debugger's stub; NULL: nowhere. */
const char *monitors_public(const struct machine *m);

#endif
