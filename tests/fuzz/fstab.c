/* SPDX-License-Identifier: MIT */
/* The table and its editor: what set() writes is found again and leaves all other bytes;
 * remove() takes it away. */
#include "host/fstab.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static void check(const char *text, size_t len)
{
	struct fstab f;

	must(fstab_parse(text, len, &f, NULL) == 0);
	for (size_t i = 0; i < f.n; i++) {
		const struct fstab_entry *t = &f.v[i];

		must(t->source && t->target && t->type && t->options);
		must(t->off + t->len <= len && t->opts_off >= t->off);
		must(t->opts_off + t->opts_len <= t->off + t->len);
		must(fstab_same_options(t->type, t->options, t->options));
		must(fstab_find(&f, t->target, t->type) != NULL);
	}
	fstab_free(&f);
}

/* All bytes of @text are in @out in their order, in one piece before and one behind. */
static void must_keep(const char *text, size_t len, const char *out, size_t out_len, size_t cut)
{
	size_t head = 0, tail = 0;

	while (head < len && head < out_len && text[head] == out[head])
		head++;
	while (tail < len - head && tail < out_len - head &&
	       text[len - 1 - tail] == out[out_len - 1 - tail])
		tail++;
	must(head + tail + cut >= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fstab_want want = { "hugetlbfs", "/h",
						"hugetlbfs", "mode=1770,gid=36,pagesize=2M",
						0,           0 };
	const char *text = (const char *)data;
	char *out, *again;
	size_t out_len, again_len, cut = 0;
	struct err e = { 0 };
	struct fstab f;
	const struct fstab_entry *t;
	int r;

	check(text, len);
	must(fstab_parse(text, len, &f, NULL) == 0);
	t = fstab_find(&f, want.target, want.type);
	if (t)
		cut = t->opts_len;
	fstab_free(&f);
	r = fstab_set(text, len, &want, &out, &out_len, &e);
	if (r < 0) {
		must(r == -EEXIST && e.code == r && e.msg[0] && !out);
		return 0;
	}
	if (r == 0) {
		must(!out);
		return 0;
	}
	must_keep(text, len, out, out_len, cut);
	check(out, out_len);
	must(fstab_set(out, out_len, &want, &again, &again_len, NULL) == 0 && !again);
	r = fstab_remove(out, out_len, want.target, want.type, &again, &again_len, NULL);
	must(r == 1 && again_len < out_len);
	free(out);
	must(fstab_remove(again, again_len, want.target, want.type, &out, &out_len, NULL) == 0);
	free(again);
	return 0;
}
