/* SPDX-License-Identifier: MIT */
/* One option exchanged in somebody's modprobe.d file: done twice it is the same, what was
 * not asked for stays, and the reader of these files finds the new value. */
#include "tune/modopt.h"

#include "host/modprobe_conf.h"
#include "tests/lib/fuzz.h"

#include <string.h>

/* Bytes other than those of values and line ends. */
static size_t lines_of(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct modprobe_conf c = { 0 };
	struct err e = { 0 };

	if (modprobe_conf_parse(&c, "/etc/modprobe.d/x.conf", text, len, &e) < 0)
		return 0;
	for (size_t i = 0; i < c.n && i < 64; i++) {
		char *out = NULL, *again = NULL;
		size_t n, m;
		int r = modopt_set(text, len, c.v[i].line, "nested", "1", &out, &n, &e);

		must(r == 0 || r == 1);
		must((r == 1) == (out != NULL));
		if (!out)
			continue;
		must(lines_of(text, len) == lines_of(out, n) && n <= len + 2 * len);
		must(modopt_set(out, n, c.v[i].line, "nested", "1", &again, &m, &e) == 0);
		must(!again);
		free(out);
	}
	must(modopt_set(text, len, 1u << 30, "nested", "1", &(char *){ NULL }, &len, &e) ==
	     -EINVAL);
	modprobe_conf_free(&c);
	return 0;
}
