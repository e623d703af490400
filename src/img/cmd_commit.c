/* SPDX-License-Identifier: MIT */
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/commit.h"

#include <stdio.h>

enum { OPT_BASE = 1, OPT_DROP, OPT_RATE, OPT_CACHE };

const struct cli_opt cmd_commit_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "base", 'b', "BASE", OPT_BASE },
	{ "drop", 'd', NULL, OPT_DROP },
	{ "rate-limit", 'r', "BYTES", OPT_RATE },
	{ "cache", 't', "MODE", OPT_CACHE },
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct commit {
	struct cmd_opts o;
	const char *cache;
	struct img_commit k;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct commit *c = ctx;

	switch (id) {
	case OPT_BASE:
		c->k.base = value;
		break;
	case OPT_DROP:
		c->k.keep = true;
		break;
	case OPT_RATE:
		if (cmd_size("rate limit", value, 0, INT64_MAX, &c->k.rate) < 0)
			return CMD_EXIT(1);
		break;
	default:
		c->cache = value;
	}
	return 0;
}

static int commit(struct commit *c, struct blk *b, const char *name)
{
	struct cmd_progress cp;
	struct err e = { 0 };
	int r;

	if (!b->backing && !c->k.base) {
		cmd_error("Image does not have a backing file");
		return 1;
	}
	c->k.progress = cmd_progress_start(&cp, &c->o, 1);
	r = img_commit(b, &c->k, &e);
	cmd_progress_end(&cp, r == 0);
	if (r == -ENOENT && c->k.base) {
		cmd_error("Did not find '%s' in the backing chain of '%s'", c->k.base, name);
		return 1;
	}
	return r < 0 ? cmd_fail(&e, "%s", "") : 0;
}

int cmd_commit(int argc, char **argv)
{
	struct commit c = { 0 };
	struct blk *b = NULL;
	unsigned flags = BLK_WRITE | BLK_UNMAP;
	int n = 0, r;

	r = cmd_parse(cmd_commit_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (cmd_cache_mode(c.cache, "cache", &flags))
		return 1;
	if (cmd_open(&c.o, argv[1], c.o.fmt, flags, &b) < 0)
		return 1;
	r = commit(&c, b, argv[1]);
	if (cmd_close(&b, argv[1]))
		return 1;
	if (r == 0 && !c.o.quiet)
		printf("Image committed.\n");
	return r;
}
