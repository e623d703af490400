/* SPDX-License-Identifier: MIT */
/* "json:{...}" names, made into dotted keys. */
#include "base/mem.h"
#include "base/str.h"
#include "img/open.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { JSON_DEPTH_MAX = 16 };

static bool has_key(const struct optset *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (!strcmp(o->v[i].key, key))
			return true;
	return false;
}

static int flatten(json_t *v, const char *prefix, unsigned depth, struct optset *out,
		   struct err *e);

static int flatten_member(json_t *v, const char *prefix, const char *key, unsigned depth,
			  struct optset *out, struct err *e)
{
	AUTO_FREE char *name = str_printf(e, "%s%s%s", prefix, *prefix ? "." : "", key);

	return name ? flatten(v, name, depth + 1, out, e) : -ENOMEM;
}

static int flatten_leaf(json_t *v, const char *name, struct optset *out, struct err *e)
{
	char num[64];
	const char *text = num;

	if (has_key(out, name))
		return 0;
	if (json_is_string(v))
		text = json_string_value(v);
	else if (json_is_boolean(v))
		text = json_is_true(v) ? "on" : "off";
	else if (json_is_integer(v))
		snprintf(num, sizeof(num), "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(num, sizeof(num), "%.17g", json_real_value(v));
	else
		text = ""; /* null: "backing": null is no backing image */
	return optset_set(out, name, text, e);
}

static int flatten(json_t *v, const char *prefix, unsigned depth, struct optset *out,
		   struct err *e)
{
	int r = 0;

	if (depth > JSON_DEPTH_MAX)
		return err_set(e, -EINVAL, "Could not parse the JSON options: nested too deep");
	if (json_is_object(v)) {
		const char *key;
		json_t *member;

		json_object_foreach(v, key, member)
		{
			r = flatten_member(member, prefix, key, depth, out, e);
			if (r < 0)
				return r;
		}
		return 0;
	}
	if (json_is_array(v)) {
		for (size_t i = 0; r == 0 && i < json_array_size(v); i++) {
			char key[24];

			snprintf(key, sizeof(key), "%zu", i);
			r = flatten_member(json_array_get(v, i), prefix, key, depth, out, e);
		}
		return r;
	}
	return flatten_leaf(v, prefix, out, e);
}

/* Strings may stand between single quotes too, as QEMU has them: they are cheaper to write
 * in a shell and in code. */
static char *double_quotes(const char *text, struct err *e)
{
	struct str s = STR_INIT;
	char quote = '\0';

	for (const char *p = text; *p; p++) {
		if (*p == '\\' && quote && p[1]) {
			str_addn(&s, p, p[1] == '\'' ? 0 : 1);
			str_addn(&s, ++p, 1);
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			str_add(&s, "\"");
		} else if (quote && *p == quote) {
			quote = '\0';
			str_add(&s, "\"");
		} else if (quote && *p == '"') {
			str_add(&s, "\\\"");
		} else {
			str_addn(&s, p, 1);
		}
	}
	return str_take(&s, e);
}

static int not_json(const char *text, const json_error_t *why, struct err *e)
{
	static const char what[] = "Could not parse the JSON options";

	if (!text[strspn(text, " \t\r\n")])
		return err_set(e, -EINVAL, "%s: Expecting a JSON value", what);
	switch (json_error_code(why)) {
	case json_error_premature_end_of_input:
		return err_set(e, -EINVAL, "%s: JSON parse error, premature EOI", what);
	case json_error_duplicate_key:
		return err_set(e, -EINVAL, "%s: JSON parse error, duplicate key", what);
	case json_error_end_of_input_expected:
		return err_set(e, -EINVAL, "%s: Expecting at most one JSON value", what);
	default:
		return err_set(e, -EINVAL, "%s: JSON parse error, %s", what, why->text);
	}
}

int open_json_opts(const char *text, struct optset *out, struct err *e)
{
	AUTO_FREE char *strict = double_quotes(text, e);
	json_error_t why;
	json_t *v;
	int r;

	if (!strict)
		return -ENOMEM;
	v = json_loads(strict, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!v)
		return not_json(text, &why, e);
	if (json_is_object(v))
		r = flatten(v, "", 0, out, e);
	else
		r = err_set(e, -EINVAL, "Invalid JSON object given");
	json_decref(v);
	return r;
}
