/* SPDX-License-Identifier: MIT */
/* interfaces(5): the answers do not depend on what stands behind the text, and a stanza that is
 * added is found. */
#include "tune/ifupdown.h"

#include "host/lines.h"
#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct err e = { 0 };
	char *out = NULL;
	size_t n;

	ifupdown_sources(text, len, "/etc/network/interfaces.d");
	if (ifupdown_has(text, len, "br0"))
		must(memmem(text, len, "br0", 3) != NULL);
	must(lines_append(text, len, "iface br0 inet manual", &out, &n, &e) == 0);
	must(ifupdown_has(out, n, "br0"));
	free(out);
	return 0;
}
