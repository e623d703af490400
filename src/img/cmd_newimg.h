/* SPDX-License-Identifier: MIT */
/*
 * New images on command lines: -o option lists, "-o help", the "Formatting" line.
 */
#ifndef IMG_CMD_NEWIMG_H
#define IMG_CMD_NEWIMG_H

#include "img/cmd_common.h"

/* Adds one -o to what others said before: *all is owned by the caller.  0 or CMD_EXIT(). */
int newimg_add(char **all, const char *text);
/* Parses *all (NULL: nothing) into @set.  0 or a negative errno in @e. */
int newimg_options(const char *all, struct optset *set, struct err *e) MUST_CHECK;
/*
 * Shows what -o takes for @fmt: for one @filename, with what the file below takes; with
 * NULL what the format takes.  Returns the exit status.
 */
int newimg_help(const char *fmt, const char *filename);
/* Shows what amend -o takes.  Returns the exit status. */
int newimg_amend_help(const struct img_format *f);
/* "Formatting 'F', fmt=... ": values that the user gave and the defaults. */
void newimg_print(const char *filename, const struct img_format *f, struct optset *set,
		  uint64_t size);

#endif
