/* SPDX-License-Identifier: MIT */
#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/tool.h"
#include "help_hostcheck.h"
#include "host/recorder.h"
#include "hostcheck/cmds.h"
#include "hostcheck/drift.h"
#include "hostcheck/facts.h"
#include "hostcheck/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	O_FORMAT = 1,
	O_ONLY,
	O_SKIP,
	O_LIST,
	O_EXPLAIN,
	O_USER,
	O_GUEST,
	O_RECORD,
	O_SAVE,
	O_AGAINST,
	O_STRICT,
	O_QUIET,
	O_VERBOSE
};

static const struct cli_opt opts[] = {
	{ "format", 0, "FORMAT", O_FORMAT },
	TOOL_OPT_JSON,
	{ "only", 0, "ID", O_ONLY },
	{ "skip", 0, "ID", O_SKIP },
	{ "list", 'l', NULL, O_LIST },
	{ "explain", 0, "ID", O_EXPLAIN },
	{ "user", 'u', "NAME", O_USER },
	{ "guest", 0, "ARCH", O_GUEST },
	TOOL_OPT_ROOT,
	{ "record", 0, "DIR", O_RECORD },
	{ "save", 0, "FILE", O_SAVE },
	{ "against", 0, "FILE", O_AGAINST },
	{ "strict", 0, NULL, O_STRICT },
	{ "quiet", 'q', NULL, O_QUIET },
	{ "verbose", 'v', NULL, O_VERBOSE },
	/* answered by tool_main() wherever they stand; here for completeness of the table */
	{ "version", 'V', NULL, TOOL_VERSION },
	{ "list-options", 0, NULL, TOOL_LIST },
	TOOL_OPT_END,
};

enum format { TEXT, JSON, PROMETHEUS };

struct ask {
	struct pick pick;
	struct check_opts o;
	enum format format;
	bool list, strict, quiet, verbose;
	const char *explain, *record, *save, *against;
};

static int set_format(struct ask *a, const char *value, struct err *e)
{
	static const char *const names[] = { "text", "json", "prometheus" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(value, names[i])) {
			a->format = (enum format)i;
			return 0;
		}
	return err_set(e, -EINVAL, "--format is text, json or prometheus, not '%.60s'", value);
}

static int set_guest(struct ask *a, const char *value, struct err *e)
{
	if (!facts_is_guest(value))
		return err_set(e, -EINVAL,
			       "--guest is i386, x86_64, arm or aarch64, not '%.60s'", value);
	a->o.guest = value;
	return 0;
}

static int own_opt(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct ask *a = ctx;

	switch (id) {
	case O_FORMAT:
		return set_format(a, value, e);
	case O_ONLY:
		return pick_only(&a->pick, value, e);
	case O_SKIP:
		return pick_skip(&a->pick, value, e);
	case O_LIST:
		a->list = true;
		break;
	case O_EXPLAIN:
		a->explain = value;
		break;
	case O_USER:
		a->o.user = value;
		break;
	case O_GUEST:
		return set_guest(a, value, e);
	case O_RECORD:
		a->record = value;
		break;
	case O_SAVE:
		a->save = value;
		break;
	case O_AGAINST:
		a->against = value;
		break;
	case O_STRICT:
		a->strict = true;
		break;
	case O_QUIET:
		a->quiet = true;
		break;
	case O_VERBOSE:
		a->verbose = true;
		break;
	default:
		break;
	}
	return 0;
}

/* Writes @text to @path of this machine in one step, whatever --root says. */
static int save_text(const char *path, const struct str *text, struct err *e)
{
	static const struct below_new fresh = { 0644, 0, 0 };
	AUTO_FREE char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	AUTO_FREE char *full = NULL;
	struct below_new mine = fresh;
	AUTO_CLOSE int root = -1;

	mine.uid = geteuid();
	mine.gid = getegid();
	if (*path != '/' && !cwd)
		return err_errno(e, "the current directory");
	full = str_printf(e, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", path);
	if (!full)
		return -ENOMEM;
	root = below_root(NULL, e);
	if (root < 0)
		return root;
	return below_replace(root, full, text->s, text->len, &mine, e);
}

static int save_report(const char *path, const struct report *r, struct err *e)
{
	struct str s = STR_INIT;
	int ret = report_json(r, &s, e);

	if (ret == 0)
		ret = s.failed ? err_set(e, -ENOMEM, "out of memory") : save_text(path, &s, e);
	str_free(&s);
	return ret < 0 ? err_wrap(e, ret, "--save") : 0;
}

static int load_saved(const char *path, struct saved *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = io_read_file(path, HOST_FILE_MAX, &text, e);

	if (r == 0) {
		r = saved_parse(text, strlen(text), out, e);
		if (r < 0)
			err_wrap(e, r, "%s", path);
	}
	return r < 0 ? err_wrap(e, r, "--against") : 0;
}

static int show(struct str *s, struct err *e)
{
	if (s->failed)
		return err_set(e, -ENOMEM, "out of memory");
	if (s->s)
		fputs(s->s, stdout);
	return 0;
}

static int show_report(const struct ask *a, const struct report *r, struct err *e)
{
	struct report_style style = { tool_color(), a->verbose, a->quiet,
				      isatty(STDOUT_FILENO) ? tool_columns() : 0 };
	struct str s = STR_INIT;
	int ret = 0;

	if (a->format == JSON)
		ret = report_json(r, &s, e);
	else if (a->format == PROMETHEUS)
		report_prom(r, &s);
	else
		report_text(r, &style, &s);
	if (ret == 0)
		ret = show(&s, e);
	str_free(&s);
	return ret < 0 ? ret : report_exit(r, a->strict);
}

static int show_drift(const struct ask *a, const struct saved *was, const struct report *is,
		      struct err *e)
{
	struct str s = STR_INIT;
	struct drift d;
	int ret = drift_find(was, is, &a->pick, &d, e);

	if (ret < 0)
		return ret;
	if (a->format == JSON)
		ret = drift_json(&d, &s, e);
	else if (d.n || !a->quiet)
		drift_text(&d, tool_color(), &s);
	if (ret == 0)
		ret = show(&s, e);
	str_free(&s);
	if (ret == 0)
		ret = d.n ? TOOL_NEGATIVE : TOOL_OK;
	drift_free(&d);
	return ret;
}

/* Exit code, or a negative errno. */
static int run_checks(const struct ask *a, const struct host *h, struct err *e)
{
	struct saved was = { 0 };
	struct report r = { 0 };
	int ret = a->against ? load_saved(a->against, &was, e) : 0;

	if (ret == 0)
		ret = report_run(h, &a->o, &a->pick, &r, e);
	if (ret == 0 && a->save)
		ret = save_report(a->save, &r, e);
	if (ret == 0)
		ret = a->against ? show_drift(a, &was, &r, e) : show_report(a, &r, e);
	report_free(&r);
	saved_free(&was);
	return ret;
}

/* What does not go together, or -1. */
static int conflicts(const struct ask *a)
{
	if (a->against && a->format == PROMETHEUS)
		return tool_usage("--against answers as text or JSON, not as metrics");
	if ((a->list || a->explain || a->record) && (a->save || a->against))
		return tool_usage("--save and --against need a report");
	if ((a->list || a->explain) && a->format == PROMETHEUS)
		return tool_usage("--format prometheus is for the report");
	if (a->list + !!a->explain + !!a->record > 1)
		return tool_usage("--list, --explain and --record exclude each other");
	return -1;
}

static int run(struct ask *a, struct tool_args *args)
{
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	int r = conflicts(a);

	if (r >= 0)
		return r;
	if (a->list)
		return cmd_list(args, &a->pick);
	if (a->explain)
		return cmd_explain(args, a->explain);
	r = host_open(args->root, &h, &e);
	if (r == 0)
		r = a->record ? host_record_write(h, a->record, &e) : run_checks(a, h, &e);
	return r < 0 ? tool_fail(args, &e) : r;
}

static int hostcheck(const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	struct ask a = { 0 };
	int n = 0, status = tool_parse(c, argc, argv, &args, own_opt, &a, 0, 0, &n);

	if (status == -1) {
		if (args.json)
			a.format = JSON;
		args.json = a.format == JSON;
		status = run(&a, &args);
	}
	pick_free(&a.pick);
	return status;
}

int main(int argc, char **argv)
{
	static const struct tool tool = {
		"hostcheck", help_hostcheck,
		NULL,        { "hostcheck", hostcheck, opts, help_hostcheck },
		NULL,
	};

	return tool_main(&tool, argc, argv);
}
