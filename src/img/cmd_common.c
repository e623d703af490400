/* SPDX-License-Identifier: MIT */
#include "img/cmd_common.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/size.h"
#include "img/cmd_object.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cmd_program(void)
{
	return program_invocation_short_name;
}

bool cmd_is_qemu_img(void)
{
	return !strcmp(cmd_program(), "qemu-img");
}

static void PRINTF(2, 0) say(const char *kind, const char *fmt, va_list ap)
{
	/* one order on a terminal, whatever is buffered */
	fflush(stdout);
	fprintf(stderr, "%s: %s", cmd_program(), kind);
	vfprintf(stderr, fmt, ap);
}

void cmd_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void cmd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

const char *cmd_reason(const struct err *e)
{
	return e->msg[0] ? e->msg : strerror(-e->code);
}

int cmd_fail(const struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n", cmd_reason(e));
	return 1;
}

int cmd_usage(const struct cmd_opts *o, const char *fmt, ...)
{
	bool own = o && o->cmd && !cmd_is_qemu_img();
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry '%s%s%s --help' for more information\n", cmd_program(),
		own ? " " : "", own ? o->cmd : "");
	return 1;
}

int cmd_misuse(const struct cmd_opts *o, const char *theirs, const char *ours)
{
	if (!cmd_is_qemu_img())
		return cmd_usage(o, "%s", ours);
	cmd_error("%s", theirs);
	return 1;
}

/* Warnings name the program as errors do; what a repair tells, line by line, does not. */
static void log_warn(void *arg, const char *text)
{
	bool warning = !strncmp(text, "warning: ", 9);

	(void)arg;
	fflush(stdout);
	fprintf(stderr, "%s%s%s\n", warning ? cmd_program() : "", warning ? ": " : "", text);
}

const struct blk_log *cmd_log(void)
{
	static const struct blk_log log = { log_warn, NULL };

	return &log;
}

struct parse {
	struct cmd_opts *common;
	cmd_own_opt *own;
	void *ctx;
};

static int progress_kind(struct cmd_opts *o, const char *value)
{
	if (!value)
		o->progress = PROGRESS_QEMU;
	else if (!strcmp(value, "human"))
		o->progress = PROGRESS_HUMAN;
	else if (!strcmp(value, "json"))
		o->progress = PROGRESS_JSON;
	else if (!strcmp(value, "none"))
		o->progress = PROGRESS_NONE;
	else
		return CMD_EXIT(cmd_usage(o,
					  "--progress is 'human', 'json' or 'none', not '%s'",
					  value));
	return 0;
}

static int one_option(void *arg, unsigned id, const char *value, struct err *e)
{
	struct parse *p = arg;
	struct cmd_opts *o = p->common;

	(void)e;
	switch (id) {
	case CMD_HELP:
		cmd_help(o->cmd);
		return CMD_EXIT(0);
	case CMD_FORMAT:
		o->fmt = value;
		return 0;
	case CMD_IMAGE_OPTS:
		o->image_opts = true;
		return 0;
	case CMD_OBJECT:
		/* 1 from compare means that the images differ */
		return cmd_object_add(value, strcmp(o->cmd, "compare") ? 1 : 2);
	case CMD_SHARE:
		o->share = true;
		return 0;
	case CMD_QUIET:
		o->quiet = true;
		return 0;
	case CMD_PROGRESS:
		return progress_kind(o, value);
	case CMD_OUTPUT:
		o->json = !strcmp(value, "json");
		o->bad_output = !o->json && strcmp(value, "human") != 0;
		return 0;
	default:
		return p->own(p->ctx, id, value);
	}
}

int cmd_parse(const struct cli_opt *opts, int argc, char **argv, struct cmd_opts *common,
	      cmd_own_opt *own, void *ctx, int *nargs)
{
	struct parse p = { common, own, ctx };
	struct err e = { 0 };
	int r;

	common->cmd = argv[0];
	r = cli_parse(opts, argc, argv, one_option, &p, nargs, &e);
	if (r < 0)
		return cmd_usage(common, "%s", e.msg);
	return r > 0 ? r - 1 : -1;
}

int cmd_check_output(const struct cmd_opts *o)
{
	if (o->bad_output)
		cmd_error("--output must be used with human or json as argument.");
	return o->bad_output;
}

int cmd_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	struct err e = { 0 };
	uint64_t v = 0;
	int r = size_parse(text, 'b', &v, &e);

	if (r < 0 && r != -ERANGE && !cmd_is_qemu_img()) {
		cmd_error("Invalid %s '%s': a size is a number of bytes, or of kilobytes to "
			  "exabytes with k, M, G, T, P or E behind it",
			  what, text);
		return -EINVAL;
	}
	if (r < 0 && r != -ERANGE) {
		cmd_error("Invalid %s specified. You may use k, M, G, T, P or E suffixes for",
			  what);
		cmd_error(
			"kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
		return -EINVAL;
	}
	if (r < 0 || v < min || v > max) {
		cmd_error("Invalid %s specified. Must be between %llu and %llu.", what,
			  (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

bool cmd_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (end == text || *end || errno || strchr(text, '-') || v < min || v > max)
		return false;
	*out = v;
	return true;
}

int cmd_cache_mode(const char *mode, const char *what, unsigned *flags)
{
	static const struct {
		char name[16];
		unsigned flags;
	} modes[] = {
		{ "none", BLK_DIRECT },
		{ "off", BLK_DIRECT },
		{ "directsync", BLK_DIRECT | BLK_WRITETHROUGH },
		{ "writeback", 0 },
		{ "unsafe", BLK_NOFLUSH },
		{ "writethrough", BLK_WRITETHROUGH },
	};

	if (!mode)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(mode, modes[i].name))
			continue;
		*flags |= modes[i].flags;
		return 0;
	}
	if (what)
		cmd_error("Invalid %s option: %s", what, mode);
	return 1;
}

const char *cmd_snapshot_name(const char *text, struct optset *set)
{
	struct err e = { 0 };
	const char *id, *name;

	if (strncmp(text, "snapshot.", 9))
		return text;
	if (optset_parse(set, text, NULL, &e) < 0) {
		cmd_error("Failed in parsing snapshot param '%s'", text);
		return NULL;
	}
	id = optset_get(set, "snapshot.id");
	name = optset_get(set, "snapshot.name");
	if (optset_unused(set))
		cmd_error("Invalid parameter '%s'", optset_unused(set));
	if (optset_unused(set) || (!id && !name)) {
		cmd_error("Failed in parsing snapshot param '%s'", text);
		return NULL;
	}
	return id ? id : name;
}

int cmd_print_json(json_t *v)
{
	struct err e = { 0 };
	AUTO_FREE char *text = v ? json_text(v, &e) : NULL;

	json_decref(v);
	if (!text) {
		cmd_error("%s", e.msg[0] ? e.msg : strerror(ENOMEM));
		return 1;
	}
	printf("%s\n", text);
	return 0;
}
