/* SPDX-License-Identifier: MIT */
/* Recorded hosts with huge pages, as small trees. */
#ifndef TESTS_UNIT_HUGEPAGES_TREE_H
#define TESTS_UNIT_HUGEPAGES_TREE_H

#include "host/host.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

struct world {
	struct tree t;
	struct host *h;
};

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static inline void world_pool(const struct tree *t, int node, unsigned kb, const char *file,
			      unsigned value)
{
	char path[160], text[32];

	if (node < 0)
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%ukB/%s", kb,
			 file);
	else
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/hugepages/hugepages-%ukB/%s", node,
			 kb, file);
	snprintf(text, sizeof(text), "%u\n", value);
	tree_file(t, path, text);
}

static inline void world_pools(const struct tree *t, int node, unsigned kb, unsigned nr,
			       unsigned free, unsigned resv, unsigned surplus)
{
	world_pool(t, node, kb, "nr_hugepages", nr);
	world_pool(t, node, kb, "free_hugepages", free);
	world_pool(t, node, kb, "surplus_hugepages", surplus);
	if (node >= 0)
		return;
	world_pool(t, node, kb, "resv_hugepages", resv);
	world_pool(t, node, kb, "nr_overcommit_hugepages", 0);
}

/* 16 GiB, all of it available, @nodes equal nodes; default size 2M, no pools yet. */
static inline void world_record(const struct tree *t, int nodes)
{
	char path[96], text[128];

	tree_file(t, "/.hostkit-record", "arch = x86_64\neuid = 0\n");
	tree_file(t, "/proc/meminfo",
		  "MemTotal:       16777216 kB\nMemFree:        16000000 kB\n"
		  "MemAvailable:   16000000 kB\nHugepagesize:       2048 kB\n");
	for (int i = 0; i < nodes; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", i);
		snprintf(text, sizeof(text), "Node %d MemTotal: %d kB\nNode %d MemFree: 1 kB\n",
			 i, 16777216 / nodes, i);
		tree_file(t, path, text);
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", i);
		snprintf(text, sizeof(text), "%d\n", i);
		tree_file(t, path, text);
	}
	snprintf(text, sizeof(text), nodes > 1 ? "0-%d\n" : "0\n", nodes - 1);
	if (nodes)
		tree_file(t, "/sys/devices/system/node/online", text);
}

static inline void world_open(struct world *w)
{
	assert_int_equal(host_open(w->t.root, &w->h, NULL), 0);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	tree_make(&w->t);
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	host_close(w->h);
	tree_remove(&w->t);
	free(w);
	return 0;
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

#endif
