/* SPDX-License-Identifier: MIT */
/* Opening the images that a command line names. */
#include "base/io.h"
#include "base/mem.h"
#include "img/cmd_common.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmd_untrusted.h"
#include "img/proto/stream.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A guest could have written anything to a disk whose format is guessed. */
static void warn_guessed_raw(const char *name)
{
	fflush(stdout);
	fprintf(stderr,
		"WARNING: Image format was not specified for '%s' and probing guessed raw.\n"
		"         Automatically detecting the format is dangerous for raw images, "
		"write operations on block 0 will be restricted.\n"
		"         Specify the 'raw' format explicitly to remove the restrictions.\n",
		name);
}

static bool is_raw(const struct blk *b)
{
	return b->format && !strcmp(b->format->name, "raw");
}

/* qemu-img says twice what could not be opened; once is enough. */
void cmd_say_why(const char *name, const struct err *e)
{
	char again[ERR_MSG_SIZE];

	snprintf(again, sizeof(again), "Could not open '%s': ", name);
	if (!cmd_is_qemu_img() && !strncmp(e->msg, again, strlen(again)))
		cmd_fail(e, "%s", "");
	else
		cmd_fail(e, "Could not open '%s': ", name);
}

static bool is_stdin(const struct cmd_opts *o, const char *name)
{
	return !o->image_opts && !strcmp(name, "-");
}

/* What was read of it already by cmd_stdin_raw() must not be lost: there is one. */
static struct stream_in *standard_input(void)
{
	static struct stream_in s = { .fd = STDIN_FILENO };

	return &s;
}

/* Standard input as a file.  @fd keeps it, @path is its path for a while. */
static int keep_stdin(const struct cmd_opts *o, unsigned flags, int *fd, char **path,
		      struct err *e)
{
	struct stream_in *s = standard_input();
	const char *direct = NULL;
	int r = 0;

	if (flags & BLK_WRITE)
		return err_set(e, -EINVAL, "standard input cannot be changed");
	if (!s->head_len)
		r = stream_in_open(s, &direct, e);
	if (r == 0 && direct) {
		*path = mem_strdup(direct, e);
		return *path ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = stream_spool(s, o->stdin_max ? o->stdin_max : UINT64_MAX, fd, path, e);
	return r;
}

int cmd_stdin_raw(const struct cmd_opts *o, const char *name, struct stream_in *s)
{
	struct stream_in *in = standard_input();
	const char *direct = NULL;
	struct err e = { 0 };
	int r;

	if (!is_stdin(o, name) || (o->fmt && strcmp(o->fmt, "raw") != 0))
		return 0;
	in->stop = cmd_stop_flag();
	r = stream_in_open(in, &direct, &e);
	cmd_stop_now();
	if (r < 0) {
		cmd_say_why(name, &e);
		return -1;
	}
	if (direct ||
	    (!o->fmt && strcmp(img_probe_bytes(in->head, in->head_len, "")->name, "raw") != 0))
		return 0;
	*s = *in;
	return 1;
}

int cmd_try_open(const struct cmd_opts *o, const char *name, const char *fmt, unsigned flags,
		 struct blk **out, struct err *e)
{
	struct optset set = OPTSET_INIT;
	struct img_open open = {
		.format = fmt,
		.flags = flags | cmd_untrusted_flags(),
		.secrets = cmd_secrets(),
		.log = cmd_log(),
	};
	bool guessed = !fmt && !o->image_opts;
	AUTO_FREE char *kept = NULL;
	AUTO_CLOSE int fd = -1;
	int r = 0;

	if (o->image_opts && fmt)
		return err_set(e, -EINVAL, "--image-opts and --format are mutually exclusive");
	if (o->share)
		open.flags |= BLK_SHARE;
	if (o->share && (flags & BLK_WRITE))
		r = err_set(e, -EINVAL,
			    "force-share=on can only be used with read-only images");
	else if (o->image_opts)
		r = img_open_opts(name, &set, e);
	else
		open.filename = name;
	if (r == 0 && is_stdin(o, name)) {
		r = keep_stdin(o, flags, &fd, &kept, e);
		open.path = kept;
	}
	if (r == 0) {
		open.opts = o->image_opts ? &set : NULL;
		r = img_open(&open, out, e);
	}
	optset_free(&set);
	if (r < 0)
		return r;
	if (guessed && (flags & BLK_WRITE) && is_raw(*out) && strncmp(name, "json:", 5))
		warn_guessed_raw(name);
	return 0;
}

int cmd_open(const struct cmd_opts *o, const char *name, const char *fmt, unsigned flags,
	     struct blk **out)
{
	struct err e = { 0 };
	int r;

	if (o->image_opts && fmt) {
		cmd_error("--image-opts and --format are mutually exclusive");
		return -EINVAL;
	}
	r = cmd_try_open(o, name, fmt, flags, out, &e);
	if (r < 0)
		cmd_say_why(name, &e);
	return r;
}

int cmd_close(struct blk **b, const char *name)
{
	struct err e = { 0 };
	int r = blk_close(*b, &e);

	*b = NULL;
	return r < 0 ? cmd_fail(&e, "Could not close '%s': ", name) : 0;
}
