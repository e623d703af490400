/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/size.h"
#include "hugepages/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_size_opts[] = {
	{ "guest", 'g', "SIZE", OPT_GUEST },
	{ "page", 'p', "SIZE", OPT_PAGE },
	{ "reserve", 'r', "N", OPT_RESERVE },
	{ "node", 'N', "N", OPT_NODE },
	TOOL_OPT_JSON,
	TOOL_OPT_ROOT,
	TOOL_OPT_END,
};

int cmd_number(const char *text, const char *what, uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) || v > max)
			break;
	if (p == text || *p)
		return err_set(e, -EINVAL, "%s '%.40s': a number up to %llu is wanted", what,
			       text, (unsigned long long)max);
	*out = v;
	return 0;
}

static int add_guest(struct hugesize *s, const char *text, struct err *e)
{
	struct hugeguest g;
	int r = hugeguest_parse(text, &g, e);

	if (r == 0 && s->n_guests == HUGESIZE_GUESTS)
		r = err_set(e, -EINVAL, "more than %d times --guest", HUGESIZE_GUESTS);
	if (r == 0)
		r = mem_grow((void **)&s->guests, s->n_guests + 1, sizeof(*s->guests), e);
	if (r == 0)
		s->guests[s->n_guests++] = g;
	return r;
}

int cmd_question_opt(void *question, unsigned id, const char *value, struct err *e)
{
	struct cmd_question *q = question;
	uint64_t n = 0;
	int r;

	switch (id) {
	case OPT_GUEST:
		return add_guest(&q->s, value, e);
	case OPT_PAGE:
		return hugepage_parse(value, &q->s.page, e);
	case OPT_RESERVE:
		return cmd_number(value, "--reserve", 1ull << 40, &q->s.reserve, e);
	case OPT_NODE:
		r = cmd_number(value, "--node", 65535, &n, e);
		q->s.only_node = (int)n;
		return r;
	default:
		return q->next ? q->next(q->ctx, id, value, e) : 0;
	}
}

int cmd_question_plan(const struct host *h, struct hugesize *s, struct err *e)
{
	int r = hugehost_read(h, &s->page, &s->host, e);

	return r < 0 ? r : hugesize_plan(s, e);
}

static json_t *guests_json(const struct hugesize *s)
{
	json_t *l = json_array();

	for (size_t i = 0; i < s->n_guests; i++) {
		const struct hugeguest *g = &s->guests[i];

		json_array_append_new(l, json_pack("{s:o, s:i, s:i, s:o, s:o}", "bytes",
						   out_u64(g->bytes), "count", (int)g->count,
						   "backends", (int)g->backends, "pages",
						   out_u64(g->pages), "wasted_bytes",
						   out_u64(g->waste)));
	}
	return l;
}

static json_t *nodes_json(const struct hugesize *s)
{
	json_t *l = json_array();

	for (size_t i = 0; i < s->host.n_nodes; i++) {
		const struct hugenode *n = &s->host.nodes[i];

		json_array_append_new(l,
				      json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
						"node", n->node, "bytes", out_u64(n->total),
						"other_bytes", out_u64(n->other), "keep_bytes",
						out_u64(n->keep), "room", out_u64(n->room),
						"now", out_u64(n->now), "used",
						out_u64(n->used), "pages", out_u64(n->pages)));
	}
	return l;
}

json_t *cmd_size_json(const struct hugesize *s)
{
	json_t *host = json_pack("{s:o, s:o, s:b, s:o}", "bytes", out_u64(s->host.total),
				 "available_bytes", out_u64(s->host.available), "numa",
				 s->host.numa, "nodes", nodes_json(s));
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			      "page_bytes", out_u64(s->page), "guests", guests_json(s),
			      "guest_pages", out_u64(s->guest_pages), "reserve_pages",
			      out_u64(s->reserve), "pages", out_u64(s->pages), "bytes",
			      out_u64(s->bytes), "other_bytes", out_u64(s->other), "keep_bytes",
			      out_u64(s->keep), "left_bytes", out_u64(s->left), "host", host);

	if (!o)
		return NULL;
	json_object_set_new(o, "node",
			    s->only_node == HUGEPOOL_ALL ? json_null()
							 : json_integer(s->only_node));
	json_object_set_new(o, "now_pages", out_u64(s->now));
	json_object_set_new(o, "add_pages", out_u64(s->add));
	json_object_set_new(o, "spread", json_integer(s->spread));
	json_object_set_new(o, "fits", json_boolean(s->fits));
	json_object_set_new(o, "fits_now", json_boolean(s->now_fits));
	json_object_set_new(o, "at_boot", json_boolean(s->boot));
	json_object_set_new(o, "cmdline", out_text(s->cmdline));
	json_object_set_new(o, "why", out_text(s->why[0] ? s->why : NULL));
	return o;
}

static void print_guests(const struct hugesize *s)
{
	char page[HUGEPAGE_TEXT], mem[SIZE_TEXT], part[SIZE_TEXT], waste[SIZE_TEXT];

	hugepage_text(s->page, page);
	for (size_t i = 0; i < s->n_guests; i++) {
		const struct hugeguest *g = &s->guests[i];
		unsigned long long pages = g->pages;

		size_human(g->bytes, mem);
		if (g->backends > 1)
			printf("  guest of %s on %u nodes: %u x ceil(%s / %s) = %llu pages",
			       mem, g->backends, g->backends,
			       size_human(g->bytes / g->backends, part), page, pages);
		else
			printf("  guest of %s: ceil(%s / %s) = %llu pages", mem, mem, page,
			       pages);
		if (g->waste)
			printf(", %s of them unused", size_human(g->waste, waste));
		if (g->count > 1)
			printf("; %u of them: %llu", g->count, pages * g->count);
		printf("\n");
	}
	if (s->reserve)
		printf("  reserve: %llu pages\n", (unsigned long long)s->reserve);
	printf("  in all: %llu pages of %s = %s\n", (unsigned long long)s->pages, page,
	       size_human(s->bytes, mem));
}

static void print_nodes(const struct hugesize *s)
{
	struct out_table t = { .right = { true, true, true, true, true } };

	if (!s->host.numa)
		return;
	out_row(&t, "NODE", "MEMORY", "ROOM", "NOW", "PAGES");
	for (size_t i = 0; i < s->host.n_nodes; i++) {
		const struct hugenode *n = &s->host.nodes[i];
		char node[16], mem[SIZE_TEXT], room[24], now[24], pages[24];

		snprintf(node, sizeof(node), "%d", n->node);
		snprintf(room, sizeof(room), "%llu", (unsigned long long)n->room);
		snprintf(now, sizeof(now), "%llu", (unsigned long long)n->now);
		snprintf(pages, sizeof(pages), "%llu", (unsigned long long)n->pages);
		out_row(&t, node, size_human(n->total, mem), room, now, pages);
	}
	out_table(&t, 2);
	if (s->spread)
		printf("  %u of the guests' parts fit on no node and are spread: their memory is "
		       "slower\n",
		       s->spread);
}

static void print_host(const struct hugesize *s)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT];

	printf("Host\n  %s - %s", size_human(s->host.total, a), size_human(s->bytes, b));
	if (s->other)
		printf(" - %s in pages of other sizes", size_human(s->other, c));
	printf(" = %s left; the host keeps at least %s\n", size_human(s->left, c),
	       size_human(s->keep, d));
}

static void print_next(const struct hugesize *s, const struct hugehost *h)
{
	char page[HUGEPAGE_TEXT], a[SIZE_TEXT];

	hugepage_text(s->page, page);
	printf("Next\n");
	if (!s->fits) {
		printf("  does not fit: %s\n", s->why);
		return;
	}
	if (!s->add) {
		printf("  nothing: the pool has %llu pages\n", (unsigned long long)s->now);
		return;
	}
	if (s->boot)
		printf("  pages of %s are scarce once the host has run for a while: put this on the\n"
		       "  kernel's command line, and reboot:\n    %s\n",
		       page, s->cmdline);
	else if (!s->now_fits)
		printf("  %llu more pages are needed, and only %s of memory is available now: "
		       "reserve\n  them at boot (vtune does), or on the kernel's command line: %s\n",
		       (unsigned long long)s->add, size_human(h->available, a), s->cmdline);
	else
		printf("  vhuge reserve with the same options makes the %llu pages that are "
		       "missing\n",
		       (unsigned long long)s->add);
}

int cmd_size(const struct tool_cmd *c, int argc, char **argv)
{
	struct cmd_question q = { .s.only_node = HUGEPOOL_ALL };
	struct hugesize *s = &q.s;
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &args, cmd_question_opt, &q, 0, 0, &n);

	if (status < 0 && !s->n_guests && !s->reserve)
		status = tool_usage("size: for which guests? --guest 4G for each of them");
	if (status < 0 && (host_open(args.root, &h, &e) < 0 || cmd_question_plan(h, s, &e) < 0))
		status = tool_fail(&args, &e);
	if (status < 0) {
		status = s->fits ? TOOL_OK : TOOL_NEGATIVE;
		if (args.json) {
			json_t *o = json_pack("{s:s}", "schema", "vhuge-size/1");
			json_t *more = cmd_size_json(s);

			json_object_update(o, more);
			json_decref(more);
			status = out_json(o, status);
		} else {
			printf("Guests\n");
			print_guests(s);
			print_nodes(s);
			print_host(s);
			print_next(s, &s->host);
		}
	}
	hugesize_free(s);
	return status;
}
