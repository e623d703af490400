/* SPDX-License-Identifier: MIT */
/* vimg tune: what is wrong with an image for its use and where it lies. */
#include "base/mem.h"
#include "img/advice.h"
#include "img/cmd_common.h"
#include "img/cmds.h"
#include "img/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLY = 1, JSON };

const struct cli_opt cmd_tune_opts[] = {
	{ "apply", 0, NULL, APPLY },
	{ "json", 0, NULL, JSON },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_SHARE,
	CMD_OPT_OUTPUT,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_HELP,
	CMD_OPT_END,
};

struct tune_args {
	bool apply, json;
};

static int own(void *ctx, unsigned id, const char *value)
{
	struct tune_args *a = ctx;

	(void)value;
	if (id == APPLY)
		a->apply = true;
	else
		a->json = true;
	return 0;
}

static const char *const verdicts[] = { "ok", "info", "warn" };

static int show_json(const struct img_tune *t, const char *name, const char *drive)
{
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "schema", json_string("vimg-tune/1"));
	json_object_set_new_nocheck(o, "filename", json_string_nocheck(name));
	json_object_set_new(o, "findings", list);
	for (size_t i = 0; i < t->n; i++) {
		const struct tune_finding *f = &t->v[i];
		json_t *j = json_object();

		json_object_set_new(j, "id", json_string(f->id));
		json_object_set_new(j, "verdict", json_string(verdicts[f->verdict]));
		json_object_set_new(j, "value", json_string(f->value));
		if (f->advice[0])
			json_object_set_new(j, "advice", json_string(f->advice));
		json_object_set_new(j, "mendable", json_boolean(f->mendable));
		json_object_set_new(j, "mended", json_boolean(f->mended));
		json_array_append_new(list, j);
	}
	json_object_set_new(o, "filesystem", json_string(t->fs));
	json_object_set_new(o, "aio", json_string(t->aio));
	json_object_set_new(o, "direct", json_boolean(t->direct));
	json_object_set_new_nocheck(o, "drive", json_string_nocheck(drive));
	return cmd_print_json(o);
}

static void show_text(const struct img_tune *t, const char *drive)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct tune_finding *f = &t->v[i];

		printf("%-6s %-22s %s\n", f->mended ? "mended" : verdicts[f->verdict], f->id,
		       f->value);
		if (f->advice[0] && !f->mended)
			printf("%-6s %-22s   %s\n", "", "", f->advice);
	}
	printf("\n-drive %s\n", drive);
}

static int show(const struct img_tune *t, struct blk *b, const char *name, bool json)
{
	struct str s = STR_INIT;
	struct advice a = { 0 };
	struct err e = { 0 };
	char extra[64], *drive;
	int r = advice_for_image(b, 1, 0, &a, &e);

	if (r < 0)
		return cmd_fail(&e, "%s: ", name);
	snprintf(extra, sizeof(extra), "cache=%s,aio=%s", t->direct ? "none" : "writeback",
		 t->aio);
	advice_drive(&a, extra, &s);
	advice_free(&a);
	drive = str_take(&s, &e);
	if (!drive)
		return cmd_fail(&e, "%s: ", name);
	r = 0;
	if (json)
		r = show_json(t, name, drive);
	else
		show_text(t, drive);
	free(drive);
	return r;
}

/* Looks, mends if asked, and shows. */
static int tune(struct blk *b, const struct cmd_opts *o, const struct tune_args *args,
		const char *name)
{
	struct err e = { 0 };
	struct img_tune *t = mem_zalloc(1, sizeof(*t), &e);
	int r = t ? img_tune_look(b, t, &e) : -ENOMEM;

	if (r == 0 && args->apply)
		r = img_tune_apply(b, t, &e);
	if (r < 0)
		r = cmd_fail(&e, "%s: ", name);
	else if (!o->quiet)
		r = show(t, b, name, o->json || args->json);
	free(t);
	return r;
}

int cmd_tune(int argc, char **argv)
{
	struct tune_args args = { 0 };
	struct cmd_opts o = { 0 };
	struct blk *b;
	int n, r = cmd_parse(cmd_tune_opts, argc, argv, &o, own, &args, &n);

	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&o, "Expecting one image file name");
	if (cmd_check_output(&o))
		return 1;
	if (cmd_open(&o, argv[1], o.fmt, args.apply ? BLK_WRITE : BLK_CHECK, &b) < 0)
		return 1;
	r = tune(b, &o, &args, argv[1]);
	return cmd_close(&b, argv[1]) || r;
}
