/* SPDX-License-Identifier: MIT */
/*
 * What the process gives up before the guest's first instruction: another user's rights, and
 * system calls that a machine has no use for.  For all threads there are; later ones inherit.
 */
#ifndef EMU_SANDBOX_H
#define EMU_SANDBOX_H

#include "base/err.h"

/* Becomes @user with that user's groups; -EINVAL when there is none, -EPERM. */
int sandbox_user(const char *user, struct err *e) MUST_CHECK;
/* Refuses, with EPERM, to start programs or processes, to change rights, mounts, namespaces,
 * modules, clocks, to look into other processes, and old or rare ways into the kernel. */
int sandbox_filter(struct err *e) MUST_CHECK;

#endif
