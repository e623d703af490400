/* SPDX-License-Identifier: MIT */
#include "tune/diff.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Cells of the table of common lines; what needs more is one hunk. */
enum { CELLS_MAX = 1 << 20, CONTEXT = 3 };

static bool same(const struct diff_line *a, const struct diff_line *b)
{
	return a->len == b->len && !memcmp(a->s, b->s, a->len);
}

static int split(const char *text, struct diff_line **out, size_t *n, struct err *e)
{
	size_t count = 0;

	for (const char *p = text ? text : ""; *p; count++)
		p = strchr(p, '\n') ? strchr(p, '\n') + 1 : p + strlen(p);
	*out = mem_zalloc(count, sizeof(**out), e);
	if (!*out)
		return -ENOMEM;
	*n = count;
	for (size_t i = 0; i < count; i++) {
		const char *nl = strchr(text, '\n');

		(*out)[i].s = text;
		(*out)[i].len = nl ? (size_t)(nl + 1 - text) : strlen(text);
		text += (*out)[i].len;
	}
	return 0;
}

static int add_hunk(struct diff *d, size_t a, size_t na, size_t b, size_t nb, struct err *e)
{
	int r = mem_grow((void **)&d->v, d->n + 1, sizeof(*d->v), e);

	if (r == 0)
		d->v[d->n++] = (struct diff_hunk){ a, na, b, nb };
	return r;
}

/* Hunks of the lines a..a+na and b..b+nb, whose first and last differ, by the longest
 * sequence that both have. */
static int by_table(struct diff *d, size_t a, size_t na, size_t b, size_t nb, struct err *e)
{
	size_t w = nb + 1, i = 0, j = 0;
	AUTO_FREE uint32_t *t = mem_zalloc((na + 1) * w, sizeof(*t), e);
	int r = 0;

	if (!t)
		return -ENOMEM;
	for (i = na; i-- > 0;)
		for (j = nb; j-- > 0;)
			t[i * w + j] =
				same(&d->a[a + i], &d->b[b + j]) ? t[(i + 1) * w + j + 1] + 1
				: t[(i + 1) * w + j] > t[i * w + j + 1] ? t[(i + 1) * w + j]
									: t[i * w + j + 1];
	for (i = j = 0; r == 0 && (i < na || j < nb);) {
		size_t from = i, to = j;

		while (i < na || j < nb) {
			if (i < na && j < nb && same(&d->a[a + i], &d->b[b + j]))
				break;
			if (j == nb || (i < na && t[(i + 1) * w + j] >= t[i * w + j + 1]))
				i++;
			else
				j++;
		}
		if (i > from || j > to)
			r = add_hunk(d, a + from, i - from, b + to, j - to, e);
		while (i < na && j < nb && same(&d->a[a + i], &d->b[b + j]))
			i++, j++;
	}
	return r;
}

int diff_make(const char *old, const char *fresh, struct diff *out, struct err *e)
{
	size_t head = 0, na, nb;
	int r;

	*out = (struct diff){ 0 };
	r = split(old, &out->a, &out->na, e);
	if (r == 0)
		r = split(fresh, &out->b, &out->nb, e);
	if (r < 0) {
		diff_free(out);
		return r;
	}
	na = out->na;
	nb = out->nb;
	while (head < na && head < nb && same(&out->a[head], &out->b[head]))
		head++;
	while (na > head && nb > head && same(&out->a[na - 1], &out->b[nb - 1]))
		na--, nb--;
	na -= head;
	nb -= head;
	if (!na && !nb)
		return 0;
	if (!na || !nb || na + 1 > CELLS_MAX / (nb + 1))
		r = add_hunk(out, head, na, head, nb, e);
	else
		r = by_table(out, head, na, head, nb, e);
	if (r < 0)
		diff_free(out);
	return r;
}

void diff_free(struct diff *d)
{
	free(d->a);
	free(d->b);
	free(d->v);
	*d = (struct diff){ 0 };
}

/* ---- as text ---- */

static void put_line(struct str *s, char sign, const struct diff_line *l)
{
	str_addn(s, &sign, 1);
	str_addn(s, l->s, l->len);
	if (!l->len || l->s[l->len - 1] != '\n')
		str_add(s, "\n\\ No newline at end of file\n");
}

static void put_range(struct str *s, char sign, size_t from, size_t n)
{
	/* an empty range is named by the line before it */
	str_addf(s, "%c%zu", sign, n ? from + 1 : from);
	if (n != 1)
		str_addf(s, ",%zu", n);
}

/* Hunks @first to @last, which are so near that their context would meet. */
static void put_group(struct str *s, const struct diff *d, size_t first, size_t last)
{
	const struct diff_hunk *f = &d->v[first], *l = &d->v[last];
	size_t before = f->a < CONTEXT ? f->a : CONTEXT;
	size_t left = d->na - (l->a + l->na), after = left < CONTEXT ? left : CONTEXT;
	size_t at = f->a - before, end = l->a + l->na + after;

	str_add(s, "@@ ");
	put_range(s, '-', at, end - at);
	str_add(s, " ");
	put_range(s, '+', f->b - before, l->b + l->nb + after - (f->b - before));
	str_add(s, " @@\n");
	for (size_t i = first; i <= last; i++) {
		const struct diff_hunk *h = &d->v[i];

		for (; at < h->a; at++)
			put_line(s, ' ', &d->a[at]);
		for (size_t k = 0; k < h->na; k++)
			put_line(s, '-', &d->a[h->a + k]);
		for (size_t k = 0; k < h->nb; k++)
			put_line(s, '+', &d->b[h->b + k]);
		at = h->a + h->na;
	}
	for (; at < end; at++)
		put_line(s, ' ', &d->a[at]);
}

char *diff_unified(const char *path, const char *old, const char *fresh, struct err *e)
{
	struct str s = STR_INIT;
	struct diff d;

	if (diff_make(old, fresh, &d, e) < 0)
		return NULL;
	if (d.n) {
		str_addf(&s, "--- %s%s\n", old ? "a" : "/dev/null", old ? path : "");
		str_addf(&s, "+++ %s%s\n", fresh ? "b" : "/dev/null", fresh ? path : "");
	}
	for (size_t i = 0; i < d.n;) {
		size_t last = i;

		while (last + 1 < d.n &&
		       d.v[last + 1].a - (d.v[last].a + d.v[last].na) <= 2 * CONTEXT)
			last++;
		put_group(&s, &d, i, last);
		i = last + 1;
	}
	diff_free(&d);
	return str_take(&s, e);
}

/* ---- edits of two ---- */

static bool clash(const struct diff_hunk *x, const struct diff_hunk *y)
{
	/* two insertions at one place: in which order? */
	if (!x->na && !y->na)
		return x->a == y->a;
	return x->a < y->a + y->na && y->a < x->a + x->na;
}

/* Writes lines @from to @to.  What was a last line without an end gets one when it no longer is
 * the last. */
static void put_lines(struct str *s, const struct diff_line *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (s->len && s->s[s->len - 1] != '\n')
			str_add(s, "\n");
		str_addn(s, l[i].s, l[i].len);
	}
}

/* Both hunk lists, in order of their place in the base they share. */
static void put_merged(struct str *s, const struct diff *x, const struct diff *y)
{
	size_t i = 0, j = 0, at = 0;

	while (i < x->n || j < y->n) {
		const struct diff_hunk *p = i < x->n ? &x->v[i] : NULL;
		const struct diff_hunk *q = j < y->n ? &y->v[j] : NULL;
		/* at one place the insertion comes before what replaces the line there */
		bool first = !q || (p && (p->a < q->a || (p->a == q->a && !p->na)));
		const struct diff *d = first ? x : y;
		const struct diff_hunk *h = first ? p : q;

		put_lines(s, d->a, at, h->a);
		put_lines(s, d->b, h->b, h->b + h->nb);
		at = h->a + h->na;
		if (first)
			i++;
		else
			j++;
	}
	put_lines(s, x->a, at, x->na);
}

int diff_merge(const char *base, const char *mine, const char *theirs, char **out,
	       struct err *e)
{
	struct diff x, y = { 0 };
	struct str s = STR_INIT;
	bool free_of_clashes = true;
	int r = diff_make(base, mine, &x, e);

	if (r == 0)
		r = diff_make(base, theirs, &y, e);
	for (size_t i = 0; r == 0 && i < x.n; i++)
		for (size_t j = 0; j < y.n; j++)
			free_of_clashes = free_of_clashes && !clash(&x.v[i], &y.v[j]);
	if (r == 0 && free_of_clashes) {
		put_merged(&s, &x, &y);
		*out = str_take(&s, e);
		r = *out ? 1 : -ENOMEM;
	}
	diff_free(&x);
	diff_free(&y);
	return r;
}

static bool blank(const struct diff_line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strchr(" \t\r\n", l->s[i]))
			return false;
	return true;
}

/* Hunk @h adds a line that was among those x->a[o->a...] which were taken out. */
static bool brings_back(const struct diff *x, const struct diff_hunk *o, const struct diff *y,
			const struct diff_hunk *h)
{
	for (size_t i = o->a; i < o->a + o->na; i++)
		for (size_t k = h->b; k < h->b + h->nb; k++)
			if (!blank(&x->a[i]) && same(&x->a[i], &y->b[k]))
				return true;
	return false;
}

int diff_keeps(const char *base, const char *theirs, const char *fresh, struct err *e)
{
	struct diff x, y = { 0 };
	int r = diff_make(base, theirs, &x, e);

	if (r == 0)
		r = diff_make(theirs, fresh, &y, e);
	if (r == 0)
		r = 1;
	for (size_t i = 0; r == 1 && i < x.n; i++)
		for (size_t j = 0; j < y.n; j++) {
			const struct diff_hunk *o = &x.v[i], *h = &y.v[j];

			/* their lines are o->b.. of the text that ours starts from */
			if ((o->b < h->a + h->na && h->a < o->b + o->nb) ||
			    brings_back(&x, o, &y, h))
				r = 0;
		}
	diff_free(&x);
	diff_free(&y);
	return r;
}
