/* SPDX-License-Identifier: MIT */
/* An answer that may be missing: zeroed memory says so. */
#ifndef HOST_TRI_H
#define HOST_TRI_H

#include <stdbool.h>

enum tri { TRI_UNKNOWN, TRI_NO, TRI_YES };

static inline enum tri tri_of(bool yes)
{
	return yes ? TRI_YES : TRI_NO;
}

#endif
