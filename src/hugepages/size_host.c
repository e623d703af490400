/* SPDX-License-Identifier: MIT */
/* The facts that hugesize_plan() works with, from a host. */
#include "base/mem.h"
#include "host/memory.h"
#include "hugepages/pools.h"
#include "hugepages/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_sizes(const struct hugepools *p, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->n && used < size; i++) {
		char one[HUGEPAGE_TEXT];

		if (p->v[i].node == HUGEPOOL_ALL)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
						 used ? ", " : "",
						 hugepage_text(p->v[i].page, one));
	}
}

static void fill_node(const struct hugepools *p, int pool_of, uint64_t page,
		      struct hugenode *out)
{
	const struct hugepool *v = hugepools_find(p, page, pool_of);

	out->other = hugepools_bytes(p, pool_of, page);
	out->now = v ? v->nr : 0;
	out->used = v ? hugepool_used(v) : 0;
}

static int fill_nodes(const struct host *h, const struct hugepools *p, uint64_t page,
		      struct hugehost *out, struct err *e)
{
	AUTO_NODES struct memory_nodes nodes = { 0 };
	int r = memory_nodes_read(h, &nodes, e);

	if (r < 0)
		return r;
	out->nodes = mem_zalloc(nodes.n + 1, sizeof(*out->nodes), e);
	if (!out->nodes)
		return -ENOMEM;
	/* the kernel's command line and the pools count by node only where there are several */
	out->numa = p->n_nodes > 1;
	for (size_t i = 0; i < nodes.n && out->numa; i++) {
		struct hugenode *n = &out->nodes[out->n_nodes];

		if (!nodes.v[i].total || out->n_nodes == HUGESIZE_NODES)
			continue;
		n->node = (int)nodes.v[i].id;
		n->total = nodes.v[i].total;
		fill_node(p, n->node, page, n);
		out->n_nodes++;
	}
	if (!out->n_nodes) {
		out->numa = false;
		out->n_nodes = 1;
		out->nodes[0].node = p->n_nodes ? p->nodes[0] : 0;
		out->nodes[0].total = out->total;
		fill_node(p, HUGEPOOL_ALL, page, &out->nodes[0]);
	}
	return 0;
}

int hugehost_read(const struct host *h, uint64_t *page, struct hugehost *out, struct err *e)
{
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	struct memory mem = { 0 };
	int r = hugepools_read(h, &p, e);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = memory_read(h, &mem, e);
	if (r < 0)
		return r;
	if (!*page)
		*page = p.default_page;
	if (!*page)
		return err_set(e, -ENODEV, "this kernel has no huge pages");
	out->total = mem.total;
	out->available = mem.available;
	out->x86 = !strcmp(host_arch(h), "x86_64") || !strcmp(host_arch(h), "x86");
	out->have_page = hugepools_find(&p, *page, HUGEPOOL_ALL) != NULL;
	list_sizes(&p, out->sizes, sizeof(out->sizes));
	r = fill_nodes(h, &p, *page, out, e);
	if (r < 0)
		hugehost_free(out);
	return r;
}

void hugehost_free(struct hugehost *h)
{
	free(h->nodes);
	h->nodes = NULL;
	h->n_nodes = 0;
}
