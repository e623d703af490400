/* SPDX-License-Identifier: MIT */
/* What is mounted: /proc/self/mountinfo, proc(5); and mounts of hugetlbfs. */
#ifndef HOST_MOUNTS_H
#define HOST_MOUNTS_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mount {
	unsigned id, parent;
	uint32_t major, minor;
	char *root;    /* what of the file system is mounted */
	char *target;  /* where; \040 and its kin are resolved in all of these */
	char *options; /* of the mount: "rw,nosuid" */
	char *type;    /* "hugetlbfs" */
	char *source;
	char *super; /* options of the file system: "rw,gid=36,pagesize=2M" */
};

struct mounts {
	struct mount *v; /* in the order they were mounted */
	size_t n;
};

int mounts_parse(const char *text, size_t len, struct mounts *out, struct err *e) MUST_CHECK;
/* On an image, where nothing is mounted: an empty list. */
int mounts_read(const struct host *h, struct mounts *out, struct err *e) MUST_CHECK;
void mounts_free(struct mounts *m);
/* What one sees at @target: the last mounted there; NULL if nothing is. */
const struct mount *mounts_at(const struct mounts *m, const char *target);

/* Resolves \NNN (three octal digits) in place. */
void mounts_unescape(char *s);
/* The value of @key in a list "rw,gid=36"; "" for a word without value; NULL if it is not
 * there.  The last one counts.  *@len is its length. */
const char *mounts_option(const char *options, const char *key, size_t *len);

#define HUGETLBFS_MAGIC 0x958458f6u

struct huge_mount {
	char *target;
	uint64_t page; /* bytes; 0: neither statfs nor the options tell */
	bool verified; /* statfs says it is a hugetlbfs of this page size */
	uint32_t mode; /* of its root: 0755, 01770 */
	uint32_t uid, gid;
};

struct huge_mounts {
	struct huge_mount *v;
	size_t n;
};

/* Those that can be seen: not covered by a later mount at the same place. */
int huge_mounts_read(const struct host *h, const struct mounts *m, struct huge_mounts *out,
		     struct err *e) MUST_CHECK;
void huge_mounts_free(struct huge_mounts *m);
/* Page size as hugetlbfs options and fstab have it: "2M", "2048k", "1G", "2097152".  The
 * kernel stops at the first suffix.  0: not a number. */
uint64_t huge_page_size(const char *text, size_t len);

#endif
