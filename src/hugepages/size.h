/* SPDX-License-Identifier: MIT */
/*
 * How many huge pages these guests need, and whether the host can give them: arithmetic
 * alone, every step of it kept so that it can be shown.
 *
 *   - A guest's memory is one or more backends (one for each NUMA node the guest
 *     sees); each takes whole pages, rounded up.
 *   - The host keeps 10 % of its memory, at least 1 GiB; where 1 GiB is more than a quarter
 *     of the memory (less than 4 GiB in all) a quarter.  What would leave less is refused.
 *   - On a host of several nodes the largest backend goes first, whole to the node with the
 *     most room; one that fits on no node is spread.
 *   - Pages larger than the buddy allocator hands out (1 GiB) are for the kernel's command
 *     line: at run time they come by luck.
 */
#ifndef HUGEPAGES_SIZE_H
#define HUGEPAGES_SIZE_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGESIZE_NODES  64
#define HUGESIZE_GUESTS 1024 /* kinds of guests; each may be there several times */
#define HUGESIZE_COUNT  65536

/* "2x4G/2": two guests of 4 GiB, each in two backends. */
struct hugeguest {
	uint64_t bytes;    /* memory of one guest */
	unsigned count;    /* such guests, 1 to HUGESIZE_COUNT */
	unsigned backends; /* 1 to HUGESIZE_NODES */
	/* filled in by hugesize_plan(): */
	uint64_t pages; /* for one guest */
	uint64_t waste; /* bytes that rounding up adds to one guest */
};

/* One NUMA node of the host, or the whole of a host without. */
struct hugenode {
	int node;
	uint64_t total; /* bytes of memory */
	uint64_t other; /* bytes in huge pages of other sizes */
	uint64_t now;   /* pages in its pool today */
	uint64_t used;  /* of these in use or promised */
	/* filled in: */
	uint64_t keep;  /* bytes that stay for the host */
	uint64_t room;  /* pages it could have at most */
	uint64_t pages; /* pages its pool is to have */
};

/* What the host is: from the host itself, or made up. */
struct hugehost {
	uint64_t total;         /* bytes of memory */
	uint64_t available;     /* bytes that programs could get now; 0: not known */
	struct hugenode *nodes; /* at least one */
	size_t n_nodes;
	bool numa; /* pools are per node */
	bool x86;
	bool have_page; /* the kernel knows this size */
	char sizes[96]; /* those it knows: "2M, 1G" */
};

struct hugesize {
	/* the question */
	uint64_t page;
	struct hugeguest *guests;
	size_t n_guests;
	uint64_t reserve; /* pages beside those of the guests */
	int only_node;    /* all on this node, or HUGEPOOL_ALL */
	struct hugehost host;
	/* the answer, in the order it is worked out */
	uint64_t guest_pages; /* of all guests */
	uint64_t pages;       /* with the reserve */
	uint64_t bytes;
	uint64_t other;  /* bytes in huge pages of other sizes */
	uint64_t keep;   /* bytes the host keeps at least */
	uint64_t left;   /* bytes it has left; 0 where the pages are more than the memory */
	uint64_t now;    /* pages in the pool today */
	uint64_t add;    /* pages to come; 0 where there are enough */
	unsigned spread; /* backends that no node could hold whole */
	bool fits;       /* left >= keep, on the node asked for as well */
	bool boot;       /* only the kernel's command line gives them for sure */
	bool now_fits;   /* at run time: available memory suffices */
	/* "hugepagesz=1G hugepages=4"; with several nodes "hugepages=0:2,1:2". */
	char *cmdline;
	char why[256]; /* where !fits: what does not, and what would */
};

/* "4G", "2x4G", "8G/2", "3x8G/2". */
int hugeguest_parse(const char *text, struct hugeguest *out, struct err *e) MUST_CHECK;

/* What @h is, for pages of @page bytes (0: the default size, which comes back in *page).
 * -ENOTSUP: an image. */
int hugehost_read(const struct host *h, uint64_t *page, struct hugehost *out, struct err *e)
	MUST_CHECK;

/* Frees the nodes. */
void hugehost_free(struct hugehost *h);

/* Works out s's answer from its question.  That it does not fit is an answer (s->fits).
 * -EINVAL: the question is not one; -EOVERFLOW: sizes beyond 63 bits; -ENODEV: no such node. */
int hugesize_plan(struct hugesize *s, struct err *e) MUST_CHECK;
/* Frees guests, cmdline and the host's nodes. */
void hugesize_free(struct hugesize *s);

/* What a host of @total bytes keeps for itself. */
uint64_t hugesize_keep(uint64_t total);

#endif
