/* SPDX-License-Identifier: MIT */
#include "base/size.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/compact.h"

#include <stdio.h>

enum { OPT_DRY_RUN = 1, OPT_NO_ZEROES, OPT_RATE };

const struct cli_opt cmd_compact_opts[] = {
	CMD_OPT_HELP,
	{ "dry-run", 0, NULL, OPT_DRY_RUN },
	{ "no-zeroes", 0, NULL, OPT_NO_ZEROES },
	{ "rate-limit", 'r', "BYTES", OPT_RATE },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_OUTPUT,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct compact {
	struct cmd_opts o;
	struct img_compact k;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct compact *c = ctx;

	switch (id) {
	case OPT_DRY_RUN:
		c->k.dry_run = true;
		return 0;
	case OPT_NO_ZEROES:
		c->k.no_zeroes = true;
		return 0;
	default:
		return cmd_size("rate limit", value, 0, INT64_MAX, &c->k.rate) < 0 ? CMD_EXIT(1)
										   : 0;
	}
}

static int print_json(const struct compact *c, const char *name, const char *format)
{
	const struct img_compact *k = &c->k;

	return cmd_print_json(json_pack(
		"{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "schema",
		"vimg-compact/1", "filename", name, "format", format, "dry-run", k->dry_run,
		"file-size-before", (json_int_t)k->file_before, "file-size-after",
		(json_int_t)k->file_after, "disk-size-before", (json_int_t)k->disk_before,
		"disk-size-after", (json_int_t)k->disk_after, "zero-bytes", (json_int_t)k->zero,
		"leaked-bytes", (json_int_t)k->leaked, "moved-bytes", (json_int_t)k->moved));
}

static void print_text(const struct compact *c, const char *name)
{
	const struct img_compact *k = &c->k;
	char a[SIZE_TEXT], b[SIZE_TEXT], d[SIZE_TEXT], f[SIZE_TEXT];

	printf("%s: %s of zeroes, %s leaked, %s %s\n", name, size_human(k->zero, a),
	       size_human(k->leaked, b), size_human(k->moved, d),
	       k->dry_run ? "to be moved" : "moved");
	printf("file length: %s, %s %s\n", size_human(k->file_before, a),
	       k->dry_run ? "would be" : "now", size_human(k->file_after, b));
	if (!k->dry_run)
		printf("disk space: %s, now %s\n", size_human(k->disk_before, d),
		       size_human(k->disk_after, f));
}

static int run(struct compact *c, struct blk **b, const char *name)
{
	const char *format = (*b)->format->name;
	struct cmd_progress cp;
	struct err e = { 0 };
	int r;

	c->k.stop = cmd_stop_flag();
	c->k.progress = cmd_progress_start(&cp, &c->o, 1);
	r = img_compact(*b, &c->k, &e);
	cmd_progress_end(&cp, r == 0);
	if (r < 0)
		cmd_fail(&e, "Could not compact '%s': ", name);
	/* what changed since the last sync is on its way to the disk, whatever happened */
	if (cmd_close(b, name) || r < 0) {
		cmd_stop_now();
		return 1;
	}
	if (c->o.json)
		return print_json(c, name, format);
	if (!c->o.quiet)
		print_text(c, name);
	return 0;
}

int cmd_compact(int argc, char **argv)
{
	struct compact c = { 0 };
	struct blk *b = NULL;
	int n = 0, r;

	r = cmd_parse(cmd_compact_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (cmd_check_output(&c.o))
		return 1;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (cmd_open(&c.o, argv[1], c.o.fmt,
		     BLK_WRITE | BLK_UNMAP | BLK_NOBACKING | (c.k.dry_run ? BLK_DRY : 0),
		     &b) < 0)
		return 1;
	return run(&c, &b, argv[1]);
}
