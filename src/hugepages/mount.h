/* SPDX-License-Identifier: MIT */
/*
 * hugetlbfs: where it is mounted, and whether a path really is one.  A program that is told
 * to take memory from a path that is no hugetlbfs (-mem-path /dev/hugepages where nothing is
 * mounted) makes a plain file there, of the size of the guest; so a mount is believed only by
 * what statfs() says.
 */
#ifndef HUGEPAGES_MOUNT_H
#define HUGEPAGES_MOUNT_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGEMOUNT_PATH "/dev/hugepages" /* the usual place */

/* Options of a mount, without those that are the kernel's own affair (rw, relatime). */
struct hugemount_opts {
	uint64_t page; /* bytes; 0: the default size */
	uint32_t mode; /* 01777 bits; kernel's default 0755 */
	uint32_t uid, gid;
	char *rest; /* what else was asked for (size=, min_size=, nr_inodes=), or NULL */
};

struct hugemount {
	char *path;
	/* page by statfs(), mode and owner as its root has them now */
	struct hugemount_opts opts;
	bool verified; /* statfs() says that it is a hugetlbfs of this page size */
};

struct hugemounts {
	struct hugemount *v;
	size_t n;
};

/* Those that are mounted now, and not covered by another.  -ENOTSUP: an image. */
int hugemounts_read(const struct host *h, struct hugemounts *out, struct err *e) MUST_CHECK;
void hugemounts_free(struct hugemounts *m);
#define AUTO_HUGEMOUNTS CLEANUP(hugemounts_free)
/* The one at @path, or NULL. */
const struct hugemount *hugemounts_find(const struct hugemounts *m, const char *path);

/* 0: @path is a hugetlbfs of @page bytes (0: of any). -ENOENT: nothing is there. -ENOTDIR: a
 * plain file, which a guest's memory may have made. -ENODEV: a folder, but no hugetlbfs.
 * -EMEDIUMTYPE: another page size. */
int hugemount_check(const struct host *h, const char *path, uint64_t page, struct err *e)
	MUST_CHECK;

/* Pure: "pagesize=2M,mode=1770,gid=36" from what is different from the kernel's default,
 * always in this form: pagesize, mode, uid, gid, rest. free() it. */
char *hugemount_options(const struct hugemount_opts *o, struct err *e) MUST_CHECK;
/* Pure: reads such a list as the kernel does; -EINVAL names what is not right (a gid that is no
 * number).  free(o->rest). */
int hugemount_options_parse(const char *text, struct hugemount_opts *o, struct err *e)
	MUST_CHECK;
/* Pure: asks for the same thing; page 0 is @default_page. */
bool hugemount_options_same(const struct hugemount_opts *a, const struct hugemount_opts *b,
			    uint64_t default_page);
/* Pure: "hugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=36 0 0", without
 * newline. */
char *hugemount_fstab_line(const char *path, const struct hugemount_opts *o, struct err *e)
	MUST_CHECK;

/* Mounts with libmount, making the folder; reads back. Live hosts only. -EEXIST: something
 * else is mounted there, or it is a file. -EINVAL: the kernel refuses the options. Returns 1
 * if it was mounted, 0 if the same is mounted already. */
int hugemount_mount(const struct host *h, const char *path, const struct hugemount_opts *o,
		    struct err *e) MUST_CHECK;
/* -EBUSY: somebody has files open there; -EINVAL: no hugetlbfs is mounted there. */
int hugemount_umount(const struct host *h, const char *path, struct err *e) MUST_CHECK;

#endif
