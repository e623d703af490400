/* SPDX-License-Identifier: MIT */
#include "host/memory.h"

#include "base/mem.h"
#include "host/words.h"

#include <stdlib.h>
#include <string.h>

/* "  1234 kB": bytes. */
static bool kilobytes(struct span s, uint64_t *out)
{
	struct span num, unit;
	unsigned long long v;

	if (!span_word(&s, &num) || !span_u64(num, UINT64_MAX >> 10, &v))
		return false;
	/* HugePages_Total and its kin have no unit and are none of these */
	if (!span_word(&s, &unit) || !span_is(unit, "kB"))
		return false;
	*out = v << 10;
	return true;
}

int memory_parse(const char *text, size_t len, struct memory *out, struct err *e)
{
	struct span rest = { text, len }, line, key;
	bool total = false, available = false;

	memset(out, 0, sizeof(*out));
	while (span_line(&rest, &line)) {
		if (!span_cut(&line, ':', &key))
			continue;
		if (span_is(key, "MemTotal"))
			total |= kilobytes(line, &out->total);
		else if (span_is(key, "MemFree"))
			kilobytes(line, &out->free);
		else if (span_is(key, "MemAvailable"))
			available |= kilobytes(line, &out->available);
		else if (span_is(key, "SwapTotal"))
			kilobytes(line, &out->swap_total);
		else if (span_is(key, "SwapFree"))
			kilobytes(line, &out->swap_free);
		else if (span_is(key, "Hugepagesize"))
			kilobytes(line, &out->huge_default);
		else if (span_is(key, "Hugetlb"))
			kilobytes(line, &out->hugetlb);
	}
	if (!total)
		return err_set(e, -EINVAL, "no MemTotal");
	if (!available)
		out->available = out->free;
	return 0;
}

int memory_read(const struct host *h, struct memory *out, struct err *e)
{
	uint64_t kb;
	char *text;
	size_t len;
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no memory");
	r = host_read(h, "/proc/meminfo", &text, &len, e);
	if (r < 0)
		return r;
	r = memory_parse(text, len, out, e);
	free(text);
	if (r < 0)
		return err_wrap(e, r, "/proc/meminfo");
	if (host_read_u64(h, "/proc/sys/vm/min_free_kbytes", &kb, NULL) == 0 &&
	    kb <= UINT64_MAX >> 10)
		out->min_free = kb << 10;
	return 0;
}

int memory_swaps_parse(const char *text, size_t len, struct memory_swaps *out)
{
	struct span rest = { text, len }, line, path, type, size, used;

	out->n = 0;
	while (span_line(&rest, &line) && out->n < ARRAY_SIZE(out->v)) {
		struct memory_swap *s = &out->v[out->n];
		unsigned long long a, b;

		/* the heading has words where numbers belong */
		if (!span_word(&line, &path) || !span_word(&line, &type) ||
		    !span_word(&line, &size) || !span_word(&line, &used) ||
		    !span_u64(size, UINT64_MAX >> 10, &a) ||
		    !span_u64(used, UINT64_MAX >> 10, &b))
			continue;
		span_copy(path, s->path, sizeof(s->path));
		s->is_file = span_is(type, "file");
		s->zram = !strncmp(s->path, "/dev/zram", 9);
		s->size = a << 10;
		s->used = b << 10;
		out->n++;
	}
	return 0;
}

int memory_swaps_read(const struct host *h, struct memory_swaps *out, struct err *e)
{
	char *text;
	size_t len;
	int r;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no swap in use");
	r = host_read(h, "/proc/swaps", &text, &len, e);
	if (r < 0)
		return r;
	r = memory_swaps_parse(text, len, out);
	free(text);
	return r;
}
