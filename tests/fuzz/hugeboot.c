/* SPDX-License-Identifier: MIT */
/* The boot service's pools: what is read can be written and read again, the same. */
#include "hugepages/boot_conf.h"
#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hugeboot a = { 0 }, b = { 0 };
	struct err e = { 0 };
	char *text;

	if (hugeboot_parse((const char *)data, len, &a, &e) < 0) {
		must(e.code == -EINVAL && !a.n && !a.v);
		return 0;
	}
	must(a.n <= HUGEBOOT_MAX);
	text = hugeboot_text(&a, &e);
	must(text && hugeboot_parse(text, strlen(text), &b, &e) == 0 && a.n == b.n);
	for (size_t i = 0; i < a.n; i++)
		must(a.v[i].page == b.v[i].page && a.v[i].count == b.v[i].count &&
		     a.v[i].node == b.v[i].node);
	free(text);
	hugeboot_free(&a);
	hugeboot_free(&b);
	return 0;
}
