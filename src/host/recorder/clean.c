/* SPDX-License-Identifier: MIT */
#include "host/recorder/clean.h"

#include "base/str.h"
#include "host/words.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* /proc/net/route: column of the gateway; ipv6_route: length of an address. */
enum { GATEWAY_4 = 2, IPV6_LEN = 32 };

/* Names whose value is a secret, wherever they stand in a word: "cifs.password=", "PASSWD". */
static const char *const secret[] = { "password", "passwd",  "passphrase", "secret", "token",
				      "apikey",   "api_key", "psk",        "pass" };

/* How long the name is that begins at @s, 0 if none does. */
static size_t secret_name(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++) {
		size_t n = strlen(secret[i]);

		if (n <= len && !strncasecmp(s, secret[i], n))
			return n;
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the value behind the name at @s begins: after '=' or ':', or blanks, @len if the
 * name is just a part of another ("passwd_file", "passthrough") or nothing follows. */
static size_t value_at(const char *s, size_t len, size_t name)
{
	size_t i = name;

	while (i < len && is_blank(s[i]))
		i++;
	if (i < len && (s[i] == '=' || s[i] == ':'))
		i++;
	else if (i == name)
		return len;
	while (i < len && (is_blank(s[i]) || s[i] == '"' || s[i] == '\''))
		i++;
	return i;
}

static bool ends_value(char c)
{
	return is_blank(c) || c == ',' || c == '"' || c == '\'' || c == '\r';
}

static void hide_secrets(struct span line, struct str *out)
{
	size_t i = 0;

	while (i < line.len) {
		size_t name = secret_name(line.s + i, line.len - i);
		size_t at = name ? value_at(line.s + i, line.len - i, name) : 0;

		if (!name || at >= line.len - i) {
			str_addn(out, line.s + i++, 1);
			continue;
		}
		str_addn(out, line.s + i, at);
		str_add(out, "*");
		i += at;
		while (i < line.len && !ends_value(line.s[i]))
			i++;
	}
}

/* Fields between colons: the second becomes "x" unless it is a mark of its own, and the one
 * numbered @blank becomes empty. */
static void hide_fields(struct span line, size_t blank, struct str *out)
{
	struct span field;

	for (size_t n = 0; line.len; n++) {
		const char *colon = memchr(line.s, ':', line.len);

		field = (struct span){ line.s, colon ? (size_t)(colon - line.s) : line.len };
		line.s += field.len + (colon ? 1 : 0);
		line.len -= field.len + (colon ? 1 : 0);
		if (n == 1)
			str_add(out, field.len ? "x" : "");
		else if (n != blank)
			str_addn(out, field.s, field.len);
		if (colon)
			str_add(out, ":");
	}
}

static bool is_ids(struct span line)
{
	struct span key;

	return span_cut(&line, ':', &key) &&
	       (span_is(key, "Uid") || span_is(key, "Gid") || span_is(key, "Groups"));
}

/* All addresses become zeros. */
static void hide_gateway(struct span line, struct str *out)
{
	struct span word;

	for (size_t n = 0; span_word(&line, &word); n++) {
		if (n)
			str_add(out, "\t");
		for (size_t i = 0; i < word.len; i++)
			str_addn(out, n == GATEWAY_4 || word.len == IPV6_LEN ? "0" : word.s + i,
				 1);
	}
}

/* IPv4 begins with the interface and has the destination next; IPv6 begins with the latter. */
static bool is_to_everywhere(struct span line)
{
	static const char zeros[] = "00000000000000000000000000000000";
	struct span first, second;

	if (!span_word(&line, &first) || !span_word(&line, &second))
		return false;
	return span_is(second, "00000000") || span_is(first, zeros);
}

int clean_text(const char *text, size_t len, enum clean_how how, char **out, size_t *out_len,
	       struct err *e)
{
	struct span rest = { text, len }, line;
	struct str s = STR_INIT;

	while (span_line(&rest, &line)) {
		if (how == CLEAN_STATUS && !is_ids(line))
			continue;
		if (how == CLEAN_ROUTES && !is_to_everywhere(line))
			continue;
		if (how == CLEAN_SECRETS)
			hide_secrets(line, &s);
		else if (how == CLEAN_PASSWD)
			hide_fields(line, 4, &s);
		else if (how == CLEAN_GROUP)
			hide_fields(line, SIZE_MAX, &s);
		else if (how == CLEAN_ROUTES)
			hide_gateway(line, &s);
		else
			str_addn(&s, line.s, line.len);
		/* a last line without an end stays one */
		if (line.s + line.len < text + len)
			str_add(&s, "\n");
	}
	*out_len = s.len;
	*out = str_take(&s, e);
	return *out ? 0 : -ENOMEM;
}
