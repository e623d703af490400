/* SPDX-License-Identifier: MIT */
#include "img/output.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/open.h"
#include "img/proto/file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	LINK_MAX_BYTES = 2048,
	XATTR_NAMES_MAX = 64 << 10,
	COPY_STEP = 64 << 20,
	LINKS_MAX = 16
};

struct output {
	char *name;       /* the file to be, symbolic links followed */
	char *work;       /* what is written to */
	char *leaf;       /* last part of name */
	char *hidden;     /* a name in the folder while the content has one, or NULL */
	const char *why;  /* in place, because */
	struct blk *lock; /* holds the image locks of what is replaced */
	struct stat old;
	bool exists;
	int dir, fd;
};

static void output_free(struct output *o)
{
	if (!o)
		return;
	(void)blk_close(o->lock, NULL);
	io_close(o->fd);
	io_close(o->dir);
	free(o->name);
	free(o->work);
	free(o->leaf);
	free(o->hidden);
	free(o);
}

void output_abandon(struct output *o)
{
	if (o && o->hidden)
		(void)unlinkat(o->dir, o->hidden, 0);
	output_free(o);
}

const char *output_path(const struct output *o)
{
	return o->work;
}

const char *output_in_place(const struct output *o)
{
	return o->why;
}

bool output_replaces(const struct output *o)
{
	return o->exists;
}

/* Follows symbolic links by hand: the last one may point to a file that is
 * yet to be, which realpath() cannot name. */
static int follow(const char *path, char **out, struct err *e)
{
	char *at = mem_strdup(path, e), target[LINK_MAX_BYTES];

	for (int i = 0; at && i < LINKS_MAX; i++) {
		ssize_t n = readlink(at, target, sizeof(target) - 1);
		char *slash = strrchr(at, '/'), *next;

		if (n >= (ssize_t)sizeof(target) - 1) {
			free(at);
			return err_set(e, -ENAMETOOLONG, "%s: link is too long", path);
		}
		if (n < 0) {
			*out = at;
			return 0;
		}
		target[n] = '\0';
		if (target[0] == '/' || !slash)
			next = mem_strdup(target, e);
		else
			next = str_printf(e, "%.*s/%s", (int)(slash - at), at, target);
		free(at);
		at = next;
	}
	if (!at)
		return -ENOMEM;
	free(at);
	return err_set(e, -ELOOP, "%s: too many symbolic links", path);
}

static int open_folder(struct output *o, struct err *e)
{
	char *slash = strrchr(o->name, '/');
	char *dir = slash ? str_printf(e, "%.*s/", (int)(slash - o->name), o->name)
			  : mem_strdup("./", e);

	if (!dir)
		return -ENOMEM;
	o->dir = io_open(dir, O_RDONLY | O_DIRECTORY, 0, e);
	free(dir);
	if (o->dir < 0)
		return err_set(e, o->dir, "Could not create '%s': %s", o->name,
			       strerror(-o->dir));
	o->leaf = mem_strdup(slash ? slash + 1 : o->name, e);
	return o->leaf ? 0 : -ENOMEM;
}

/* A name in the folder that nobody else has; the content is linked there. */
static int hidden_name(struct output *o, struct err *e)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	free(o->hidden);
	/* Long names are cut: the hidden one must fit NAME_MAX too. */
	o->hidden = str_printf(e, ".%.200s.%ld-%lx", o->leaf, (long)getpid(),
			       (unsigned long)now.tv_nsec);
	return o->hidden ? 0 : -ENOMEM;
}

static int named_file(struct output *o, struct err *e)
{
	int r = hidden_name(o, e);
	char *slash = strrchr(o->name, '/');

	if (r < 0)
		return r;
	o->fd = io_openat(o->dir, o->hidden, O_RDWR | O_CREAT | O_EXCL, 0644, e);
	if (o->fd < 0) {
		free(o->hidden);
		o->hidden = NULL;
		return o->fd;
	}
	o->work = slash ? str_printf(e, "%.*s/%s", (int)(slash - o->name), o->name, o->hidden)
			: mem_strdup(o->hidden, e);
	return o->work ? 0 : -ENOMEM;
}

static int nameless_file(struct output *o, struct err *e)
{
	char self[64];

	o->fd = io_openat(o->dir, ".", O_RDWR | O_TMPFILE, 0644, e);
	if (o->fd < 0)
		return o->fd;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (access(self, W_OK) < 0) { /* no /proc here: it could not be linked later */
		io_close(o->fd);
		o->fd = -1;
		return -EOPNOTSUPP;
	}
	o->work = mem_strdup(self, e);
	return o->work ? 0 : -ENOMEM;
}

/* Labels and access lists; the ones we may not set are those we could not have
 * set by writing in place either. */
static void copy_xattrs(const char *from, int to)
{
	char *names = malloc(XATTR_NAMES_MAX), *value = malloc(XATTR_SIZE_MAX);
	ssize_t n = names && value ? listxattr(from, names, XATTR_NAMES_MAX) : -1;

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t len = getxattr(from, names + i, value, XATTR_SIZE_MAX);

		if (len >= 0)
			(void)fsetxattr(to, names + i, value, (size_t)len, 0);
	}
	free(names);
	free(value);
}

/* Gives the new file the owner, mode and attributes of the old one. */
static bool dress(struct output *o)
{
	struct stat st;

	if (!o->exists)
		return true;
	if (fstat(o->fd, &st) < 0)
		return false;
	if ((st.st_uid != o->old.st_uid || st.st_gid != o->old.st_gid) &&
	    fchown(o->fd, o->old.st_uid, o->old.st_gid) < 0)
		return false;
	copy_xattrs(o->name, o->fd);
	return fchmod(o->fd, o->old.st_mode & 07777) == 0;
}

static int in_place(struct output *o, const char *why, struct err *e)
{
	io_close(o->fd);
	o->fd = -1;
	if (o->hidden)
		(void)unlinkat(o->dir, o->hidden, 0);
	free(o->hidden);
	o->hidden = NULL;
	free(o->work);
	o->work = mem_strdup(o->name, e);
	o->why = why;
	/* Who writes takes the locks itself. */
	(void)blk_close(o->lock, NULL);
	o->lock = NULL;
	return o->work ? 0 : -ENOMEM;
}

static int prepare(struct output *o, struct err *e)
{
	struct err inner = { 0 };
	int r;

	if (open_has_protocol(o->name))
		return in_place(o, "it is not a local file", e);
	if (stat(o->name, &o->old) == 0)
		o->exists = true;
	else if (errno != ENOENT)
		return err_errno(e, "Could not open '%s'", o->name);
	if (o->exists && !S_ISREG(o->old.st_mode))
		return in_place(o, "it is not a regular file", e);
	r = open_folder(o, e);
	if (r < 0)
		return r;
	if (o->exists) {
		r = file_open(o->name, NULL, BLK_WRITE | BLK_NOFLUSH, &o->lock, e);
		if (r < 0)
			return r;
	}
	r = nameless_file(o, &inner);
	if (r == -EOPNOTSUPP || r == -EISDIR || r == -ENOENT || r == -EINVAL)
		r = named_file(o, &inner);
	if ((r == -EACCES || r == -EPERM) && o->exists)
		return in_place(o, "its folder cannot be written to", e);
	if (r < 0)
		return err_set(e, r, "Could not create '%s': %s", o->name, strerror(-r));
	if (!dress(o))
		return in_place(o, "its owner and mode could not be kept otherwise", e);
	return 0;
}

int output_begin(const char *path, struct output **out, struct err *e)
{
	struct output *o = mem_zalloc(1, sizeof(*o), e);
	int r;

	if (!o)
		return -ENOMEM;
	o->dir = o->fd = -1;
	if (*path)
		r = follow(path, &o->name, e);
	else
		r = err_set(e, -ENOENT, "Could not create '': %s", strerror(ENOENT));
	if (r == 0)
		r = prepare(o, e);
	if (r < 0) {
		output_abandon(o);
		return r;
	}
	*out = o;
	return 0;
}

/* For a file with several hard links: the inode has to stay, so the finished
 * content is brought into it, shared where the file system can. */
static int copy_into(struct output *o, struct err *e)
{
	AUTO_CLOSE int dst = io_openat(o->dir, o->leaf, O_WRONLY, 0, e);
	uint64_t size, off = 0;
	int r;

	if (dst < 0)
		return dst;
	if (ioctl(dst, FICLONE, o->fd) == 0)
		return io_sync(dst, true, e);
	r = io_size(o->fd, &size, e);
	if (r == 0)
		r = io_truncate(dst, 0, e);
	if (r == 0)
		r = io_truncate(dst, size, e);
	while (r == 0 && off < size) {
		uint64_t len;
		bool data;

		r = io_extent(o->fd, off, &len, &data, e);
		if (r == -ENXIO)
			break;
		if (len > COPY_STEP)
			len = COPY_STEP;
		if (r == 0 && data)
			r = io_copy_range(o->fd, off, dst, off, len, e);
		off += len;
	}
	return r < 0 ? r : io_sync(dst, true, e);
}

static int link_hidden(struct output *o, struct err *e)
{
	int r;

	if (o->hidden) /* it has had a name from the start */
		return 0;
	r = hidden_name(o, e);
	if (r < 0)
		return r;
	if (linkat(AT_FDCWD, o->work, o->dir, o->hidden, AT_SYMLINK_FOLLOW) < 0) {
		r = err_errno(e, "Could not name '%s'", o->name);
		free(o->hidden);
		o->hidden = NULL;
	}
	return r;
}

static int put_in_place(struct output *o, struct err *e)
{
	int r;

	if (o->exists && o->old.st_nlink > 1)
		return copy_into(o, e);
	/* A fresh name is made in one step, so that even a kill leaves nothing. */
	if (!o->exists && !o->hidden &&
	    linkat(AT_FDCWD, o->work, o->dir, o->leaf, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	r = link_hidden(o, e);
	if (r < 0)
		return r;
	if (renameat(o->dir, o->hidden, o->dir, o->leaf) < 0)
		return err_errno(e, "Could not replace '%s'", o->name);
	free(o->hidden);
	o->hidden = NULL;
	return 0;
}

int output_commit(struct output *o, bool sync, struct err *e)
{
	int r = 0;

	if (!o->why) {
		sync = sync || o->exists;
		if (sync)
			r = io_sync(o->fd, true, e);
		if (r == 0)
			r = put_in_place(o, e);
		if (r == 0 && sync)
			r = io_sync(o->dir, true, e);
		if (r < 0)
			err_wrap(e, r, "'%s'", o->name);
	}
	output_abandon(o);
	return r;
}
