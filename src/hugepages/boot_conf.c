/* SPDX-License-Identifier: MIT */
#include "hugepages/boot_conf.h"

#include "base/mem.h"
#include "base/size.h"
#include "base/str.h"
#include "host/words.h"

#include <stdlib.h>
#include <string.h>

static int page_of(struct span word, uint64_t *page)
{
	AUTO_FREE char *text = str_printf(NULL, "%.*s", (int)word.len, word.s);

	if (!text || word.len > 20 || size_parse(text, 'b', page, NULL) < 0)
		return -EINVAL;
	return *page < 4096 || (*page & (*page - 1)) ? -EINVAL : 0;
}

/* One line without its comment. */
static int pool_of(struct span line, struct hugeboot_pool *p)
{
	unsigned long long n;
	struct span word;

	p->node = -1;
	if (!span_word(&line, &word) || page_of(word, &p->page) < 0)
		return -EINVAL;
	if (!span_word(&line, &word) || !span_u64(word, 1ull << 32, &n))
		return -EINVAL;
	p->count = n;
	if (!span_word(&line, &word))
		return 0;
	if (!span_u64(word, 1023, &n))
		return -EINVAL;
	p->node = (int)n;
	return span_word(&line, &word) ? -EINVAL : 0;
}

static int add(struct hugeboot *b, const struct hugeboot_pool *p, struct err *e)
{
	void *v = b->v;

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].page == p->page &&
		    (b->v[i].node == p->node || b->v[i].node < 0 || p->node < 0))
			return err_set(e, -EINVAL, "line %u: says again what line %u says",
				       p->line, b->v[i].line);
	if (b->n == HUGEBOOT_MAX)
		return err_set(e, -EINVAL, "line %u: more than %d pools", p->line,
			       HUGEBOOT_MAX);
	if (mem_grow(&v, b->n + 1, sizeof(*p), e) < 0)
		return -ENOMEM;
	b->v = v;
	b->v[b->n++] = *p;
	return 0;
}

int hugeboot_parse(const char *text, size_t len, struct hugeboot *out, struct err *e)
{
	struct hugeboot b = { 0 };
	struct span rest = { text, len }, line;
	int r = 0;

	for (unsigned nr = 1; r == 0 && span_line(&rest, &line); nr++) {
		struct hugeboot_pool p = { .line = nr };
		const char *hash = line.len ? memchr(line.s, '#', line.len) : NULL;

		if (hash)
			line.len = (size_t)(hash - line.s);
		line = span_trim(line);
		if (!line.len)
			continue;
		if (pool_of(line, &p) < 0)
			r = err_set(e, -EINVAL,
				    "line %u: not a page size, a number of pages and perhaps a "
				    "node ('2M 512 0')",
				    nr);
		else
			r = add(&b, &p, e);
	}
	if (r < 0)
		hugeboot_free(&b);
	else
		*out = b;
	return r;
}

void hugeboot_free(struct hugeboot *b)
{
	free(b->v);
	*b = (struct hugeboot){ 0 };
}

char *hugeboot_text(const struct hugeboot *b, struct err *e)
{
	static const char units[] = "\0KMGTPE";
	struct str s = STR_INIT;

	str_add(&s,
		"# Huge pages for guests, reserved at boot by hostkit-hugepages: page size,\n"
		"# pages, and the NUMA node if it is for one.  Written by vtune.\n");
	for (size_t i = 0; i < b->n; i++) {
		uint64_t page = b->v[i].page;
		size_t unit = 0;

		while (page >= 1024 && !(page & 1023)) {
			page >>= 10;
			unit++;
		}
		str_addf(&s, "%llu%.1s %llu", (unsigned long long)page, &units[unit],
			 (unsigned long long)b->v[i].count);
		if (b->v[i].node >= 0)
			str_addf(&s, " %d", b->v[i].node);
		str_add(&s, "\n");
	}
	return str_take(&s, e);
}
