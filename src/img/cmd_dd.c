/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/zero.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/guard.h"
#include "img/open.h"
#include "img/proto/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_OUT_FORMAT = 1, OPT_FORCE };
enum { COPY_BYTES = 2 << 20 };

const struct cli_opt cmd_dd_opts[] = {
	CMD_OPT_HELP,     CMD_OPT_FORMAT,     { "output-format", 'O', "FMT", OPT_OUT_FORMAT },
	CMD_OPT_SHARE,    CMD_OPT_IMAGE_OPTS, { "force", 0, NULL, OPT_FORCE },
	CMD_OPT_PROGRESS, CMD_OPT_OBJECT,     CMD_OPT_END,
};

struct dd {
	struct cmd_opts o;
	const char *out_fmt;
	bool force;
	const char *in, *out;
	uint64_t bs, count, skip; /* count UINT64_MAX: to the end */
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct dd *c = ctx;

	if (id == OPT_OUT_FORMAT)
		c->out_fmt = value;
	else
		c->force = true;
	return 0;
}

/* One "name=value".  0 or 1. */
static int operand(struct dd *c, const char *arg)
{
	size_t n = strcspn(arg, "=");
	const char *val = arg + n + 1;

	if (!arg[n])
		;
	else if (n == 2 && !strncmp(arg, "if", n))
		return c->in = val, 0;
	else if (n == 2 && !strncmp(arg, "of", n))
		return c->out = val, 0;
	else if (n == 2 && !strncmp(arg, "bs", n))
		return cmd_size("bs", val, 1, INT32_MAX, &c->bs) < 0;
	else if (n == 5 && !strncmp(arg, "count", n))
		return cmd_size("count", val, 0, INT64_MAX, &c->count) < 0;
	else if (n == 4 && !strncmp(arg, "skip", n))
		return cmd_size("skip", val, 0, INT64_MAX, &c->skip) < 0;
	if (!cmd_is_qemu_img())
		return cmd_usage(
			&c->o,
			"Unknown operand '%s': expecting if=, of=, bs=, count= or skip=", arg);
	cmd_error("unrecognized operand %.*s", (int)n, arg);
	return 1;
}

/* blocks * bs, at most @max. */
static uint64_t bytes_of(uint64_t blocks, uint64_t bs, uint64_t max)
{
	return blocks > max / bs ? max : min_u64(blocks * bs, max);
}

/* A new image reads as zeroes already, unless it lies on a device. */
static bool starts_zero(const struct blk *b)
{
	const struct blk *bottom = b->child ? b->child : b;

	if (!b->format) /* standard output */
		return false;
	return strcmp(b->format->name, "raw") != 0 || !strcmp(bottom->ops->name, "file");
}

static int copy(struct blk *in, struct blk *out, uint64_t from, uint64_t end,
		struct progress *p, const char **what, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(4096, COPY_BYTES, e);
	bool skip_zero = starts_zero(out);
	uint64_t to = 0;

	*what = "reading from input";
	if (!buf)
		return -ENOMEM;
	progress_total(p, end - from);
	while (from < end) {
		size_t len = (size_t)min_u64(COPY_BYTES, end - from);
		int r = blk_pread(in, buf, len, from, e);

		if (r < 0)
			return r;
		if (zero_prefix(buf, len) < len)
			r = blk_pwrite(out, buf, len, to, e);
		else if (!skip_zero)
			r = blk_zero(out, to, len, 0, e);
		if (r < 0) {
			*what = "writing to output";
			return r;
		}
		from += len;
		to += len;
		progress_add(p, len);
	}
	return 0;
}

/* Raw bytes to standard output. */
static int make_stream(const struct dd *c, uint64_t size, struct blk **out)
{
	struct err e = { 0 };
	bool sparse;

	if (strcmp(c->out_fmt, "raw") != 0) {
		cmd_error("dd writes raw bytes to standard output: for '%s' use convert",
			  c->out_fmt);
		return 1;
	}
	return stream_out_new(size, &sparse, out, &e) < 0 ? cmd_fail(&e, "%s", "") : 0;
}

static int make(const struct dd *c, uint64_t size, struct blk **out)
{
	const struct img_format *f = img_format_find(c->out_fmt);
	struct img_create image;
	struct cmd_opts o = { 0 };
	struct err e = { 0 };
	const struct img_protocol *proto;
	const char *path;
	int r;

	img_create_defaults(&image);
	image.size = size;
	r = proto_of_name(c->out, &proto, &path, &e);
	if (r == 0 && !proto && !c->force)
		r = img_guard(path, !cmd_is_qemu_img(), &e);
	if (r == 0)
		r = img_create_file(c->out, f, &image, 0, NULL, cmd_log(), &e);
	if (r < 0)
		return cmd_fail(&e, "%s: error while creating output image: ", c->out);
	return cmd_open(&o, c->out, f->name, BLK_WRITE, out) < 0;
}

static int run(const struct dd *c, struct blk *in)
{
	uint64_t end = bytes_of(c->count, c->bs, in->size);
	uint64_t start = bytes_of(c->skip, c->bs, UINT64_MAX), from = min_u64(start, end);
	struct cmd_progress cp;
	struct progress *p;
	struct blk *out = NULL;
	const char *what;
	struct err e = { 0 };
	int r;

	if (!img_format_find(c->out_fmt)) {
		cmd_error("Unknown file format");
		return 1;
	}
	if (c->o.stdout_is_data ? make_stream(c, end - from, &out) : make(c, end - from, &out))
		return 1;
	if (start > end)
		cmd_error("%s: cannot skip to specified offset", c->in);
	p = cmd_progress_start(&cp, &c->o, 1);
	r = copy(in, out, from, end, p, &what, &e);
	cmd_progress_end(&cp, r == 0);
	if (r < 0)
		cmd_fail(&e, "error while %s image file: ", what);
	return cmd_close(&out, c->out) || r < 0;
}

int cmd_dd(int argc, char **argv)
{
	struct dd c = { .out_fmt = "raw", .bs = 512, .count = UINT64_MAX };
	struct blk *in = NULL;
	int n = 0, r;

	r = cmd_parse(cmd_dd_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	for (int i = 1; i <= n; i++)
		if (operand(&c, argv[i]))
			return 1;
	if (!c.in || !c.out)
		return cmd_misuse(&c.o, "Must specify both input and output files",
				  "Expecting both an input, if=FILE, and an output, of=FILE");
	c.o.stdout_is_data = !strcmp(c.out, "-");
	/* it may have no end, and is not needed beyond this */
	c.o.stdin_max = bytes_of(c.count, c.bs, INT64_MAX);
	if (cmd_open(&c.o, c.in, c.o.fmt, 0, &in) < 0)
		return 1;
	r = run(&c, in);
	blk_closep(&in);
	return r;
}
