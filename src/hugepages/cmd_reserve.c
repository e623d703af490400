/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "base/size.h"
#include "hugepages/boot_conf.h"
#include "hugepages/cmd_pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_reserve_opts[] = {
	{ "guest", 'g', "SIZE", OPT_GUEST },
	{ "page", 'p', "SIZE", OPT_PAGE },
	{ "reserve", 'r', "N", OPT_RESERVE },
	{ "node", 'N', "N", OPT_NODE },
	{ "compact", 0, NULL, OPT_COMPACT },
	{ "boot", 0, "FILE", OPT_BOOT },
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

struct reserve {
	struct cmd_question q;
	struct tool_args args;
	const struct host *h;
	const char *boot;
	bool compact;
	struct cmd_pool *v;
	size_t n;
};

static int each(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct reserve *r = ctx;

	if (id == OPT_COMPACT)
		r->compact = true;
	else if (id == OPT_BOOT)
		r->boot = value;
	else
		return cmd_question_opt(&r->q, id, value, e);
	return 0;
}

static int add(struct reserve *r, uint64_t page, int node, uint64_t wanted, struct err *e)
{
	int k = mem_grow((void **)&r->v, r->n + 1, sizeof(*r->v), e);

	if (k == 0)
		r->v[r->n++] =
			(struct cmd_pool){ .page = page, .node = node, .wanted = wanted };
	return k;
}

/* An answer that is no, or not now, is an error here. */
static int check(const struct hugesize *s, struct err *e)
{
	char a[SIZE_TEXT], b[SIZE_TEXT];

	if (!s->fits)
		return err_set(e, -ENOSPC, "%s", s->why);
	if (!s->now_fits)
		return err_set(e, -ENOSPC,
			       "%s more are needed, and of the %s that are available now the "
			       "host needs some: stop something, or reserve at boot with '%s'",
			       size_human(s->add * s->page, a),
			       size_human(s->host.available, b), s->cmdline);
	return 0;
}

/* By the guests, each node gets its own; a bare count is for the kernel to spread. */
static int by_question(struct reserve *r, struct err *e)
{
	struct hugesize *s = &r->q.s;
	int k = cmd_question_plan(r->h, s, e);

	if (k == 0)
		k = check(s, e);
	if (k < 0)
		return k;
	if (!s->host.numa || !s->n_guests || s->only_node != HUGEPOOL_ALL)
		return add(r, s->page, s->only_node, s->pages, e);
	for (size_t i = 0; i < s->host.n_nodes && k == 0; i++)
		if (s->host.nodes[i].pages)
			k = add(r, s->page, s->host.nodes[i].node, s->host.nodes[i].pages, e);
	return k;
}

static int by_file(struct reserve *r, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct hugeboot b = { 0 };
	int k = io_read_file(r->boot, 1u << 20, &text, e);

	if (k == 0) {
		k = hugeboot_parse(text, strlen(text), &b, e);
		if (k < 0)
			err_wrap(e, k, "%s", r->boot);
	}
	for (size_t i = 0; k == 0 && i < b.n; i++)
		k = add(r, b.v[i].page, b.v[i].node, b.v[i].count, e);
	hugeboot_free(&b);
	return k;
}

/* A pool of a boot file, with what the ones before it have taken. */
static int check_one(const struct reserve *r, struct cmd_pool *p)
{
	struct hugesize s = { .page = p->page, .reserve = p->wanted, .only_node = p->node };
	int k = p->wanted ? cmd_question_plan(r->h, &s, &p->e) : 0;

	if (k == 0 && p->wanted)
		k = check(&s, &p->e);
	hugesize_free(&s);
	return k;
}

static void carry_out(struct reserve *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct cmd_pool *p = &r->v[i];

		if (cmd_pool_look(r->h, p) < 0)
			continue;
		/* never fewer than there are: that is for release */
		p->unchanged = p->before >= p->wanted;
		if (p->unchanged || (r->boot && check_one(r, p) < 0) || r->args.dry_run)
			continue;
		cmd_pool_set(r->h, p, r->compact);
	}
}

static void print_pool(const struct reserve *r, const struct cmd_pool *p)
{
	unsigned long long before = p->before, wanted = p->wanted, got = p->got;
	char name[48];

	cmd_pool_name(p, name);
	if (p->e.code)
		tool_error("pages of %s: %s", name, p->e.msg);
	else if (p->unchanged)
		printf("pages of %s: there are %llu already\n", name, before);
	else if (r->args.dry_run)
		printf("pages of %s: would have %llu, there are %llu\n", name, wanted, before);
	else
		printf("pages of %s: %llu (there were %llu)\n", name, got, before);
}

static int report(const struct reserve *r)
{
	bool bad = false, scarce = false;
	json_t *l;

	for (size_t i = 0; i < r->n; i++) {
		bad |= r->v[i].e.code != 0;
		scarce |= r->v[i].e.code == -ENOSPC;
		if (!r->args.json)
			print_pool(r, &r->v[i]);
	}
	if (!r->args.json) {
		if (scarce && !r->boot)
			printf("What came is kept. %s%s%s\n",
			       r->compact ? "The kernel's command line gives the rest at boot"
					  : "--compact asks the kernel to make room",
			       r->compact && r->q.s.cmdline ? ": " : "",
			       r->compact && r->q.s.cmdline ? r->q.s.cmdline : "");
		return bad ? TOOL_FAILED : TOOL_OK;
	}
	l = json_array();
	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(l, cmd_pool_json(&r->v[i], r->args.dry_run));
	return out_json(json_pack("{s:s, s:b, s:o, s:o}", "schema", "vhuge-reserve/1",
				  "dry_run", r->args.dry_run, "pools", l, "plan",
				  r->boot ? json_null() : cmd_size_json(&r->q.s)),
			bad ? TOOL_FAILED : TOOL_OK);
}

/* COUNT, --guest and --boot are three ways to say how many. */
static int check_usage(struct reserve *r, int n, char **argv)
{
	struct hugesize *s = &r->q.s;
	bool asked = s->n_guests || s->reserve;
	struct err e = { 0 };

	if ((n != 0) + (s->n_guests != 0) + (r->boot != NULL) > 1 || (n && asked) ||
	    (r->boot && (asked || s->page || s->only_node != HUGEPOOL_ALL)))
		return tool_usage("reserve: COUNT, --guest and --boot exclude each other");
	if (!n && !s->n_guests && !r->boot)
		return tool_usage("reserve: how many? COUNT, --guest or --boot says so");
	if (n && cmd_number(argv[1], "COUNT", 1ull << 40, &s->reserve, &e) < 0)
		return tool_usage("reserve: %s", e.msg);
	if (n && !s->reserve)
		return tool_usage("reserve: 0 pages are nothing; 'vhuge release' gives back");
	return -1;
}

int cmd_reserve(const struct tool_cmd *c, int argc, char **argv)
{
	struct reserve r = { .q.s.only_node = HUGEPOOL_ALL };
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &r.args, each, &r, 0, 1, &n);

	if (status < 0)
		status = check_usage(&r, n, argv);
	if (status < 0 && host_open(NULL, &h, &e) < 0)
		status = tool_fail(&r.args, &e);
	if (status < 0) {
		r.h = h;
		if ((r.boot ? by_file(&r, &e) : by_question(&r, &e)) < 0) {
			status = tool_fail(&r.args, &e);
		} else {
			carry_out(&r);
			status = report(&r);
		}
	}
	hugesize_free(&r.q.s);
	free(r.v);
	return status;
}
