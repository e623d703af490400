/* SPDX-License-Identifier: MIT */
/* What is found at a place is mounted there. */
#include "host/mounts.h"
#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct mounts m;
	int r = mounts_parse((const char *)data, len, &m, &e);

	huge_page_size((const char *)data, len);
	if (r < 0) {
		must(r == -EINVAL && e.code == r && !m.v && !m.n);
		return 0;
	}
	for (size_t i = 0; i < m.n && i < 64; i++) {
		const struct mount *at = mounts_at(&m, m.v[i].target);
		size_t n = 0;
		const char *s = mounts_option(m.v[i].super, "pagesize", &n);

		must(m.v[i].root && m.v[i].options && m.v[i].type && m.v[i].source);
		must(!at || !strcmp(at->target, m.v[i].target));
		must(!s || (s >= m.v[i].super && n <= strlen(s)));
	}
	mounts_free(&m);
	return 0;
}
