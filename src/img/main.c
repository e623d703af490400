/* SPDX-License-Identifier: MIT */
/* vimg: disk images, with qemu-img's command line. */
#include "help_vimg.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmd_untrusted.h"
#include "img/cmds.h"

#include <stdio.h>
#include <string.h>

/* The qemu-img whose command line, text and JSON we answer with. */
#define QEMU_IMG_VERSION "7.2.22"

enum { OPT_VERSION = 1, OPT_TRACE, OPT_LIST, OPT_UNTRUSTED, OPT_ALLOW };

static const struct cli_opt main_opts[] = {
	CMD_OPT_HELP,
	{ "version", 'V', NULL, OPT_VERSION },
	{ "trace", 'T', "SPEC", OPT_TRACE },
	{ "list-options", 0, NULL, OPT_LIST },
	{ "untrusted", 0, NULL, OPT_UNTRUSTED },
	{ "allow", 0, "DIR", OPT_ALLOW },
	CMD_OPT_END,
};

static const struct cmd cmds[] = {
	{ "amend", cmd_amend, cmd_amend_opts },
	{ "bench", cmd_bench, cmd_bench_opts },
	{ "bitmap", cmd_bitmap, cmd_bitmap_opts },
	{ "cache", cmd_cache, cmd_cache_opts },
	{ "check", cmd_check, cmd_check_opts },
	{ "checksum", cmd_checksum, cmd_checksum_opts },
	{ "commit", cmd_commit, cmd_commit_opts },
	{ "compact", cmd_compact, cmd_compact_opts },
	{ "compare", cmd_compare, cmd_compare_opts },
	{ "convert", cmd_convert, cmd_convert_opts },
	{ "create", cmd_create, cmd_create_opts },
	{ "dd", cmd_dd, cmd_dd_opts },
#ifdef HAVE_LIBCURL
	{ "fetch", cmd_fetch, cmd_fetch_opts },
#endif
	{ "info", cmd_info, cmd_info_opts },
	{ "map", cmd_map, cmd_map_opts },
	{ "measure", cmd_measure, cmd_measure_opts },
	{ "probe", cmd_probe, cmd_probe_opts },
	{ "rebase", cmd_rebase, cmd_rebase_opts },
	{ "resize", cmd_resize, cmd_resize_opts },
	{ "serve", cmd_serve, cmd_serve_opts },
	{ "snapshot", cmd_snapshot, cmd_snapshot_opts },
	{ "tune", cmd_tune, cmd_tune_opts },
	{ NULL, NULL, NULL },
};

static void print_formats(void)
{
	printf("\nSupported formats:");
	for (const struct img_format *const *f = img_formats; *f; f++)
		printf(" %s", (*f)->name);
	printf("\n");
}

void cmd_help(const char *name)
{
	for (size_t i = 0; name && help_vimg_cmds[i].cmd; i++) {
		if (strcmp(help_vimg_cmds[i].cmd, name))
			continue;
		printf("%s", help_vimg_cmds[i].text);
		return;
	}
	printf("%s", help_vimg);
	print_formats();
}

static void print_version(void)
{
	/* programs take the version from the first line: a qemu-img must have one of its own */
	if (cmd_is_qemu_img())
		printf("qemu-img version " QEMU_IMG_VERSION " (hostkit " VERSION ")\n");
	else
		printf("vimg version " VERSION " (hostkit)\n");
	printf("Speaks as qemu-img " QEMU_IMG_VERSION "; formats:");
	for (const struct img_format *const *f = img_formats; *f; f++)
		printf(" %s", (*f)->name);
	printf("; compression: zlib zstd\n");
}

/* One line per option: for shell completion, and to compare with the manual. */
static void print_options(void)
{
	for (const struct cmd *c = cmds; c->name; c++) {
		for (const struct cli_opt *o = c->opts; o->name || o->letter; o++) {
			printf("%s", c->name);
			if (o->letter)
				printf(" -%c", o->letter);
			if (o->name)
				printf(" --%s", o->name);
			printf(" %s\n", !o->arg ? "." : o->arg[0] == '[' ? "[]" : "=");
		}
	}
}

struct main_opts {
	bool untrusted;
	struct cmd_untrusted u;
};

static int main_opt(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct main_opts *o = ctx;

	(void)e;
	switch (id) {
	case OPT_VERSION:
		print_version();
		return CMD_EXIT(0);
	case OPT_LIST:
		print_options();
		return CMD_EXIT(0);
	case OPT_TRACE:
		cmd_error("--trace %s: tracing is not built in", value);
		return CMD_EXIT(1);
	case OPT_UNTRUSTED:
		o->untrusted = true;
		return 0;
	case OPT_ALLOW:
		if (o->u.allow_n == CMD_ALLOW_MAX) {
			cmd_error("at most %d folders can be given with --allow",
				  CMD_ALLOW_MAX);
			return CMD_EXIT(1);
		}
		o->u.allow[o->u.allow_n++] = value;
		return 0;
	default:
		cmd_help(NULL);
		return CMD_EXIT(0);
	}
}

/* True if the next word belongs to this option. */
static bool is_apart(const char *word)
{
	return !strcmp(word, "-T") || !strcmp(word, "--trace") || !strcmp(word, "--allow");
}

static int run_command(const struct cmd *c, const struct main_opts *o, int argc, char **argv)
{
	int r = o->untrusted ? cmd_untrusted(&o->u, argc, argv) : 0;

	return r ? r : c->run(argc, argv);
}

static int run(int argc, char **argv)
{
	struct main_opts o = { .untrusted = false };
	struct err e = { 0 };
	int before = 1, n = 0, r;

	/* the tool's own options end at the first operand, the command */
	while (before < argc && argv[before][0] == '-' && argv[before][1]) {
		bool end = !strcmp(argv[before], "--");

		before += 1 + (is_apart(argv[before]) && before + 1 < argc);
		if (end)
			break;
	}
	r = cli_parse(main_opts, before, argv, main_opt, &o, &n, &e);
	if (r)
		return r < 0 ? cmd_usage(NULL, "%s", e.msg) : r - 1;
	if (o.u.allow_n && !o.untrusted)
		return cmd_usage(NULL, "--allow is for --untrusted");
	if (before >= argc)
		return cmd_usage(NULL, cmd_is_qemu_img() ? "Not enough arguments"
							 : "Expecting a command");
	for (const struct cmd *c = cmds; c->name; c++)
		if (!strcmp(c->name, argv[before]))
			return run_command(c, &o, argc - before, argv + before);
	return cmd_usage(NULL, "Command not found: %s", argv[before]);
}

int main(int argc, char **argv)
{
	int status;

	cmd_signals_init();
	status = run(argc, argv);
	cmd_objects_free();
	/* a full disk under stdout loses the answer; a reader that has seen enough does not */
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && errno && errno != EPIPE) {
		cmd_error("could not write the output: %s", strerror(errno));
		status = status ? status : 1;
	}
	return status;
}
