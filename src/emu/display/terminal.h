/* SPDX-License-Identifier: MIT */
/*
 * The first screen on the terminal that vemu was started on, and its keys for the guest.  Text is shown
 * as it is; of graphics one line says what they are.
 *
 * After the escape key (C-a if there is no other): x ends the machine, l draws everything anew, the
 * escape key itself is the guest's.
 */
#ifndef EMU_DISPLAY_TERMINAL_H
#define EMU_DISPLAY_TERMINAL_H

#include "base/err.h"

struct machine;
struct terminal;

/* -ENOTTY: input or output is no terminal.  The loop's thread, like the rest. */
int terminal_new(struct terminal **out, struct machine *m, struct err *e) MUST_CHECK;
/* The terminal is as it was before. */
void terminal_free(struct terminal *t);

#endif
