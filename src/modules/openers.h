/* SPDX-License-Identifier: MIT */
/* Processes that have the device of a module open, which keeps the module in use. */
#ifndef MODULES_OPENERS_H
#define MODULES_OPENERS_H

#include "host/host.h"

#include <stddef.h>

/*
 * Writes "qemu-system-x86 (4711), libvirtd (812)" into @out and returns how many there are; at
 * most four are named.  0 with "" where there are none, the module has no device that is
 * known here, or the caller may not look (other people's processes need root).
 */
unsigned openers_find(const struct host *h, const char *module, char *out, size_t size);

#endif
