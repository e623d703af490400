/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/cmd_newimg.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmd_untrusted.h"
#include "img/cmds.h"
#include "img/guard.h"
#include "img/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_OPTIONS = 1, OPT_BACKING, OPT_BACKING_FMT, OPT_UNSAFE, OPT_FORCE };

const struct cli_opt cmd_create_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "options", 'o', "OPTS", OPT_OPTIONS },
	{ "backing", 'b', "FILE", OPT_BACKING },
	{ "backing-format", 'F', "FMT", OPT_BACKING_FMT },
	{ NULL, 'B', "FMT", OPT_BACKING_FMT },
	{ "backing-unsafe", 'u', NULL, OPT_UNSAFE },
	{ "force", 0, NULL, OPT_FORCE },
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct create {
	struct cmd_opts o;
	char *options; /* all -o joined; owned */
	const char *backing, *backing_fmt;
	bool unsafe, force;
	const char *filename, *path;      /* path: without "file:" */
	const struct img_protocol *proto; /* NULL: a local file */
	const struct img_format *f;
	struct optset set;
	bool has_size;
	uint64_t size;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct create *c = ctx;

	switch (id) {
	case OPT_OPTIONS:
		return newimg_add(&c->options, value);
	case OPT_BACKING:
		c->backing = value;
		break;
	case OPT_BACKING_FMT:
		c->backing_fmt = value;
		break;
	case OPT_UNSAFE:
		c->unsafe = true;
		break;
	default:
		c->force = true;
	}
	return 0;
}

/* -b and -F stand above what -o says. */
static int take_backing(struct create *c, struct err *e)
{
	int r = 0;

	if (c->backing && !c->f->backing)
		return err_set(e, -EINVAL, "Backing file not supported for file format '%s'",
			       c->f->name);
	if (c->backing_fmt && !c->f->backing)
		return err_set(e, -EINVAL,
			       "Backing file format not supported for file format '%s'",
			       c->f->name);
	if (c->backing)
		r = optset_set(&c->set, "backing_file", c->backing, e);
	if (r == 0 && c->backing_fmt)
		r = optset_set(&c->set, "backing_fmt", c->backing_fmt, e);
	c->backing = optset_get(&c->set, "backing_file");
	c->backing_fmt = optset_get(&c->set, "backing_fmt");
	if (r < 0 || !c->backing)
		return r;
	if (!*c->backing)
		return err_set(e, -EINVAL, "Expected backing file name, got empty string");
	if (!strcmp(c->backing, c->filename))
		return err_set(e, -EINVAL,
			       "Error: Trying to create an image with the same filename as "
			       "the backing file");
	return 0;
}

/* The backing image must open, and gives the size if nobody else does. */
static int look_at_backing(struct create *c, struct err *e)
{
	AUTO_FREE char *path = img_relative_name(c->filename, c->backing, e);
	struct img_open o = {
		.filename = path,
		.format = c->backing_fmt,
		.flags = cmd_untrusted_flags(),
		.secrets = cmd_secrets(),
		.log = cmd_log(),
	};
	AUTO_BLK struct blk *b = NULL;
	char text[ERR_MSG_SIZE];
	int r = path ? img_open(&o, &b, e) : -ENOMEM;

	if (r < 0) {
		snprintf(text, sizeof(text), "%s", cmd_reason(e));
		return err_set(e, r, "%s\nCould not open backing image.", text);
	}
	if (!c->backing_fmt && !cmd_is_qemu_img())
		return err_set(
			e, -EINVAL,
			"The format of the backing file must be said; it seems to be -F %s",
			b->format->name);
	if (!c->backing_fmt)
		return err_set(e, -EINVAL,
			       "Backing file specified without backing format\n"
			       "Detected format of %s.",
			       b->format->name);
	if (!c->has_size)
		c->size = b->size;
	c->has_size = true;
	return 0;
}

static int prepare(struct create *c, struct err *e)
{
	uint64_t size = 0;
	int r;

	c->f = img_format_find(c->o.fmt);
	if (!c->f)
		return err_set(e, -EINVAL, "Unknown file format '%s'", c->o.fmt);
	if (!c->f->create)
		return err_set(e, -ENOTSUP,
			       "Format driver '%s' does not support image creation",
			       c->f->name);
	r = proto_of_name(c->filename, &c->proto, &c->path, e);
	if (r == 0 && c->proto && !c->proto->create)
		r = proto_cannot_create(c->filename, e);
	if (r == 0)
		r = newimg_options(c->options, &c->set, e);
	if (r == 0)
		r = img_create_check(c->f, &c->set, e);
	if (r < 0)
		return r;
	if (optset_get(&c->set, "size")) {
		if (c->has_size)
			return err_set(e, -EINVAL,
				       "The image size must be specified only once");
		r = optset_size(&c->set, "size", &size, e);
		c->size = size;
		c->has_size = true;
	}
	if (r == 0)
		r = take_backing(c, e);
	if (r < 0)
		return r;
	if (c->backing && !c->unsafe)
		r = look_at_backing(c, e);
	else if (c->backing && !c->backing_fmt)
		r = err_set(e, -EINVAL, "Backing file specified without backing format");
	if (r == 0 && !c->has_size)
		r = err_set(e, -EINVAL,
			    cmd_is_qemu_img() ? "Image creation needs a size parameter"
					      : "A size must be given behind the name");
	return r;
}

/* What a signal would leave behind. */
static void guard_against_debris(const struct create *c, const struct img_create *image)
{
	struct err e = { 0 };
	AUTO_FREE char *data = NULL;

	if (c->proto)
		return;
	cmd_remove_on_signal(c->path);
	if (image->data_file)
		data = img_relative_name(c->filename, image->data_file, &e);
	if (data)
		cmd_remove_on_signal(data);
}

static int make(struct create *c, struct err *e)
{
	struct cmd_progress cp;
	struct img_create image;
	struct progress *p;
	int r;

	img_create_defaults(&image);
	r = img_create_parse(c->f, &c->set, &image, e);
	image.size = c->size;
	image.secrets = cmd_secrets();
	if (r == 0 && !c->proto && !c->force)
		r = img_guard(c->path, !cmd_is_qemu_img(), e);
	if (r < 0)
		return r;
	guard_against_debris(c, &image);
	p = cmd_progress_start(&cp, &c->o, 1);
	r = img_create_file(c->filename, c->f, &image, 0, p, cmd_log(), e);
	cmd_remove_on_signal(NULL);
	cmd_progress_end(&cp, r == 0);
	if (r == -EFBIG)
		return err_set(e, r, "The image size is too large for file format '%s'%s",
			       c->f->name,
			       img_create_opt_find(c->f, "cluster_size")
				       ? " (try using a larger cluster size)"
				       : "");
	return r;
}

static int create(struct create *c)
{
	struct err e = { 0 };
	int r = prepare(c, &e);

	if (r == 0) {
		if (!c->o.quiet)
			newimg_print(c->filename, c->f, &c->set, c->size);
		r = make(c, &e);
	}
	return r < 0 ? cmd_fail(&e, "%s: ", c->filename) : 0;
}

int cmd_create(int argc, char **argv)
{
	struct create c = { .o.fmt = "raw", .set = OPTSET_INIT };
	int n = 0, r;

	r = cmd_parse(cmd_create_opts, argc, argv, &c.o, own_opt, &c, &n);
	c.filename = n > 0 ? argv[1] : NULL;
	if (r >= 0)
		;
	else if (c.options && optset_wants_help(c.options))
		r = newimg_help(c.o.fmt, c.filename);
	else if (n < 1)
		r = cmd_usage(&c.o, "Expecting image file name");
	else if (n > 1 && cmd_size("image size", argv[2], 0, INT64_MAX, &c.size) < 0)
		r = 1;
	else if (n > 2)
		r = cmd_usage(&c.o, "Unexpected argument: %s", argv[3]);
	if (r < 0) {
		c.has_size = n > 1;
		r = create(&c);
	}
	optset_free(&c.set);
	free(c.options);
	return r;
}
