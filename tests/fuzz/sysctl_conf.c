/* SPDX-License-Identifier: MIT */
/* sysctl.d: each key has one last line, and asking for it finds that one. */
#include "host/sysctl_conf.h"

#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sysctl_conf c = { 0 };
	int r = sysctl_conf_parse(&c, "f", (const char *)data, len, NULL);

	must(r == 0 || r == -E2BIG);
	for (size_t i = 0; r == 0 && i < c.n && i < 64; i++) {
		const struct sysctl_line *t = &c.v[i], *found;

		must(t->key && t->value && t->line && sysctl_same_value(t->value, t->value));
		/* a key whose first separator is a dot again was told with slashes */
		if (t->exclude || strcspn(t->key, ".") < strcspn(t->key, "/"))
			continue;
		found = sysctl_conf_find(&c, t->key);
		must(found && found->final && !strcmp(found->key, t->key));
	}
	sysctl_conf_free(&c);
	return 0;
}
