/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/cmd_newimg.h"
#include "img/cmd_object.h"
#include "img/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_SIZE = 1, OPT_TARGET, OPT_OPTIONS, OPT_SNAPSHOT };

const struct cli_opt cmd_measure_opts[] = {
	CMD_OPT_HELP,
	{ "size", 's', "SIZE", OPT_SIZE },
	{ "target-format", 'O', "FMT", OPT_TARGET },
	{ "options", 'o', "OPTS", OPT_OPTIONS },
	{ "target-format-options", 0, "OPTS", OPT_OPTIONS },
	{ "snapshot", 'l', "SNAPSHOT", OPT_SNAPSHOT },
	CMD_OPT_FORMAT,
	{ "source-format", 0, "FMT", CMD_FORMAT },
	CMD_OPT_IMAGE_OPTS,
	{ "source-image-opts", 0, NULL, CMD_IMAGE_OPTS },
	CMD_OPT_OUTPUT,
	CMD_OPT_SHARE,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct measure {
	struct cmd_opts o;
	const char *target, *snapshot, *size_text, *filename;
	char *options; /* owned */
	struct optset set, snap;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct measure *c = ctx;

	switch (id) {
	case OPT_SIZE:
		c->size_text = value;
		break;
	case OPT_TARGET:
		c->target = value;
		break;
	case OPT_OPTIONS:
		return newimg_add(&c->options, value);
	default:
		c->snapshot = cmd_snapshot_name(value, &c->snap);
		return c->snapshot ? 0 : CMD_EXIT(1);
	}
	return 0;
}

static int print_answer(const struct measure *c, const struct img_measure *m)
{
	json_t *o;

	if (!c->o.json) {
		printf("required size: %llu\n", (unsigned long long)m->required);
		printf("fully allocated size: %llu\n", (unsigned long long)m->fully_allocated);
		if (m->bitmaps != UINT64_MAX)
			printf("bitmaps size: %llu\n", (unsigned long long)m->bitmaps);
		return 0;
	}
	o = json_object();
	json_object_set_new(o, "required", json_integer((json_int_t)m->required));
	json_object_set_new(o, "fully-allocated", json_integer((json_int_t)m->fully_allocated));
	if (m->bitmaps != UINT64_MAX)
		json_object_set_new(o, "bitmaps", json_integer((json_int_t)m->bitmaps));
	return cmd_print_json(o);
}

static int measure(struct measure *c, const struct img_format *f, struct blk *src,
		   uint64_t size)
{
	struct img_measure m = { .bitmaps = UINT64_MAX };
	struct img_create image;
	struct err e = { 0 };
	int r;

	img_create_defaults(&image);
	r = img_create_parse(f, &c->set, &image, &e);
	image.secrets = cmd_secrets();
	image.size = src ? src->size : size;
	if (r == 0)
		r = f->measure(&image, src, &m, &e);
	if (r < 0)
		return cmd_fail(&e, "%s", "");
	return print_answer(c, &m);
}

static int check_options(struct measure *c, const struct img_format **f)
{
	struct err e = { 0 };
	int r;

	*f = img_format_find(c->target);
	if (!*f) {
		cmd_error("Unknown file format '%s'", c->target);
		return 1;
	}
	r = newimg_options(c->options, &c->set, &e);
	if (r == 0)
		r = img_create_check(*f, &c->set, &e);
	if (r < 0) {
		cmd_fail(&e, "%s", "");
		cmd_error("Invalid options for file format '%s'", c->target);
		return 1;
	}
	if (!(*f)->measure) {
		cmd_error("Block driver '%s' does not support size measurement", c->target);
		return 1;
	}
	return 0;
}

static int run(struct measure *c, uint64_t size)
{
	const struct img_format *f;
	struct blk *b = NULL;
	struct err e = { 0 };
	int status;

	if (c->filename && cmd_open(&c->o, c->filename, c->o.fmt, 0, &b) < 0)
		return 1;
	if (c->snapshot) {
		int r = -ENOTSUP;

		if (!b->format->snapshot_load)
			err_set(&e, r, "%s has no snapshots", b->format->name);
		else
			r = b->format->snapshot_load(b, c->snapshot, &e);
		if (r < 0) {
			blk_closep(&b);
			return cmd_fail(&e, "Failed to load snapshot: ");
		}
	}
	status = check_options(c, &f);
	if (!status)
		status = measure(c, f, b, size);
	blk_closep(&b);
	return status;
}

/* What goes with a file and what with --size; 0 or the exit status. */
static int check_operands(const struct measure *c, int n)
{
	if (n > 1)
		return cmd_misuse(&c->o, "At most one filename argument is allowed.",
				  "Expecting at most one image file name");
	else if (n == 0 && (c->o.image_opts || c->o.fmt || c->snapshot))
		cmd_error("--image-opts, -f, and -l require a filename argument.");
	else if (n == 0 && !c->size_text)
		return cmd_misuse(&c->o, "Either --size N or one filename must be specified.",
				  "Expecting one image file name, or --size");
	else if (n == 1 && c->size_text)
		cmd_error("--size N cannot be used together with a filename.");
	else
		return 0;
	return 1;
}

int cmd_measure(int argc, char **argv)
{
	struct measure c = { .target = "raw", .set = OPTSET_INIT, .snap = OPTSET_INIT };
	uint64_t size = 0;
	int n = 0, r;

	r = cmd_parse(cmd_measure_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r < 0 && cmd_check_output(&c.o))
		r = 1;
	if (r < 0 && c.size_text &&
	    cmd_size("image size", c.size_text, 0, INT64_MAX, &size) < 0)
		r = 1;
	if (r < 0)
		r = check_operands(&c, n) ? 1 : -1;
	if (r < 0) {
		c.filename = n ? argv[1] : NULL;
		r = run(&c, size);
	}
	optset_free(&c.set);
	optset_free(&c.snap);
	free(c.options);
	return r;
}
