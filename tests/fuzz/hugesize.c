/* SPDX-License-Identifier: MIT */
/*
 * Guests and a host made from bytes: the arithmetic never overflows, the nodes' pages add up,
 * guests get what they asked for, and what is said to fit leaves the host its part.  The
 * first 16 bytes are the host (memory, nodes, page size, reserve), the rest words such as
 * "2x4G/2".
 */
#include "hugepages/pools.h"
#include "hugepages/size.h"
#include "tests/lib/fuzz.h"

#include <string.h>

enum { HEAD = 16, GUESTS = 8 };

static void must_add_up(const struct hugesize *s)
{
	uint64_t pages = 0, guests = 0;

	for (size_t i = 0; i < s->host.n_nodes; i++)
		pages += s->host.nodes[i].pages;
	for (size_t i = 0; i < s->n_guests; i++) {
		const struct hugeguest *g = &s->guests[i];

		must(g->pages * s->page == g->bytes + g->waste);
		must(g->pages % g->backends == 0);
		must(g->waste <= (s->page + 1) * g->backends);
		guests += g->pages * g->count;
	}
	must(pages == s->pages && guests == s->guest_pages);
	must(s->pages == s->guest_pages + s->reserve);
	must(s->bytes == s->pages * s->page);
	must(s->keep <= s->host.total);
	must(s->cmdline && !strncmp(s->cmdline, "hugepagesz=", 11));
	if (s->fits)
		must(!s->why[0] && s->bytes + s->other + s->left == s->host.total &&
		     s->left >= s->keep);
	else
		must(s->why[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hugeguest guests[GUESTS];
	struct hugenode nodes[4] = { { 0 } };
	struct hugesize s = { .guests = guests };
	struct err e = { 0 };
	uint64_t total;
	int r;

	if (len < HEAD)
		return 0;
	memcpy(&total, data, 8);
	s.page = 1ull << (12 + data[8] % 24);
	s.host.nodes = nodes;
	s.host.n_nodes = 1 + data[9] % 4;
	s.host.numa = s.host.n_nodes > 1;
	s.host.have_page = data[10] & 1;
	s.only_node = data[10] & 2 ? (int)(data[11] % 5) : HUGEPOOL_ALL;
	s.reserve = (uint64_t)data[12] << data[13] % 40;
	s.host.available = data[14] ? total / data[14] : 0;
	s.host.total = total >>= 1 + data[15] % 40;
	for (size_t i = 0; i < s.host.n_nodes; i++)
		nodes[i] = (struct hugenode){ .node = (int)i, .total = total / s.host.n_nodes };
	for (size_t at = HEAD; at < len && s.n_guests < GUESTS;) {
		char word[32];
		size_t n = 0;

		while (at < len && data[at] != ' ' && n < sizeof(word) - 1)
			word[n++] = (char)data[at++];
		word[n] = '\0';
		at++;
		if (hugeguest_parse(word, &guests[s.n_guests], NULL) == 0)
			s.n_guests++;
	}
	r = hugesize_plan(&s, &e);
	if (r < 0)
		must(r == e.code && e.msg[0] &&
		     (r == -EINVAL || r == -EOVERFLOW || r == -ENODEV));
	else
		must_add_up(&s);
	free(s.cmdline);
	return 0;
}
