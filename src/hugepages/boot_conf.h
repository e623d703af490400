/* SPDX-License-Identifier: MIT */
/*
 * /etc/hostkit/hugepages.conf: the pools that the boot service makes (`vhuge reserve --boot
 * FILE`), before anything else breaks memory up.  One pool a line: page size, pages, and the
 * NUMA node if it is for one; '#' begins a comment.
 *
 *	2M 512 0
 *	2M 512 1
 *	64K 1000
 */
#ifndef HUGEPAGES_BOOT_CONF_H
#define HUGEPAGES_BOOT_CONF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define HUGEBOOT_PATH "/etc/hostkit/hugepages.conf"
#define HUGEBOOT_MAX  256

struct hugeboot_pool {
	uint64_t page;  /* bytes, a power of two */
	uint64_t count; /* at most 2^32 */
	int node;       /* -1: spread over all nodes */
	unsigned line;
};

struct hugeboot {
	struct hugeboot_pool *v;
	size_t n;
};

/* -EINVAL: "line 3: what is wrong", also for a pool that comes twice. */
int hugeboot_parse(const char *text, size_t len, struct hugeboot *out, struct err *e)
	MUST_CHECK;
void hugeboot_free(struct hugeboot *b);
/* The file that says this, with a comment at its head; free() it. */
char *hugeboot_text(const struct hugeboot *b, struct err *e) MUST_CHECK;

#endif
