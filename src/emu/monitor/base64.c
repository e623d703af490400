/* SPDX-License-Identifier: MIT */
#include "emu/monitor/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct str *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;
		char four[4];

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		for (unsigned k = 0; k < 4; k++)
			four[k] = i + k <= n ? digits[v >> (18 - 6 * k) & 63] : '=';
		str_addn(s, four, 4);
	}
}

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int base64_decode(const char *text, size_t len, uint8_t *to, size_t *n, struct err *e)
{
	size_t pad = 0;
	uint32_t v = 0;

	*n = 0;
	while (pad < 2 && pad < len && text[len - pad - 1] == '=')
		pad++;
	if (len % 4)
		return err_set(e, -EINVAL, "base64 data comes in groups of four");
	for (size_t i = 0; i < len; i++) {
		int d = i < len - pad ? digit(text[i]) : 0;

		if (d < 0)
			return err_set(e, -EINVAL, "byte %zu of the data is no base64", i);
		v = v << 6 | (unsigned)d;
		if (i % 4 != 3)
			continue;
		for (unsigned k = 0; k < 3; k++)
			to[(*n)++] = (uint8_t)(v >> (16 - 8 * k));
		v = 0;
	}
	/* bits that no byte has must be none */
	for (; pad; pad--)
		if (to[--*n])
			return err_set(e, -EINVAL, "the last group of the data is no base64");
	return 0;
}
