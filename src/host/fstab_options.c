/* SPDX-License-Identifier: MIT */
#include "host/fstab.h"
#include "host/mounts.h"

#include <stdlib.h>
#include <string.h>

static bool is_key(const char *key, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(key, name, len);
}

/* Octal as the kernel takes it; what is no such number has no value. */
static bool octal_value(const char *s, size_t len, unsigned long *out)
{
	*out = 0;
	if (!len || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '7')
			return false;
		*out = *out * 8 + (unsigned long)(s[i] - '0');
	}
	return true;
}

static bool same_size(const char *a, size_t an, const char *b, size_t bn)
{
	uint64_t x, y;

	/* "50%" of the pool is no size */
	if (memchr(a, '%', an) || memchr(b, '%', bn))
		return false;
	x = huge_page_size(a, an);
	y = huge_page_size(b, bn);
	return x && x == y;
}

static bool same_value(const char *type, const char *key, size_t key_len, const char *a,
		       size_t an, const char *b, size_t bn)
{
	unsigned long x, y;

	if (an == bn && !memcmp(a, b, an))
		return true;
	if (strcmp(type, "hugetlbfs") != 0)
		return false;
	if (is_key(key, key_len, "pagesize") || is_key(key, key_len, "size") ||
	    is_key(key, key_len, "min_size"))
		return same_size(a, an, b, bn);
	/* hugetlbfs keeps the bits 01777 and the sticky one */
	return is_key(key, key_len, "mode") && octal_value(a, an, &x) &&
	       octal_value(b, bn, &y) && (x & 01777) == (y & 01777);
}

/* The last value of the key of @len bytes at @key. */
static const char *last_value(const char *options, const char *key, size_t len, size_t *value)
{
	const char *found = NULL;

	for (const char *s = options; *s;) {
		size_t word = strcspn(s, ",");

		if (word >= len && !memcmp(s, key, len) && (word == len || s[len] == '=')) {
			found = s + len + (word > len);
			*value = word > len ? word - len - 1 : 0;
		}
		s += word + (s[word] == ',');
	}
	return found;
}

bool fstab_has_options(const char *type, const char *have, const char *want)
{
	for (const char *s = want; *s;) {
		size_t word = strcspn(s, ","), key = strcspn(s, ",="), a, b;
		const char *w, *v;

		if (key && !is_key(s, word, "defaults")) {
			w = last_value(want, s, key, &a);
			v = last_value(have, s, key, &b);
			if (!w || !v || !same_value(type, s, key, w, a, v, b))
				return false;
		}
		s += word + (s[word] == ',');
	}
	return true;
}

bool fstab_same_options(const char *type, const char *a, const char *b)
{
	return fstab_has_options(type, a, b) && fstab_has_options(type, b, a);
}
