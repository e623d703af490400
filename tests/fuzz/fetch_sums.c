/* SPDX-License-Identifier: MIT */
/* A list of checksums from a stranger; its first line is the name looked for. */
#include "img/fetch.h"
#include "tests/lib/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *list, out[2 * DIGEST_MAX + 1];
	const char *sum, *algorithm;
	size_t n = 0;

	must(text);
	memcpy(text, data, len);
	text[len] = '\0';
	list = strchr(text, '\n');
	if (list) {
		*list++ = '\0';
		sum = fetch_find_sum(list, text, &n);
		must(!sum || (sum >= list && sum + n <= text + len && n <= 2 * DIGEST_MAX));
		must(!sum || strspn(sum, "0123456789abcdefABCDEF") == n);
	}
	if (fetch_digest(text, &algorithm, out, NULL) == 0)
		must(strlen(out) == strlen(text) && algorithm);
	free(text);
	return 0;
}
