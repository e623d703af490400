/* SPDX-License-Identifier: MIT */
/* Lists of processors or nodes as the kernel writes them: "0-3,8". */
#ifndef HOST_CPULIST_H
#define HOST_CPULIST_H

#include "host/host.h"

#define CPULIST_MAX 64

struct cpulist {
	struct cpulist_range {
		unsigned first, last;
	} v[CPULIST_MAX]; /* ascending, apart */
	size_t n;
};

/* An empty text is an empty list.  -EINVAL; -E2BIG: more than CPULIST_MAX ranges. */
int cpulist_parse(const char *text, size_t len, struct cpulist *out, struct err *e) MUST_CHECK;
int cpulist_read(const struct host *h, const char *path, struct cpulist *out, struct err *e)
	MUST_CHECK;
uint64_t cpulist_count(const struct cpulist *l);
bool cpulist_has(const struct cpulist *l, unsigned cpu);
/* All of @inner are in @outer. */
bool cpulist_within(const struct cpulist *inner, const struct cpulist *outer);

#endif
