/* SPDX-License-Identifier: MIT */
/* Attributes of the kernel: small files of /proc/sys and /sys that are written in one call and
 * read back, for the kernel may keep something else than it was given. */
#ifndef TUNE_KINDS_ATTRIBUTE_H
#define TUNE_KINDS_ATTRIBUTE_H

#include "tune/kind.h"

/* The text without blanks at its end, of a choice ("always [madvise] never") the chosen word. */
int attribute_read(const struct host *h, const char *path, char **value, struct err *e)
	MUST_CHECK;
/* Writes and reads back.  Fewer huge pages than asked for are -ENOMEM, and @e says how many
 * came; another value that the kernel did not take is -EIO. */
int attribute_write(const struct host *h, const char *path, const char *value, struct err *e)
	MUST_CHECK;
/* Runs of blanks are one blank. */
bool attribute_equal(const char *want, const char *have);
/* A number between the two of the change. */
bool attribute_partial(const struct change *c, const char *have);

#endif
