/* SPDX-License-Identifier: MIT */
/*
 * The pool: pages on each NUMA node, now as far as memory allows, and for the next boot in the
 * file that the boot service reads.  A pool that is larger is left so: somebody wanted it.
 */
#include "base/mem.h"
#include "base/str.h"
#include "hugepages/boot_conf.h"
#include "hugepages/pools.h"
#include "tune/steps/huge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Live: one node, or the machine where there are none. */
static int grow(const struct stepping *s, const struct huge_answer *a, const struct hugenode *n,
		struct err *e)
{
	char path[160], value[24], text[HUGEPAGE_TEXT], node[48] = "/sys/kernel/mm";

	if (n->pages <= n->now)
		return 0;
	if (a->size.host.numa)
		snprintf(node, sizeof(node), "/sys/devices/system/node/node%d", n->node);
	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%llukB/nr_hugepages", node,
		 (unsigned long long)(a->page >> 10));
	snprintf(value, sizeof(value), "%llu", (unsigned long long)n->pages);
	return STEP_CHANGE(s, &kind_sysfs, path, value, WHEN_NOW, e,
			   "the profile's guests take %llu pages of %s in all; the host keeps "
			   "%llu MiB",
			   (unsigned long long)a->size.pages, hugepage_text(a->page, text),
			   (unsigned long long)(a->size.left >> 20));
}

static int push(struct hugeboot *b, const struct hugeboot_pool *p, struct err *e)
{
	void *v = b->v;

	if (mem_grow(&v, b->n + 1, sizeof(*p), e) < 0)
		return -ENOMEM;
	b->v = v;
	b->v[b->n++] = *p;
	return 0;
}

/* The pools of this size as they should be; those of other sizes stay. */
static int pools(const struct huge_answer *a, const struct hugeboot *old, struct hugeboot *out,
		 struct err *e)
{
	const struct hugehost *host = &a->size.host;
	int r = 0;

	for (size_t i = 0; r == 0 && i < old->n; i++)
		if (old->v[i].page != a->page)
			r = push(out, &old->v[i], e);
	if (!host->numa) {
		const struct hugeboot_pool p = { a->page, a->size.pages, -1, 0 };

		return r == 0 ? push(out, &p, e) : r;
	}
	for (size_t i = 0; r == 0 && i < host->n_nodes; i++) {
		const struct hugeboot_pool p = { a->page, host->nodes[i].pages,
						 host->nodes[i].node, 0 };

		if (p.count)
			r = push(out, &p, e);
	}
	return r;
}

static bool same(const struct hugeboot *a, const struct hugeboot *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].page != b->v[i].page || a->v[i].count != b->v[i].count ||
		    a->v[i].node != b->v[i].node)
			return false;
	return true;
}

static int persist(const struct stepping *s, const struct huge_answer *a, struct err *e)
{
	struct hugeboot old = { 0 }, want = { 0 };
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	struct err why = { 0 };
	int r = step_text(s, HUGEBOOT_PATH, &text, e);

	if (r < 0)
		return r;
	r = text ? hugeboot_parse(text, strlen(text), &old, &why) : 0;
	if (r == -EINVAL)
		return STEP_NOTE(s, true, e, HUGEBOOT_PATH " %s", why.msg);
	if (r == 0)
		r = pools(a, &old, &want, e);
	/* a file that says the same in other words is somebody's */
	if (r == 0 && !(text && same(&old, &want))) {
		fresh = hugeboot_text(&want, e);
		r = fresh ? STEP_CHANGE(s, &kind_file, HUGEBOOT_PATH, fresh, WHEN_REBOOT, e,
					"the same at the next boot, by the service "
					"hostkit-hugepages")
			  : -ENOMEM;
	}
	hugeboot_free(&old);
	hugeboot_free(&want);
	return r;
}

static int ready(const struct stepping *s, const struct huge_answer *a, struct err *e)
{
	const struct hugesize *q = &a->size;
	char text[HUGEPAGE_TEXT];
	int r = 0;

	/* by luck alone at run time: step kernel.cmdline */
	if (a->at_boot)
		return host_has_kernel(s->h) && q->add
			       ? STEP_NOTE(
					 s, false, e,
					 "%llu more pages of %s come at the next boot, by the "
					 "kernel's command line (%s)",
					 (unsigned long long)q->add,
					 hugepage_text(a->page, text), q->cmdline)
			       : 0;
	if (host_has_kernel(s->h) && q->add && !q->now_fits)
		r = STEP_NOTE(
			s, true, e,
			"too little memory is free for %llu more pages of %s: they come at "
			"the next boot",
			(unsigned long long)q->add, hugepage_text(a->page, text));
	else if (host_has_kernel(s->h))
		for (size_t i = 0; r == 0 && i < q->host.n_nodes; i++)
			r = grow(s, a, &q->host.nodes[i], e);
	else
		r = STEP_NOTE(s, false, e,
			      "%llu pages of %s are reserved at boot whatever memory the "
			      "machine has; 'vtune plan' on it looks whether they fit",
			      (unsigned long long)q->pages, hugepage_text(a->page, text));
	return r == 0 ? persist(s, a, e) : r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "hugepages.pool" };
	AUTO_HUGE struct huge_answer *a = NULL;
	int r = huge_work_out(&s, &a, e);

	if (r == 0 && a->state == HUGE_BLOCKED)
		r = STEP_NOTE(&s, true, e, "%s", a->why);
	else if (r == 0 && a->state == HUGE_READY)
		r = ready(&s, a, e);
	return r;
}

const struct step step_hugepages_pool = {
	.id = "hugepages.pool",
	.title = "Huge page pool",
	.why = "A mount of hugetlbfs gives no pages: the kernel has to be told how many, on "
	       "which node, and the host has to keep enough for itself.",
	.plan = plan,
};
