/* SPDX-License-Identifier: MIT */
/* Telnet's control sequences: what is left is no longer than what came, and however the bytes
 * are cut into pieces the same data comes out. */
#include "emu/chardev/telnet.h"

#include "tests/lib/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct telnet a = { 0 }, b = { 0 };
	bool brk, any = false, all;
	uint8_t *whole;
	size_t n, at = 0;

	if (len > 4096)
		return 0;
	whole = malloc(len + 1);
	must(whole);
	memcpy(whole, data, len);
	n = telnet_input(&a, whole, len, &all);
	must(n <= len);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		if (telnet_input(&b, &c, 1, &brk))
			must(at < n && whole[at++] == c);
		any |= brk;
	}
	must(at == n && any == all && a.state == b.state);
	free(whole);
	return 0;
}
