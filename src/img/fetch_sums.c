/* SPDX-License-Identifier: MIT */
/* Lists of digests: "HEX  NAME", "HEX *NAME" (sha256sum) and "SHA256 (NAME) = HEX" (BSD). */
#include "img/fetch.h"

#include <ctype.h>
#include <string.h>

static size_t hex_len(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

int fetch_digest(const char *hex, const char **algorithm, char out[2 * DIGEST_MAX + 1],
		 struct err *e)
{
	size_t n = hex_len(hex);

	if (hex[n])
		return err_set(e, -EINVAL, "'%.140s' is not a digest in hexadecimal", hex);
	*algorithm = n == 64 ? "sha256" : n == 96 ? "sha384" : n == 128 ? "sha512" : NULL;
	if (!*algorithm)
		return err_set(
			e, -EINVAL,
			"a digest of %zu hexadecimal digits is neither sha256, sha384 nor "
			"sha512",
			n);
	for (size_t i = 0; i <= n; i++)
		out[i] = (char)tolower((unsigned char)hex[i]);
	return 0;
}

/* Is [s, s + n) the name, or a path to it? */
static bool is_name(const char *s, size_t n, const char *name)
{
	size_t len = strlen(name);

	while (n && (s[n - 1] == '\r' || s[n - 1] == ' '))
		n--;
	return n >= len && !memcmp(s + n - len, name, len) &&
	       (n == len || s[n - len - 1] == '/');
}

static const char *line_sum(const char *s, size_t n, const char *name, size_t *len)
{
	const char *open = memchr(s, '(', n), *p;
	size_t digits = hex_len(s);

	if (digits >= 64 && digits + 2 < n && s[digits] == ' ' &&
	    (s[digits + 1] == ' ' || s[digits + 1] == '*') &&
	    is_name(s + digits + 2, n - digits - 2, name)) {
		*len = digits;
		return s;
	}
	if (!open)
		return NULL;
	for (p = s + n; p > open && *p != ')'; p--)
		;
	if (p == open || n - (size_t)(p - s) < 5 || strncmp(p, ") = ", 4) ||
	    !is_name(open + 1, (size_t)(p - open - 1), name))
		return NULL;
	*len = hex_len(p + 4);
	return p + 4;
}

const char *fetch_find_sum(const char *text, const char *name, size_t *len)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *found = line_sum(text, n, name, len);

		if (found && *len >= 64 && *len <= 2 * DIGEST_MAX)
			return found;
		text += n + (text[n] != '\0');
	}
	return NULL;
}
