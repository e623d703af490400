/* SPDX-License-Identifier: MIT */
#include "img/guard.h"

#include "base/io.h"
#include "base/mem.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { TABLE_MAX = 16 << 20 };

/* ---- in use ---- */

/* The mount point of the device @dev, from mountinfo's "major:minor" column. */
static bool mounted(dev_t dev, char where[256])
{
	char *text, *line, *save = NULL, want[32];
	bool found = false;

	if (io_read_file("/proc/self/mountinfo", TABLE_MAX, &text, NULL) < 0)
		return false;
	snprintf(want, sizeof(want), "%u:%u", major(dev), minor(dev));
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		char at[32], point[256];

		if (sscanf(line, "%*s %*s %31s %*s %255s", at, point) == 2 &&
		    !strcmp(at, want)) {
			snprintf(where, 256, "%s", point);
			found = true;
		}
	}
	free(text);
	return found;
}

static bool is_swap(dev_t dev, ino_t ino, bool block)
{
	char *text, *line, *save = NULL;
	bool found = false;

	if (io_read_file("/proc/swaps", TABLE_MAX, &text, NULL) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		struct stat st;
		char path[256];

		if (sscanf(line, "%255s", path) != 1 || path[0] != '/' || stat(path, &st) < 0)
			continue;
		found = block ? S_ISBLK(st.st_mode) && st.st_rdev == dev
			      : st.st_dev == dev && st.st_ino == ino;
	}
	free(text);
	return found;
}

/* The first name in /sys/dev/block/M:m/holders: device mapper, RAID, bcache. */
static bool held(dev_t dev, char by[256])
{
	char path[64];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(dev), minor(dev));
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(by, 256, "%s", d->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A mounted partition of a whole disk makes the disk busy too. */
static bool partition_mounted(dev_t dev, char part[256], char where[256])
{
	char path[64];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		char file[512], *text;
		unsigned maj, min;

		snprintf(file, sizeof(file), "%s/%s/dev", path, d->d_name);
		if (d->d_name[0] == '.' || io_read_file(file, 64, &text, NULL) < 0)
			continue;
		if (sscanf(text, "%u:%u", &maj, &min) == 2 &&
		    makedev(maj, min) != dev) { /* links to other devices lead elsewhere */
			found = mounted(makedev(maj, min), where);
			snprintf(part, 256, "%s", d->d_name);
		}
		free(text);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool loop_backing(const struct stat *st, char by[256])
{
	DIR *dir = opendir("/sys/block");
	struct dirent *d;
	bool found = false;

	while (dir && !found && (d = readdir(dir))) {
		char file[512], *text;
		struct stat other;

		if (strncmp(d->d_name, "loop", 4) != 0)
			continue;
		snprintf(file, sizeof(file), "/sys/block/%s/loop/backing_file", d->d_name);
		if (io_read_file(file, PATH_MAX, &text, NULL) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (stat(text, &other) == 0 && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino) {
			snprintf(by, 256, "%s", d->d_name);
			found = true;
		}
		free(text);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int guard_in_use(const char *path, const struct stat *st, struct err *e)
{
	bool block = S_ISBLK(st->st_mode);
	char what[256], where[256];

	if (is_swap(block ? st->st_rdev : st->st_dev, st->st_ino, block))
		return err_set(e, -EBUSY, "'%s' is in use as swap; swapoff it first", path);
	if (!block) {
		if (loop_backing(st, what))
			return err_set(e, -EBUSY,
				       "'%s' is in use by the loop device /dev/%s; detach it "
				       "first, or use --force",
				       path, what);
		return 0;
	}
	if (mounted(st->st_rdev, where))
		return err_set(e, -EBUSY,
			       "'%s' is mounted on %s; unmount it first, or use --force", path,
			       where);
	if (partition_mounted(st->st_rdev, what, where))
		return err_set(e, -EBUSY,
			       "'%s' has the partition %s mounted on %s; unmount it first, or "
			       "use --force",
			       path, what, where);
	if (held(st->st_rdev, what))
		return err_set(e, -EBUSY,
			       "'%s' is in use by /dev/%s (device mapper or RAID); stop that "
			       "first, or use --force",
			       path, what);
	return 0;
}

/* ---- what it holds ---- */

static const char *usage_name(const char *usage)
{
	static const struct {
		const char *usage, *name;
	} names[] = {
		{ "filesystem", "file system" },
		{ "raid", "RAID or LVM member" },
		{ "crypto", "encrypted volume" },
	};

	for (size_t i = 0; usage && i < ARRAY_SIZE(names); i++)
		if (!strcmp(usage, names[i].usage))
			return names[i].name;
	return "volume";
}

static int report(blkid_probe pr, const char *path, struct err *e)
{
	const char *type = NULL, *usage = NULL, *label = NULL, *table = NULL;
	bool labelled;

	(void)blkid_probe_lookup_value(pr, "TYPE", &type, NULL);
	(void)blkid_probe_lookup_value(pr, "USAGE", &usage, NULL);
	(void)blkid_probe_lookup_value(pr, "LABEL", &label, NULL);
	(void)blkid_probe_lookup_value(pr, "PTTYPE", &table, NULL);
	labelled = label && label[0];
	if (type)
		return err_set(e, -EEXIST,
			       "'%s' holds a %s (%s%s%s%s); use --force to overwrite it", path,
			       usage_name(usage), type, labelled ? ", label \"" : "",
			       labelled ? label : "", labelled ? "\"" : "");
	if (table)
		return err_set(e, -EEXIST,
			       "'%s' holds a partition table (%s); use --force to overwrite it",
			       path, table);
	return 0;
}

static int guard_content(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = io_open(path, O_RDONLY | O_NONBLOCK, 0, e);
	blkid_probe pr;
	int r = 0;

	if (fd < 0)
		return fd;
	pr = blkid_new_probe();
	if (!pr)
		return err_set(e, -ENOMEM, "out of memory");
	if (blkid_probe_set_device(pr, fd, 0, 0) == 0) {
		blkid_probe_enable_superblocks(pr, 1);
		blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
							      BLKID_SUBLKS_LABEL);
		blkid_probe_enable_partitions(pr, 1);
		/* 1: nothing; 0: one answer; -2: several, which is content all the same */
		r = blkid_do_safeprobe(pr);
		if (r == 0)
			r = report(pr, path, e);
		else if (r == -2)
			r = err_set(e, -EEXIST,
				    "'%s' holds signatures of several file systems or volumes; "
				    "use --force to overwrite it",
				    path);
		else
			r = 0; /* empty, too small, or not readable: nothing to protect */
	}
	blkid_free_probe(pr);
	return r;
}

int img_guard(const char *path, bool content, struct err *e)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return 0;
	r = guard_in_use(path, &st, e);
	if (r == 0 && content)
		r = guard_content(path, e);
	return r;
}
