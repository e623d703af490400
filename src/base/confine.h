/* SPDX-License-Identifier: MIT */
/*
 * Taking rights from this process, for good: files that it may open (Landlock), system calls
 * (seccomp), memory and time (limits).  For work on what comes from elsewhere: whatever that
 * talks the program into, the kernel refuses it.
 *
 * Call before the first thread starts: threads that are there keep their rights.
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum confine_right {
	CONFINE_READ = 1,
	CONFINE_WRITE = 2,
	CONFINE_MAKE = 4, /* of a folder: files made, replaced and removed in it */
};

struct confine_path {
	const char *path;
	unsigned rights; /* of a folder: for all below it */
};

/*
 * Nothing can be opened by name but the @n paths and what is below them; what is open stays so.
 * A path that is not there is left out.  -EOPNOTSUPP: this kernel has no Landlock, or
 * it is switched off; nothing has changed.
 */
int confine_files(const struct confine_path *v, size_t n, struct err *e) MUST_CHECK;
/*
 * No other programs or processes, no sockets, nothing that changes the system or looks into
 * other processes: such calls fail with EPERM.  -EOPNOTSUPP: this kernel or processor has no
 * filter.
 */
int confine_calls(struct err *e) MUST_CHECK;
/* Bytes of address space (0: as it is) and seconds of processor time; no core files. */
int confine_limits(uint64_t memory, uint64_t cpu_seconds, struct err *e) MUST_CHECK;

#endif
