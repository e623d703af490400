/* SPDX-License-Identifier: MIT */
/*
 * Every table and cluster has to lie in the file and be used once; what is not used is a leak.
 * Repair takes out entries that lead nowhere; clusters used twice stay, nobody knows whose they
 * are.  An image without errors is marked as closed.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 65536 / 8 }; /* entries that are read together */

struct look {
	struct qed *s;
	struct img_check *c;
	uint8_t *used; /* a bit for each cluster of the file */
	uint64_t clusters;
	uint64_t *buf, *l1; /* STEP entries of a second table, and of the first one */
	bool fix;
};

/* False if something of it is in use already. */
static bool use(struct look *k, uint64_t off, uint64_t n)
{
	bool free = true;

	for (uint64_t c = off / k->s->h.cluster; n-- && c < k->clusters; c++) {
		if (k->used[c / 8] & 1u << c % 8) {
			k->c->corruptions++;
			free = false;
		}
		k->used[c / 8] |= (uint8_t)(1u << c % 8);
	}
	return free;
}

static bool bad_entry(struct look *k)
{
	if (k->fix)
		k->c->corruptions_fixed++;
	else
		k->c->corruptions++;
	return k->fix;
}

static int read_entries(struct look *k, uint64_t *buf, uint64_t off, uint64_t n, struct err *e)
{
	uint8_t *p = (uint8_t *)buf;
	int r = blk_pread(k->s->m.blk.child, p, (size_t)n * 8, off, e);

	for (uint64_t i = 0; i < n && r == 0; i++)
		buf[i] = load_le64(p + i * 8);
	return r;
}

static int clear_entry(struct look *k, uint64_t off, struct err *e)
{
	uint8_t zero[8] = { 0 };

	return blk_pwrite(k->s->m.blk.child, zero, sizeof(zero), off, e);
}

/* @n entries of the second table at @off. */
static int check_l2(struct look *k, uint64_t off, uint64_t n, struct err *e)
{
	uint64_t cluster = k->s->h.cluster, last = 0;

	for (uint64_t done = 0; done < n; done += STEP) {
		uint64_t now = min_u64(STEP, n - done);
		int r = read_entries(k, k->buf, off + done * 8, now, e);

		for (uint64_t i = 0; i < now && r == 0; i++) {
			uint64_t v = k->buf[i];

			if (v < 2)
				continue;
			k->c->allocated_clusters++;
			if (last && last + cluster != v)
				k->c->fragmented_clusters++;
			last = v;
			if (qed_place_ok(k->s, v, 1))
				(void)use(k, v, 1);
			else if (bad_entry(k))
				r = clear_entry(k, off + (done + i) * 8, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* The second table that entry @t of the first one names. */
static int check_table(struct look *k, uint64_t t, uint64_t v, struct err *e)
{
	const struct qed *s = k->s;

	if (!v)
		return 0;
	if (qed_place_ok(s, v, (uint64_t)s->h.table * s->h.cluster))
		return use(k, v, s->h.table) ? check_l2(k, v, s->m.l2_n, e) : 0;
	if (!bad_entry(k))
		return 0;
	if (t < s->m.l1_n)
		store_le64(s->m.l1 + t * 8, 0);
	return clear_entry(k, s->h.l1_off + t * 8, e);
}

/* All of the first table, also what the disk is too small for. */
static int check_tables(struct look *k, struct err *e)
{
	const struct qed *s = k->s;
	uint64_t n = (uint64_t)s->h.table * s->h.cluster / 8;

	(void)use(k, s->h.l1_off, s->h.table);
	for (uint64_t done = 0; done < n; done += STEP) {
		uint64_t now = min_u64(STEP, n - done);
		int r = read_entries(k, k->l1, s->h.l1_off + done * 8, now, e);

		for (uint64_t i = 0; i < now && r == 0; i++)
			r = check_table(k, done + i, k->l1[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int mark_clean(struct look *k, struct err *e)
{
	struct qed *s = k->s;

	if (!k->fix || k->c->corruptions || k->c->check_errors ||
	    !(s->h.features & QED_F_NEED_CHECK))
		return 0;
	s->h.features &= ~(uint64_t)QED_F_NEED_CHECK;
	return qed_store_header(s, e);
}

int qed_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct qed *s = to_qed(b);
	struct look k = { .s = s, .c = c, .fix = c->repair & IMG_FIX_ERRORS };
	int r = blk_flush(b->child, e);

	pthread_mutex_lock(&s->m.lock);
	if (r == 0)
		r = l2map_write_tables(&s->m, e);
	k.clusters = div_up(b->child->size, s->h.cluster);
	k.used = mem_zalloc(1, (size_t)(k.clusters / 8 + 1), e);
	k.buf = mem_zalloc(STEP, sizeof(*k.buf), e);
	k.l1 = mem_zalloc(STEP, sizeof(*k.l1), e);
	if (!k.used || !k.buf || !k.l1)
		r = -ENOMEM;
	c->total_clusters = div_up(s->h.size, s->h.cluster);
	if (r == 0)
		r = check_tables(&k, e);
	for (uint64_t i = s->h.header; i < k.clusters && r == 0; i++)
		c->leaks += !(k.used[i / 8] & 1u << i % 8);
	if (r == 0 && k.fix)
		r = blk_flush(b->child, e);
	if (r == 0)
		r = mark_clean(&k, e);
	if (r == 0 && k.fix)
		l2map_forget(&s->m);
	pthread_mutex_unlock(&s->m.lock);
	free(k.used);
	free(k.buf);
	free(k.l1);
	return r;
}
