/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/rebase.h"

#include <string.h>

enum { OPT_BACKING = 1, OPT_BACKING_FMT, OPT_UNSAFE, OPT_COMPRESS, OPT_CACHE, OPT_SRC_CACHE };

const struct cli_opt cmd_rebase_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "backing", 'b', "FILE", OPT_BACKING },
	{ "backing-format", 'F', "FMT", OPT_BACKING_FMT },
	{ NULL, 'B', "FMT", OPT_BACKING_FMT },
	{ "backing-unsafe", 'u', NULL, OPT_UNSAFE },
	{ "compress", 'c', NULL, OPT_COMPRESS },
	{ "cache", 't', "MODE", OPT_CACHE },
	{ "backing-cache", 'T', "MODE", OPT_SRC_CACHE },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct rebase {
	struct cmd_opts o;
	const char *backing, *backing_fmt, *cache, *src_cache;
	unsigned src_flags;
	struct img_rebase r;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct rebase *c = ctx;

	switch (id) {
	case OPT_BACKING:
		c->backing = value;
		break;
	case OPT_BACKING_FMT:
		c->backing_fmt = value;
		break;
	case OPT_UNSAFE:
		c->r.unsafe = true;
		break;
	case OPT_COMPRESS:
		c->r.compress = true;
		break;
	case OPT_CACHE:
		c->cache = value;
		break;
	default:
		c->src_cache = value;
	}
	return 0;
}

static int open_new_backing(struct rebase *c, const char *overlay)
{
	struct err e = { 0 };
	AUTO_FREE char *path = img_relative_name(overlay, c->backing, &e);
	struct img_open o = {
		.filename = path,
		.format = c->backing_fmt,
		.flags = c->src_flags | (c->o.share ? BLK_SHARE : 0),
		.secrets = cmd_secrets(),
		.log = cmd_log(),
	};

	if (!path)
		return cmd_fail(&e, "Could not resolve backing filename: ");
	if (img_open(&o, &c->r.backing, &e) < 0)
		return cmd_fail(&e, "Could not open new backing file '%s': ", c->backing);
	return 0;
}

/* The header can hold what is asked for; better known before hours of copying. */
static int check_names(const struct rebase *c)
{
	if (c->backing && *c->backing && !c->backing_fmt) {
		cmd_error("Could not change the backing file to '%s': backing format must be "
			  "specified",
			  c->backing);
		return 1;
	}
	if (c->backing && strlen(c->backing) > IMG_NAME_MAX) {
		cmd_error("Could not change the backing file to '%s': %s", c->backing,
			  strerror(EINVAL));
		return 1;
	}
	return 0;
}

static int rebase(struct rebase *c, struct blk *b)
{
	struct cmd_progress cp;
	struct err e = { 0 };
	int r;

	if (c->backing_fmt && !img_format_exists(c->backing_fmt)) {
		cmd_error("Invalid format name: '%s'", c->backing_fmt);
		return 1;
	}
	if (!c->r.unsafe && *c->backing && open_new_backing(c, b->filename))
		return 1;
	if (check_names(c))
		return 1;
	c->r.name = c->backing && *c->backing ? c->backing : NULL;
	c->r.fmt = c->r.name ? c->backing_fmt : NULL;
	c->r.progress = cmd_progress_start(&cp, &c->o, 2);
	r = img_rebase(b, &c->r, &e);
	cmd_progress_end(&cp, r == 0);
	if (r == -ENOSPC && c->r.name && strstr(e.msg, "header")) {
		cmd_error("Could not change the backing file to '%s': No space left in the "
			  "file header",
			  c->r.name);
		return 1;
	}
	return r < 0 ? cmd_fail(&e, "%s", "") : 0;
}

int cmd_rebase(int argc, char **argv)
{
	struct rebase c = { 0 };
	struct cmd_opts o;
	struct blk *b = NULL;
	unsigned flags = BLK_WRITE | BLK_UNMAP;
	int n = 0, status;

	status = cmd_parse(cmd_rebase_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (status >= 0)
		return status;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (!c.r.unsafe && !c.backing)
		return cmd_usage(&c.o,
				 "Must specify backing file (-b) or use unsafe mode (-u)");
	if (cmd_cache_mode(c.src_cache, "source cache", &c.src_flags))
		return 1;
	if (cmd_cache_mode(c.cache, "cache", &flags))
		return 1;
	if (c.r.unsafe)
		flags |= BLK_NOBACKING;
	/* -U is for the new backing image: this one is written to */
	o = c.o;
	o.share = false;
	if (cmd_open(&o, argv[1], c.o.fmt, flags, &b) < 0)
		return 1;
	status = rebase(&c, b);
	blk_closep(&c.r.backing);
	return cmd_close(&b, argv[1]) ? 1 : status;
}
