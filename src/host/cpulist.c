/* SPDX-License-Identifier: MIT */
#include "host/cpulist.h"

#include "host/words.h"

#include <stdlib.h>
#include <string.h>

/* Ranges come ascending from the kernel; what people write may not. */
static int add_range(struct cpulist *l, unsigned first, unsigned last, struct err *e)
{
	size_t i = 0, end;

	/* those that end before this one, not even touching it */
	while (i < l->n && l->v[i].last < first && first - l->v[i].last > 1)
		i++;
	for (end = i; end < l->n && (l->v[end].first <= last || l->v[end].first - last == 1);
	     end++) {
		first = first < l->v[end].first ? first : l->v[end].first;
		last = last > l->v[end].last ? last : l->v[end].last;
	}
	if (end == i && l->n == CPULIST_MAX)
		return err_set(e, -E2BIG, "a list of more than %d ranges", CPULIST_MAX);
	memmove(l->v + i + 1, l->v + end, (l->n - end) * sizeof(l->v[0]));
	l->n = l->n - (end - i) + 1;
	l->v[i].first = first;
	l->v[i].last = last;
	return 0;
}

int cpulist_parse(const char *text, size_t len, struct cpulist *out, struct err *e)
{
	struct span rest = span_trim((struct span){ text, len });
	char shown[64];

	span_copy(rest, shown, sizeof(shown));
	out->n = 0;
	while (rest.len) {
		unsigned long long first, last;
		struct span part, from;
		int r;

		if (!span_cut(&rest, ',', &part)) {
			part = rest;
			rest.len = 0;
		} else if (!rest.len) {
			return err_set(e, -EINVAL, "'%s' is not a list of numbers", shown);
		}
		if (span_cut(&part, '-', &from)) {
			if (!span_u64(from, 0xffffff, &first) ||
			    !span_u64(part, 0xffffff, &last))
				first = 1, last = 0;
		} else if (span_u64(part, 0xffffff, &first)) {
			last = first;
		} else {
			first = 1, last = 0;
		}
		if (first > last)
			return err_set(e, -EINVAL, "'%s' is not a list of numbers", shown);
		r = add_range(out, (unsigned)first, (unsigned)last, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int cpulist_read(const struct host *h, const char *path, struct cpulist *out, struct err *e)
{
	char *text;
	size_t len;
	int r = host_read(h, path, &text, &len, e);

	if (r < 0)
		return r;
	r = cpulist_parse(text, len, out, e);
	free(text);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

uint64_t cpulist_count(const struct cpulist *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += (uint64_t)l->v[i].last - l->v[i].first + 1;
	return n;
}

bool cpulist_has(const struct cpulist *l, unsigned cpu)
{
	for (size_t i = 0; i < l->n; i++)
		if (cpu >= l->v[i].first && cpu <= l->v[i].last)
			return true;
	return false;
}

/* Ranges that touch are one, so each inner one lies in one outer one. */
bool cpulist_within(const struct cpulist *inner, const struct cpulist *outer)
{
	for (size_t i = 0, k = 0; i < inner->n; i++) {
		while (k < outer->n && outer->v[k].last < inner->v[i].last)
			k++;
		if (k == outer->n || outer->v[k].first > inner->v[i].first)
			return false;
	}
	return true;
}
