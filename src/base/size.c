/* SPDX-License-Identifier: MIT */
#include "base/size.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes that suffix @c stands for; 0 if it is none. */
static uint64_t suffix_bytes(char c)
{
	static const char suffixes[] = "bkmgtpe";
	char lower = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	const char *at = lower ? strchr(suffixes, lower) : NULL;

	return at ? UINT64_C(1) << (10 * (unsigned)(at - suffixes)) : 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Reads digits at *p; false if there is none.  *over: more than 64 bits. */
static bool read_digits(const char **p, unsigned base, uint64_t *out, bool *over)
{
	const char *start = *p;

	*out = 0;
	*over = false;
	for (; digit_value(**p) < (int)base; (*p)++)
		if (__builtin_mul_overflow(*out, base, out) ||
		    __builtin_add_overflow(*out, (uint64_t)digit_value(**p), out))
			*over = true;
	return *p > start;
}

/*
 * floor(0.@digits * mul), exactly: from the last digit to the first, as the
 * floor of a floor is the floor.  9 * 2^60 + 2^60 fits 64 bits.
 */
static uint64_t fraction_of(const char *digits, size_t n, uint64_t mul)
{
	uint64_t f = 0;

	while (n--)
		f = ((uint64_t)(digits[n] - '0') * mul + f) / 10;
	return f;
}

int size_parse(const char *text, char unit, uint64_t *out, struct err *e)
{
	const char *p = text + strspn(text, " \t\n\v\f\r");
	const char *frac = NULL;
	size_t frac_n = 0;
	uint64_t v, mul;
	bool over, hex;

	if (*p == '+')
		p++;
	hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	if (hex)
		p += 2;
	if (!read_digits(&p, hex ? 16 : 10, &v, &over))
		goto invalid;
	if (*p == '.' && !hex) {
		frac = ++p;
		frac_n = strspn(p, "0123456789");
		p += frac_n;
	}
	mul = suffix_bytes(*p);
	if (mul)
		p++;
	else
		mul = suffix_bytes(unit);
	/* no fractions of a byte */
	if (*p || !mul || (mul == 1 && strspn(frac ? frac : "", "0") < frac_n))
		goto invalid;
	if (over || __builtin_mul_overflow(v, mul, &v) ||
	    __builtin_add_overflow(v, fraction_of(frac, frac_n, mul), &v) || v > INT64_MAX)
		return err_set(e, -ERANGE, "size '%s' is too large", text);
	*out = v;
	return 0;
invalid:
	return err_set(e, -EINVAL, "'%s' is not a size", text);
}

char *size_human(uint64_t bytes, char out[SIZE_TEXT])
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned i = 0;

	/* the next unit from 1000 on, as three digits are all that is shown */
	while (i < 6 && bytes >> (10 * i) >= 1000)
		i++;
	snprintf(out, SIZE_TEXT, "%0.3g %.3s",
		 (double)bytes / (double)(UINT64_C(1) << (10 * i)), units[i]);
	return out;
}
