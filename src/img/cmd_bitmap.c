/* SPDX-License-Identifier: MIT */
#include "img/cmd_common.h"
#include "img/cmds.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPT_ADD = 1,
	OPT_REMOVE,
	OPT_CLEAR,
	OPT_ENABLE,
	OPT_DISABLE,
	OPT_MERGE,
	OPT_SOURCE_FILE,
	OPT_SOURCE_FORMAT,
	OPT_GRANULARITY,
};

const struct cli_opt cmd_bitmap_opts[] = {
	CMD_OPT_HELP,
	{ "add", 0, NULL, OPT_ADD },
	{ "granularity", 'g', "SIZE", OPT_GRANULARITY },
	{ "remove", 0, NULL, OPT_REMOVE },
	{ "clear", 0, NULL, OPT_CLEAR },
	{ "enable", 0, NULL, OPT_ENABLE },
	{ "disable", 0, NULL, OPT_DISABLE },
	{ "merge", 0, "SOURCE", OPT_MERGE },
	{ "source-file", 'b', "FILE", OPT_SOURCE_FILE },
	{ "source-format", 'F', "FMT", OPT_SOURCE_FORMAT },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct bitmap {
	struct cmd_opts o;
	struct img_bitmap_op *ops; /* as many as there are arguments */
	size_t n;
	const char *src_file, *src_fmt;
	uint64_t granularity;
	bool adds, merges;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	static const enum img_bitmap_verb verbs[] = {
		[OPT_ADD] = BITMAP_ADD,         [OPT_REMOVE] = BITMAP_REMOVE,
		[OPT_CLEAR] = BITMAP_CLEAR,     [OPT_ENABLE] = BITMAP_ENABLE,
		[OPT_DISABLE] = BITMAP_DISABLE, [OPT_MERGE] = BITMAP_MERGE,
	};
	struct bitmap *c = ctx;

	switch (id) {
	case OPT_SOURCE_FILE:
		c->src_file = value;
		return 0;
	case OPT_SOURCE_FORMAT:
		c->src_fmt = value;
		return 0;
	case OPT_GRANULARITY:
		return cmd_size("granularity", value, 0, INT64_MAX, &c->granularity)
			       ? CMD_EXIT(1)
			       : 0;
	default:
		c->adds |= id == OPT_ADD;
		c->merges |= id == OPT_MERGE;
		c->ops[c->n++] = (struct img_bitmap_op){
			.verb = verbs[id],
			.src_name = id == OPT_MERGE ? value : NULL,
		};
		return 0;
	}
}

static int check_options(const struct bitmap *c, int operands)
{
	const char *why = NULL;

	if (!c->n)
		why = "Need at least one of --add, --remove, --clear, --enable, --disable, or "
		      "--merge";
	else if (c->granularity && !c->adds)
		why = "granularity only supported with --add";
	else if (c->src_fmt && !c->src_file)
		why = "-F only supported with -b";
	else if (c->src_file && !c->merges)
		why = "Merge bitmap source file only supported with --merge";
	else if (operands != 2)
		why = "Expecting filename and bitmap name";
	return why ? cmd_misuse(&c->o, why, why) : 0;
}

static int failed(const struct bitmap *c, size_t i, const char *name, const struct err *e)
{
	static const char *const verbs[] = {
		[BITMAP_ADD] = "add",         [BITMAP_REMOVE] = "remove",
		[BITMAP_CLEAR] = "clear",     [BITMAP_ENABLE] = "enable",
		[BITMAP_DISABLE] = "disable", [BITMAP_MERGE] = "merge",
	};

	if (i == c->n)
		return cmd_fail(e, "Could not change the bitmaps: ");
	return cmd_fail(e, "Operation %s on bitmap %s failed: ", verbs[c->ops[i].verb], name);
}

static int run(struct bitmap *c, const char *file, const char *name)
{
	/* the source of --merge is named as a file even where FILE is a list of options */
	const struct cmd_opts plain = { .cmd = c->o.cmd };
	AUTO_BLK struct blk *src = NULL;
	struct blk *b = NULL;
	struct err e = { 0 };
	size_t at = 0;
	int r;

	if (cmd_open(&c->o, file, c->o.fmt, BLK_WRITE | BLK_UNMAP | BLK_NOBACKING, &b) < 0)
		return 1;
	if (c->src_file && cmd_open(&plain, c->src_file, c->src_fmt, BLK_NOBACKING, &src) < 0) {
		blk_closep(&b);
		return 1;
	}
	for (size_t i = 0; i < c->n; i++) {
		c->ops[i].name = name;
		c->ops[i].granularity = c->granularity;
		c->ops[i].src = src;
	}
	if (b->format->bitmap)
		r = b->format->bitmap(b, c->ops, c->n, &at, &e);
	else
		r = err_set(&e, -ENOTSUP, "%s images cannot store persistent bitmaps",
			    b->format->name);
	if (r < 0)
		r = failed(c, at, name, &e);
	return cmd_close(&b, file) ? 1 : r;
}

int cmd_bitmap(int argc, char **argv)
{
	struct bitmap c = { .ops = calloc((size_t)argc, sizeof(*c.ops)) };
	int n = 0, r;

	if (!c.ops) {
		cmd_error("out of memory");
		return 1;
	}
	r = cmd_parse(cmd_bitmap_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r < 0) {
		r = check_options(&c, n);
		if (r == 0)
			r = run(&c, argv[1], argv[2]);
	}
	free(c.ops);
	return r;
}
