/* SPDX-License-Identifier: MIT */
/* Huge page pools on a kernel command line, as hugepages_setup() and its kin of mm/hugetlb.c
 * read them. */
#include "base/mem.h"
#include "base/str.h"
#include "host/cmdline.h"

#include <stdlib.h>
#include <string.h>

static bool named(const struct cmdline_word *w, const char *name)
{
	return w->has_value && span_is(w->name, name);
}

/* As memparse(): a number in any base, and one suffix.  0: the kernel takes no such size. */
static uint64_t size_of(struct span s)
{
	static const char units[] = "KMGTPE";
	char text[32], *end;
	const char *unit;
	unsigned long long v;

	if (!s.len || s.len >= sizeof(text) || s.s[0] == '-')
		return 0;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || end == text)
		return 0;
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (v >> (64 - shift))
			return 0;
		v <<= shift;
	}
	/* a page size is a power of two */
	return v & (v - 1) ? 0 : v;
}

/* "4", or "0:2,1:2": pages by node. */
static bool count_of(struct span s, struct cmdline_pool *p)
{
	const char *at = span_copy(s, p->text, sizeof(p->text));
	bool first = true;

	p->count = 0;
	for (;; first = false) {
		char *end;
		unsigned long long v;

		errno = 0;
		if (*at < '0' || *at > '9')
			return false;
		v = strtoull(at, &end, 10);
		if (errno)
			return false;
		if (*end != ':') {
			p->count = v;
			return first && !*end;
		}
		p->per_node = true;
		at = end + 1;
		if (*at < '0' || *at > '9')
			return false;
		v = strtoull(at, &end, 10);
		if (errno || __builtin_add_overflow(p->count, v, &p->count))
			return false;
		if (*end != ',')
			return !*end;
		at = end + 1;
	}
}

/* Where the words stand while they pass: whose size a hugepages= has. */
struct walk {
	uint64_t size;
	bool bad; /* hugepagesz= was not understood: the count behind it is not taken */
	bool counted;
};

static bool begins_pool(const struct cmdline_word *w, struct walk *at)
{
	if (!named(w, "hugepagesz") && !named(w, "default_hugepagesz"))
		return false;
	at->size = size_of(w->value);
	at->bad = !at->size;
	at->counted = false;
	return true;
}

int cmdline_pools(const char *text, struct cmdline_pools *out, struct err *e)
{
	struct span s = { text, strlen(text) };
	struct walk at = { 0 };
	struct cmdline_word w;

	memset(out, 0, sizeof(*out));
	while (cmdline_next(&s, &w)) {
		struct cmdline_pool *p = &out->v[out->n];
		bool again = false;

		if (begins_pool(&w, &at)) {
			if (named(&w, "default_hugepagesz") && at.size)
				out->default_size = at.size;
			continue;
		}
		if (!named(&w, "hugepages"))
			continue;
		for (size_t i = 0; i < out->n; i++)
			again |= out->v[i].size == at.size && !out->v[i].bad;
		if (at.counted || again)
			continue;
		if (out->n == ARRAY_SIZE(out->v))
			return err_set(e, -E2BIG, "more than %zu huge page pools",
				       ARRAY_SIZE(out->v));
		memset(p, 0, sizeof(*p));
		p->size = at.size;
		p->bad = !count_of(w.value, p) || at.bad;
		at.counted = true;
		out->n++;
	}
	for (size_t i = 0; i < out->n; i++)
		if (!out->v[i].size && !out->v[i].bad)
			out->v[i].size = out->default_size;
	return 0;
}

static void size_text(uint64_t size, char *buf, size_t len)
{
	struct span n;
	static const char units[] = "KMGTPE";
	unsigned u = 0;
	char *s;

	while (u < 6 && !(size & 1023))
		size >>= 10, u++;
	s = u ? str_printf(NULL, "%llu%c", (unsigned long long)size, units[u - 1])
	      : str_printf(NULL, "%llu", (unsigned long long)size);
	n = (struct span){ s, s ? strlen(s) : 0 };
	span_copy(n, buf, len);
	mem_freep(&s);
}

/* What @text has of the pool @size: the words that begin it and count it, first ones. */
struct found {
	struct cmdline_word begin, count;
	bool has_begin, has_count;
};

static void find_pool(const char *text, uint64_t size, struct found *f)
{
	struct span s = { text, strlen(text) };
	struct walk at = { 0 };
	struct cmdline_word w;

	memset(f, 0, sizeof(*f));
	while (cmdline_next(&s, &w)) {
		if (begins_pool(&w, &at)) {
			if (at.size == size && !at.bad && !f->has_begin) {
				f->begin = w;
				f->has_begin = true;
			}
		} else if (named(&w, "hugepages") && at.size == size && !at.bad &&
			   !f->has_count) {
			f->count = w;
			f->has_count = true;
		}
	}
}

/* Replaces [at, at + cut) by @with. */
static char *splice(const char *text, const char *at, size_t cut, const char *with,
		    struct err *e)
{
	return str_printf(e, "%.*s%s%s", (int)(at - text), text, with, at + cut);
}

static char *add_pool(const char *text, uint64_t size, const char *count, struct err *e)
{
	char unit[24], *pair = NULL, *one = NULL;
	struct found f;

	if (!size)
		/* before any hugepagesz= it is of the default size */
		return str_printf(e, "hugepages=%s%s%s", count, *text ? " " : "", text);
	find_pool(text, size, &f);
	if (f.has_begin) {
		pair = str_printf(e, " hugepages=%s", count);
		if (pair)
			one = splice(text, f.begin.raw.s + f.begin.raw.len, 0, pair, e);
		mem_freep(&pair);
		return one;
	}
	size_text(size, unit, sizeof(unit));
	pair = str_printf(e, "hugepagesz=%s", unit);
	/* the size first, then the count behind that word */
	if (pair && cmdline_add(text, pair, &one, e) == 0) {
		char *both = NULL;

		find_pool(one, size, &f);
		if (f.has_begin)
			both = add_pool(one, size, count, e);
		mem_freep(&one);
		one = both;
	}
	mem_freep(&pair);
	return one;
}

/* Takes words of the pool away; default_hugepagesz= has another use and stays. */
static char *drop_pool(const char *text, uint64_t size, struct err *e)
{
	struct span s = { text, strlen(text) };
	struct walk at = { 0 };
	struct cmdline_word w;
	struct str kept = STR_INIT;
	const char *from = text;

	while (cmdline_next(&s, &w)) {
		const char *end = w.raw.s + w.raw.len;
		bool ours = (begins_pool(&w, &at) && named(&w, "hugepagesz")) ||
			    named(&w, "hugepages");

		if (!ours || at.bad || at.size != size)
			str_addn(&kept, from, (size_t)(end - from));
		else if (!kept.len)
			while (*end == ' ')
				end++;
		s.len -= (size_t)(end - s.s);
		s.s = end;
		from = end;
	}
	str_add(&kept, from);
	return str_take(&kept, e);
}

static bool count_ok(const char *count)
{
	struct cmdline_pool p = { 0 };

	return strlen(count) < sizeof(p.text) &&
	       count_of((struct span){ count, strlen(count) }, &p);
}

int cmdline_set_pool(const char *text, uint64_t size, const char *count, char **out,
		     struct err *e)
{
	struct cmdline_pools have;
	struct found f;
	int r = cmdline_pools(text, &have, e);

	if (r < 0)
		return r;
	if (count && !count_ok(count))
		return err_set(e, -EINVAL, "'%s' is no number of huge pages", count);
	if (size & (size - 1))
		return err_set(e, -EINVAL, "%llu bytes are no size of huge pages",
			       (unsigned long long)size);
	if (!size)
		size = have.default_size;
	find_pool(text, size, &f);
	/* a count in front of everything is of the default size too */
	if (size && size == have.default_size && !f.has_count)
		find_pool(text, 0, &f);
	if (!count) {
		char *some = drop_pool(text, size, e);

		*out = some && size && size == have.default_size ? drop_pool(some, 0, e) : some;
		if (*out != some)
			mem_freep(&some);
	} else if (f.has_count) {
		char *word = str_printf(e, "hugepages=%s", count);

		*out = word ? splice(text, f.count.raw.s, f.count.raw.len, word, e) : NULL;
		mem_freep(&word);
	} else {
		*out = add_pool(text, size, count, e);
	}
	if (!*out)
		return e && e->code ? e->code : -ENOMEM;
	/* a quote that is not closed swallows what stands behind it */
	find_pool(*out, size, &f);
	if (count && !f.has_count && size == have.default_size)
		find_pool(*out, 0, &f);
	if (!count || (f.has_count && span_is(f.count.value, count)))
		return 0;
	free(*out);
	*out = NULL;
	return err_set(e, -EINVAL, "the command line has a quote that is not closed");
}
