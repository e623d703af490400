/* SPDX-License-Identifier: MIT */
/* modules.builtin.modinfo: what is found stands in the text, as "kvm.KEY=VALUE". */
#include "modules/modinfo.h"
#include "tests/lib/fuzz.h"

#include <string.h>

/* The string is one of those in the text. */
static int stands(const uint8_t *data, size_t len, const char *want)
{
	size_t n = strlen(want);

	for (size_t at = 0; at < len;) {
		const uint8_t *end = memchr(data + at, 0, len - at);
		size_t m = end ? (size_t)(end - data) - at : len - at;

		if (m == n && !memcmp(data + at, want, n))
			return 1;
		at += m + 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct modinfo info;
	struct err e = { 0 };
	int r = modinfo_parse_builtin((const char *)data, len, "kvm", &info, &e);

	if (r < 0) {
		must(r == e.code && r == -EUCLEAN && !info.v);
		return 0;
	}
	for (size_t i = 0; i < info.n; i++) {
		size_t n = strlen(info.v[i].key) + strlen(info.v[i].value) + 6;
		char *text = malloc(n);

		must(text && !strchr(info.v[i].key, '='));
		snprintf(text, n, "kvm.%s=%s", info.v[i].key, info.v[i].value);
		must(stands(data, len, text));
		free(text);
	}
	modinfo_free(&info);
	return 0;
}
