/* SPDX-License-Identifier: MIT */
/* Values against the types of kernel/params.c: what kstrtobool() and kstrtoull() take. */
#include "modules/params.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 1023 /* param_set_charp() */

enum param_type param_type_parse(const char *text, bool *array)
{
	static const struct {
		const char *name;
		enum param_type type;
	} names[] = {
		{ "bool", PARAM_BOOL },       { "bool_enable_only", PARAM_BOOL },
		{ "invbool", PARAM_INVBOOL }, { "bint", PARAM_BINT },
		{ "byte", PARAM_BYTE },       { "short", PARAM_SHORT },
		{ "ushort", PARAM_USHORT },   { "int", PARAM_INT },
		{ "uint", PARAM_UINT },       { "hexint", PARAM_UINT },
		{ "long", PARAM_LONG },       { "ulong", PARAM_ULONG },
		{ "ullong", PARAM_ULLONG },   { "charp", PARAM_TEXT },
		{ "string", PARAM_TEXT },
	};

	*array = !strncmp(text, "array of ", 9);
	if (*array)
		text += 9;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i].name))
			return names[i].type;
	return PARAM_OTHER;
}

/* Smallest and largest value; false for what is no number. */
static bool range(enum param_type t, int64_t *min, uint64_t *max)
{
	static const struct {
		enum param_type type;
		int64_t min;
		uint64_t max;
	} ranges[] = {
		{ PARAM_BYTE, 0, UINT8_MAX },
		{ PARAM_SHORT, INT16_MIN, INT16_MAX },
		{ PARAM_USHORT, 0, UINT16_MAX },
		{ PARAM_INT, INT32_MIN, INT32_MAX },
		{ PARAM_UINT, 0, UINT32_MAX },
		{ PARAM_LONG, INT64_MIN, INT64_MAX },
		{ PARAM_ULONG, 0, (uint64_t)INT64_MAX * 2 + 1 },
		{ PARAM_ULLONG, 0, UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (ranges[i].type != t)
			continue;
		*min = ranges[i].min;
		*max = ranges[i].max;
		return true;
	}
	return false;
}

/* A value as a number that can be compared: of a bool 0 or 1. */
struct number {
	bool negative;
	uint64_t abs;
};

static int parse_bool(const char *s, size_t len, struct number *out)
{
	static const char *const words[] = { "n", "y", "0", "1", "no", "yes", "off", "on" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i]) == len && !strncasecmp(s, words[i], len)) {
			*out = (struct number){ false, i % 2 };
			return 0;
		}
	}
	return -EINVAL;
}

/* As kstrtoull() with base 0; a sign in front as kstrtoll(). */
static int parse_number(const char *s, size_t len, struct number *out)
{
	uint64_t v = 0;
	unsigned base = 10;

	*out = (struct number){ len && *s == '-', 0 };
	if (len && (*s == '-' || *s == '+')) {
		s++;
		len--;
	}
	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
		len -= 2;
	} else if (len > 1 && s[0] == '0') {
		base = 8;
	}
	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
			     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
						    : 99;

		if (d >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
			return -ERANGE;
	}
	out->abs = v;
	return 0;
}

/* One value, or one of an array. */
static int parse_one(enum param_type t, const char *s, size_t len, struct number *out)
{
	int64_t min;
	uint64_t max;
	int r;

	if (t == PARAM_BOOL || t == PARAM_INVBOOL || t == PARAM_BINT)
		return parse_bool(s, len, out);
	if (!range(t, &min, &max))
		return len <= TEXT_MAX ? 0 : -ERANGE;
	r = parse_number(s, len, out);
	if (r < 0)
		return r;
	if (out->negative)
		/* how far below zero it may go; without overflow at the smallest number */
		max = min < 0 ? (uint64_t) - (min + 1) + 1 : 0;
	return out->abs <= max ? 0 : -ERANGE;
}

static size_t part(const struct param *p, const char *s)
{
	return p->array ? strcspn(s, ",") : strlen(s);
}

int param_check(const struct param *p, const char *value, struct err *e)
{
	struct number n;

	if (p->type == PARAM_OTHER)
		return 0;
	if (!value)
		return p->type == PARAM_BOOL || p->type == PARAM_BINT
			       ? 0
			       : err_set(e, -EINVAL, "%s needs a value (%s)", p->name,
					 p->type_text);
	for (const char *s = value;; s++) {
		size_t len = part(p, s);
		int r = parse_one(p->type, s, len, &n);

		if (r == -ERANGE)
			return err_set(e, r, "%s=%.80s: beyond what its type, %s, holds",
				       p->name, value, p->type_text);
		if (r < 0)
			return err_set(e, r,
				       "%s=%.80s: its type is %s; with another value the "
				       "module does not load",
				       p->name, value, p->type_text);
		s += len;
		if (!*s)
			return 0;
	}
}

bool param_same(const struct param *p, const char *a, const char *b)
{
	struct number x = { 0 }, y = { 0 };

	if (!a || !b)
		return a == b ||
		       (p->type == PARAM_BOOL && param_same(p, a ? a : "y", b ? b : "y"));
	if (p->type == PARAM_OTHER || p->type == PARAM_TEXT)
		return !strcmp(a, b);
	for (;; a++, b++) {
		size_t na = part(p, a), nb = part(p, b);

		if (parse_one(p->type, a, na, &x) < 0 || parse_one(p->type, b, nb, &y) < 0 ||
		    x.abs != y.abs || (x.abs && x.negative != y.negative))
			return false;
		a += na;
		b += nb;
		if (!*a || !*b)
			return !*a && !*b;
	}
}
