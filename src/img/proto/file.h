/* SPDX-License-Identifier: MIT */
/*
 * Local files and block devices as block nodes ("file", "host_device"), with
 * QEMU's byte-range locks.
 */
#ifndef IMG_PROTO_FILE_H
#define IMG_PROTO_FILE_H

#include "img/blk.h"

/* What a file is for, which decides what we let others do meanwhile. */
enum file_role {
	FILE_METADATA, /* of a format: nobody else may write or resize */
	FILE_RAW,      /* a raw image: others may do what they want, as QEMU has it */
	FILE_DATA,     /* external data file: nobody else may resize */
};

/*
 * Opens @path without its locks: call file_lock before relying on anything in it.
 * Only @opts it understands may be there: "locking" on|off|auto, "aio"
 * threads|native|io_uring (accepted: all give the same bytes).  NULL is fine.
 * -EINVAL: neither a regular file nor a block device.
 */
struct optset;
int file_open_unlocked(const char *path, struct optset *opts, unsigned flags, struct blk **out,
		       struct err *e) MUST_CHECK;
/*
 * Takes QEMU's locks: with BLK_WRITE we write (and resize, unless raw) and do not
 * let others do what @role says; without it we read.  Nothing with BLK_NOLOCK; with BLK_SHARE
 * others may do anything.  -EBUSY: locked; the message names the holder.
 */
int file_lock(struct blk *b, enum file_role role, struct err *e) MUST_CHECK;
/* Both, as FILE_METADATA. */
int file_open(const char *path, struct optset *opts, unsigned flags, struct blk **out,
	      struct err *e) MUST_CHECK;
/*
 * Creates @path, or empties what is there, with @size bytes.  A file that another
 * process has open as an image is left alone (-EBUSY), a device is -EEXIST.
 * @made, if not NULL, says whether there was no such file before, also on failure.
 */
int file_create(const char *path, uint64_t size, enum blk_prealloc p, bool nocow,
		uint64_t extent_size_hint, bool *made, struct err *e) MUST_CHECK;
/* Bytes allocated on the host for an open file node. */
int file_allocated(struct blk *b, uint64_t *out, struct err *e) MUST_CHECK;
/* Starts writing to the disk what was written to the files of @b, a node of any kind, and
 * does not wait: a flush that will come has less left to do.  Nothing with BLK_NOFLUSH. */
void file_writeback(struct blk *b);
/* The descriptor, for what a node cannot express (fiemap, locks of others). */
int file_fd(const struct blk *b);
bool file_is_node(const struct blk *b);

#endif
