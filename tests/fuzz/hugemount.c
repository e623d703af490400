/* SPDX-License-Identifier: MIT */
/* Options of a hugetlbfs: what is taken comes back the same from its one form. */
#include "hugepages/mount.h"
#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *once, *twice;
	struct hugemount_opts a, b;
	struct err e = { 0 };

	must(text != NULL);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (hugemount_options_parse(text, &a, &e) < 0) {
		must((e.code == -EINVAL || e.code == -ERANGE) && e.msg[0]);
		free(a.rest);
		free(text);
		return 0;
	}
	must(!(a.mode & ~01777u));
	must(!a.page || (a.page >= 4096 && !(a.page & (a.page - 1))));
	once = hugemount_options(&a, &e);
	must(once && hugemount_options_parse(once, &b, &e) == 0);
	must(hugemount_options_same(&a, &b, 1u << 21));
	twice = hugemount_options(&b, &e);
	must(twice && !strcmp(once, twice));
	free(once);
	free(twice);
	free(a.rest);
	free(b.rest);
	free(text);
	return 0;
}
