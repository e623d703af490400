/* SPDX-License-Identifier: MIT */
/*
 * Runs another program: its arguments as they are, without a shell; the environment is ours,
 * not the caller's; stdin is /dev/null; what it prints is kept.  It is in a process group of its
 * own, so that a ^C at our terminal does not tear it away in the middle.
 */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include "base/err.h"

#include <stdbool.h>

/* Output beyond this is read and dropped. */
#define RUN_OUTPUT_MAX (256u << 10)

struct run {
	int root;         /* O_PATH descriptor of a root to run in (chroot), or -1 */
	unsigned seconds; /* killed after this long; 0: an hour */
};

/* True if a program of this name is where we look: /usr/sbin, /usr/bin, /sbin and /bin of
 * @root (-1: this system). */
bool run_find(int root, const char *program);

/*
 * Runs argv[0], a name or an absolute path, and waits.  *@status is its exit code, or 128 and the
 * signal that ended it.  stdout and stderr come together in *@output, to free(); may be
 * NULL.  -ENOENT: no such program; -ETIMEDOUT: it was killed.
 */
int run_program(const struct run *how, const char *const argv[], char **output, int *status,
		struct err *e) MUST_CHECK;
/* The same where only success will do: another exit code is -EIO, and @e has the command and the
 * last line it printed. */
int run_ok(const struct run *how, const char *const argv[], struct err *e) MUST_CHECK;

#endif
