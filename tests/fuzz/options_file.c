/* SPDX-License-Identifier: MIT */
/* Whatever a configuration file holds: each group is one option, with a list of keys that can be
 * read back. */
#include "emu/options_file.h"

#include "base/optset.h"
#include "tests/lib/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char *first(void *arg, const char *option)
{
	(void)arg;
	return !strcmp(option, "device") ? "driver" : NULL;
}

static int option(void *arg, const char *name, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	unsigned *n = arg;

	must(*name && strlen(name) < 64);
	(void)e;
	/* an empty value is no list */
	if (*value && optset_parse(&o, value, first(NULL, name), NULL) == 0)
		must(o.n > 0);
	optset_free(&o);
	++*n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = calloc(1, len + 1);
	unsigned n = 0;
	const struct options_file_user u = { first, option, &n };
	struct err e = { 0 };
	int r;

	if (!text)
		return 0;
	memcpy(text, data, len);
	r = options_file_parse(text, &u, &e);
	must(r == 0 || (e.code == r && e.msg[0]));
	must(n <= len);
	free(text);
	return 0;
}
