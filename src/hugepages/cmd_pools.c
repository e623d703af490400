/* SPDX-License-Identifier: MIT */
#include "hugepages/cmd_pools.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *cmd_pool_name(const struct cmd_pool *p, char out[48])
{
	char page[HUGEPAGE_TEXT];

	hugepage_text(p->page, page);
	if (p->node == HUGEPOOL_ALL)
		snprintf(out, 48, "%s", page);
	else
		snprintf(out, 48, "%s on node %d", page, p->node);
	return out;
}

int cmd_pool_look(const struct host *h, struct cmd_pool *p)
{
	AUTO_HUGEPOOLS struct hugepools all = { 0 };
	const struct hugepool *v;
	char name[48];
	int r = hugepools_read(h, &all, &p->e);

	if (r < 0)
		return r;
	v = hugepools_find(&all, p->page, p->node);
	if (!v)
		return err_set(&p->e, -ENODEV, "there are no pages of %s",
			       cmd_pool_name(p, name));
	p->got = p->before = v->nr > v->surplus ? v->nr - v->surplus : 0;
	return 0;
}

static void show(void *arg, const struct progress *p, bool last)
{
	char name[48];

	fprintf(stderr, "\r%llu of %llu pages of %s%s",
		(unsigned long long)atomic_load(&p->done),
		(unsigned long long)atomic_load(&p->total), cmd_pool_name(arg, name),
		last ? "\n" : "");
}

void cmd_pool_set(const struct host *h, struct cmd_pool *p, bool compact)
{
	struct progress progress;
	int r;

	/* what is done within a second needs no progress */
	progress_init(&progress, 1000, isatty(STDERR_FILENO) ? show : NULL, p);
	progress_total(&progress, p->wanted > p->before ? p->wanted - p->before : 0);
	r = hugepool_set(h, p->page, p->node, p->wanted, compact ? HUGEPOOL_COMPACT : 0,
			 &progress, &p->got, &p->e);
	if (progress.show && atomic_load(&progress.next_ns) > progress.start_ns + 1000000000)
		progress_end(&progress);
	if (r < 0 && r != -ENOSPC) {
		struct cmd_pool now = { .page = p->page, .node = p->node };

		p->got = cmd_pool_look(h, &now) == 0 ? now.before : p->before;
	}
}

json_t *cmd_pool_json(const struct cmd_pool *p, bool dry_run)
{
	const char *result = p->e.code == -ENOSPC ? "short"
			     : p->e.code          ? "failed"
			     : p->unchanged       ? "unchanged"
			     : dry_run            ? "would-change"
						  : "changed";

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "page_bytes", out_u64(p->page),
			 "node", p->node == HUGEPOOL_ALL ? json_null() : json_integer(p->node),
			 "before", out_u64(p->before), "wanted", out_u64(p->wanted), "pages",
			 out_u64(p->got), "result", result, "error", out_error(&p->e));
}
