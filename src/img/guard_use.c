/* SPDX-License-Identifier: MIT */
#include "img/guard_use.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { TABLE_MAX = 16 << 20 };

/* What is asked about. */
struct use {
	const char *root;
	const char *path;
	const struct stat *st;
};

/* ---- tables of the kernel ---- */

/* Spaces and the like are \040 there. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		unsigned byte;

		if (s[0] == '\\' && sscanf(s + 1, "%3o", &byte) == 1 && byte && byte < 256 &&
		    strspn(s + 1, "01234567") >= 3) {
			*to++ = (char)byte;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The next word of *@line, or NULL. */
static char *word(char **line)
{
	char *w = *line + strspn(*line, " \t");
	size_t len = strcspn(w, " \t");

	if (!len)
		return NULL;
	*line = w + len + (w[len] != '\0');
	w[len] = '\0';
	unescape(w);
	return w;
}

static int stat_below(const char *root, const char *path, struct stat *st)
{
	AUTO_FREE char *full = path[0] == '/' ? str_printf(NULL, "%s%s", root, path) : NULL;

	return full ? stat(full, st) : -1;
}

static bool is_device(const char *root, const char *path, dev_t dev)
{
	struct stat st;

	return stat_below(root, path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev;
}

/* Asks @match about each line of the table @name, until it says yes. */
static bool any_line(const char *root, const char *name,
		     bool (*match)(const struct use *u, dev_t dev, char *line, char found[256]),
		     const struct use *u, dev_t dev, char found[256])
{
	AUTO_FREE char *file = str_printf(NULL, "%s%s", root, name), *text = NULL;
	char *line, *save = NULL;
	bool yes = false;

	if (!file || io_read_file(file, TABLE_MAX, &text, NULL) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line && !yes;
	     line = strtok_r(NULL, "\n", &save))
		yes = match(u, dev, line, found);
	return yes;
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS... - TYPE SOURCE ...".  Of btrfs the numbers are
 * no device's: the source is asked too. */
static bool mount_line(const struct use *u, dev_t dev, char *line, char found[256])
{
	char *save = line, *at, *point, *w, want[32];
	bool same;

	snprintf(want, sizeof(want), "%u:%u", major(dev), minor(dev));
	(void)word(&save);
	(void)word(&save);
	at = word(&save);
	(void)word(&save);
	point = word(&save);
	if (!at || !point)
		return false;
	same = !strcmp(at, want);
	do
		w = word(&save);
	while (w && strcmp(w, "-") != 0);
	(void)word(&save);
	w = word(&save);
	if (!same && !(w && is_device(u->root, w, dev)))
		return false;
	snprintf(found, 256, "%s", point);
	return true;
}

static bool mounted(const struct use *u, dev_t dev, char where[256])
{
	return any_line(u->root, "/proc/self/mountinfo", mount_line, u, dev, where);
}

/* "PATH TYPE ...".  @dev 0: a file. */
static bool swap_line(const struct use *u, dev_t dev, char *line, char found[256])
{
	char *save = line, *path = word(&save);
	struct stat st;

	if (!path)
		return false;
	if (dev)
		return is_device(u->root, path, dev);
	return stat_below(u->root, path, &st) == 0 && st.st_dev == u->st->st_dev &&
	       st.st_ino == u->st->st_ino;
}

static bool is_swap(const struct use *u, dev_t dev)
{
	return any_line(u->root, "/proc/swaps", swap_line, u, dev, NULL);
}

/* ---- /sys ---- */

/* The first name in @folder (NULL: memory was out) for which @match says yes. */
static bool any_entry(const char *folder, bool (*match)(void *arg, const char *name), void *arg,
		      char found[256])
{
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *d;
	bool yes = false;

	while (dir && !yes && (d = readdir(dir))) {
		if (d->d_name[0] == '.' || !match(arg, d->d_name))
			continue;
		snprintf(found, 256, "%s", d->d_name);
		yes = true;
	}
	if (dir)
		closedir(dir);
	return yes;
}

static bool anything(void *arg, const char *name)
{
	return true;
}

/* Device mapper, RAID, bcache. */
static bool held(const struct use *u, dev_t dev, char by[256])
{
	AUTO_FREE char *path = str_printf(NULL, "%s/sys/dev/block/%u:%u/holders", u->root,
					  major(dev), minor(dev));

	return any_entry(path, anything, NULL, by);
}

static bool is_backing(void *arg, const char *name)
{
	const struct use *u = arg;
	AUTO_FREE char *file =
		str_printf(NULL, "%s/sys/block/%s/loop/backing_file", u->root, name);
	AUTO_FREE char *text = NULL;
	struct stat other;

	if (!file || io_read_file(file, PATH_MAX, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return stat_below(u->root, text, &other) == 0 && other.st_dev == u->st->st_dev &&
	       other.st_ino == u->st->st_ino;
}

static bool loop_backing(struct use *u, char by[256])
{
	AUTO_FREE char *path = str_printf(NULL, "%s/sys/block", u->root);

	return any_entry(path, is_backing, u, by);
}

/* ---- together ---- */

/* @part: the name of a partition that @dev is, or NULL: @dev is what was asked about. */
static int device_use(const struct use *u, dev_t dev, const char *part, struct err *e)
{
	const char *has = part ? " has the partition " : "", *is = part ? "" : " is";
	char what[256];

	part = part ? part : "";
	if (is_swap(u, dev))
		return err_set(e, -EBUSY, "'%s'%s%s%s in use as swap; swapoff it first",
			       u->path, has, part, is);
	if (mounted(u, dev, what))
		return err_set(e, -EBUSY,
			       "'%s'%s%s%s mounted on %s; unmount it first, or use --force",
			       u->path, has, part, is, what);
	if (held(u, dev, what))
		return err_set(e, -EBUSY,
			       "'%s'%s%s%s in use by /dev/%s (device mapper or RAID); stop "
			       "that first, or use --force",
			       u->path, has, part, is, what);
	return 0;
}

struct parts {
	const struct use *u;
	const char *folder;
	struct err *e;
	int r;
};

static bool partition_used(void *arg, const char *name)
{
	struct parts *p = arg;
	AUTO_FREE char *number = str_printf(NULL, "%s/%s/partition", p->folder, name);
	AUTO_FREE char *file = str_printf(NULL, "%s/%s/dev", p->folder, name), *text = NULL;
	unsigned maj, min;
	struct stat st;

	/* only partitions have the first; other devices are linked to from there */
	if (!number || stat(number, &st) < 0 || !file ||
	    io_read_file(file, 64, &text, NULL) < 0)
		return false;
	if (sscanf(text, "%u:%u", &maj, &min) == 2)
		p->r = device_use(p->u, makedev(maj, min), name, p->e);
	return p->r < 0;
}

int guard_use(const char *root, const char *path, const struct stat *st, struct err *e)
{
	AUTO_FREE char *folder = NULL;
	struct use u = { root, path, st };
	struct parts parts = { &u, NULL, e, 0 };
	char what[256];
	int r;

	if (!S_ISBLK(st->st_mode)) {
		if (is_swap(&u, 0))
			return err_set(e, -EBUSY, "'%s' is in use as swap; swapoff it first",
				       path);
		if (loop_backing(&u, what))
			return err_set(e, -EBUSY,
				       "'%s' is in use by the loop device /dev/%s; detach it "
				       "first, or use --force",
				       path, what);
		return 0;
	}
	r = device_use(&u, st->st_rdev, NULL, e);
	if (r < 0)
		return r;
	folder = str_printf(NULL, "%s/sys/dev/block/%u:%u", root, major(st->st_rdev),
			    minor(st->st_rdev));
	parts.folder = folder;
	(void)any_entry(folder, partition_used, &parts, what);
	return parts.r;
}
