/* SPDX-License-Identifier: MIT */
#include "img/cmd_info.h"

#include "img/cmd_common.h"
#include "img/cmd_untrusted.h"
#include "img/cmds.h"
#include "img/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CHAIN = 1, OPT_CACHE };

const struct cli_opt cmd_info_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	CMD_OPT_OUTPUT,
	{ "backing-chain", 0, NULL, OPT_CHAIN },
	{ "cache", 't', "MODE", OPT_CACHE },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct info {
	struct cmd_opts o;
	bool chain;
	const char *cache;
	unsigned flags;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct info *c = ctx;

	if (id == OPT_CHAIN)
		c->chain = true;
	else
		c->cache = value;
	return 0;
}

/* What was found, top first: nothing is printed unless all of it can be. */
struct found {
	struct cmd_opts o;
	char *name[IMG_CHAIN_MAX]; /* by which it was opened */
	char *shown[IMG_CHAIN_MAX];
	struct img_info i[IMG_CHAIN_MAX];
	unsigned n;
};

static void found_free(struct found *f)
{
	while (f->n) {
		f->n--;
		free(f->name[f->n]);
		free(f->shown[f->n]);
		img_info_free(&f->i[f->n]);
	}
	free(f);
}

static const char *last_line(const char *text)
{
	const char *n = strrchr(text, '\n');

	return n ? n + 1 : text;
}

/*
 * What a running guest changes can be described all the same, and whoever asks for info is told
 * so.  qemu-img refuses: called by its name, so do we.
 */
static int open_used(const struct cmd_opts *o, const char *name, const char *fmt,
		     unsigned flags, struct blk **b)
{
	struct cmd_opts shared = *o;
	struct err e = { 0 };
	int r;

	if (cmd_is_qemu_img() || o->share)
		return cmd_open(o, name, fmt, flags, b);
	r = cmd_try_open(o, name, fmt, flags, b, &e);
	if (r != -EBUSY) {
		if (r < 0)
			cmd_say_why(name, &e);
		return r;
	}
	shared.share = true;
	r = cmd_open(&shared, name, fmt, flags, b);
	if (r == 0 && !o->quiet)
		cmd_warn("'%s' is in use, and what is shown may be changing: %s", name,
			 last_line(e.msg));
	return r;
}

static int look(struct found *f, const char *name, const char *fmt, unsigned flags)
{
	struct err e = { 0 };
	struct blk *b = NULL;
	int r;

	for (unsigned k = 0; k < f->n; k++)
		if (!strcmp(f->name[k], name)) {
			cmd_error("Backing file '%s' creates an infinite loop.", name);
			return 1;
		}
	if (f->n == IMG_CHAIN_MAX) {
		cmd_error("More than %d images in the chain of '%s'", IMG_CHAIN_MAX,
			  f->name[0]);
		return 1;
	}
	if (open_used(&f->o, name, fmt, flags, &b) < 0)
		return 1;
	f->name[f->n] = strdup(name);
	f->shown[f->n] = strdup(b->filename);
	memset(&f->i[f->n], 0, sizeof(f->i[f->n]));
	r = b->format->info(b, &f->i[f->n], &e);
	if (!f->name[f->n] || !f->shown[f->n])
		r = err_set(&e, -ENOMEM, "out of memory");
	f->n++;
	blk_closep(&b);
	return r < 0 ? cmd_fail(&e, "Could not describe '%s': ", name) : 0;
}

/* Each image is opened by itself, so a chain that is broken can be looked at. */
static int look_all(struct found *f, const struct info *c, const char *name)
{
	const char *fmt = c->o.fmt;
	struct err e = { 0 };

	for (;;) {
		const struct img_info *i = &f->i[f->n];

		if (look(f, name, fmt, c->flags))
			return 1;
		if (!c->chain || !i->backing_filename)
			return 0;
		if (!i->full_backing_filename) {
			cmd_error("Could not determine where the backing file '%s' of '%s' is",
				  i->backing_filename, name);
			return 1;
		}
		if (open_may_follow(cmd_untrusted_flags(), "backing file", i->backing_filename,
				    &e) < 0)
			return cmd_fail(&e, "Could not open '%s': ", i->full_backing_filename);
		name = i->full_backing_filename;
		fmt = i->backing_format;
		f->o.image_opts = false; /* those were the first image's */
	}
}

static int print_all(const struct found *f, const struct info *c)
{
	json_t *list;

	if (c->o.json && !c->chain)
		return cmd_print_json(info_json(f->shown[0], &f->i[0]));
	list = c->o.json ? json_array() : NULL;
	for (unsigned k = 0; k < f->n; k++) {
		if (list)
			json_array_append_new(list, info_json(f->shown[k], &f->i[k]));
		else
			printf("%s", k ? "\n" : "");
		if (!list)
			info_print(f->shown[k], &f->i[k]);
	}
	return list ? cmd_print_json(list) : 0;
}

int cmd_info(int argc, char **argv)
{
	struct info c = { .flags = BLK_NOBACKING | BLK_NOIO };
	struct found *f;
	int n = 0, r;

	r = cmd_parse(cmd_info_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (cmd_check_output(&c.o) || cmd_cache_mode(c.cache, "cache", &c.flags))
		return 1;
	f = calloc(1, sizeof(*f));
	if (!f) {
		cmd_error("out of memory");
		return 1;
	}
	f->o = c.o;
	r = look_all(f, &c, argv[1]);
	if (!r)
		r = print_all(f, &c);
	found_free(f);
	return r;
}
