/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/str.h"
#include "img/cmd_newimg.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/convert.h"
#include "img/open.h"
#include "img/proto/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_OUT_FORMAT = 1,
	OPT_OPTIONS,
	OPT_COMPRESS,
	OPT_BACKING,
	OPT_BACKING_FMT,
	OPT_SNAPSHOT,
	OPT_SPARSE,
	OPT_NO_CREATE,
	OPT_ZERO,
	OPT_PARALLEL,
	OPT_UNORDERED,
	OPT_COPY_RANGE,
	OPT_RATE,
	OPT_SALVAGE,
	OPT_VERIFY,
	OPT_BITMAPS,
	OPT_SKIP_BITMAPS,
	OPT_CACHE,
	OPT_SRC_CACHE,
	OPT_TARGET_OPTS,
	OPT_FORCE
};

enum { SPARSE_MAX = 16 << 20 };

const struct cli_opt cmd_convert_opts[] = {
	CMD_OPT_HELP,
	{ "source-format", 'f', "FMT", CMD_FORMAT },
	{ "target-format", 'O', "FMT", OPT_OUT_FORMAT },
	{ "target-format-options", 'o', "OPTS", OPT_OPTIONS },
	{ "compress", 'c', NULL, OPT_COMPRESS },
	{ "backing", 'b', "FILE", OPT_BACKING },
	{ NULL, 'B', "FILE", OPT_BACKING },
	{ "backing-format", 'F', "FMT", OPT_BACKING_FMT },
	{ "snapshot", 'l', "SNAPSHOT", OPT_SNAPSHOT },
	{ "sparse-size", 'S', "SIZE", OPT_SPARSE },
	{ "no-create", 'n', NULL, OPT_NO_CREATE },
	{ "target-is-zero", 0, NULL, OPT_ZERO },
	{ "parallel", 'm', "N", OPT_PARALLEL },
	{ "oob-writes", 'W', NULL, OPT_UNORDERED },
	{ "copy-range-offloading", 'C', NULL, OPT_COPY_RANGE },
	{ "rate-limit", 'r', "BYTES", OPT_RATE },
	{ "salvage", 0, NULL, OPT_SALVAGE },
	{ "verify", 0, NULL, OPT_VERIFY },
	{ "bitmaps", 0, NULL, OPT_BITMAPS },
	{ "skip-broken-bitmaps", 0, NULL, OPT_SKIP_BITMAPS },
	{ "target-cache", 't', "MODE", OPT_CACHE },
	{ "source-cache", 'T', "MODE", OPT_SRC_CACHE },
	CMD_OPT_IMAGE_OPTS,
	{ "target-image-opts", 0, NULL, OPT_TARGET_OPTS },
	CMD_OPT_SHARE,
	{ "force", 0, NULL, OPT_FORCE },
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct convert {
	struct cmd_opts o;
	struct img_convert k;
	const char *out_fmt; /* NULL: not given */
	char *options;       /* owned */
	const char *backing, *backing_fmt, *snapshot, *cache, *src_cache;
	bool target_opts;
	struct stream_in in;
	struct optset set, snap, dst_opts;
};

static int sparse_size(struct convert *c, const char *text)
{
	uint64_t v;

	if (cmd_size("buffer size for sparse output", text, 0, INT64_MAX, &v) < 0)
		return CMD_EXIT(1);
	if (v % 512 || v > SPARSE_MAX) {
		cmd_error("Invalid buffer size for sparse output specified. Valid sizes are "
			  "multiples of 512 up to %d. Select 0 to disable sparse detection "
			  "(fully allocates output).",
			  SPARSE_MAX);
		return CMD_EXIT(1);
	}
	c->k.sparse = v;
	c->k.sparse_given = true;
	return 0;
}

static int parallel(struct convert *c, const char *text)
{
	uint64_t v;

	if (!cmd_number(text, 1, CONVERT_PARALLEL_MAX, &v)) {
		cmd_error("Invalid number of coroutines. Allowed number of coroutines is "
			  "between 1 and %d",
			  CONVERT_PARALLEL_MAX);
		return CMD_EXIT(1);
	}
	c->k.parallel = (unsigned)v;
	return 0;
}

/* Options that are a word or a number of their own. */
static int value_opt(struct convert *c, unsigned id, const char *value)
{
	switch (id) {
	case OPT_OUT_FORMAT:
		c->out_fmt = value;
		break;
	case OPT_OPTIONS:
		return newimg_add(&c->options, value);
	case OPT_BACKING:
		c->backing = value;
		break;
	case OPT_BACKING_FMT:
		c->backing_fmt = value;
		break;
	case OPT_SNAPSHOT:
		c->snapshot = cmd_snapshot_name(value, &c->snap);
		return c->snapshot ? 0 : CMD_EXIT(1);
	case OPT_SPARSE:
		return sparse_size(c, value);
	case OPT_PARALLEL:
		return parallel(c, value);
	case OPT_RATE:
		if (cmd_size("rate limit", value, 0, INT64_MAX, &c->k.rate) < 0)
			return CMD_EXIT(1);
		break;
	case OPT_CACHE:
		c->cache = value;
		break;
	default:
		c->src_cache = value;
	}
	return 0;
}

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct convert *c = ctx;

	switch (id) {
	case OPT_COMPRESS:
		c->k.compress = true;
		return 0;
	case OPT_NO_CREATE:
		c->k.no_create = true;
		return 0;
	case OPT_ZERO:
		c->k.target_is_zero = true;
		return 0;
	case OPT_UNORDERED:
		c->k.out_of_order = true;
		return 0;
	case OPT_COPY_RANGE:
		c->k.copy_range = true;
		return 0;
	case OPT_VERIFY:
		c->k.verify = true;
		return 0;
	case OPT_SALVAGE:
		c->k.salvage = true;
		return 0;
	case OPT_BITMAPS:
		c->k.bitmaps = true;
		return 0;
	case OPT_SKIP_BITMAPS:
		c->k.skip_bitmaps = true;
		return 0;
	case OPT_TARGET_OPTS:
		c->target_opts = true;
		return 0;
	case OPT_FORCE:
		c->k.force = true;
		return 0;
	default:
		return value_opt(c, id, value);
	}
}

/* What excludes each other, seen before anything is opened.  0 or the exit status. */
static int check_options(const struct convert *c)
{
	if (c->target_opts && c->out_fmt)
		cmd_error(cmd_is_qemu_img() ? "--image-opts and --format are mutually exclusive"
					    : "Cannot use --target-image-opts with -O");
	else if (c->k.copy_range && c->k.compress)
		cmd_error("Cannot enable copy offloading when -c is used");
	else if (c->k.copy_range && c->k.sparse_given)
		cmd_error("Cannot enable copy offloading when -S is used");
	else if (c->k.copy_range && c->k.salvage)
		cmd_error("Cannot use copy offloading in salvaging mode");
	else if (c->target_opts && !c->k.no_create)
		cmd_error("--target-image-opts requires use of -n flag");
	else if (c->k.no_create && c->options)
		cmd_error("-o has no effect when skipping image creation");
	else if (c->k.target_is_zero && !c->k.no_create)
		cmd_error("--target-is-zero requires use of -n flag");
	else if (c->k.skip_bitmaps && !c->k.bitmaps)
		cmd_error("Use of --skip-broken-bitmaps requires --bitmaps");
	else
		return 0;
	return 1;
}

/* ---- sources ---- */

static int load_snapshot(const struct convert *c)
{
	struct blk *b = c->k.src[0];
	struct err e = { 0 };
	int r = -ENOTSUP;

	if (c->k.src_n > 1) {
		cmd_error("No support for concatenating multiple snapshot");
		return 1;
	}
	if (!b->format->snapshot_load)
		err_set(&e, r,
			"Block format '%s' used by device '' does not support temporarily "
			"loading internal snapshots",
			b->format->name);
	else
		r = b->format->snapshot_load(b, c->snapshot, &e);
	return r < 0 ? cmd_fail(&e, "Failed to load snapshot: ") : 0;
}

static int open_sources(struct convert *c, char **names, unsigned flags)
{
	int raw = 0;

	if (c->k.src_n == 1 && !c->snapshot)
		raw = cmd_stdin_raw(&c->o, names[0], &c->in);
	if (raw < 0)
		return 1;
	if (raw) {
		c->k.in = &c->in;
		c->k.src_n = 0;
	}
	for (size_t i = 0; i < c->k.src_n; i++)
		if (cmd_open(&c->o, names[i], c->o.fmt, flags, &c->k.src[i]) < 0)
			return 1;
	if (c->snapshot && load_snapshot(c))
		return 1;
	return 0;
}

/* ---- destination ---- */

/* -b, -F and -o for a new image.  0 or the exit status. */
static int new_image(struct convert *c)
{
	const struct img_format *f = img_format_find(c->k.dst_format);
	struct err e = { 0 };
	int r;

	if (!f) {
		cmd_error("Unknown file format '%s'", c->k.dst_format);
		return 1;
	}
	r = newimg_options(c->options, &c->set, &e);
	if (r == 0)
		r = img_create_check(f, &c->set, &e);
	if (r == 0 && c->backing && !f->backing)
		r = err_set(&e, -EINVAL, "Backing file not supported for file format '%s'",
			    f->name);
	if (r == 0 && c->backing_fmt && !f->backing)
		r = err_set(&e, -EINVAL, "Backing format not supported for file format '%s'",
			    f->name);
	if (r == 0 && c->backing)
		r = optset_set(&c->set, "backing_file", c->backing, &e);
	if (r == 0 && c->backing_fmt)
		r = optset_set(&c->set, "backing_fmt", c->backing_fmt, &e);
	if (r == 0 && c->k.src_n > 1 && optset_get(&c->set, "backing_file"))
		r = err_set(&e, -EINVAL,
			    "Having a backing file for the target makes no sense when "
			    "concatenating multiple input images");
	if (r == 0 && optset_get(&c->set, "backing_file") &&
	    !optset_get(&c->set, "backing_fmt"))
		r = err_set(&e, -EINVAL,
			    "Use of backing file requires explicit backing format");
	if (r == 0 && c->k.compress && !f->compression)
		r = err_set(&e, -ENOTSUP, "Compression not supported for this file format");
	if (r == 0 && c->k.compress &&
	    (optset_get(&c->set, "encryption") || optset_get(&c->set, "encrypt.format")))
		r = err_set(&e, -ENOTSUP,
			    "Compression and encryption not supported at the same time");
	if (r < 0)
		return cmd_fail(&e, "%s", "");
	r = img_create_parse(f, &c->set, &c->k.create, &e);
	c->k.create.size = 0; /* that of the sources, as qemu-img has it */
	if (r < 0)
		return cmd_fail(&e, "%s: error while converting %s: ", c->k.dst, f->name);
	return 0;
}

/* --target-image-opts: path and format out of the list, the rest are run-time options. */
/* The driver of an image that is no local file. */
static bool names_protocol(const struct opt *o)
{
	return (!strcmp(o->key, "driver") || !strcmp(o->key, "file.driver")) &&
	       proto_find(o->val, strlen(o->val));
}

static int target_opts(struct convert *c, const char *text)
{
	struct optset all = OPTSET_INIT;
	struct err e = { 0 };
	int r = img_open_opts(text, &all, &e);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		c->k.dst_by_opts |= names_protocol(&all.v[i]);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const char *key = all.v[i].key, *val = all.v[i].val;
		bool protocol = !strcmp(val, "file") || !strcmp(val, "host_device");

		if (c->k.dst_by_opts) {
			r = optset_set(&c->dst_opts, key, val, &e);
			if (r == 0 && !strcmp(key, "driver"))
				r = optset_set(&c->snap, "format",
					       names_protocol(&all.v[i]) ? "raw" : val, &e);
			continue;
		}

		if (!strcmp(key, "file.filename") || !strcmp(key, "filename"))
			r = optset_set(&c->snap, "path", val, &e);
		else if (!strcmp(key, "driver"))
			r = optset_set(&c->snap, "format", protocol ? "raw" : val, &e);
		else
			r = optset_set(&c->dst_opts, key, val, &e);
	}
	optset_free(&all);
	/* There is no name but what was said. */
	c->k.dst = c->k.dst_by_opts ? text : optset_get(&c->snap, "path");
	c->k.dst_format = optset_get(&c->snap, "format");
	if (r == 0 && (!c->k.dst || !c->k.dst_format))
		r = err_set(&e, -EINVAL, "driver and file.filename must be given");
	c->k.dst_opts = &c->dst_opts;
	return r < 0 ? cmd_fail(&e, "Could not open '%s': ", text) : 0;
}

/* "file:a:b" is the file a:b, which needs a path that does not look like a protocol. */
static int local_name(struct convert *c, const char *name)
{
	struct err e = { 0 };
	const struct img_protocol *proto;
	const char *path = name;
	int r = 0;

	c->k.to_stdout = !strcmp(name, "-");
	if (!c->k.to_stdout)
		r = proto_of_name(name, &proto, &path, &e);
	c->k.dst = path;
	if (r == 0 && path != name && open_has_protocol(path)) {
		AUTO_FREE char *dotted = str_printf(&e, "./%s", path);

		r = dotted ? optset_set(&c->snap, "path", dotted, &e) : -ENOMEM;
		c->k.dst = optset_get(&c->snap, "path");
	}
	return r < 0 ? cmd_fail(&e, "%s", "") : 0;
}

static void say_in_place(const struct convert *c)
{
	if (c->k.in_place && c->k.in_place_why && !c->o.quiet && !cmd_is_qemu_img())
		cmd_error("%s was written in place: %s", c->k.dst, c->k.in_place_why);
}

static int run(struct convert *c)
{
	struct cmd_progress cp;
	struct err e = { 0 };
	int r;

	c->k.content_guard = !cmd_is_qemu_img();
	c->k.log = cmd_log();
	c->k.create.secrets = cmd_secrets();
	c->k.stop = cmd_stop_flag();
	c->o.stdout_is_data = c->k.to_stdout;
	c->k.progress = cmd_progress_start(&cp, &c->o, 1);
	r = img_convert(&c->k, &e);
	cmd_progress_end(&cp, r == 0);
	cmd_stop_now();
	if (c->k.read_errors)
		cmd_warn("%llu sectors could not be read and are zeroes in '%s'",
			 (unsigned long long)c->k.read_errors, c->k.dst);
	if (r < 0)
		return cmd_fail(&e, "%s", "");
	say_in_place(c);
	return 0;
}

static int convert(struct convert *c, int n, char **argv)
{
	unsigned src_flags = 0;
	bool help = c->options && optset_wants_help(c->options);

	c->k.dst_format = c->out_fmt ? c->out_fmt : "raw";
	if (check_options(c))
		return 1;
	if (help)
		return newimg_help(c->k.dst_format, n > 1 ? argv[n] : NULL);
	if (n < 2)
		return cmd_misuse(&c->o, "Must specify image file name",
				  "Expecting at least one source image and the destination");
	c->k.src_n = (size_t)n - 1;
	if (cmd_cache_mode(c->src_cache, "source cache", &src_flags))
		return 1;
	c->k.src = calloc(c->k.src_n, sizeof(struct blk *));
	if (!c->k.src) {
		cmd_error("out of memory");
		return 1;
	}
	if (open_sources(c, argv + 1, src_flags))
		return 1;
	if (c->target_opts ? target_opts(c, argv[n]) : local_name(c, argv[n]))
		return 1;
	if (!c->k.no_create && new_image(c))
		return 1;
	/* what is lost in a crash is the copy, and the sources are still there */
	if (cmd_cache_mode(c->cache ? c->cache : "unsafe", "cache", &c->k.dst_flags))
		return 1;
	return run(c);
}

int cmd_convert(int argc, char **argv)
{
	struct convert c = { .set = OPTSET_INIT, .snap = OPTSET_INIT, .dst_opts = OPTSET_INIT };
	int n = 0, r;

	c.k.sparse = 4096;
	img_create_defaults(&c.k.create);
	r = cmd_parse(cmd_convert_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r < 0)
		r = convert(&c, n, argv);
	for (size_t i = 0; c.k.src && i < c.k.src_n; i++)
		blk_closep(&c.k.src[i]);
	free(c.k.src);
	free(c.options);
	optset_free(&c.set);
	optset_free(&c.snap);
	optset_free(&c.dst_opts);
	return r;
}
