/* SPDX-License-Identifier: MIT */
/* A saved report that --against reads: whatever it is, all checks that come out have an id of
 * their own and texts that a terminal can be shown. */
#include "hostcheck/drift.h"
#include "tests/lib/fuzz.h"

#include <string.h>

static int printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct saved s;
	int r = saved_parse((const char *)data, size, &s, &e);

	if (r < 0) {
		must(r == -EINVAL || r == -ENOMEM);
		must(e.msg[0]);
		return 0;
	}
	must(s.kernel != NULL);
	for (size_t i = 0; i < s.n; i++) {
		must(s.v[i].id[0] && printable(s.v[i].id) && printable(s.v[i].value));
		must(s.v[i].verdict >= 0 && s.v[i].verdict < V_COUNT);
	}
	saved_free(&s);
	return 0;
}
