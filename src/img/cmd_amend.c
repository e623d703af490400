/* SPDX-License-Identifier: MIT */
#include "img/cmd_newimg.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"

#include <stdlib.h>
#include <string.h>

enum { OPT_OPTIONS = 1, OPT_CACHE, OPT_FORCE };

const struct cli_opt cmd_amend_opts[] = {
	CMD_OPT_HELP,
	{ "options", 'o', "OPTS", OPT_OPTIONS },
	CMD_OPT_FORMAT,
	{ "cache", 't', "MODE", OPT_CACHE },
	{ "force", 0, NULL, OPT_FORCE },
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct amend {
	struct cmd_opts o;
	char *options; /* owned */
	const char *cache;
	bool force;
	struct optset set;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct amend *c = ctx;

	if (id == OPT_OPTIONS)
		return newimg_add(&c->options, value);
	if (id == OPT_CACHE)
		c->cache = value;
	else
		c->force = true;
	return 0;
}

static int refuse(const char *format)
{
	cmd_error("Format driver '%s' does not support option amendment", format);
	return 1;
}

static int help(const struct img_format *f)
{
	return f->amend ? newimg_amend_help(f) : refuse(f->name);
}

static int help_by_name(const char *name)
{
	const struct img_format *f = img_format_find(name);

	if (f)
		return help(f);
	cmd_error("Unknown file format '%s'", name);
	return 1;
}

/* A name may be one of those that only a new image takes. */
static int check_name(const struct img_format *f, const char *key, struct err *e)
{
	for (const struct img_create_opt *o = f->create_opts; o && o->name; o++) {
		if (strcmp(o->name, key))
			continue;
		if (o->amend)
			return 0;
		return err_set(e, -EINVAL,
			       "Invalid parameter '%s'\n"
			       "This option is only supported for image creation",
			       key);
	}
	for (const struct img_create_opt *o = f->amend_opts; o && o->name; o++)
		if (!strcmp(o->name, key))
			return 0;
	return err_set(e, -EINVAL, "Invalid parameter '%s'", key);
}

static int amend(struct amend *c, struct blk *b)
{
	struct cmd_progress cp;
	struct progress *p;
	struct err e = { 0 };
	int r;

	if (optset_wants_help(c->options))
		return help(b->format);
	if (!b->format->amend)
		return refuse(b->format->name);
	r = newimg_options(c->options, &c->set, &e);
	for (size_t i = 0; r == 0 && i < c->set.n; i++)
		r = check_name(b->format, c->set.v[i].key, &e);
	if (r == 0)
		r = img_amend_check(b->format, &c->set, &e);
	p = cmd_progress_start(&cp, &c->o, 1);
	if (r == 0)
		r = b->format->amend(b, &c->set, c->force, p, &e);
	cmd_progress_end(&cp, r == 0);
	return r < 0 ? cmd_fail(&e, "%s", "") : 0;
}

static int run(struct amend *c, int n, char **argv)
{
	unsigned flags = BLK_WRITE | BLK_UNMAP;
	struct blk *b = NULL;
	int r;

	if (!c->options)
		return cmd_usage(&c->o, "Must specify options (-o)");
	if (c->o.fmt && optset_wants_help(c->options))
		return help_by_name(c->o.fmt);
	if (n != 1)
		return cmd_misuse(&c->o, "Expecting one image file name",
				  "Expecting one image file name");
	if (cmd_cache_mode(c->cache, "cache", &flags))
		return 1;
	if (cmd_open(&c->o, argv[1], c->o.fmt, flags, &b) < 0)
		return 1;
	r = amend(c, b);
	return cmd_close(&b, argv[1]) ? 1 : r;
}

int cmd_amend(int argc, char **argv)
{
	struct amend c = { .set = OPTSET_INIT };
	int n = 0, r;

	r = cmd_parse(cmd_amend_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r < 0)
		r = run(&c, n, argv);
	optset_free(&c.set);
	free(c.options);
	return r;
}
