/* SPDX-License-Identifier: MIT */
/* The descriptors of a chardev, and how they are opened. */
#ifndef EMU_CHARDEV_FDS_H
#define EMU_CHARDEV_FDS_H

#include "emu/chardev/chardev.h"

#define FDS_ABOUT 160

struct chardev_fds {
	int in, out;    /* -1: none; the same for both, or not */
	int listener;   /* a socket to accept from; -1: none */
	int log;        /* -1: none */
	bool terminal;  /* stdio: raw while it is open */
	bool pty;       /* nobody may be there, which is seen by looking */
	bool reachable; /* by other machines */
	char *made;     /* the whole name of a socket to remove, or NULL */
	char about[FDS_ABOUT];
};

int fds_open(const struct config_chardev *c, const struct chardev_env *env,
	     struct chardev_fds *out, struct err *e) MUST_CHECK;
int fds_socket(const struct config_chardev *c, const struct chardev_env *env,
	       struct chardev_fds *f, struct err *e) MUST_CHECK;
/* What every connection is to be like. */
void fds_connected(const struct config_chardev *c, int fd);
/* Closes all but standard input and output. */
void fds_close(struct chardev_fds *f);

#endif
