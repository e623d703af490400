/* SPDX-License-Identifier: MIT */
/*
 * Loading and unloading, with libkmod, on the live host alone (others: -ENOTSUP).  What the
 * kernel and libkmod say is not believed: the state is read again afterwards.  Install
 * commands of modprobe.d are not run; a module that has one is refused.  Needs root.
 */
#ifndef MODULES_LOAD_H
#define MODULES_LOAD_H

#include "base/err.h"
#include "modules/module.h"

/*
 * Loads @name and what it needs, with the options of modprobe.d.  Returns 1 if it was
 * loaded, 0 if it ran already.  Errors say why in words:
 *
 *	-ENOENT		this kernel has no such module
 *	-EPERM		not root, blacklisted, an install command, loading is switched off
 *	-EEXIST		the other kvm vendor module holds the place
 *	-ENODEV		the hardware is not there
 *	-EOPNOTSUPP	kvm: the processor cannot, or its firmware has switched it off
 */
int module_load(const struct modules *m, const char *name, struct err *e) MUST_CHECK;

/*
 * Unloads @name, and only it: never what stands on it.  Returns 1 if it was unloaded, 0 if it
 * was not loaded.  -EBUSY: it is in use, and the message says by whom; -EINVAL: it is built
 * in.
 */
int module_unload(const struct modules *m, const char *name, struct err *e) MUST_CHECK;

/*
 * Whether it could be unloaded now: 0, or -EBUSY with who uses it: modules, and processes
 * that have its device open, as far as the caller may see them.
 */
int module_unused(const struct modules *m, const char *name, struct err *e) MUST_CHECK;

#endif
