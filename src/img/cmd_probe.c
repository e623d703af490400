/* SPDX-License-Identifier: MIT */
#include "base/size.h"
#include "img/cmd_common.h"
#include "img/cmds.h"
#include "img/inside.h"

#include <stdio.h>

const struct cli_opt cmd_probe_opts[] = {
	CMD_OPT_HELP,   CMD_OPT_FORMAT, CMD_OPT_IMAGE_OPTS, CMD_OPT_SHARE,
	CMD_OPT_OUTPUT, CMD_OPT_OBJECT, CMD_OPT_END,
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	(void)ctx;
	(void)id;
	(void)value;
	return 0;
}

/* "ext4 file system, label "root", UUID ..." */
static void print_content(const struct inside_content *c)
{
	if (!c->type) {
		printf("nothing known");
		return;
	}
	printf("%s %s", c->type, c->usage);
	if (c->label)
		printf(", label \"%s\"", c->label);
	if (c->uuid)
		printf(", UUID %s", c->uuid);
}

static void print_part(const struct inside_part *p)
{
	char off[SIZE_TEXT], size[SIZE_TEXT];

	printf("  %u: %s at %s", p->number, size_human(p->size, size), size_human(p->off, off));
	if (p->means)
		printf(", %s", p->means);
	else
		printf(", kind %s", p->kind);
	if (p->name)
		printf(", name \"%s\"", p->name);
	if (p->boot)
		printf(", boot");
	printf(": ");
	print_content(&p->content);
	printf("\n");
}

static void print_text(const struct inside *in, const struct blk *b, const char *name)
{
	char size[SIZE_TEXT];

	printf("%s: %s, %s: ", name, b->format->name, size_human(b->size, size));
	if (in->several) {
		printf("signatures of several file systems or volumes\n");
	} else if (in->table) {
		printf("partition table %s", in->table);
		if (in->table_uuid)
			printf(", UUID %s", in->table_uuid);
		printf("\n");
		for (size_t i = 0; i < in->parts_n; i++)
			print_part(&in->parts[i]);
	} else {
		print_content(&in->content);
		printf("\n");
	}
}

static void put(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_string(text));
}

static void put_content(json_t *o, const struct inside_content *c)
{
	put(o, "content", c->type);
	put(o, "usage", c->usage);
	put(o, "label", c->label);
	put(o, "uuid", c->uuid);
}

static json_t *parts_json(const struct inside *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->parts_n; i++) {
		const struct inside_part *p = &in->parts[i];
		json_t *o = json_pack("{s:i, s:I, s:I, s:b, s:s}", "number", (int)p->number,
				      "offset", (json_int_t)p->off, "size", (json_int_t)p->size,
				      "boot", (int)p->boot, "kind", p->kind);

		put(o, "means", p->means);
		put(o, "name", p->name);
		put_content(o, &p->content);
		json_array_append_new(list, o);
	}
	return list;
}

static int print_json(const struct inside *in, const struct blk *b, const char *name)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:b}", "schema", "vimg-probe/1", "format",
			      b->format->name, "virtual-size", (json_int_t)b->size, "ambiguous",
			      (int)in->several);

	json_object_set_new(o, "filename", json_string_nocheck(name));
	put(o, "table", in->table);
	put(o, "table-uuid", in->table_uuid);
	put_content(o, &in->content);
	if (in->table)
		json_object_set_new(o, "partitions", parts_json(in));
	return cmd_print_json(o);
}

int cmd_probe(int argc, char **argv)
{
	struct cmd_opts o = { 0 };
	struct inside in = { 0 };
	struct blk *b = NULL;
	struct err e = { 0 };
	int n = 0, r;

	r = cmd_parse(cmd_probe_opts, argc, argv, &o, own_opt, NULL, &n);
	if (r >= 0)
		return r;
	if (cmd_check_output(&o))
		return 1;
	if (n != 1)
		return cmd_usage(&o, "Expecting one image file name");
	if (cmd_open(&o, argv[1], o.fmt, 0, &b) < 0)
		return 1;
	r = img_inside(b, &in, &e);
	if (r < 0)
		r = cmd_fail(&e, "%s", "");
	else if (o.json)
		r = print_json(&in, b, argv[1]);
	else
		print_text(&in, b, argv[1]);
	inside_free(&in);
	blk_closep(&b);
	return r;
}
