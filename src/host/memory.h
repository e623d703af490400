/* SPDX-License-Identifier: MIT */
/* Memory of the host and of its NUMA nodes.  Sizes are bytes. */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include "host/cpulist.h"
#include "host/host.h"

struct memory {
	uint64_t total, free, available;
	uint64_t swap_total, swap_free;
	uint64_t huge_default; /* Hugepagesize: size of the default pool; 0: none */
	uint64_t hugetlb;      /* in pools of all sizes */
	uint64_t min_free;     /* vm.min_free_kbytes; 0 if it could not be read */
};

/* meminfo(5).  -EINVAL without MemTotal.  Where there is no MemAvailable, free memory. */
int memory_parse(const char *text, size_t len, struct memory *out, struct err *e) MUST_CHECK;
/* -ENOTSUP on an image. */
int memory_read(const struct host *h, struct memory *out, struct err *e) MUST_CHECK;

struct memory_node {
	unsigned id;
	uint64_t total, free;
	struct cpulist cpus; /* empty: memory only */
};

struct memory_nodes {
	struct memory_node *v;
	size_t n;
};

/* "Node 0 MemTotal: 4 kB" lines of one node's meminfo. */
int memory_node_parse(const char *text, size_t len, struct memory_node *out, struct err *e)
	MUST_CHECK;
/* Nodes that are online, by number.  A kernel without NUMA: one node 0 with everything. */
int memory_nodes_read(const struct host *h, struct memory_nodes *out, struct err *e) MUST_CHECK;
void memory_nodes_free(struct memory_nodes *m);
#define AUTO_NODES CLEANUP(memory_nodes_free)

/* /proc/swaps. */
struct memory_swap {
	char path[128];
	bool is_file;
	bool zram; /* compressed memory, no disk */
	uint64_t size, used;
};

struct memory_swaps {
	struct memory_swap v[16];
	size_t n;
};

int memory_swaps_parse(const char *text, size_t len, struct memory_swaps *out);
int memory_swaps_read(const struct host *h, struct memory_swaps *out, struct err *e) MUST_CHECK;

#endif
