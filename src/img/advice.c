/* SPDX-License-Identifier: MIT */
#include "img/advice.h"

#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/img.h"

#include <stdlib.h>
#include <string.h>

void advice_free(struct advice *a)
{
	free(a->v);
	*a = (struct advice){ 0 };
}

static void describe(struct blk *b, struct advice_image *i)
{
	struct qcow2 *s;

	i->filename = b->filename;
	i->format = b->format ? b->format->name : b->ops->name;
	if (b->format != &img_format_qcow2)
		return;
	s = to_qcow2(b);
	i->cached = true;
	i->geometry = (struct cache_geometry){
		.size = b->size,
		.cluster_size = s->cluster_size,
		.extended_l2 = s->h.incompat & QCOW2_INCOMPAT_EXTL2,
	};
	i->l1_bytes = (uint64_t)s->h.l1_entries * 8;
	i->snapshots = s->h.snapshots_n;
}

/*
 * Splits @budget: every image first gets the smallest caches, what is left goes to the
 * images one after another, neediest last, each taking at most an even share.
 */
static int split(struct advice *a, double coverage, uint64_t budget, struct err *e)
{
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		left += a->v[i].cached;
	for (size_t done = 0, count = left; done < count && r == 0; done++, left--) {
		struct advice_image *least = NULL;
		struct cache_advice whole = { 0 };

		for (size_t i = 0; i < a->n && r == 0; i++) {
			struct advice_image *m = &a->v[i];
			struct cache_advice w;

			if (!m->cached || m->advice.l2_cache)
				continue;
			r = cache_advise(&m->geometry, coverage, 0, &w, e);
			if (r < 0)
				break;
			if (!least || w.l2_cache + w.refcount_cache <
					      whole.l2_cache + whole.refcount_cache) {
				least = m;
				whole = w;
			}
		}
		if (r < 0 || !least)
			break;
		r = cache_advise(&least->geometry, coverage, budget ? budget / left : 0,
				 &least->advice, e);
		if (r == 0 && budget)
			budget -= least->advice.l2_cache + least->advice.refcount_cache;
	}
	for (size_t i = 0; i < a->n; i++)
		a->memory += a->v[i].advice.l2_cache + a->v[i].advice.refcount_cache +
			     a->v[i].l1_bytes;
	return r;
}

int advice_for_image(struct blk *top, double coverage, uint64_t budget, struct advice *out,
		     struct err *e)
{
	struct advice a = { 0 };
	int r;

	for (struct blk *b = top; b; b = b->backing)
		a.n++;
	a.v = mem_zalloc(a.n, sizeof(*a.v), e);
	if (!a.v)
		return -ENOMEM;
	a.n = 0;
	for (struct blk *b = top; b; b = b->backing)
		describe(b, &a.v[a.n++]);
	r = split(&a, coverage, budget, e);
	if (r < 0)
		advice_free(&a);
	else
		*out = a;
	return r;
}

int advice_for_geometry(const struct cache_geometry *g, double coverage, uint64_t budget,
			struct advice *out, struct err *e)
{
	struct advice a = { .v = mem_zalloc(1, sizeof(*a.v), e), .n = 1 };
	uint64_t per_l2;
	int r;

	if (!a.v)
		return -ENOMEM;
	a.v[0] = (struct advice_image){
		.filename = "IMAGE", .format = "qcow2", .cached = true, .geometry = *g
	};
	r = split(&a, coverage, budget, e);
	if (r < 0) {
		advice_free(&a);
		return r;
	}
	per_l2 = g->cluster_size / (g->extended_l2 ? 16 : 8) * g->cluster_size;
	a.v[0].l1_bytes = (g->size / per_l2 + (g->size % per_l2 != 0)) * 8;
	a.memory += a.v[0].l1_bytes;
	*out = a;
	return 0;
}

/* ---- QEMU's words ---- */

/* A comma in a value is written twice. */
static void add_name(struct str *s, const char *name)
{
	for (; *name; name++)
		str_addn(s, *name == ',' ? ",," : name, *name == ',' ? 2 : 1);
}

static void add_caches(struct str *s, const char *prefix, const struct advice_image *i)
{
	const struct cache_advice *c = &i->advice;

	if (!i->cached)
		return;
	str_addf(s, ",%sl2-cache-size=%llu,%srefcount-cache-size=%llu", prefix,
		 (unsigned long long)c->l2_cache, prefix,
		 (unsigned long long)c->refcount_cache);
	/* QEMU's own choice for entries and interval need not be repeated. */
	if (c->l2_cache < c->l2_full)
		str_addf(s, ",%sl2-cache-entry-size=%llu", prefix,
			 (unsigned long long)c->l2_entry_size);
	if (c->clean_interval)
		str_addf(s, ",%scache-clean-interval=%u", prefix, c->clean_interval);
}

static void add_prefix(struct str *prefix)
{
	str_add(prefix, "backing.");
}

void advice_drive(const struct advice *a, const char *extra, struct str *out)
{
	struct str prefix = STR_INIT;

	str_add(out, "file=");
	add_name(out, a->v[0].filename);
	str_addf(out, ",format=%s", a->v[0].format);
	if (extra && *extra)
		str_addf(out, ",%s", extra);
	for (size_t i = 0; i < a->n; i++) {
		add_caches(out, prefix.s ? prefix.s : "", &a->v[i]);
		add_prefix(&prefix);
	}
	str_free(&prefix);
}

void advice_blockdev(const struct advice *a, bool direct, const char *aio, struct str *out)
{
	struct str prefix = STR_INIT;

	for (size_t i = 0; i < a->n; i++) {
		const char *p = prefix.s ? prefix.s : "";

		str_addf(out, "%s%sdriver=%s", i ? "," : "", p, a->v[i].format);
		if (i == 0)
			str_add(out, ",node-name=disk0");
		str_addf(out, ",%sfile.driver=file,%sfile.filename=", p, p);
		add_name(out, a->v[i].filename);
		if (direct)
			str_addf(out, ",%scache.direct=on,%sfile.cache.direct=on", p, p);
		if (aio)
			str_addf(out, ",%sfile.aio=%s", p, aio);
		add_caches(out, p, &a->v[i]);
		add_prefix(&prefix);
	}
	str_free(&prefix);
}
