/* SPDX-License-Identifier: MIT */
#include "base/size.h"
#include "host/fstab.h"
#include "host/memory.h"
#include "hugepages/boot_conf.h"
#include "hugepages/cmds.h"
#include "hugepages/mount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_status_opts[] = {
	TOOL_OPT_JSON,
	TOOL_OPT_ROOT,
	TOOL_OPT_END,
};

struct report {
	const struct host *h;
	bool kernel; /* pools, memory and mounts were read */
	struct memory mem;
	struct hugepools pools;
	struct hugemounts mounts;
	struct fstab fstab;
	char trap[ERR_MSG_SIZE]; /* what is wrong at the usual place, or "" */
};

static int gather(struct report *r, struct err *e)
{
	struct err mine = { 0 };
	int k = fstab_read(r->h, &r->fstab, e);

	r->kernel = host_has_kernel(r->h);
	if (k < 0 || !r->kernel)
		return k;
	k = hugepools_read(r->h, &r->pools, e);
	if (k == 0)
		k = memory_read(r->h, &r->mem, e);
	if (k == 0)
		k = hugemounts_read(r->h, &r->mounts, e);
	if (k == 0 && hugemount_check(r->h, HUGEMOUNT_PATH, 0, &mine) == -ENOTDIR)
		snprintf(r->trap, sizeof(r->trap), "%s", mine.msg);
	return k;
}

static void release(struct report *r)
{
	hugepools_free(&r->pools);
	hugemounts_free(&r->mounts);
	fstab_free(&r->fstab);
}

/* Is the entry mounted as it stands there: "mounted", "not mounted", what is different. */
static const char *entry_state(const struct report *r, const struct fstab_entry *f, char *buf,
			       size_t size)
{
	const struct hugemount *m = hugemounts_find(&r->mounts, f->target);
	struct hugemount_opts want = { 0 };
	struct err e = { 0 };
	int k;

	if (hugemount_options_parse(f->options, &want, &e) < 0) {
		snprintf(buf, size, "wrong: %s", e.msg);
		return buf;
	}
	k = m ? hugemount_options_same(&want, &m->opts, r->pools.default_page) : -1;
	free(want.rest);
	if (!r->kernel)
		return "";
	return k < 0 ? "not mounted" : k ? "mounted" : "mounted with other options";
}

static json_t *pools_json(const struct report *r)
{
	json_t *l = json_array();

	for (size_t i = 0; i < r->pools.n; i++) {
		const struct hugepool *p = &r->pools.v[i];

		json_array_append_new(l,
				      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
						"page_bytes", out_u64(p->page), "node",
						p->node == HUGEPOOL_ALL ? json_null()
									: json_integer(p->node),
						"pages", out_u64(p->nr), "free",
						out_u64(p->free), "promised", out_u64(p->resv),
						"used", out_u64(hugepool_used(p)), "surplus",
						out_u64(p->surplus), "overcommit",
						out_u64(p->overcommit)));
	}
	return l;
}

static json_t *mounts_json(const struct report *r)
{
	json_t *l = json_array();

	for (size_t i = 0; i < r->mounts.n; i++) {
		const struct hugemount *m = &r->mounts.v[i];
		char mode[16];

		snprintf(mode, sizeof(mode), "%04o", m->opts.mode);
		json_array_append_new(l, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:b}",
						   "path", out_text(m->path), "page_bytes",
						   out_u64(m->opts.page), "mode", mode, "uid",
						   out_u64(m->opts.uid), "gid",
						   out_u64(m->opts.gid), "options",
						   out_text(m->opts.rest), "verified",
						   m->verified));
	}
	return l;
}

static json_t *fstab_json(const struct report *r)
{
	json_t *l = json_array();

	for (size_t i = 0; i < r->fstab.n; i++) {
		const struct fstab_entry *f = &r->fstab.v[i];
		char buf[ERR_MSG_SIZE + 16];
		const char *state;

		if (strcmp(f->type, "hugetlbfs"))
			continue;
		state = entry_state(r, f, buf, sizeof(buf));
		json_array_append_new(l, json_pack("{s:o, s:o, s:i, s:o}", "path",
						   out_text(f->target), "options",
						   out_text(f->options), "line", (int)f->line,
						   "state", out_text(*state ? state : NULL)));
	}
	return l;
}

static int print_json(const struct report *r)
{
	bool k = r->kernel;

	return out_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
				  "vhuge-status/1", "root", out_text(host_root(r->h)),
				  "memory_bytes", k ? out_u64(r->mem.total) : json_null(),
				  "available_bytes",
				  k ? out_u64(r->mem.available) : json_null(),
				  "default_page_bytes",
				  k ? out_u64(r->pools.default_page) : json_null(), "pools",
				  k ? pools_json(r) : json_null(), "mounts",
				  k ? mounts_json(r) : json_null(), "fstab", fstab_json(r),
				  "trap", out_text(r->trap[0] ? r->trap : NULL)),
			TOOL_OK);
}

static void count(char *out, uint64_t v)
{
	snprintf(out, 24, "%llu", (unsigned long long)v);
}

static void print_pools(const struct report *r)
{
	struct out_table t = { .right = { false, true, true, true, true, true, true } };

	if (!r->pools.n) {
		printf("\nThis kernel has no huge pages\n");
		return;
	}
	printf("\n");
	out_row(&t, "PAGE", "NODE", "PAGES", "FREE", "PROMISED", "SURPLUS", "OVERCOMMIT");
	for (size_t i = 0; i < r->pools.n; i++) {
		const struct hugepool *p = &r->pools.v[i];
		char page[HUGEPAGE_TEXT + 2], node[16] = "all", n[5][24];
		bool all = p->node == HUGEPOOL_ALL;

		/* one node is the whole */
		if (!all && r->pools.n_nodes < 2)
			continue;
		hugepage_text(p->page, page);
		if (all && p->page == r->pools.default_page)
			strcat(page, "*");
		if (!all)
			snprintf(node, sizeof(node), "%d", p->node);
		count(n[0], p->nr);
		count(n[1], p->free);
		count(n[2], p->resv);
		count(n[3], p->surplus);
		count(n[4], p->overcommit);
		out_row(&t, page, node, n[0], n[1], all ? n[2] : "", n[3], all ? n[4] : "");
	}
	out_table(&t, 0);
	if (r->pools.default_page)
		printf("* the default size\n");
}

static void print_mounts(const struct report *r)
{
	struct out_table t = { 0 };

	printf("\n");
	if (!r->mounts.n)
		printf("No hugetlbfs is mounted\n");
	else
		out_row(&t, "MOUNT", "PAGE", "MODE", "OWNER", "OPTIONS");
	for (size_t i = 0; i < r->mounts.n; i++) {
		const struct hugemount *m = &r->mounts.v[i];
		char page[HUGEPAGE_TEXT], mode[16], owner[32];

		snprintf(mode, sizeof(mode), "%04o", m->opts.mode);
		snprintf(owner, sizeof(owner), "%u:%u", m->opts.uid, m->opts.gid);
		out_row(&t, m->path, m->opts.page ? hugepage_text(m->opts.page, page) : "?",
			mode, owner, m->opts.rest ? m->opts.rest : "");
	}
	out_table(&t, 0);
	if (r->trap[0])
		printf("%s\n", r->trap);
}

static void print_fstab(const struct report *r)
{
	struct out_table t = { 0 };

	for (size_t i = 0; i < r->fstab.n; i++) {
		const struct fstab_entry *f = &r->fstab.v[i];
		char buf[ERR_MSG_SIZE + 16];

		if (strcmp(f->type, "hugetlbfs"))
			continue;
		if (!t.rows)
			out_row(&t, "FSTAB", "OPTIONS", "STATE");
		out_row(&t, f->target, f->options, entry_state(r, f, buf, sizeof(buf)));
	}
	printf("%s", t.rows ? "\n" : "\nNo hugetlbfs in " FSTAB "\n");
	out_table(&t, 0);
}

static void print_text(const struct report *r)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];

	if (!r->kernel) {
		printf("%s is no running host: it has no pools and no mounts\n",
		       host_root(r->h));
	} else {
		printf("Memory %s, %s available, %s in huge pages\n",
		       size_human(r->mem.total, a), size_human(r->mem.available, b),
		       size_human(hugepools_bytes(&r->pools, HUGEPOOL_ALL, 0), c));
		print_pools(r);
		print_mounts(r);
	}
	print_fstab(r);
}

int cmd_status(const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct report r = { 0 };
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &args, NULL, NULL, 0, 0, &n);

	if (status >= 0)
		return status;
	if (host_open(args.root, &h, &e) < 0)
		return tool_fail(&args, &e);
	r.h = h;
	if (gather(&r, &e) < 0) {
		status = tool_fail(&args, &e);
	} else {
		status = TOOL_OK;
		if (args.json)
			status = print_json(&r);
		else
			print_text(&r);
	}
	release(&r);
	return status;
}
