/* SPDX-License-Identifier: MIT */
/*
 * Files below a root directory: of the machine itself ("/"), of an image that is mounted
 * somewhere, of a chroot.  A path is absolute in that root; symbolic links and ".." are
 * resolved inside it and never lead out, whoever made the tree.
 *
 * Files are changed in one step: a reader, or the machine after a crash, finds the old
 * bytes or the new ones.  Each function that changes something has it on disk, the folder
 * entry too, when it returns 0.
 */
#ifndef BASE_BELOW_H
#define BASE_BELOW_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Opens the root itself, O_PATH; NULL is "/". */
int below_root(const char *root, struct err *e) MUST_CHECK;

/* openat2() inside the root.  Close-on-exec. */
int below_open(int root, const char *path, int flags, unsigned mode, struct err *e) MUST_CHECK;
/* Opens the folder that holds @path, follows the links its last part may be, and leaves
 * the name in @name (NAME_MAX + 1 bytes). */
int below_parent(int root, const char *path, char *name, struct err *e) MUST_CHECK;

/* A whole file of at most @max bytes, NUL-terminated; -EFBIG if it is larger. @len may
 * be NULL. */
int below_read(int root, const char *path, size_t max, char **text, size_t *len, struct err *e)
	MUST_CHECK;

/* What a new file gets; an existing one keeps its mode, owner and extended attributes. */
struct below_new {
	uint32_t mode, uid, gid;
};

/* Replaces what @path holds, or makes it.  A link is followed: it stays a link. */
int below_replace(int root, const char *path, const void *buf, size_t len,
		  const struct below_new *fresh, struct err *e) MUST_CHECK;
/* Makes missing folders on the way to @path, 0755. */
int below_mkdirs(int root, const char *path, struct err *e) MUST_CHECK;
/* Removes a file or link itself (not what it points to); an empty folder if @dir. */
int below_remove(int root, const char *path, int dir, struct err *e) MUST_CHECK;
/* Removes the file that @path leads to: links on the way there stay. */
int below_remove_file(int root, const char *path, struct err *e) MUST_CHECK;
/* Makes or replaces a symbolic link. */
int below_symlink(int root, const char *path, const char *target, struct err *e) MUST_CHECK;
/* Sets owner and mode (07777 bits); -1 leaves uid or gid.  In this order, for chown clears
 * set-user-ID. */
int below_attr(int root, const char *path, int64_t uid, int64_t gid, uint32_t mode,
	       struct err *e) MUST_CHECK;

#endif
