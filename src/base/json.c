/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Deeper values are refused: the printer recurses. */
enum { DEPTH_MAX = 1024, BUCKETS = 512 };

static bool codepoint_ok(uint32_t cp)
{
	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		return false;
	return !(cp >= 0xFDD0 && cp <= 0xFDEF) && (cp & 0xFFFE) != 0xFFFE;
}

/*
 * Decodes the character at *p (not the NUL) and steps over it.  What is not
 * UTF-8, overlong or not a character is U+FFFD, and a sequence that is cut is
 * stepped over as far as it goes: so does QEMU.
 */
static uint32_t next_char(const char **p)
{
	static const uint32_t least[] = { 0x80, 0x800, 0x10000, 0x200000, 0x4000000 };
	uint8_t byte = (uint8_t) * (*p)++;
	unsigned len = 0;
	uint32_t cp;

	if (byte < 0x80)
		return byte;
	if (byte < 0xC0 || byte >= 0xFE)
		return 0xFFFD;
	while (byte & 0x80 >> len)
		len++;
	cp = byte & (0x7Fu >> len);
	for (unsigned i = 1; i < len; i++) {
		byte = (uint8_t) * *p;
		if ((byte & 0xC0) != 0x80)
			return 0xFFFD;
		(*p)++;
		cp = cp << 6 | (byte & 0x3F);
	}
	/* C0 80 stands for U+0000 */
	if (!codepoint_ok(cp) || (cp < least[len - 2] && !(cp == 0 && len == 2)))
		return 0xFFFD;
	return cp;
}

static void put_string(struct str *s, const char *text)
{
	static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";

	str_add(s, "\"");
	while (*text) {
		const char *start = text;
		uint32_t cp = next_char(&text);
		const char *at = cp && cp < 0x80 ? strchr(plain, (int)cp) : NULL;

		if (at)
			str_addf(s, "\\%c", escaped[at - plain]);
		else if (cp > 0xFFFF)
			str_addf(s, "\\u%04X\\u%04X", 0xD800 + ((cp - 0x10000) >> 10),
				 0xDC00 + ((cp - 0x10000) & 0x3FF));
		else if (cp < 0x20 || cp >= 0x7F)
			str_addf(s, "\\u%04X", cp);
		else
			str_addn(s, start, 1);
	}
	str_add(s, "\"");
}

static void put_newline(struct str *s, unsigned depth)
{
	str_addf(s, "\n%*s", (int)depth * 4, "");
}

struct member {
	const char *key;
	const json_t *val;
	unsigned bucket;
	size_t at; /* order of insertion */
};

/* The hash of QEMU's dictionaries, which decides the order of their members. */
static unsigned key_bucket(const char *key)
{
	uint32_t v = 0x238F13AFu * (uint32_t)strlen(key);

	for (uint32_t i = 0; key[i]; i++)
		v += (uint32_t)(uint8_t)key[i] << (i * 5 % 24);
	return (1103515243u * v + 12345u) % BUCKETS;
}

int json_key_cmp(const char *a, const char *b)
{
	return (int)key_bucket(a) - (int)key_bucket(b);
}

/* By bucket; within one, what came last is found first. */
static int member_cmp(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return x->at > y->at ? -1 : x->at < y->at;
}

static int put_value(struct str *s, const json_t *v, unsigned depth, struct err *e);

static int put_object(struct str *s, const json_t *v, unsigned depth, struct err *e)
{
	size_t n = json_object_size(v), i = 0;
	AUTO_FREE struct member *m = mem_zalloc(n, sizeof(*m), e);
	/* jansson's iterators want a pointer they could write through */
	union {
		const json_t *in;
		json_t *out;
	} obj = { v };
	const char *key;
	json_t *val;

	if (!m)
		return -ENOMEM;
	json_object_foreach(obj.out, key, val)
	{
		m[i] = (struct member){ key, val, key_bucket(key), i };
		i++;
	}
	qsort(m, n, sizeof(*m), member_cmp);
	str_add(s, "{");
	for (i = 0; i < n; i++) {
		int r;

		if (i)
			str_add(s, ",");
		put_newline(s, depth + 1);
		put_string(s, m[i].key);
		str_add(s, ": ");
		r = put_value(s, m[i].val, depth + 1, e);
		if (r < 0)
			return r;
	}
	put_newline(s, depth);
	str_add(s, "}");
	return 0;
}

static int put_array(struct str *s, const json_t *v, unsigned depth, struct err *e)
{
	str_add(s, "[");
	for (size_t i = 0; i < json_array_size(v); i++) {
		int r;

		if (i)
			str_add(s, ",");
		put_newline(s, depth + 1);
		r = put_value(s, json_array_get(v, i), depth + 1, e);
		if (r < 0)
			return r;
	}
	put_newline(s, depth);
	str_add(s, "]");
	return 0;
}

static int put_value(struct str *s, const json_t *v, unsigned depth, struct err *e)
{
	if (depth > DEPTH_MAX)
		return err_set(e, -EINVAL, "JSON nested deeper than %d", DEPTH_MAX);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(s, v, depth, e);
	case JSON_ARRAY:
		return put_array(s, v, depth, e);
	case JSON_STRING:
		put_string(s, json_string_value(v));
		break;
	case JSON_INTEGER:
		str_addf(s, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		str_addf(s, "%.17g", json_real_value(v));
		break;
	case JSON_TRUE:
		str_add(s, "true");
		break;
	case JSON_FALSE:
		str_add(s, "false");
		break;
	case JSON_NULL:
		str_add(s, "null");
		break;
	}
	return 0;
}

char *json_text(const json_t *v, struct err *e)
{
	struct str s = STR_INIT;

	if (put_value(&s, v, 0, e) < 0) {
		str_free(&s);
		return NULL;
	}
	return str_take(&s, e);
}
