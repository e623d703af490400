/* SPDX-License-Identifier: MIT */
/*
 * Local files and block devices as block nodes ("file", "host_device"), with
 * QEMU's byte-range locks.
 */
#ifndef IMG_PROTO_FILE_H
#define IMG_PROTO_FILE_H

#include "img/blk.h"

/*
 * Opens @path.  Takes the locks QEMU takes for a format's file (unless
 * BLK_NOLOCK, BLK_SHARE): with BLK_WRITE we write and resize and let nobody else do
 * so; without it we read and let nobody write.  @opts: "locking" on|off|auto,
 * "aio" threads|native|io_uring (accepted), "drop-cache".
 * -EBUSY: locked; the message names the holder.
 */
struct optset;
int file_open(const char *path, struct optset *opts, unsigned flags, struct blk **out,
	      struct err *e) MUST_CHECK;
/* Creates (or empties) @path with @size bytes; not for block devices (-EEXIST). */
int file_create(const char *path, uint64_t size, enum blk_prealloc p, bool nocow,
		uint64_t extent_size_hint, struct err *e) MUST_CHECK;
/* Bytes allocated on the host for an open file node. */
int file_allocated(struct blk *b, uint64_t *out, struct err *e) MUST_CHECK;
/* The descriptor, for what a node cannot express (fiemap, locks of others). */
int file_fd(const struct blk *b);
bool file_is_node(const struct blk *b);

#endif
