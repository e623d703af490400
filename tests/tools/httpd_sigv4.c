/* SPDX-License-Identifier: MIT */
/* The server's side of AWS Signature Version 4 for GET without a body ("Signing AWS API requests",
 * canonical request, string to sign, signature). */
#include "tests/tools/httpd.h"

#include <nettle/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT = 8192, DIGEST = SHA256_DIGEST_SIZE, HEX = 2 * DIGEST + 1 };

static void hex(const uint8_t *d, char *out)
{
	for (unsigned i = 0; i < DIGEST; i++)
		snprintf(out + 2 * i, 3, "%02x", d[i]);
}

static void sha(const char *text, char *out)
{
	struct sha256_ctx c;
	uint8_t d[DIGEST];

	sha256_init(&c);
	sha256_update(&c, strlen(text), (const uint8_t *)text);
	sha256_digest(&c, DIGEST, d);
	hex(d, out);
}

static void hmac(const uint8_t *key, size_t n, const char *text, uint8_t *out)
{
	struct hmac_sha256_ctx c;

	hmac_sha256_set_key(&c, n, key);
	hmac_sha256_update(&c, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&c, DIGEST, out);
}

/* The value of a header, or false. */
static bool line_of(const char *head, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " ");
		snprintf(out, size, "%.*s", (int)strcspn(p, "\r"), p);
		return true;
	}
	return false;
}

/* What follows @key in the header, up to a comma. */
static bool part_of(const char *auth, const char *key, char *out, size_t size)
{
	const char *p = strstr(auth, key);

	if (!p)
		return false;
	p += strlen(key);
	snprintf(out, size, "%.*s", (int)strcspn(p, ", "), p);
	return true;
}

static bool canonical(const char *head, const char *list, char *out)
{
	char path[2048], names[512], value[2048], sum[HEX];
	char *rest = names, *name, *query;
	int n;

	if (sscanf(head, "%*s %2047s", path) != 1)
		return false;
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	n = snprintf(out, TEXT, "GET\n%s\n%s\n", path, query ? query : "");
	snprintf(names, sizeof(names), "%s", list);
	while ((name = strsep(&rest, ";"))) {
		if (!line_of(head, name, value, sizeof(value)))
			return false;
		n += snprintf(out + n, TEXT - (size_t)n, "%s:%s\n", name, value);
	}
	if (!line_of(head, "x-amz-content-sha256", sum, sizeof(sum)))
		sha("", sum);
	snprintf(out + n, TEXT - (size_t)n, "\n%s\n%s", list, sum);
	return true;
}

bool httpd_is_signed(const char *head, const char *key)
{
	char auth[2048], scope[512], list[512], sent[HEX], date[32], text[TEXT], sum[HEX];
	char secret[256], want[HEX], *part, *rest;
	uint8_t k[DIGEST];
	char copy[512];

	if (!line_of(head, "Authorization", auth, sizeof(auth)) ||
	    strncmp(auth, "AWS4-HMAC-SHA256 ", 17) ||
	    !part_of(auth, "Credential=", scope, sizeof(scope)) ||
	    !part_of(auth, "SignedHeaders=", list, sizeof(list)) ||
	    !part_of(auth, "Signature=", sent, sizeof(sent)) ||
	    !line_of(head, "x-amz-date", date, sizeof(date)) || !strchr(scope, '/') ||
	    !strstr(list, "host") || !canonical(head, list, text))
		return false;
	snprintf(copy, sizeof(copy), "%s", strchr(scope, '/') + 1);
	sha(text, sum);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, copy, sum);
	snprintf(secret, sizeof(secret), "AWS4%.*s", (int)strcspn(key, ","), key);
	rest = copy;
	part = strsep(&rest, "/");
	hmac((const uint8_t *)secret, strlen(secret), part, k);
	while ((part = strsep(&rest, "/")))
		hmac(k, DIGEST, part, k);
	hmac(k, DIGEST, text, k);
	hex(k, want);
	return !strcmp(want, sent);
}
