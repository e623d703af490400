/* SPDX-License-Identifier: MIT */
#include "base/cli.h"

#include "base/str.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_opt opts[] = {
	{ "quiet", 'q', NULL, 'q' },
	{ "progress", 'p', NULL, 'p' },
	{ "options", 'o', "OPTS", 'o' },
	{ "output", 0, "FMT", 'O' },
	{ "output-format", 0, "FMT", 'O' },
	{ "backing", 'B', "FILE", 'b' },
	{ "backing-format", 0, "FMT", 'F' },
	{ NULL, 'c', NULL, 'c' },
	{ NULL, 0, NULL, 0 },
};

static int note(void *ctx, unsigned id, const char *value, struct err *e)
{
	if (value && !strcmp(value, "stop"))
		return err_set(e, -ECANCELED, "stopped");
	str_addf(ctx, "%c%s%s ", (int)id, value ? "=" : "", value ? value : "");
	return 0;
}

/* Parses @line split at spaces; what was seen, then the operands after '|'. */
static int parse(const char *line, char *out, size_t room, struct err *e)
{
	struct str s = STR_INIT;
	char copy[200], *argv[20], *save;
	int argc = 0, n, r;

	memset(copy, 0, sizeof(copy));
	strncpy(copy, line, sizeof(copy) - 1);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	r = cli_parse(opts, argc, argv, note, &s, &n, e);
	if (r == 0) {
		str_add(&s, "|");
		for (int i = 1; i <= n; i++)
			str_addf(&s, " %s", argv[i]);
	}
	out[0] = '\0';
	if (s.s)
		strncat(out, s.s, room - 1);
	str_free(&s);
	return r;
}

static void accepted_lines(void **state)
{
	static const char *const t[][2] = {
		{ "cmd", "|" },
		{ "cmd a b", "| a b" },
		{ "cmd a -q b -o x c", "q o=x | a b c" },
		{ "cmd -ox=1,y", "o=x=1,y |" },
		{ "cmd -qpo v a", "q p o=v | a" },
		{ "cmd -qpov a", "q p o=v | a" },
		{ "cmd --options=v --options w", "o=v o=w |" },
		{ "cmd --options= a", "o= | a" },
		{ "cmd --opt v", "o=v |" },
		{ "cmd --q --prog", "q p |" },
		{ "cmd --backing=f --backing-f=g", "b=f F=g |" },
		{ "cmd --outp x", "O=x |" }, /* two names, one option */
		{ "cmd --output=x", "O=x |" },
		{ "cmd -q -- -p --zz -- x", "q | -p --zz -- x" },
		{ "cmd a -- b", "| a b" },
		{ "cmd - -c", "c | -" },
		{ "cmd -o -q", "o=-q |" },
		{ "cmd --options -- a", "o=-- | a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct err e = { 0 };
		char got[200];

		if (parse(t[i][0], got, sizeof(got), &e) < 0)
			fail_msg("%s: %s", t[i][0], e.msg);
		assert_string_equal(got, t[i][1]);
	}
}

static void refused_lines(void **state)
{
	static const char *const t[][2] = {
		{ "cmd --foo", "unrecognized option '--foo'" },
		{ "cmd --foo=1", "unrecognized option '--foo'" },
		{ "cmd --quietly", "unrecognized option '--quietly'" },
		{ "cmd --=1", "unrecognized option '--'" },
		{ "cmd -x", "unrecognized option '-x'" },
		{ "cmd -qx", "unrecognized option '-x'" },
		{ "cmd -1G", "unrecognized option '-1G'" },
		{ "cmd -o", "missing argument for option '-o'" },
		{ "cmd --options", "missing argument for option '--options'" },
		{ "cmd --quiet=1", "option '--quiet' takes no argument" },
		{ "cmd --o=1", "option '--o' is ambiguous: --options or --output-format" },
		{ "cmd --back x",
		  "option '--back' is ambiguous: --backing or --backing-format" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct err e = { 0 };
		char got[200];

		if (parse(t[i][0], got, sizeof(got), &e) != -EINVAL)
			fail_msg("'%s' was taken", t[i][0]);
		assert_string_equal(e.msg, t[i][1]);
	}
}

static void callback_stops_the_parse(void **state)
{
	struct err e = { 0 };
	char got[200];

	assert_int_equal(parse("cmd -q -o stop -p", got, sizeof(got), &e), -ECANCELED);
	assert_string_equal(got, "q ");
}

static int run_nothing(int argc, char **argv)
{
	return 0;
}

static void commands_by_name(void **state)
{
	static const struct cli_cmd cmds[] = {
		{ "create", "", run_nothing },
		{ "check", "", run_nothing },
		{ NULL, NULL, NULL },
	};

	assert_ptr_equal(cli_find(cmds, "check"), &cmds[1]);
	assert_null(cli_find(cmds, "chec"));
	assert_null(cli_find(cmds, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_lines),
		cmocka_unit_test(refused_lines),
		cmocka_unit_test(callback_stops_the_parse),
		cmocka_unit_test(commands_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
