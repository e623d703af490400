/* SPDX-License-Identifier: MIT */
/*
 * Options in files of modprobe.d that somebody else wrote: one value is exchanged, every other
 * byte stays.  For values that keep a module from loading, or that win over our own file,
 * which is the better place for everything else.
 */
#ifndef TUNE_MODOPT_H
#define TUNE_MODOPT_H

#include "base/err.h"

#include <stddef.h>

/*
 * Gives @param the value @value wherever the command that begins in line @line (from 1) sets it;
 * a command goes on behind a backslash at the end of a line.  Returns 1 with the new text in
 * *@out (free() it), 0 with NULL if nothing there sets it otherwise.  -EINVAL: there is no
 * such line.
 */
int modopt_set(const char *text, size_t len, unsigned line, const char *param,
	       const char *value, char **out, size_t *out_len, struct err *e) MUST_CHECK;

#endif
