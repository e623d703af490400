/* SPDX-License-Identifier: MIT */
#include "hugepages/cmd_pools.h"

#include <stdio.h>

const struct cli_opt cmd_release_opts[] = {
	{ "page", 'p', "SIZE", OPT_PAGE },
	{ "node", 'N', "N", OPT_NODE },
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

/* Fills in how many stay: all that are in use, and of the others those not given back. */
static int decide(const struct host *h, struct cmd_pool *p, const char *count)
{
	AUTO_HUGEPOOLS struct hugepools all = { 0 };
	const struct hugepool *v;
	uint64_t unused, n;
	char name[48];
	int r = hugepools_read(h, &all, &p->e);

	if (r < 0)
		return r;
	p->page = p->page ? p->page : all.default_page;
	r = cmd_pool_look(h, p);
	v = r < 0 ? NULL : hugepools_find(&all, p->page, p->node);
	if (!v)
		return r < 0 ? r : -ENODEV;
	unused = p->before > hugepool_used(v) ? p->before - hugepool_used(v) : 0;
	n = unused;
	r = count ? cmd_number(count, "COUNT", 1ull << 40, &n, &p->e) : 0;
	if (r < 0)
		return r;
	if (n > unused)
		return err_set(
			&p->e, -EBUSY,
			"of %llu pages of %s only %llu are unused: nothing is given back",
			(unsigned long long)p->before, cmd_pool_name(p, name),
			(unsigned long long)unused);
	p->wanted = p->before - n;
	p->unchanged = n == 0;
	return 0;
}

static void print(const struct cmd_pool *p, bool dry_run)
{
	char name[48];

	cmd_pool_name(p, name);
	if (p->unchanged)
		printf("pages of %s: none are unused\n", name);
	else
		printf("pages of %s: %s%llu (there %s %llu)\n", name,
		       dry_run ? "would have " : "",
		       (unsigned long long)(dry_run ? p->wanted : p->got),
		       dry_run ? "are" : "were", (unsigned long long)p->before);
}

int cmd_release(const struct tool_cmd *c, int argc, char **argv)
{
	struct cmd_question q = { .s.only_node = HUGEPOOL_ALL };
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct cmd_pool p = { 0 };
	struct err e = { 0 };
	json_t *l;
	int n, status = tool_parse(c, argc, argv, &args, cmd_question_opt, &q, 0, 1, &n);

	if (status >= 0)
		return status;
	if (host_open(NULL, &h, &e) < 0)
		return tool_fail(&args, &e);
	p.page = q.s.page;
	p.node = q.s.only_node;
	if (decide(h, &p, n ? argv[1] : NULL) == 0 && !p.unchanged && !args.dry_run)
		cmd_pool_set(h, &p, false);
	if (p.e.code)
		return tool_fail(&args, &p.e);
	if (!args.json) {
		print(&p, args.dry_run);
		return TOOL_OK;
	}
	l = json_array();
	json_array_append_new(l, cmd_pool_json(&p, args.dry_run));
	return out_json(json_pack("{s:s, s:b, s:o}", "schema", "vhuge-release/1", "dry_run",
				  args.dry_run, "pools", l),
			TOOL_OK);
}
