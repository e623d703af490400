/* SPDX-License-Identifier: MIT */
#include "base/below.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_LINKS 40
#define MAX_AGAIN 1000

int below_root(const char *root, struct err *e)
{
	return io_open(root && *root ? root : "/", O_PATH | O_DIRECTORY, 0, e);
}

/* Relative to the root: openat2() takes "/x" as inside the root as well, plain
 * openat() would not. */
static const char *inside(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

static bool is_system_root(int root)
{
	struct stat a, b;

	return !fstat(root, &a) && !stat("/", &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int resolve(int root, const char *path, int flags, unsigned mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	unsigned again = 0;
	long fd;

	/* EAGAIN: the tree was rearranged while ".." was resolved; who does it without end
	 * gets no answer */
	do
		fd = syscall(SYS_openat2, root, inside(path), &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && again++ < MAX_AGAIN)));
	/* Linux before 5.6, or a container's filter: inside the system's own root plain
	 * openat() does the same */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM) && is_system_root(root))
		fd = openat(root, inside(path), flags | O_CLOEXEC, (mode_t)mode);
	return (int)fd;
}

int below_open(int root, const char *path, int flags, unsigned mode, struct err *e)
{
	int fd = resolve(root, path, flags, mode);

	if (fd < 0 && errno == ENOSYS)
		return err_set(e, -ENOSYS,
			       "open %s: staying below another root needs Linux 5.6 or newer",
			       path);
	return fd < 0 ? err_errno(e, "open %s", path) : fd;
}

/* Puts @target, as found in the link at @path, into a path from the root. */
static char *follow(const char *path, const char *target, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (*target == '/')
		return mem_strdup(target, e);
	return str_printf(e, "%.*s/%s", slash ? (int)(slash - path) : 0, path, target);
}

int below_parent(int root, const char *path, char *name, struct err *e)
{
	AUTO_FREE char *at = mem_strdup(path, e);

	for (int links = 0; at && links < MAX_LINKS; links++) {
		char target[2048];
		char *slash, *next;
		ssize_t n;
		int dir;

		for (size_t len = strlen(at); len > 1 && at[len - 1] == '/';)
			at[--len] = '\0';
		slash = strrchr(at, '/');
		if (strlen(slash ? slash + 1 : at) > NAME_MAX)
			return err_set(e, -ENAMETOOLONG, "%s", path);
		snprintf(name, NAME_MAX + 1, "%s", slash ? slash + 1 : at);
		if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
			return err_set(e, -EINVAL, "%s does not name a file", path);
		if (slash)
			*slash = '\0';
		dir = below_open(root, slash ? at : "/", O_PATH | O_DIRECTORY, 0, e);
		if (slash)
			*slash = '/';
		if (dir < 0)
			return dir;
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n < 0)
			return dir;
		io_close(dir);
		target[n] = '\0';
		next = follow(at, target, e);
		free(at);
		at = next;
	}
	return at ? err_set(e, -ELOOP, "%s: too many symbolic links", path) : -ENOMEM;
}

int below_read(int root, const char *path, size_t max, char **text, size_t *len, struct err *e)
{
	AUTO_CLOSE int fd = below_open(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, e);
	int r;

	if (fd < 0)
		return fd;
	r = io_read_all(fd, max, text, len, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int sync_dir(int dir, struct err *e)
{
	/* an O_PATH descriptor cannot be synced */
	AUTO_CLOSE int fd = io_openat(dir, ".", O_RDONLY | O_DIRECTORY, 0, e);

	return fd < 0 ? fd : io_sync(fd, true, e);
}

static int keep_xattr(int fd, int old, const char *name, struct err *e)
{
	ssize_t len = fgetxattr(old, name, NULL, 0);
	AUTO_FREE void *value = mem_zalloc(len > 0 ? (size_t)len : 0, 1, e);

	if (!value)
		return -ENOMEM;
	if (len > 0)
		len = fgetxattr(old, name, value, (size_t)len);
	if (len < 0)
		return errno == ENODATA ? 0 : err_errno(e, "read the attribute %s", name);
	if (fsetxattr(fd, name, value, (size_t)len, 0) < 0 && errno != ENOTSUP &&
	    errno != EPERM)
		return err_errno(e, "keep the attribute %s", name);
	return 0;
}

/* Gives @fd the owner, mode and extended attributes of @old; what a file system does not have
 * is not asked of it. */
static int keep_meta(int fd, int old, const struct stat *st, struct err *e)
{
	ssize_t n = flistxattr(old, NULL, 0);
	AUTO_FREE char *names = mem_zalloc(n > 0 ? (size_t)n : 0, 1, e);
	int r = 0;

	if (!names)
		return -ENOMEM;
	if (fchown(fd, st->st_uid, st->st_gid) < 0)
		return err_errno(e, "keep the owner");
	if (fchmod(fd, st->st_mode & 07777) < 0)
		return err_errno(e, "keep the mode");
	if (n > 0)
		n = flistxattr(old, names, (size_t)n);
	if (n < 0 && errno != ENOTSUP)
		return err_errno(e, "list the attributes");
	for (const char *p = names; r == 0 && n > 0 && p < names + n; p += strlen(p) + 1)
		r = keep_xattr(fd, old, p, e);
	return r;
}

static int set_meta(int fd, const struct below_new *fresh, struct err *e)
{
	if ((fresh->uid != geteuid() || fresh->gid != getegid()) &&
	    fchown(fd, fresh->uid, fresh->gid) < 0)
		return err_errno(e, "set the owner");
	if (fchmod(fd, fresh->mode & 07777) < 0)
		return err_errno(e, "set the mode");
	return 0;
}

/* Content first: writing takes set-user-ID and capabilities away.  Nobody else may read
 * the file meanwhile, it was made 0600. */
static int fill(int fd, int old, const void *buf, size_t len, const struct below_new *fresh,
		struct err *e)
{
	struct stat st = { 0 };
	int r = old >= 0 ? io_fstat(old, &st, e) : 0;

	if (r == 0 && old >= 0 && !S_ISREG(st.st_mode))
		r = err_set(e, -EINVAL, "is not a regular file");
	if (r == 0)
		r = io_write(fd, buf, len, e);
	if (r == 0)
		r = old >= 0 ? keep_meta(fd, old, &st, e) : set_meta(fd, fresh, e);
	return r == 0 ? io_sync(fd, true, e) : r;
}

int below_replace(int root, const char *path, const void *buf, size_t len,
		  const struct below_new *fresh, struct err *e)
{
	char name[NAME_MAX + 1], temp[64];
	AUTO_CLOSE int dir = below_parent(root, path, name, e);
	AUTO_CLOSE int old = -1;
	AUTO_CLOSE int fd = -1;
	int r;

	if (dir < 0)
		return dir;
	old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (old < 0 && errno != ENOENT)
		return err_errno(e, "open %s", path);
	/* the name is the writer's own, so what a crash left of it may go; made anew, for it
	 * could be another name of a file that matters */
	snprintf(temp, sizeof(temp), ".hostkit.%ld.tmp", (long)getpid());
	unlinkat(dir, temp, 0);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "write beside %s", path);
	r = fill(fd, old, buf, len, fresh, e);
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = err_errno(e, "put the new file in place");
	if (r < 0) {
		unlinkat(dir, temp, 0);
		return err_wrap(e, r, "%s", path);
	}
	r = sync_dir(dir, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int make_dir(int root, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	AUTO_CLOSE int parent = below_parent(root, path, name, e);

	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0755) < 0)
		return errno == EEXIST ? 0 : err_errno(e, "make the folder %s", path);
	/* made folders are 0755 whatever the caller's umask */
	if (fchmodat(parent, name, 0755, 0) < 0)
		return err_errno(e, "make the folder %s", path);
	return sync_dir(parent, e);
}

int below_mkdirs(int root, const char *path, struct err *e)
{
	AUTO_FREE char *at = mem_strdup(path, e);

	if (!at)
		return -ENOMEM;
	for (char *p = at + strspn(at, "/"); *p; p += strspn(p, "/")) {
		char *end = p + strcspn(p, "/"), saved = *end;
		AUTO_CLOSE int dir = -1;
		int r = 0;

		*end = '\0';
		dir = resolve(root, at, O_PATH | O_DIRECTORY, 0);
		if (dir < 0)
			r = errno == ENOENT ? make_dir(root, at, e)
					    : err_errno(e, "make the folder %s", at);
		if (r < 0)
			return r;
		*end = saved;
		p = end;
	}
	return 0;
}

/* The folder of @path, whose last part is not followed. */
static int holder(int root, const char *path, const char **name, struct err *e)
{
	AUTO_FREE char *at = mem_strdup(path, e);
	char *slash = at ? strrchr(at, '/') : NULL;

	if (!at)
		return -ENOMEM;
	*name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (!**name)
		return err_set(e, -EINVAL, "%s does not name a file", path);
	if (slash)
		*slash = '\0';
	return below_open(root, slash ? at : "/", O_PATH | O_DIRECTORY, 0, e);
}

int below_remove(int root, const char *path, int is_dir, struct err *e)
{
	const char *name;
	AUTO_CLOSE int dir = holder(root, path, &name, e);

	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, is_dir ? AT_REMOVEDIR : 0) < 0)
		return err_errno(e, "remove %s", path);
	return sync_dir(dir, e);
}

int below_remove_file(int root, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	AUTO_CLOSE int dir = below_parent(root, path, name, e);

	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, 0) < 0)
		return err_errno(e, "remove %s", path);
	return sync_dir(dir, e);
}

int below_symlink(int root, const char *path, const char *target, struct err *e)
{
	const char *name;
	AUTO_CLOSE int dir = holder(root, path, &name, e);
	char temp[64];

	if (dir < 0)
		return dir;
	snprintf(temp, sizeof(temp), ".hostkit.%ld.lnk", (long)getpid());
	unlinkat(dir, temp, 0);
	if (symlinkat(target, dir, temp) < 0)
		return err_errno(e, "link %s", path);
	if (renameat(dir, temp, dir, name) < 0) {
		int r = err_errno(e, "link %s", path);

		unlinkat(dir, temp, 0);
		return r;
	}
	return sync_dir(dir, e);
}

int below_attr(int root, const char *path, int64_t uid, int64_t gid, uint32_t mode,
	       struct err *e)
{
	char name[NAME_MAX + 1];
	AUTO_CLOSE int dir = below_parent(root, path, name, e);

	if (dir < 0)
		return dir;
	if (fchownat(dir, name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "set the owner of %s", path);
	/* below_parent() followed the links there were; a new one put there since would
	 * be followed here, but who can do that owns the folder */
	if (fchmodat(dir, name, mode & 07777, 0) < 0)
		return err_errno(e, "set the mode of %s", path);
	return sync_dir(dir, e);
}
