/* SPDX-License-Identifier: MIT */
/* A rule put into mdev.conf: then it is what decides, and all other lines are there as before. */
#include "tune/mdev.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct mdev_rule rule = { "vhost-net", "root:kvm", "0660" };
	static const char line[] = "vhost-net\troot:kvm 0660";
	const char *text = (const char *)data;
	char *out = NULL, *again = NULL, *at;
	struct err e = { 0 };
	size_t n, m;
	int r = mdev_set(text, len, &rule, &out, &n, &e);

	must(r == 0 || r == 1);
	must((r == 1) == (out != NULL));
	if (!out)
		return 0;
	must(n >= len + strlen(line) && n <= len + strlen(line) + 4);
	must(mdev_set(out, n, &rule, &again, &m, &e) == 0 && !again);
	/* the texts before and behind the new line are the old ones */
	at = memmem(out, n, line, strlen(line));
	must(at != NULL);
	while (at && (size_t)(at - out) <= len && memcmp(out, text, (size_t)(at - out)))
		at = NULL;
	must(at != NULL);
	free(out);
	return 0;
}
