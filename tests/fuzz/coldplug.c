/* SPDX-License-Identifier: MIT */
/* modules.devname and a processor's modalias: what is found stands there, and a line more is
 * found whatever is before it. */
#include "host/coldplug.h"

#include "tests/lib/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char line[] = "\nq_q node c1:2", list[] = ":feature:,FFFE,";
	char *text = malloc(len + sizeof(line) + sizeof(list));

	must(text);
	memcpy(text, data, len);
	text[len] = '\0';
	if (coldplug_has_node(text, len, "tun"))
		must(memmem(text, len, "tun", 3));
	if (coldplug_has_feature(text, COLDPLUG_SVM))
		must(strstr(text, ",00C2,"));
	memcpy(text + len, line, sizeof(line));
	must(coldplug_has_node(text, len + sizeof(line) - 1, "q-q"));
	/* the first list counts */
	text[len] = '\0';
	if (!strstr(text, ":feature:") && strlen(text) == len) {
		memcpy(text + len, list, sizeof(list));
		must(coldplug_has_feature(text, 0xfffe));
	}
	free(text);
	return 0;
}
