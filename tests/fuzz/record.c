/* SPDX-License-Identifier: MIT */
/*
 * A host's record.  What parses finds the key of its first line again; what is refused says why.
 */
#include "host/record.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host_record *r = NULL;
	struct err e = { 0 };
	char *key = malloc(len + 1);
	uint64_t v[4] = { 0 };
	size_t n;
	int code;

	must(key != NULL);
	memcpy(key, data, len);
	key[len] = '\0';
	code = record_parse((const char *)data, len, &r, &e);
	must(code == 0 || (code == -EINVAL && e.code == code && e.msg[0] && !r));
	if (code == 0) {
		/* the first line's key, if it has one, is there unless blanks are squeezed */
		n = strcspn(key, "=\n#");
		if (n && key[n] == '=' && !strpbrk(key, " \t\r")) {
			key[n] = '\0';
			must(record_get(r, key) != NULL);
			memset(&e, 0, sizeof(e));
			code = record_numbers(r, key, v, 4, &e);
			must(code == 0 ? !e.code : e.code == code && e.msg[0]);
		}
		/* blanks in keys are single, so this is none */
		must(record_get(r, "a  b") == NULL);
		must(record_numbers(r, "a  b", v, 1, &e) == -ENODATA);
		record_free(r);
	}
	free(key);
	return 0;
}
