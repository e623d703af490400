/* SPDX-License-Identifier: MIT */
/*
 * /proc/cpuinfo.  Flags are sorted sets; none is both of all processors and of some; a text
 * that is there twice has twice the processors and the same flags of all.
 */
#include "host/cpuinfo.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

static void must_be_a_set(const struct words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		must(w->v[i][0] && !strpbrk(w->v[i], " \t\r\n"));
		must(i == 0 || strcmp(w->v[i - 1], w->v[i]) < 0);
		must(words_has(w, w->v[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cpuinfo c, twice;
	struct err e = { 0 };
	char *text = malloc(2 * len + 2);
	int r;

	must(text != NULL);
	r = cpuinfo_parse((const char *)data, len, &c, &e);
	must(r == 0 || (r == -EINVAL && e.code == r && !c.flags.n && !c.some.n && !c.vmx.n));
	if (r == 0) {
		must(c.cpus > 0);
		must_be_a_set(&c.flags);
		must_be_a_set(&c.some);
		must_be_a_set(&c.vmx);
		for (size_t i = 0; i < c.some.n; i++)
			must(!cpuinfo_has(&c, c.some.v[i]));
		must(c.has_vmx_line || !c.vmx.n);
		memcpy(text, data, len);
		text[len] = '\n';
		memcpy(text + len + 1, data, len);
		must(cpuinfo_parse(text, 2 * len + 1, &twice, NULL) == 0);
		must(twice.cpus == 2 * c.cpus && twice.flags.n == c.flags.n);
		cpuinfo_free(&twice);
		cpuinfo_free(&c);
	}
	free(text);
	return 0;
}
