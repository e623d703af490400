/* SPDX-License-Identifier: MIT */
#include "hugepages/size.h"

#include "base/size.h"
#include "base/str.h"
#include "hugepages/place.h"
#include "hugepages/pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB       (1ull << 30)
/* The buddy allocator hands out 4 MiB at most, and what is a few times that is still found. */
#define BOOT_PAGE (64ull << 20)

uint64_t hugesize_keep(uint64_t total)
{
	uint64_t least = total / 4 < GIB ? total / 4 : GIB;

	return total / 10 > least ? total / 10 : least;
}

static int parse_number(const char **p, unsigned max, unsigned *out)
{
	unsigned v = 0;
	const char *s = *p;

	for (; *s >= '0' && *s <= '9' && v <= max; s++)
		v = v * 10 + (unsigned)(*s - '0');
	if (s == *p || !v || v > max)
		return -EINVAL;
	*p = s;
	*out = v;
	return 0;
}

int hugeguest_parse(const char *text, struct hugeguest *out, struct err *e)
{
	char size[32];
	const char *p = text, *x = strchr(text, 'x'), *end;

	*out = (struct hugeguest){ .count = 1, .backends = 1 };
	/* "0x..." is no hexadecimal number here */
	if (x && (parse_number(&p, HUGESIZE_COUNT, &out->count) < 0 || p != x))
		return err_set(e, -EINVAL, "'%.40s': how many guests? 2x4G is two of 4 GiB",
			       text);
	p = x ? x + 1 : text;
	end = p + strcspn(p, "/");
	if ((size_t)(end - p) >= sizeof(size))
		return err_set(e, -EINVAL, "'%.40s' is no size of memory", text);
	memcpy(size, p, (size_t)(end - p));
	size[end - p] = '\0';
	if (size_parse(size, 'b', &out->bytes, NULL) < 0 || !out->bytes)
		return err_set(e, -EINVAL, "'%.40s' is no size of memory, such as 4G", text);
	if (*end) {
		p = end + 1;
		if (parse_number(&p, HUGESIZE_NODES, &out->backends) < 0 || *p)
			return err_set(e, -EINVAL,
				       "'%.40s': on how many nodes? 8G/2 is 8 GiB on two, %d "
				       "at most",
				       text, HUGESIZE_NODES);
	}
	return 0;
}

static int overflows(struct err *e)
{
	return err_set(e, -EOVERFLOW, "these guests have more memory than can be counted");
}

static int check(const struct hugesize *s, struct err *e)
{
	char size[HUGEPAGE_TEXT];
	uint64_t units = 0;

	if (s->page < 4096 || (s->page & (s->page - 1)) || s->page > INT64_MAX)
		return err_set(e, -EINVAL, "%s is no page size", hugepage_text(s->page, size));
	if (!s->n_guests && !s->reserve)
		return err_set(e, -EINVAL, "neither guests nor a reserve are asked for");
	if (s->n_guests > HUGESIZE_GUESTS)
		return err_set(e, -EINVAL, "more than %d kinds of guests", HUGESIZE_GUESTS);
	if (!s->host.n_nodes || s->host.n_nodes > HUGESIZE_NODES || !s->host.total)
		return err_set(e, -EINVAL, "the host has no memory");
	for (size_t i = 0; i < s->n_guests; i++) {
		const struct hugeguest *g = &s->guests[i];

		if (!g->bytes || g->bytes > INT64_MAX || !g->count || !g->backends ||
		    g->count > HUGESIZE_COUNT || g->backends > HUGESIZE_NODES)
			return err_set(e, -EINVAL, "a guest without memory, or too many");
		units += (uint64_t)g->count * g->backends;
	}
	if (units > HUGESIZE_COUNT)
		return err_set(e, -EINVAL, "more than %d guests", HUGESIZE_COUNT);
	return 0;
}

/* Each backend is a file of its own, so each has its own last page. */
static int size_guest(uint64_t page, struct hugeguest *g, struct err *e)
{
	uint64_t part = g->bytes / g->backends + (g->bytes % g->backends != 0);
	uint64_t pages = part / page + (part % page != 0), bytes;

	g->pages = pages * g->backends;
	if (__builtin_mul_overflow(g->pages, page, &bytes) || bytes > INT64_MAX)
		return overflows(e);
	g->waste = bytes - g->bytes;
	return 0;
}

static int count_pages(struct hugesize *s, struct err *e)
{
	s->guest_pages = 0;
	for (size_t i = 0; i < s->n_guests; i++) {
		struct hugeguest *g = &s->guests[i];
		uint64_t pages;
		int r = size_guest(s->page, g, e);

		if (r < 0)
			return r;
		if (__builtin_mul_overflow(g->pages, g->count, &pages) ||
		    __builtin_add_overflow(s->guest_pages, pages, &s->guest_pages))
			return overflows(e);
	}
	if (__builtin_add_overflow(s->guest_pages, s->reserve, &s->pages) ||
	    __builtin_mul_overflow(s->pages, s->page, &s->bytes) || s->bytes > INT64_MAX)
		return overflows(e);
	return 0;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What each node can give, and what the pools are today. */
static void look_at_nodes(struct hugesize *s)
{
	s->other = s->now = 0;
	for (size_t i = 0; i < s->host.n_nodes; i++) {
		struct hugenode *n = &s->host.nodes[i];
		double part = (double)n->total / (double)s->host.total;

		n->keep = (uint64_t)((double)s->keep * (part < 1 ? part : 1));
		n->room = less(n->total, add_up(n->other, n->keep)) / s->page;
		n->pages = 0;
		s->other = add_up(s->other, n->other);
		s->now = add_up(s->now, n->now);
	}
}

static void judge_pages(struct hugesize *s)
{
	char size[HUGEPAGE_TEXT];

	hugepage_text(s->page, size);
	if (s->host.have_page)
		return;
	s->fits = false;
	if (s->host.x86 && s->page == GIB)
		snprintf(s->why, sizeof(s->why),
			 "this processor has no pages of 1G (no flag pdpe1gb); use 2M");
	else
		snprintf(s->why, sizeof(s->why), "this kernel has no pages of %s%s%s", size,
			 s->host.sizes[0] ? "; it has " : "", s->host.sizes);
}

static void judge(struct hugesize *s, const struct hugenode *only)
{
	char bytes[SIZE_TEXT], keep[SIZE_TEXT], most[SIZE_TEXT];

	s->fits = add_up(s->bytes, s->other) <= s->host.total && s->left >= s->keep;
	if (!s->fits)
		snprintf(s->why, sizeof(s->why),
			 "%s in huge pages would leave the host less than the %s it needs; "
			 "%s of such pages are the most",
			 size_human(s->bytes, bytes), size_human(s->keep, keep),
			 size_human(less(s->host.total, add_up(s->other, s->keep)), most));
	if (s->fits && only && only->pages > only->room) {
		s->fits = false;
		snprintf(s->why, sizeof(s->why), "node %d has room for %s, not for %s",
			 only->node, size_human(only->room * s->page, most),
			 size_human(s->bytes, bytes));
	}
	judge_pages(s);
}

/* "hugepagesz=1G hugepages=0:2,1:2": counts by node where the kernel would else spread them
 * as it likes. */
static int make_cmdline(struct hugesize *s, struct err *e)
{
	struct str t = STR_INIT;
	char size[HUGEPAGE_TEXT];
	bool first = true;

	str_addf(&t, "hugepagesz=%s hugepages=", hugepage_text(s->page, size));
	if (!s->host.numa)
		str_addf(&t, "%llu", (unsigned long long)s->pages);
	for (size_t i = 0; s->host.numa && i < s->host.n_nodes; i++) {
		const struct hugenode *n = &s->host.nodes[i];

		if (!n->pages)
			continue;
		str_addf(&t, "%s%d:%llu", first ? "" : ",", n->node,
			 (unsigned long long)n->pages);
		first = false;
	}
	free(s->cmdline);
	s->cmdline = str_take(&t, e);
	return s->cmdline ? 0 : -ENOMEM;
}

static void compare_with_now(struct hugesize *s)
{
	uint64_t bytes;

	s->add = 0;
	for (size_t i = 0; i < s->host.n_nodes; i++)
		s->add = add_up(s->add, less(s->host.nodes[i].pages, s->host.nodes[i].now));
	s->boot = s->add && s->page >= BOOT_PAGE;
	/* what is available is not all to be taken: a quarter of what stays for the host
	 * must be there at once */
	s->now_fits = !__builtin_mul_overflow(s->add, s->page, &bytes) &&
		      (!s->add || !s->host.available ||
		       add_up(bytes, s->keep / 4) <= s->host.available);
}

int hugesize_plan(struct hugesize *s, struct err *e)
{
	struct hugenode *only = NULL;
	int r = check(s, e);

	if (r == 0)
		r = count_pages(s, e);
	if (r < 0)
		return r;
	s->why[0] = '\0';
	s->spread = 0;
	s->keep = hugesize_keep(s->host.total);
	look_at_nodes(s);
	s->left = less(s->host.total, add_up(s->bytes, s->other));
	for (size_t i = 0; i < s->host.n_nodes; i++)
		if (s->only_node == s->host.nodes[i].node)
			only = &s->host.nodes[i];
	if (s->only_node != HUGEPOOL_ALL && !only)
		return err_set(e, -ENODEV, "the host has no node %d", s->only_node);
	if (only)
		only->pages = s->pages;
	else
		r = place_guests(s, e);
	if (r < 0)
		return r;
	judge(s, only);
	compare_with_now(s);
	return make_cmdline(s, e);
}

void hugesize_free(struct hugesize *s)
{
	free(s->guests);
	free(s->cmdline);
	hugehost_free(&s->host);
	s->guests = NULL;
	s->cmdline = NULL;
	s->n_guests = 0;
}
