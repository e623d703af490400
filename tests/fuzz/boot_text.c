/* SPDX-License-Identifier: MIT */
/*
 * Boot loaders' files.  The first byte says which.  What an edit made holds afterwards, a
 * second one finds nothing to do, and taking a word away that was added leaves none.
 */
#include "host/boot_text.h"

#include "host/cmdline.h"
#include "tests/lib/fuzz.h"

#include <string.h>

static void must_explain(int r, const struct err *e)
{
	must(r == e->code && e->msg[0]);
	must(r == -ENOTSUP || r == -ENODATA || r == -EINVAL || r == -ENOMEM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct boot_edit set[] = { { BOOT_SET, "iommu=pt", 0 },
						{ BOOT_ADD, "added_by_us", 0 } };
	static const struct boot_edit drop = { BOOT_DROP, "added_by_us", 0 };
	char *words = NULL, *out, *again, *less;
	size_t out_len, again_len, less_len;
	struct err e = { 0 };
	enum boot_syntax syntax;
	const char *text;
	int r;

	if (!len)
		return 0;
	syntax = (enum boot_syntax)(data[0] % (BOOT_TEXT_ENTRY + 1));
	text = (const char *)data + 1;
	len--;
	r = boot_cmdline(syntax, text, len, &words, &e);
	if (r < 0) {
		must_explain(r, &e);
		must(!words);
	} else {
		must(words && !strstr(words, "  "));
		free(words);
	}
	e = (struct err){ 0 };
	r = boot_edit(syntax, text, len, set, 2, &out, &out_len, &e);
	if (r < 0) {
		must_explain(r, &e);
		must(!out);
		return 0;
	}
	if (r == 0) {
		must(!out);
		return 0;
	}
	/* nothing but a word of that name may become shorter */
	must(out_len > len || memmem(text, len, "iommu", 5));
	r = boot_edit(syntax, out, out_len, set, 2, &again, &again_len, &e);
	must(r == 0 && !again);
	if (boot_cmdline(syntax, out, out_len, &words, NULL) == 0) {
		must(cmdline_effective(words, "iommu=pt") && cmdline_has(words, "added_by_us"));
		free(words);
	}
	r = boot_edit(syntax, out, out_len, &drop, 1, &less, &less_len, &e);
	must(r == 1 && less_len < out_len);
	must(boot_edit(syntax, less, less_len, &drop, 1, &again, &again_len, NULL) == 0);
	free(less);
	free(out);
	return 0;
}
