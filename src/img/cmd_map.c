/* SPDX-License-Identifier: MIT */
#include "img/cmd_common.h"
#include "img/cmds.h"

#include <stdio.h>
#include <string.h>

enum { OPT_START = 1, OPT_LENGTH };

const struct cli_opt cmd_map_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	CMD_OPT_OUTPUT,
	{ "start-offset", 's', "OFFSET", OPT_START },
	{ "max-length", 'l', "SIZE", OPT_LENGTH },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct map {
	struct cmd_opts o;
	const char *start, *length;
};

/* One line of the answer. */
struct entry {
	uint64_t start, length, offset;
	unsigned depth, flags;
	const char *file; /* with BLK_EXT_OFFSET */
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct map *c = ctx;

	if (id == OPT_START)
		c->start = value;
	else
		c->length = value;
	return 0;
}

static const char *yes(unsigned flag)
{
	return flag ? "true" : "false";
}

static int print_human(const struct entry *x, bool last)
{
	(void)last;
	if (!(x->flags & BLK_EXT_DATA))
		return 0;
	if (!(x->flags & BLK_EXT_OFFSET)) {
		cmd_error("File contains external, encrypted or compressed clusters.");
		return 1;
	}
	if (x->flags & BLK_EXT_ZERO)
		return 0;
	printf("%#-16llx%#-16llx%#-16llx%s\n", (unsigned long long)x->start,
	       (unsigned long long)x->length, (unsigned long long)x->offset, x->file);
	return 0;
}

static int print_json(const struct entry *x, bool last)
{
	printf("{ \"start\": %llu, \"length\": %llu, \"depth\": %u, \"present\": %s, "
	       "\"zero\": %s, \"data\": %s",
	       (unsigned long long)x->start, (unsigned long long)x->length, x->depth,
	       yes(x->flags & BLK_EXT_ALLOCATED), yes(x->flags & BLK_EXT_ZERO),
	       yes(x->flags & BLK_EXT_DATA));
	if (x->flags & BLK_EXT_OFFSET)
		printf(", \"offset\": %llu", (unsigned long long)x->offset);
	printf("}%s\n", last ? "]" : ",");
	return 0;
}

static int look(struct blk *b, uint64_t off, uint64_t max, struct entry *x, struct err *e)
{
	const unsigned shown = BLK_EXT_DATA | BLK_EXT_ZERO | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET;
	struct blk_extent ext;
	unsigned depth = 0;
	int r = blk_extent_above(b, NULL, off, max, &ext, &depth, e);

	if (r < 0)
		return r;
	*x = (struct entry){
		.start = off, .length = ext.len, .depth = depth, .flags = ext.flags & shown
	};
	if (x->flags & BLK_EXT_OFFSET) {
		x->offset = ext.host_off;
		x->file = ext.file ? ext.file->filename : "";
	}
	return 0;
}

static bool joins(const struct entry *a, const struct entry *b)
{
	if (a->flags != b->flags || a->depth != b->depth)
		return false;
	if (!(a->flags & BLK_EXT_OFFSET))
		return true;
	return a->offset + a->length == b->offset && !strcmp(a->file, b->file);
}

static int map_image(struct blk *b, bool json, uint64_t start, uint64_t end)
{
	int (*print)(const struct entry *, bool) = json ? print_json : print_human;
	struct entry now = { .start = start }, next;
	struct err e = { 0 };
	int status = 0;

	if (json)
		printf("[");
	else
		printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
	for (uint64_t at = start; at < end && !status; at += next.length) {
		if (look(b, at, end - at, &next, &e) < 0)
			return cmd_fail(&e, "Failed to read image metadata: ");
		if (now.length && joins(&now, &next)) {
			now.length += next.length;
			continue;
		}
		if (now.length)
			status = print(&now, false);
		now = next;
	}
	return status ? status : print(&now, true);
}

int cmd_map(int argc, char **argv)
{
	struct map c = { 0 };
	uint64_t start = 0, length = INT64_MAX, end;
	struct blk *b = NULL;
	int n = 0, status;

	status = cmd_parse(cmd_map_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (status >= 0)
		return status;
	if (c.start && cmd_size("start offset", c.start, 0, INT64_MAX, &start) < 0)
		return 1;
	if (c.length && cmd_size("max length", c.length, 0, INT64_MAX, &length) < 0)
		return 1;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (cmd_check_output(&c.o) || cmd_open(&c.o, argv[1], c.o.fmt, 0, &b) < 0)
		return 1;
	end = b->size;
	if (start <= end && length < end - start)
		end = start + length;
	status = map_image(b, c.o.json, start, end);
	return cmd_close(&b, argv[1]) ? 1 : status;
}
