/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "host/memory.h"
#include "hugepages/grow.h"
#include "hugepages/pools.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Pages of a gigabyte at a time take the kernel a moment each. */
#define STEP_BYTES (1ull << 30)
#define ROUNDS     3

struct target {
	const struct host *h;
	uint64_t page;
	int node;
};

static int write_number(const struct host *h, const char *path, uint64_t n, struct err *e)
{
	AUTO_CLOSE int fd = host_openat(h, path, O_WRONLY | O_TRUNC, 0, e);
	char text[24];
	int r;

	if (fd < 0)
		return fd;
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
	r = io_write(fd, text, strlen(text), e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static const struct hugepool *read_one(const struct target *t, struct hugepools *all,
				       struct err *e)
{
	const struct hugepool *p;
	char size[HUGEPAGE_TEXT];

	if (hugepools_read(t->h, all, e) < 0)
		return NULL;
	p = hugepools_find(all, t->page, t->node);
	if (!p && t->node == HUGEPOOL_ALL)
		err_set(e, -ENODEV, "this kernel has no pages of %s",
			hugepage_text(t->page, size));
	else if (!p)
		err_set(e, -ENODEV, "there is no node %d with pages of %s", t->node,
			hugepage_text(t->page, size));
	return p;
}

static int get(void *ctx, uint64_t *pages, struct err *e)
{
	AUTO_HUGEPOOLS struct hugepools all = { 0 };
	struct err mine = { 0 };
	const struct hugepool *p = read_one(ctx, &all, &mine);

	if (!p)
		return err_set(e, mine.code, "%s", mine.msg);
	*pages = p->nr > p->surplus ? p->nr - p->surplus : 0;
	return 0;
}

static int set(void *ctx, uint64_t pages, struct err *e)
{
	const struct target *t = ctx;
	char path[HUGEPOOL_PATH];

	hugepool_path(t->page, t->node, "nr_hugepages", path);
	return write_number(t->h, path, pages, e);
}

/* First only moves memory together; then gives up clean caches as well. */
static int compact(void *ctx, unsigned round, struct err *e)
{
	const struct target *t = ctx;

	if (round) {
		int r = write_number(t->h, "/proc/sys/vm/drop_caches", 3, e);

		if (r < 0)
			return r;
	}
	return write_number(t->h, "/proc/sys/vm/compact_memory", 1, e);
}

static int check(const struct target *t, uint64_t count, struct err *e)
{
	AUTO_HUGEPOOLS struct hugepools all = { 0 };
	struct err mine = { 0 };
	const struct hugepool *p = read_one(t, &all, &mine);
	struct memory mem;
	uint64_t bytes;
	int r;

	if (!p)
		return err_set(e, mine.code, "%s", mine.msg);
	r = memory_read(t->h, &mem, e);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(count, t->page, &bytes) || bytes >= mem.total)
		return err_set(e, -EINVAL, "%llu pages are more than the memory of the host",
			       (unsigned long long)count);
	if (count < hugepool_used(p))
		return err_set(e, -EBUSY,
			       "%llu of the %llu pages are in use or promised to somebody, so "
			       "the pool cannot shrink to %llu",
			       (unsigned long long)hugepool_used(p), (unsigned long long)p->nr,
			       (unsigned long long)count);
	return 0;
}

int hugepool_set(const struct host *h, uint64_t page, int node, uint64_t count, unsigned flags,
		 struct progress *p, uint64_t *got, struct err *e)
{
	static const struct grow_ops ops = { get, set, compact };
	struct target t = { h, page, node };
	uint64_t step = page < STEP_BYTES ? STEP_BYTES / page : 1;
	int r = check(&t, count, e);

	*got = 0;
	if (r < 0)
		return r;
	r = grow_to(&ops, &t, count, step, flags & HUGEPOOL_COMPACT ? ROUNDS : 0, p, got, e);
	if (r == 0 && *got != count)
		return err_set(e, -EBUSY,
			       "the pool has %llu pages, not %llu: somebody else changes it",
			       (unsigned long long)*got, (unsigned long long)count);
	return r;
}
