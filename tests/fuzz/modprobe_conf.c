/* SPDX-License-Identifier: MIT */
/* modprobe.d and the command line: of each parameter exactly one setting is the final one. */
#include "host/modprobe_conf.h"

#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct modprobe_conf c = { 0 };
	struct modprobe_options o;
	const char *text = (const char *)data;
	struct err e = { 0 };
	int r;

	must(modprobe_conf_parse(&c, "a", text, len, NULL) == 0);
	must(modprobe_conf_parse(&c, "b", text, len / 2, NULL) == 0);
	must(modprobe_conf_cmdline(&c, text, len, NULL) == 0);
	for (size_t i = 0; i < c.n; i++) {
		must(c.v[i].module && c.v[i].rest && c.v[i].file && c.v[i].line);
		must(c.v[i].cmd == MODPROBE_ALIAS || !strchr(c.v[i].module, '-'));
		must(modprobe_conf_find(&c, c.v[i].cmd, c.v[i].module) != NULL);
	}
	r = modprobe_options(&c, NULL, &o, &e);
	must(r == 0 || r == -E2BIG);
	for (size_t i = 0; i < o.n && i < 64; i++) {
		size_t finals = 0;

		must(o.v[i].param && !strchr(o.v[i].param, '-'));
		for (size_t k = 0; k < o.n; k++)
			finals += o.v[k].final && !strcmp(o.v[i].param, o.v[k].param) &&
				  !strcmp(o.v[i].from->module, o.v[k].from->module);
		must(finals == 1);
	}
	modprobe_options_free(&o);
	modprobe_conf_free(&c);
	return 0;
}
