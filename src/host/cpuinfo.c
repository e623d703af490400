/* SPDX-License-Identifier: MIT */
#include "host/cpuinfo.h"

#include <stdlib.h>
#include <string.h>

/* What is gathered while the lines pass. */
struct gather {
	struct cpuinfo *c;
	struct span flags, vmx; /* of the processor before: most are the same */
	unsigned n_flags, n_vmx;
};

static unsigned number(struct span s)
{
	char text[24], *end;
	unsigned long v;

	span_copy(s, text, sizeof(text));
	errno = 0;
	v = strtoul(text, &end, 0);
	return errno || end == text || v > UINT32_MAX ? 0 : (unsigned)v;
}

static void move_words(struct words *to, struct words *from)
{
	words_free(to);
	*to = *from;
}

/* Keeps in @all what @line has too; what either lacks goes to @some, if that is wanted. */
static int meet(struct words *all, struct words *some, struct span line, struct err *e)
{
	struct words now, both = { 0 };
	int r = words_parse(line, &now, e);

	if (r < 0)
		return r;
	r = words_filter(all, &now, true, &both, e);
	for (size_t i = 0; r == 0 && some && i < all->n; i++)
		if (!words_has(&now, all->v[i]))
			r = words_add(some, (struct span){ all->v[i], strlen(all->v[i]) }, e);
	for (size_t i = 0; r == 0 && some && i < now.n; i++)
		if (!words_has(all, now.v[i]))
			r = words_add(some, (struct span){ now.v[i], strlen(now.v[i]) }, e);
	if (r == 0)
		move_words(all, &both);
	else
		words_free(&both);
	words_free(&now);
	return r;
}

static int take_flags(struct words *all, struct words *some, struct span *last, unsigned *n,
		      struct span line, struct err *e)
{
	int r = 0;

	if (!*n)
		r = words_parse(line, all, e);
	else if (line.len != last->len || memcmp(line.s, last->s, line.len))
		r = meet(all, some, line, e);
	*last = line;
	(*n)++;
	return r;
}

static int take(struct gather *g, struct span key, struct span val, struct err *e)
{
	struct cpuinfo *c = g->c;

	/* "processor" begins a block; 32-bit arm has "Processor : ARMv7" once besides */
	if (span_is(key, "processor"))
		c->cpus++;
	if (span_is(key, "flags") || span_is(key, "Features"))
		return take_flags(&c->flags, &c->some, &g->flags, &g->n_flags, val, e);
	if (span_is(key, "vmx flags"))
		return take_flags(&c->vmx, NULL, &g->vmx, &g->n_vmx, val, e);
	if (c->cpus > 1)
		return 0;
	if (span_is(key, "vendor_id") || span_is(key, "CPU implementer"))
		span_copy(val, c->vendor, sizeof(c->vendor));
	else if (span_is(key, "model name"))
		span_copy(val, c->name, sizeof(c->name));
	else if (span_is(key, "cpu family"))
		c->family = number(val);
	else if (span_is(key, "model") || span_is(key, "CPU part"))
		c->model = number(val);
	else if (span_is(key, "stepping") || span_is(key, "CPU revision"))
		c->stepping = number(val);
	return 0;
}

int cpuinfo_parse(const char *text, size_t len, struct cpuinfo *out, struct err *e)
{
	struct span rest = { text, len }, line;
	struct gather g = { .c = out };
	int r = 0;

	memset(out, 0, sizeof(*out));
	while (r == 0 && span_line(&rest, &line)) {
		struct span key;

		if (span_cut(&line, ':', &key))
			r = take(&g, key, span_trim(line), e);
	}
	if (r == 0 && !out->cpus)
		r = err_set(e, -EINVAL, "no processor is listed");
	/* processors without such a line have none of it */
	if (r == 0 && g.n_flags && g.n_flags < out->cpus)
		r = meet(&out->flags, &out->some, (struct span){ "", 0 }, e);
	if (r == 0 && g.n_vmx && g.n_vmx < out->cpus)
		r = meet(&out->vmx, NULL, (struct span){ "", 0 }, e);
	out->has_vmx_line = g.n_vmx > 0;
	if (r < 0)
		cpuinfo_free(out);
	return r;
}

int cpuinfo_read(const struct host *h, struct cpuinfo *out, struct err *e)
{
	char *text = NULL;
	size_t len;
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no processor");
	r = host_read(h, "/proc/cpuinfo", &text, &len, e);
	if (r < 0)
		return r;
	r = cpuinfo_parse(text, len, out, e);
	free(text);
	return r < 0 ? err_wrap(e, r, "/proc/cpuinfo") : 0;
}

bool cpuinfo_has(const struct cpuinfo *c, const char *flag)
{
	return words_has(&c->flags, flag);
}

void cpuinfo_free(struct cpuinfo *c)
{
	words_free(&c->flags);
	words_free(&c->some);
	words_free(&c->vmx);
}
