/* SPDX-License-Identifier: MIT */
/*
 * Pools of huge pages: of the whole machine and of each NUMA node, as the kernel has
 * them in /sys.  Counts are pages of the pool's size, sizes are bytes.
 *
 * A pool is changed by writing a number and reading what came of it: the kernel takes any
 * number and gives what it can.
 */
#ifndef HUGEPAGES_POOLS_H
#define HUGEPAGES_POOLS_H

#include "base/err.h"
#include "base/progress.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGEPOOL_ALL (-1)

struct hugepool {
	uint64_t page;       /* bytes of one page */
	int node;            /* NUMA node, or HUGEPOOL_ALL */
	uint64_t nr;         /* pages in the pool, surplus ones included */
	uint64_t free;       /* of these, not handed out */
	uint64_t resv;       /* of the free ones, promised; nodes do not know: 0 */
	uint64_t surplus;    /* came on top of the pool, and go when they are freed */
	uint64_t overcommit; /* how many surplus pages there may be; nodes: 0 */
};

struct hugepools {
	/* By size, the machine's pool before those of its nodes. */
	struct hugepool *v;
	size_t n;
	uint64_t default_page; /* bytes; 0: this kernel has no huge pages */
	int *nodes; /* NUMA nodes that have memory; none where the kernel has no NUMA */
	size_t n_nodes;
};

/* -ENOTSUP: an image, where no kernel runs.  A kernel without huge pages gives none. */
int hugepools_read(const struct host *h, struct hugepools *out, struct err *e) MUST_CHECK;
void hugepools_free(struct hugepools *p);
#define AUTO_HUGEPOOLS CLEANUP(hugepools_free)

/* NULL: no such size or node. */
const struct hugepool *hugepools_find(const struct hugepools *p, uint64_t page, int node);
/* Pages that are in use or promised: below this the pool cannot shrink. */
uint64_t hugepool_used(const struct hugepool *p);
/* Pages a new user can get. */
uint64_t hugepool_available(const struct hugepool *p);
/* Bytes in huge pages of all sizes on @node (HUGEPOOL_ALL: everywhere), without those of
 * @except (0: none). */
uint64_t hugepools_bytes(const struct hugepools *p, int node, uint64_t except);

/* "2M", "1G", "64K": as hugetlbfs and the kernel's command line take it.  */
#define HUGEPAGE_TEXT 24
const char *hugepage_text(uint64_t page, char out[HUGEPAGE_TEXT]);
/* The other way round: "2M", "2048k", "1G"; a power of two from 4 KiB up. */
int hugepage_parse(const char *text, uint64_t *page, struct err *e) MUST_CHECK;

/* "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", or that of a node. */
#define HUGEPOOL_PATH 160
void hugepool_path(uint64_t page, int node, const char *file, char out[HUGEPOOL_PATH]);

enum {
	/* Where pages are missing, ask the kernel to move memory together, and try again. */
	HUGEPOOL_COMPACT = 1,
};

/*
 * Makes the pool of @page bytes on @node (or everywhere) @count pages large, and reads it
 * back into *@got. 0: *got is @count.  -ENOSPC: the kernel gave fewer, *got says how many,
 * they stay.  -EBUSY: fewer than are in use; nothing was changed.  -ENODEV: no such size or
 * node.  @p counts pages.
 */
int hugepool_set(const struct host *h, uint64_t page, int node, uint64_t count, unsigned flags,
		 struct progress *p, uint64_t *got, struct err *e) MUST_CHECK;

#endif
