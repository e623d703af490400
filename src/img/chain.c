/* SPDX-License-Identifier: MIT */
/* What an image names in its header: backing images and data files. */
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/open.h"
#include "img/proto/dry.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Beside "scheme://host/folder/image?query".  The query goes: it belonged to the image. */
static char *relative_to_url(const char *url, const char *name, struct err *e)
{
	const char *host = strstr(url, "://");
	size_t end = strcspn(url, "?#");

	if (!host || host >= url + end || !host[3 + strspn(host + 3, "/")]) {
		(void)err_set(e, -EINVAL, "'%s' cannot be relative to '%s'", name, url);
		return NULL;
	}
	while (end > (size_t)(host + 3 - url) && url[end - 1] != '/')
		end--;
	if (end == (size_t)(host + 3 - url)) /* a host alone */
		return str_printf(e, "%.*s/%s", (int)strcspn(url, "?#"), url, name);
	return str_printf(e, "%.*s%s", (int)end, url, name);
}

char *img_relative_name(const char *overlay, const char *name, struct err *e)
{
	const struct img_protocol *proto;
	const char *path, *slash;

	if (!*name || *name == '/' || open_has_protocol(name))
		return mem_strdup(name, e);
	if (proto_of_name(overlay, &proto, &path, NULL) < 0) {
		(void)err_set(e, -EINVAL, "'%s' cannot be relative to '%s'", name, overlay);
		return NULL;
	}
	if (proto)
		return relative_to_url(overlay, name, e);
	slash = strrchr(path, '/');
	if (!slash)
		return mem_strdup(name, e);
	return str_printf(e, "%.*s%s", (int)(slash + 1 - path), path, name);
}

int open_may_follow(unsigned flags, const char *what, const char *name, struct err *e)
{
	if (!(flags & BLK_UNTRUSTED))
		return 0;
	if (!(flags & BLK_CONFINED))
		return err_set(e, -EACCES,
			       "the image names a %s, '%s', which --untrusted does not open "
			       "(see --allow)",
			       what, name);
	if (open_has_protocol(name))
		return err_set(
			e, -EACCES,
			"the image names a %s, '%s', which is not a plain file name, and "
			"--untrusted opens no others",
			what, name);
	return 0;
}

int img_open_child(const char *parent, const char *name, unsigned flags, struct blk **out,
		   struct err *e)
{
	AUTO_FREE char *full = img_relative_name(parent, name, e);
	const struct img_protocol *proto;
	struct blk *b = NULL;
	const char *path;
	bool dry;
	int r;

	if (!full)
		return e && e->code ? e->code : -ENOMEM;
	r = open_may_follow(flags, "file with its data", name, e);
	if (r < 0)
		return r;
	flags = (flags & ~(unsigned)BLK_WRITETHROUGH) | BLK_UNMAP;
	dry = flags & BLK_DRY && flags & BLK_WRITE;
	if (dry)
		flags &= ~(unsigned)BLK_WRITE;
	r = proto_of_name(full, &proto, &path, e);
	/* An image may say what lies beside it, not what else this machine shall talk to. */
	if (r == 0 && proto && open_has_protocol(name))
		r = err_set(e, -ENOTSUP, "'%s' is not a local file", name);
	if (r == 0)
		r = proto ? proto_open_name(proto, path, flags, NULL, &b, e)
			  : file_open_unlocked(path, NULL, flags, &b, e);
	if (r < 0)
		return r;
	if (!proto)
		r = file_lock(b, FILE_DATA, e);
	if (r == 0 && dry)
		r = dry_new(b, &b, e);
	if (r < 0) {
		(void)blk_close(b, NULL);
		return r;
	}
	*out = b;
	return 0;
}

static int identify(struct open_seen *id, const struct blk *file, struct err *e)
{
	struct stat st;
	int r;

	*id = (struct open_seen){ 0 };
	if (!file_is_node(file)) {
		id->name = file->filename;
		return 0;
	}
	r = io_fstat(file_fd(file), &st, e);
	if (r < 0)
		return r;
	/* A device is itself under whatever name. */
	id->dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	id->ino = S_ISBLK(st.st_mode) ? 0 : st.st_ino;
	return 0;
}

static bool is_same(const struct open_seen *a, const struct open_seen *b)
{
	if (a->name || b->name)
		return a->name && b->name && !strcmp(a->name, b->name);
	return a->dev == b->dev && a->ino == b->ino;
}

int open_seen_add(struct open_seen *id, const struct open_seen *up, struct blk *file,
		  struct err *e)
{
	int r = identify(id, file, e);

	if (r < 0)
		return r;
	id->depth = up ? up->depth + 1 : 1;
	id->up = up;
	for (; up; up = up->up)
		if (is_same(up, id))
			return err_set(e, -ELOOP, "Backing file '%s' creates an infinite loop.",
				       file->filename);
	if (id->depth > IMG_CHAIN_MAX)
		return err_set(e, -ELOOP, "More than %d images in the backing chain of '%s'",
			       IMG_CHAIN_MAX, file->filename);
	return 0;
}

/* The names in the header of @b; both may come back NULL. */
static int header_names(struct blk *b, char **file, char **fmt, struct err *e)
{
	const char *f = NULL, *t = NULL;

	if (!b->format->backing_name)
		return 0;
	b->format->backing_name(b, &f, &t);
	if (!f || !*f)
		return 0;
	*file = mem_strdup(f, e);
	if (!*file || !t || !*t)
		return *file ? 0 : -ENOMEM;
	*fmt = mem_strdup(t, e);
	return *fmt ? 0 : -ENOMEM;
}

static int open_named(struct blk *b, char *name, const char *fmt, struct optset *opts,
		      const struct open_seen *seen, struct err *e)
{
	struct img_open o = {
		.filename = name,
		.format = fmt,
		/* Nobody writes below the top image. */
		.flags = b->flags & (BLK_SHARE | BLK_NOLOCK | BLK_DIRECT | BLK_NOFLUSH |
				     BLK_CHECK | BLK_UNTRUSTED | BLK_CONFINED),
		.opts = opts,
		.secrets = b->secrets,
		.log = b->log,
	};
	struct blk *backing = NULL;
	int r = open_image(&o, seen, &backing, e);

	if (r < 0)
		return r;
	if (name && !fmt && !b->format->backing_unnamed && !optset_get(opts, "driver") &&
	    !optset_get(opts, "format"))
		blk_warn(b, "'%s' does not say the format of its backing file '%s'; probed: %s",
			 b->filename, name, backing->format->name);
	b->backing = backing;
	return 0;
}

int open_backing(struct blk *b, struct optset *opts, const struct open_seen *seen,
		 struct err *e)
{
	/* With a protocol, some option of it says where the image is. */
	const char *proto = optset_get(opts, "file.driver");
	bool named = optset_get(opts, "file.filename") || optset_get(opts, "filename") ||
		     (proto && proto_find(proto, strlen(proto)));
	bool driven = optset_get(opts, "driver") || optset_get(opts, "format");
	AUTO_FREE char *name = NULL, *fmt = NULL;
	int r = 0;

	if (opts->n && !b->format->backing)
		return err_set(e, -EINVAL, "Block format '%s' does not support backing files",
			       b->format->name);
	if (!named) {
		AUTO_FREE char *stored = NULL;

		r = header_names(b, &stored, &fmt, e);
		if (r < 0)
			return r;
		if (!stored && opts->n)
			return err_set(e, -EINVAL, "'%s' has no backing file", b->filename);
		if (!stored)
			return 0;
		r = open_may_follow(b->flags, "backing file", stored, e);
		if (r < 0)
			return r;
		name = img_relative_name(b->child->filename, stored, e);
		if (!name)
			return err_wrap(e, e && e->code ? e->code : -ENOMEM,
					"Could not open backing file");
	}
	r = open_named(b, name, driven ? NULL : fmt, opts, seen, e);
	/* Each level says where it stands, as QEMU does; a loop speaks for itself. */
	return r < 0 && r != -ELOOP ? err_wrap(e, r, "Could not open backing file") : r;
}
