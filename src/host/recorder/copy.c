/* SPDX-License-Identifier: MIT */
#include "host/recorder/copy.h"

#include "base/io.h"
#include "base/mem.h"
#include "host/record.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_LINKS = 16, MAX_PATH = 1024 };

void rec_access(struct rec *r, const char *path, int code)
{
	const char *name = record_errno_name(code);

	str_addf(&r->answers, "access %s = %s\n", path, name ? name : "EIO");
}

/* Paths of a record are its keys: those with characters of its own cannot be. */
static bool can_be_key(const char *path)
{
	return !strpbrk(path, " \t\r\n=#") && strlen(path) < 200;
}

static int make_dir(const struct rec *r, const char *path, struct err *e)
{
	if (mkdirat(r->dir, path + 1, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "make the folder %s", path);
	return 0;
}

/* A second row may name the same file again: what is there stays. */
static int make_file(struct rec *r, const char *path, const char *text, size_t len,
		     struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct err mine = { 0 };
	int code;

	fd = io_openat(r->dir, path + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644, &mine);
	if (fd == -EEXIST)
		return 0;
	if (fd < 0)
		return err_set(e, fd, "%s", mine.msg);
	code = len ? io_write(fd, text, len, e) : 0;
	return code < 0 ? err_wrap(e, code, "%s", path) : 0;
}

static void say_acl(struct rec *r, const char *path)
{
	AUTO_CLOSE int fd = host_openat(r->h, path, O_PATH, 0, NULL);
	unsigned char buf[516];
	char self[40];
	ssize_t n;

	if (fd < 0 || !host_is_live(r->h))
		return;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = getxattr(self, "system.posix_acl_access", buf, sizeof(buf));
	if (n <= 0)
		return;
	str_addf(&r->answers, "acl %s = 0x", path);
	for (ssize_t i = 0; i < n; i++)
		str_addf(&r->answers, "%02x", buf[i]);
	str_add(&r->answers, "\n");
}

static void say_node(struct rec *r, const char *path, const struct host_stat *st)
{
	static const char letters[] = "?fdcb??";

	if (letters[st->node] == '?' || !can_be_key(path))
		return;
	str_addf(&r->answers, "node %s = %c %u %u %04o %u %u\n", path, letters[st->node],
		 st->major, st->minor, st->mode, st->uid, st->gid);
	say_acl(r, path);
}

static int copy_content(struct rec *r, const struct rec_row *row, const char *asked,
			const char *real, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *clean = NULL;
	size_t len = 0;
	int code = host_read(r->h, asked, &text, &len, NULL);

	if (code < 0) {
		if (can_be_key(asked))
			rec_access(r, asked, code);
		return make_file(r, real, NULL, 0, e);
	}
	if (row->how == REC_BYTES)
		return make_file(r, real, text, len, e);
	code = clean_text(text, len, row->clean, &clean, &len, e);
	return code < 0 ? code : make_file(r, real, clean, len, e);
}

/* What stands at the end of a path: @asked as it was named, @real without links. */
static int leaf(struct rec *r, const struct rec_row *row, const char *asked, const char *real,
		struct err *e)
{
	struct host_stat st;

	if (host_stat(r->h, asked, &st, NULL) < 0 || !r->left)
		return 0;
	r->left--;
	if (row->how == REC_NODE || row->how == REC_CONF)
		say_node(r, asked, &st);
	if (st.node == NODE_DIR)
		return make_dir(r, real, e);
	if (row->how == REC_NODE || row->how == REC_DIR || st.node != NODE_FILE)
		return make_file(r, real, NULL, 0, e);
	return copy_content(r, row, asked, real, e);
}

/* Goes @rest from @real, which has no links: makes folders and links as they are there. */
static int walk(struct rec *r, const struct rec_row *row, const char *asked, const char *real,
		const char *rest, unsigned links, struct err *e)
{
	char at[MAX_PATH], target[MAX_PATH / 2], next[MAX_PATH];
	size_t n = strspn(rest, "/"), len;
	struct host_stat st;

	rest += n;
	len = strcspn(rest, "/");
	if (!len)
		return leaf(r, row, asked, *real ? real : "/", e);
	if (len == 1 && rest[0] == '.')
		return walk(r, row, asked, real, rest + 1, links, e);
	snprintf(at, sizeof(at), "%s", real);
	if (len == 2 && !memcmp(rest, "..", 2)) {
		if (strrchr(at, '/'))
			*strrchr(at, '/') = '\0';
		return walk(r, row, asked, at, rest + 2, links, e);
	}
	if (strlen(real) + len + 2 > sizeof(at))
		return 0;
	snprintf(at, sizeof(at), "%s/%.*s", real, (int)len, rest);
	rest += len;
	/* of the process that reads the record there is just one */
	if (strcmp(at, "/proc/self") &&
	    host_readlink(r->h, at, target, sizeof(target), NULL) == 0) {
		if (links == MAX_LINKS || strlen(target) + strlen(rest) + 2 > sizeof(next))
			return 0;
		if (symlinkat(target, r->dir, at + 1) < 0 && errno != EEXIST)
			return err_errno(e, "link %s", at);
		snprintf(next, sizeof(next), "%s/%s", target, rest);
		return walk(r, row, asked, *target == '/' ? "" : real, next, links + 1, e);
	}
	if (rest[strspn(rest, "/")]) {
		if (host_stat(r->h, at, &st, NULL) < 0 || st.node != NODE_DIR)
			return 0;
		int code = make_dir(r, at, e);

		if (code < 0)
			return code;
	}
	return walk(r, row, asked, at, rest, links, e);
}

/* Puts names in place of the first component with a '*', and goes on from there. */
static int expand(struct rec *r, const struct rec_row *row, const char *path, struct err *e)
{
	const char *star = strchr(path, '*'), *from, *end;
	AUTO_LIST struct host_list l = { 0 };
	AUTO_FREE char *dir = NULL;
	AUTO_FREE char *pattern = NULL;
	int code = 0;

	if (!star)
		return host_exists(r->h, path) ? walk(r, row, path, "", path, 0, e) : 0;
	for (from = star; from[-1] != '/'; from--)
		;
	end = star + strcspn(star, "/");
	dir = str_printf(e, "%.*s", (int)(from - path), path);
	pattern = str_printf(e, "%.*s", (int)(end - from), from);
	if (!dir || !pattern)
		return -ENOMEM;
	if (host_list(r->h, dir, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; code == 0 && i < l.n; i++) {
		char *one;

		/* names that '*' would be found in again */
		if (strchr(l.v[i], '*') || fnmatch(pattern, l.v[i], 0))
			continue;
		one = str_printf(e, "%s%s%s", dir, l.v[i], end);
		code = one ? expand(r, row, one, e) : -ENOMEM;
		free(one);
	}
	return code;
}

int rec_copy(struct rec *r, const struct rec_row *row, struct err *e)
{
	const char *k = strstr(row->path, "%k");
	char *path;
	int code;

	if (!k)
		return expand(r, row, row->path, e);
	if (!r->release[0])
		return 0;
	path = str_printf(e, "%.*s%s%s", (int)(k - row->path), row->path, r->release, k + 2);
	code = path ? expand(r, row, path, e) : -ENOMEM;
	free(path);
	return code;
}
