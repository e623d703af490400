/* SPDX-License-Identifier: MIT */
/*
 * What the process gives up before the guest's first instruction: another user's rights, and
 * system calls that a machine has no use for.  For all threads there are; later ones inherit.
 */
#ifndef EMU_SANDBOX_H
#define EMU_SANDBOX_H

#include "base/err.h"
#include "emu/config.h"

/* Becomes @user (a name, or UID:GID; NULL: nobody else) with that user's groups, and sees no more than
 * what is below @root, if not NULL.  -EINVAL when there is no such user, -EPERM. */
int sandbox_user(const char *user, const char *root, struct err *e) MUST_CHECK;
/* Refuses, with EPERM and but for what @c allows, to start programs or processes, to change rights,
 * mounts, namespaces, modules, clocks, to look into other processes, and old or rare ways into the
 * kernel. */
int sandbox_filter(const struct config_sandbox *c, struct err *e) MUST_CHECK;

#endif
