/* SPDX-License-Identifier: MIT */
/* Work that is to go no faster than so many bytes a second. */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t rate; /* bytes per second; 0: no limit */
	int64_t start_ns;
	_Atomic uint64_t done; /* bytes */
};

/* The work begins now. */
void pace_start(struct pace *p, uint64_t rate);
/* @bytes are done: sleeps until they are due, or *stop (may be NULL) becomes true.  Several
 * threads may be at the same work. */
void pace_step(struct pace *p, uint64_t bytes, const atomic_bool *stop);

#endif
