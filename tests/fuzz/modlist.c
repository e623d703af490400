/* SPDX-License-Identifier: MIT */
/* modules.dep and modules.builtin: rows are sorted, each name once and one that a module can
 * have, and each is found. */
#include "modules/modlist.h"

#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct modlist l;
	struct err e = { 0 };

	must(modlist_parse((const char *)data, len, &l, &e) == 0);
	for (size_t i = 0; i < l.n; i++) {
		const struct modlist_row *r = &l.v[i];
		char name[MODULE_NAME_MAX + 1];

		must(module_name(r->name, name, NULL) == 0 && !strcmp(name, r->name));
		must(modlist_name(r->path, strlen(r->path), name) == 0);
		must(!strcmp(name, r->name));
		must(!strchr(r->path, '\n') && !strchr(r->deps, '\n'));
		must(i == 0 || strcmp(l.v[i - 1].name, r->name) < 0);
		must(modlist_find(&l, r->name) == r);
	}
	must(!modlist_find(&l, "no-such-name"));
	modlist_free(&l);
	return 0;
}
