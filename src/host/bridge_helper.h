/* SPDX-License-Identifier: MIT */
/* Where distributions have qemu-bridge-helper, the set-user-ID program that puts a guest's tap
 * interface into a bridge.  Whether it is there, and with which rights: host/bridge.h. */
#ifndef HOST_BRIDGE_HELPER_H
#define HOST_BRIDGE_HELPER_H

#include <stddef.h>

/* The @i-th place to look at, the likeliest first; NULL after the last.  Constant. */
const char *bridge_helper_path(size_t i);

#endif
