/* SPDX-License-Identifier: MIT */
/* The two descriptors of a chardev, and how they are opened. */
#ifndef EMU_CHARDEV_FDS_H
#define EMU_CHARDEV_FDS_H

#include "base/err.h"

#include <stdbool.h>

struct chardev_fds {
	int in, out;   /* -1: none; the same for both, or not */
	int listener;  /* a socket to accept from; -1: none */
	bool terminal; /* stdio: raw while it is open */
	char about[160];
};

int fds_open(const char *spec, struct chardev_fds *out, struct err *e) MUST_CHECK;
int fds_socket(const char *kind, const char *rest, struct chardev_fds *out, struct err *e)
	MUST_CHECK;

#endif
