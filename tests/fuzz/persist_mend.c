/* SPDX-License-Identifier: MIT */
/* One option exchanged in somebody's modprobe.d file: done twice it is the same, what was
 * not asked for stays, and the reader of these files finds the new value. */
#include "host/modprobe_conf.h"
#include "modules/persist.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct modprobe_conf c = { 0 };
	char *text = strndup((const char *)data, size);
	struct err e = { 0 };
	size_t len;

	must(text != NULL);
	len = strlen(text);
	must(modprobe_conf_parse(&c, "/etc/modprobe.d/x.conf", text, len, &e) == 0);
	for (size_t i = 0; i < c.n && i < 64; i++) {
		char *out = NULL, *again = NULL;
		int r = persist_mend(text, c.v[i].line, "nested", "1", &out, &e);

		must(r == 0 || r == 1);
		must((r == 1) == (out != NULL));
		if (!out)
			continue;
		must(lines_of(text, len) == lines_of(out, strlen(out)) &&
		     strlen(out) <= 3 * len);
		must(persist_mend(out, c.v[i].line, "nested", "1", &again, &e) == 0 && !again);
		free(out);
	}
	must(persist_mend(text, 1u << 30, "nested", "1", &(char *){ NULL }, &e) == -EINVAL);
	modprobe_conf_free(&c);
	free(text);
	return 0;
}
