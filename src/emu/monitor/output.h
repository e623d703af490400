/* SPDX-License-Identifier: MIT */
/*
 * What a monitor says: kept until the chardev takes it, however long the answer is.  Who asked
 * is not listened to while the rest waits, so it stays one answer.  The loop's thread.
 */
#ifndef EMU_MONITOR_OUTPUT_H
#define EMU_MONITOR_OUTPUT_H

#include "base/str.h"
#include "emu/chardev/chardev.h"

struct output {
	struct chardev *c; /* NULL: nobody reads */
	struct str rest;
	size_t at; /* of it, what was written */
};

void output_add(struct output *o, const char *text, size_t n);
/* There is room again: for chardev_user's drained(). */
void output_drained(struct output *o);
/* Nothing waits. */
bool output_idle(const struct output *o);
/* Forgets what waits. */
void output_forget(struct output *o);

#endif
