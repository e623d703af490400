/* SPDX-License-Identifier: MIT */
/* Lists of modules: what was added is listed, what was removed is not, all else stays. */
#include "host/modules_load.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static size_t listed(const char *text, size_t len, const char *module)
{
	struct modules_load m = { 0 };
	size_t n = 0;
	int r = modules_load_parse(&m, "f", text, len, NULL);

	must(r == 0 || r == -E2BIG);
	for (size_t i = 0; i < m.n; i++) {
		must(m.v[i].name && m.v[i].args && m.v[i].line);
		must(!m.v[i].again || modules_load_find(&m, m.v[i].name) < &m.v[i]);
	}
	n = modules_load_find(&m, module) != NULL;
	modules_load_free(&m);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct modules_load m = { 0 };
	size_t out_len, less_len, before;
	char *out, *less;
	int r;

	r = modules_load_parse_confd(&m, "f", text, len, NULL);
	must(r == 0 || r == -E2BIG);
	modules_load_free(&m);
	if (len > 4096)
		return 0;
	before = listed(text, len, "a_b");
	r = modules_load_add(text, len, "a-b", &out, &out_len, NULL);
	must(r == (before == 0));
	if (r == 0)
		return 0;
	must(out_len > len && !memcmp(out, text, len) && listed(out, out_len, "a_b"));
	r = modules_load_remove(out, out_len, "a_b", &less, &less_len, NULL);
	must(r == 1 && less_len >= len && !memcmp(less, text, len));
	must(!listed(less, less_len, "a_b"));
	free(out);
	free(less);
	return 0;
}
