/* SPDX-License-Identifier: MIT */
#include "hugepages/pools.h"

#include "base/mem.h"
#include "host/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYS_POOLS "/sys/kernel/mm/hugepages"
#define SYS_NODES "/sys/devices/system/node"

const char *hugepage_text(uint64_t page, char out[HUGEPAGE_TEXT])
{
	static const char units[] = "KMGT";
	int u = -1;

	while (u < 3 && page && page % 1024 == 0) {
		page /= 1024;
		u++;
	}
	if (u < 0)
		snprintf(out, HUGEPAGE_TEXT, "%llu", (unsigned long long)page);
	else
		snprintf(out, HUGEPAGE_TEXT, "%llu%c", (unsigned long long)page, units[u]);
	return out;
}

int hugepage_parse(const char *text, uint64_t *page, struct err *e)
{
	static const char units[] = "kmgt";
	const char *p = text;
	uint64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return err_set(e, -ERANGE, "page size '%.40s' is too large", text);
	if (p > text && *p) {
		const char *u = strchr(units, *p | 0x20);
		unsigned shift = u ? 10 * (unsigned)(u - units + 1) : 0;

		if (!u || p[1])
			p = text;
		else if (v > UINT64_MAX >> shift)
			return err_set(e, -ERANGE, "page size '%.40s' is too large", text);
		v <<= shift;
	}
	if (p == text || v < 4096 || v > UINT64_MAX / 4 || (v & (v - 1)))
		return err_set(e, -EINVAL, "'%.40s' is no page size such as 2M or 1G", text);
	*page = v;
	return 0;
}

/* "hugepages-2048kB"; 0: another name */
static uint64_t page_of(const char *name)
{
	unsigned long long kb;
	uint64_t page;
	char end;

	if (sscanf(name, "hugepages-%llukB%c", &kb, &end) != 1 || kb > UINT64_MAX / 4096)
		return 0;
	page = kb * 1024;
	return page & (page - 1) ? 0 : page;
}

void hugepool_path(uint64_t page, int node, const char *file, char out[HUGEPOOL_PATH])
{
	unsigned long long kb = page / 1024;

	if (node == HUGEPOOL_ALL)
		snprintf(out, HUGEPOOL_PATH, SYS_POOLS "/hugepages-%llukB/%s", kb, file);
	else
		snprintf(out, HUGEPOOL_PATH, SYS_NODES "/node%d/hugepages/hugepages-%llukB/%s",
			 node, kb, file);
}

static int read_count(const struct host *h, const struct hugepool *p, const char *file,
		      uint64_t *out, struct err *e)
{
	char path[HUGEPOOL_PATH];

	hugepool_path(p->page, p->node, file, path);
	return host_read_u64(h, path, out, e);
}

/* nr_hugepages must be there; nodes have fewer of the others. */
static int read_pool(const struct host *h, struct hugepool *p, struct err *e)
{
	struct {
		const char *file;
		uint64_t *to;
	} more[] = {
		{ "free_hugepages", &p->free },
		{ "resv_hugepages", &p->resv },
		{ "surplus_hugepages", &p->surplus },
		{ "nr_overcommit_hugepages", &p->overcommit },
	};
	int r = read_count(h, p, "nr_hugepages", &p->nr, e);

	for (size_t i = 0; i < ARRAY_SIZE(more) && r == 0; i++) {
		struct err mine = { 0 };

		r = read_count(h, p, more[i].file, more[i].to, &mine);
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			err_set(e, r, "%s", mine.msg);
	}
	return r;
}

static int add_pools(const struct host *h, const char *dir, int node, struct hugepools *out,
		     struct err *e)
{
	struct host_list l = { 0 };
	int r = host_list(h, dir, &l, e);

	for (size_t i = 0; i < l.n && r == 0; i++) {
		struct hugepool p = { .page = page_of(l.v[i]), .node = node };

		if (!p.page)
			continue;
		r = read_pool(h, &p, e);
		if (r == 0)
			r = mem_grow((void **)&out->v, out->n + 1, sizeof(*out->v), e);
		if (r == 0)
			out->v[out->n++] = p;
	}
	host_list_free(&l);
	return r;
}

static int add_nodes(const struct host *h, struct hugepools *out, struct err *e)
{
	struct host_list l = { 0 };
	int r = host_list(h, SYS_NODES, &l, NULL);

	if (r < 0)
		return r == -ENOMEM ? err_set(e, r, "out of memory") : 0;
	for (size_t i = 0; i < l.n && r == 0; i++) {
		char dir[96], end;
		unsigned node;

		if (sscanf(l.v[i], "node%u%c", &node, &end) != 1 || node > 65535)
			continue;
		snprintf(dir, sizeof(dir), SYS_NODES "/node%u/hugepages", node);
		if (!host_exists(h, dir))
			continue;
		r = add_pools(h, dir, (int)node, out, e);
		if (r == 0)
			r = mem_grow((void **)&out->nodes, out->n_nodes + 1,
				     sizeof(*out->nodes), e);
		if (r == 0)
			out->nodes[out->n_nodes++] = (int)node;
	}
	host_list_free(&l);
	return r;
}

static int by_size(const void *a, const void *b)
{
	const struct hugepool *x = a, *y = b;

	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

int hugepools_read(const struct host *h, struct hugepools *out, struct err *e)
{
	struct memory mem = { 0 };
	struct err mine = { 0 };
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "%s is no running host, it has no huge pages",
			       host_root(h));
	if (!host_exists(h, SYS_POOLS))
		return 0;
	r = add_pools(h, SYS_POOLS, HUGEPOOL_ALL, out, &mine);
	if (r == 0)
		r = add_nodes(h, out, &mine);
	if (r == 0)
		r = memory_read(h, &mem, &mine);
	if (r < 0) {
		hugepools_free(out);
		return err_set(e, r, "%s", mine.msg);
	}
	out->default_page = mem.huge_default;
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_size);
	return 0;
}

void hugepools_free(struct hugepools *p)
{
	free(p->v);
	free(p->nodes);
	memset(p, 0, sizeof(*p));
}

const struct hugepool *hugepools_find(const struct hugepools *p, uint64_t page, int node)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].page == page && p->v[i].node == node)
			return &p->v[i];
	return NULL;
}

uint64_t hugepool_used(const struct hugepool *p)
{
	uint64_t busy = p->nr > p->free ? p->nr - p->free : 0;

	/* promised pages are among the free ones */
	return busy + (p->resv < p->free ? p->resv : p->free);
}

uint64_t hugepool_available(const struct hugepool *p)
{
	return p->free > p->resv ? p->free - p->resv : 0;
}

uint64_t hugepools_bytes(const struct hugepools *p, int node, uint64_t except)
{
	uint64_t sum = 0, bytes;

	for (size_t i = 0; i < p->n; i++) {
		const struct hugepool *v = &p->v[i];

		if (v->node != node || v->page == except)
			continue;
		/* a record may say anything */
		if (__builtin_mul_overflow(v->nr, v->page, &bytes) ||
		    __builtin_add_overflow(sum, bytes, &sum))
			return UINT64_MAX;
	}
	return sum;
}
