/* SPDX-License-Identifier: MIT */
#include "base/tool.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void PRINTF(2, 0) say(const char *kind, const char *fmt, va_list ap)
{
	/* one order on a terminal, whatever is buffered */
	fflush(stdout);
	fprintf(stderr, "%s: %s", program_invocation_short_name, kind);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void tool_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void tool_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

int tool_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'\n", program_invocation_short_name);
	return TOOL_USAGE;
}

const char *tool_errno_name(int code)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },     { ENOENT, "ENOENT" },       { EIO, "EIO" },
		{ ENXIO, "ENXIO" },     { EAGAIN, "EAGAIN" },       { ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },   { EBUSY, "EBUSY" },         { EEXIST, "EEXIST" },
		{ ENODEV, "ENODEV" },   { ENOTDIR, "ENOTDIR" },     { EISDIR, "EISDIR" },
		{ EINVAL, "EINVAL" },   { EFBIG, "EFBIG" },         { ENOSPC, "ENOSPC" },
		{ EROFS, "EROFS" },     { ERANGE, "ERANGE" },       { ENOSYS, "ENOSYS" },
		{ ENODATA, "ENODATA" }, { EUCLEAN, "EUCLEAN" },     { ENOTSUP, "ENOTSUP" },
		{ ESTALE, "ESTALE" },   { ECANCELED, "ECANCELED" }, { ETIMEDOUT, "ETIMEDOUT" },
		{ ELOOP, "ELOOP" },     { EOVERFLOW, "EOVERFLOW" }, { EXDEV, "EXDEV" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == (code < 0 ? -code : code))
			return names[i].name;
	return "EUNKNOWN";
}

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

int tool_fail(const struct tool_args *args, const struct err *e)
{
	const char *msg = e->msg[0] ? e->msg : strerror(e->code < 0 ? -e->code : EIO);

	if (args && args->json) {
		printf("{\"error\": {\"code\": \"%s\", \"message\": ",
		       tool_errno_name(e->code));
		json_string(msg);
		printf("}}\n");
	}
	tool_error("%s", msg);
	return TOOL_FAILED;
}

bool tool_color(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && (!term || strcmp(term, "dumb"));
}

int tool_columns(void)
{
	struct winsize w;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col >= 40)
		return w.ws_col;
	return 80;
}

struct parse {
	const struct tool_cmd *cmd;
	struct tool_args *args;
	cli_each *own;
	void *ctx;
};

/* Ends a parse: neither 0 nor a negative errno. */
#define STOP 1

static int each(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct parse *p = ctx;

	switch (id) {
	case TOOL_HELP:
		printf("%s", p->cmd->help ? p->cmd->help : "");
		return STOP;
	case TOOL_JSON:
		p->args->json = true;
		return 0;
	case TOOL_ROOT:
		p->args->root = value;
		return 0;
	case TOOL_DRY:
		p->args->dry_run = true;
		return 0;
	default:
		return p->own ? p->own(p->ctx, id, value, e) : 0;
	}
}

int tool_parse(const struct tool_cmd *c, int argc, char **argv, struct tool_args *args,
	       cli_each *own, void *ctx, int min, int max, int *nargs)
{
	struct parse p = { c, args, own, ctx };
	struct err e = { 0 };
	int n = 0, r = cli_parse(c->opts, argc, argv, each, &p, &n, &e);

	if (r == STOP)
		return TOOL_OK;
	if (r < 0)
		return tool_usage("%s", e.msg);
	if (n < min)
		return tool_usage("%s: something is missing after it", argv[0]);
	if (max >= 0 && n > max)
		return tool_usage("%s: '%s' is one operand too many", argv[0], argv[max + 1]);
	*nargs = n;
	return -1;
}

static const struct cli_opt main_opts[] = {
	{ "version", 'V', NULL, TOOL_VERSION },
	{ "list-options", 0, NULL, TOOL_LIST },
	TOOL_OPT_END,
};

/* One line per option: for shell completion, and to compare with the manual. */
static void list_options(const char *cmd, const struct cli_opt *o)
{
	for (; o->name || o->letter; o++) {
		printf("%s", cmd);
		if (o->letter)
			printf(" -%c", o->letter);
		if (o->name)
			printf(" --%s", o->name);
		printf(" %s\n", !o->arg ? "." : o->arg[0] == '[' ? "[]" : "=");
	}
}

static void list_all(const struct tool *t)
{
	if (!t->cmds)
		list_options(t->name, t->only.opts);
	for (const struct tool_cmd *c = t->cmds; c && c->name; c++)
		list_options(c->name, c->opts);
}

static int main_opt(void *ctx, unsigned id, const char *value, struct err *e)
{
	const struct tool *t = ctx;

	(void)value;
	(void)e;
	if (id == TOOL_VERSION)
		printf("%s version " VERSION " (hostkit)\n", t->name);
	else if (id == TOOL_LIST)
		list_all(t);
	else
		printf("%s", t->help);
	return STOP;
}

static int run_command(const struct tool *t, int argc, char **argv)
{
	struct err e = { 0 };
	int n = 0, r;

	if (argc > 1 && argv[1][0] == '-') {
		/* only what stands before the command */
		r = cli_parse(main_opts, 2, argv, main_opt, (void *)(uintptr_t)t, &n, &e);
		if (r)
			return r < 0 ? tool_usage("%s", e.msg) : TOOL_OK;
	}
	if (argc < 2)
		return tool_usage("a command is missing");
	for (const struct tool_cmd *c = t->cmds; c->name; c++) {
		struct tool_cmd cmd = *c;

		if (strcmp(c->name, argv[1]))
			continue;
		cmd.help = t->cmd_help ? t->cmd_help(c->name) : c->help;
		return c->run(&cmd, argc - 1, argv + 1);
	}
	return tool_usage("there is no command '%s'", argv[1]);
}

static int run_only(const struct tool *t, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V")) {
			printf("%s version " VERSION " (hostkit)\n", t->name);
			return TOOL_OK;
		}
		if (!strcmp(argv[i], "--list-options")) {
			list_all(t);
			return TOOL_OK;
		}
	}
	return t->only.run(&t->only, argc, argv);
}

int tool_main(const struct tool *t, int argc, char **argv)
{
	int status;

	/* a reader that has seen enough is no failure */
	signal(SIGPIPE, SIG_DFL);
	status = t->cmds ? run_command(t, argc, argv) : run_only(t, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		tool_error("could not write the output: %s", strerror(errno));
		status = status ? status : TOOL_FAILED;
	}
	return status;
}
