/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_check_map.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define ONES 0x5555555555555555ull /* the value 1 in each of 32 fields */

int check_map_init(struct check_map *m, uint64_t clusters, uint64_t max, struct err *e)
{
	m->clusters = clusters;
	m->max = max;
	m->stretches = div_up(clusters, CHECK_STRETCH);
	m->stretch = mem_zalloc(m->stretches, sizeof(*m->stretch), e);
	return m->stretch ? 0 : -ENOMEM;
}

void check_map_clear(struct check_map *m)
{
	for (uint64_t i = 0; m->stretch && i < m->stretches; i++) {
		free(m->stretch[i].v);
		free(m->stretch[i].mark);
		m->stretch[i] = (struct check_stretch){ 0 };
	}
}

void check_map_free(struct check_map *m)
{
	check_map_clear(m);
	free(m->stretch);
	*m = (struct check_map){ 0 };
}

static uint64_t get(const struct check_stretch *t, unsigned i)
{
	const uint64_t *w = t->v;

	if (!w)
		return 0;
	switch (t->bits) {
	case 2:
		return w[i / CHECK_WORD] >> (i % CHECK_WORD * 2) & 3;
	case 8:
		return ((const uint8_t *)t->v)[i];
	case 16:
		return ((const uint16_t *)t->v)[i];
	default:
		return w[i];
	}
}

static void set(struct check_stretch *t, unsigned i, uint64_t v)
{
	uint64_t *w = t->v;
	unsigned shift = i % CHECK_WORD * 2;

	switch (t->bits) {
	case 2:
		w[i / CHECK_WORD] = (w[i / CHECK_WORD] & ~(3ull << shift)) | v << shift;
		break;
	case 8:
		((uint8_t *)t->v)[i] = (uint8_t)v;
		break;
	case 16:
		((uint16_t *)t->v)[i] = (uint16_t)v;
		break;
	default:
		w[i] = v;
	}
}

static unsigned bits_for(uint64_t v)
{
	if (v <= 3)
		return 2;
	return v <= UINT8_MAX ? 8 : v <= UINT16_MAX ? 16 : 64;
}

/* Counts of the stretch can hold @v from now on. */
static int widen(struct check_stretch *t, uint64_t v, struct err *e)
{
	struct check_stretch wide = *t;

	wide.bits = bits_for(v);
	if (t->v && wide.bits <= t->bits)
		return 0;
	wide.v = mem_zalloc(CHECK_STRETCH / 8, wide.bits, e);
	if (!wide.v)
		return -ENOMEM;
	for (unsigned i = 0; t->v && i < CHECK_STRETCH; i++)
		set(&wide, i, get(t, i));
	free(t->v);
	*t = wide;
	return 0;
}

uint64_t check_map_get(const struct check_map *m, uint64_t cluster)
{
	return get(&m->stretch[cluster >> CHECK_STRETCH_BITS], cluster & (CHECK_STRETCH - 1));
}

uint64_t check_map_highest(const struct check_map *m)
{
	for (uint64_t t = m->stretches; t-- > 0;) {
		if (!m->stretch[t].v)
			continue;
		for (unsigned i = CHECK_STRETCH; i-- > 0;)
			if (get(&m->stretch[t], i))
				return (t << CHECK_STRETCH_BITS) + i;
	}
	return 0;
}

/* One by one, for what the fast forms below leave over. */
static int add_slowly(struct check_map *m, struct check_stretch *t, uint64_t base, unsigned i,
		      unsigned n, uint64_t by,
		      void (*over)(void *arg, uint64_t cluster, uint64_t excess), void *arg,
		      struct err *e)
{
	for (; n; i++, n--) {
		uint64_t v = get(t, i);
		uint64_t room = m->max - v;
		uint64_t sum = v + min_u64(by, room);

		if (!t->v || bits_for(sum) > t->bits) {
			int r = widen(t, sum, e);

			if (r < 0)
				return r;
		}
		set(t, i, sum);
		if (by > room)
			over(arg, base + i, by - room);
	}
	return 0;
}

/* Fields of one word: those of @mask grow by @by, if none of them passes 3 or @max. */
static bool add_word(uint64_t *w, uint64_t mask, uint64_t by, uint64_t max)
{
	uint64_t old = *w & mask;

	if (by > max || by > 3)
		return false;
	/* from zero anything fits; by one, all but threes */
	if (old && (by != 1 || max < 3 || old & old >> 1 & ONES))
		return false;
	*w += by * (ONES & mask);
	return true;
}

static bool add_bytes(uint8_t *v, unsigned n, uint64_t by, uint64_t max)
{
	uint8_t top = 0;

	for (unsigned i = 0; i < n; i++)
		top = v[i] > top ? v[i] : top;
	if (by > UINT8_MAX || top + by > min_u64(UINT8_MAX, max))
		return false;
	for (unsigned i = 0; i < n; i++)
		v[i] = (uint8_t)(v[i] + by);
	return true;
}

/* The fields of [i, i + n), which lie in one word, as a mask. */
static uint64_t field_mask(unsigned i, unsigned n)
{
	uint64_t all = n == CHECK_WORD ? UINT64_MAX : (1ull << n * 2) - 1;

	return all << (i % CHECK_WORD * 2);
}

static unsigned in_word(unsigned i, unsigned left)
{
	unsigned n = CHECK_WORD - i % CHECK_WORD;

	return n < left ? n : left;
}

int check_map_add(struct check_map *m, uint64_t cluster, uint64_t n, uint64_t by,
		  void (*over)(void *arg, uint64_t cluster, uint64_t excess), void *arg,
		  struct err *e)
{
	if (!by)
		return 0;
	while (n) {
		struct check_stretch *t = &m->stretch[cluster >> CHECK_STRETCH_BITS];
		unsigned i = cluster & (CHECK_STRETCH - 1);
		unsigned left = CHECK_STRETCH - i;
		int r = t->v ? 0 : widen(t, min_u64(by, m->max), e);

		left = in_word(i, n < left ? (unsigned)n : left);
		/* the fast forms take 32 at a time: long runs cost little more than that */
		if (r < 0)
			return r;
		if (!(t->bits == 2 && add_word(&((uint64_t *)t->v)[i / CHECK_WORD],
					       field_mask(i, left), by, m->max)) &&
		    !(t->bits == 8 && add_bytes((uint8_t *)t->v + i, left, by, m->max)))
			r = add_slowly(m, t, cluster - i, i, left, by, over, arg, e);
		if (r < 0)
			return r;
		cluster += left;
		n -= left;
	}
	return 0;
}

int check_map_mark(struct check_map *m, uint64_t cluster, uint64_t n, bool flag, struct err *e)
{
	while (n) {
		struct check_stretch *t = &m->stretch[cluster >> CHECK_STRETCH_BITS];
		unsigned i = cluster & (CHECK_STRETCH - 1);
		unsigned left = CHECK_STRETCH - i;
		uint64_t bit = flag ? ONES : ONES << 1;

		if (!t->mark) {
			t->mark = mem_zalloc(CHECK_STRETCH / CHECK_WORD, sizeof(*t->mark), e);
			if (!t->mark)
				return -ENOMEM;
		}
		left = in_word(i, n < left ? (unsigned)n : left);
		t->mark[i / CHECK_WORD] |= bit & field_mask(i, left);
		cluster += left;
		n -= left;
	}
	return 0;
}

void check_map_load(const struct check_map *m, uint64_t cluster, uint64_t out[CHECK_WORD])
{
	const struct check_stretch *t = &m->stretch[cluster >> CHECK_STRETCH_BITS];
	unsigned i = cluster & (CHECK_STRETCH - 1);

	for (unsigned k = 0; k < CHECK_WORD; k++)
		out[k] = get(t, i + k);
}

bool check_map_word(const struct check_map *m, uint64_t cluster, uint64_t *word,
		    uint64_t *marks)
{
	const struct check_stretch *t = &m->stretch[cluster >> CHECK_STRETCH_BITS];
	unsigned i = (cluster & (CHECK_STRETCH - 1)) / CHECK_WORD;

	*marks = t->mark ? t->mark[i] : 0;
	*word = 0;
	if (!t->v)
		return true;
	if (t->bits != 2)
		return false;
	*word = ((const uint64_t *)t->v)[i];
	return true;
}
