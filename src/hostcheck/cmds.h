/* SPDX-License-Identifier: MIT */
/* The ways hostcheck is asked, besides the report itself.  Each prints and returns an exit
 * code. */
#ifndef HOSTCHECK_CMDS_H
#define HOSTCHECK_CMDS_H

#include "base/tool.h"
#include "hostcheck/pick.h"

/* --list: id and title of each check that @p wants. */
int cmd_list(const struct tool_args *args, const struct pick *p);
/* --explain: why, how and what to do, of a check or of all of a group. */
int cmd_explain(const struct tool_args *args, const char *id);

#endif
