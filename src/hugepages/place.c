/* SPDX-License-Identifier: MIT */
#include "hugepages/place.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Backends of one size. */
struct lot {
	uint64_t pages; /* of one backend */
	uint64_t count;
};

static int larger_first(const void *a, const void *b)
{
	const struct lot *x = a, *y = b;

	return (x->pages < y->pages) - (x->pages > y->pages);
}

static uint64_t left_on(const struct hugenode *n)
{
	return n->room > n->pages ? n->room - n->pages : 0;
}

/* The first of those with the most room left. */
static struct hugenode *roomiest(struct hugehost *h)
{
	struct hugenode *best = &h->nodes[0];

	for (size_t i = 1; i < h->n_nodes; i++)
		if (left_on(&h->nodes[i]) > left_on(best))
			best = &h->nodes[i];
	return best;
}

/* Takes what the roomiest nodes have, one after the other. */
static void spread(struct hugehost *h, uint64_t pages)
{
	while (pages) {
		struct hugenode *n = roomiest(h);
		uint64_t take = left_on(n) < pages ? left_on(n) : pages;

		if (!take) {
			h->nodes[0].pages += pages;
			return;
		}
		n->pages += take;
		pages -= take;
	}
}

static void place_lot(struct hugesize *s, const struct lot *l)
{
	for (uint64_t i = 0; i < l->count; i++) {
		struct hugenode *n = roomiest(&s->host);

		if (left_on(n) >= l->pages) {
			n->pages += l->pages;
		} else {
			s->spread++;
			spread(&s->host, l->pages);
		}
	}
}

/* Even, as far as there is room. */
static void place_reserve(struct hugehost *h, uint64_t pages)
{
	uint64_t share = pages / h->n_nodes;

	for (size_t i = 0; i < h->n_nodes; i++) {
		uint64_t take = left_on(&h->nodes[i]) < share ? left_on(&h->nodes[i]) : share;

		h->nodes[i].pages += take;
		pages -= take;
	}
	spread(h, pages);
}

int place_guests(struct hugesize *s, struct err *e)
{
	AUTO_FREE struct lot *lots = NULL;

	if (s->host.n_nodes == 1) {
		s->host.nodes[0].pages = s->pages;
		return 0;
	}
	lots = mem_zalloc(s->n_guests + 1, sizeof(*lots), e);
	if (!lots)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_guests; i++) {
		const struct hugeguest *g = &s->guests[i];

		lots[i].pages = g->pages / g->backends;
		lots[i].count = (uint64_t)g->count * g->backends;
	}
	qsort(lots, s->n_guests, sizeof(*lots), larger_first);
	for (size_t i = 0; i < s->n_guests; i++)
		place_lot(s, &lots[i]);
	place_reserve(&s->host, s->reserve);
	return 0;
}
