/* SPDX-License-Identifier: MIT */
/*
 * A file that takes its name when it is complete.
 *
 * The new content is written to a nameless file (O_TMPFILE; a hidden name in the same
 * folder where the file system has none) and put in place of the destination in one step, after
 * a sync where old content is replaced.  Mode, owner, extended attributes of an existing
 * destination are kept, a symbolic link stays and its target is replaced, and a
 * file with several hard links keeps them: then the finished content is copied into it.
 *
 * Some destinations cannot be replaced (block devices, pipes, names of a protocol, a folder we may
 * not write to): those are written in place, and output_in_place() says why.
 */
#ifndef IMG_OUTPUT_H
#define IMG_OUTPUT_H

#include "base/err.h"

#include <stdbool.h>

struct output;

/* -EBUSY: another process has the destination open as an image. */
int output_begin(const char *path, struct output **out, struct err *e) MUST_CHECK;
/* The path to write to: a name under /proc/self/fd, a hidden file, or the
 * destination itself.  Valid until commit or abandon. */
const char *output_path(const struct output *o);
/* NULL: it will be replaced in one step; else why it is written in place. */
const char *output_in_place(const struct output *o);
/* True if there is old content that the commit will replace. */
bool output_replaces(const struct output *o);
/* Puts it in place.  @sync: the content shall be on stable storage first (always
 * done where old content is replaced).  Frees @o, also on failure, when the
 * destination is as it was. */
int output_commit(struct output *o, bool sync, struct err *e) MUST_CHECK;
/* Removes what was written; the destination is as it was. NULL is fine. */
void output_abandon(struct output *o);

#endif
