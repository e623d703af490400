/* SPDX-License-Identifier: MIT */
/*
 * Standard input and output as images: what can be read, or written, once and in order.
 *
 * A pipe, a socket or a terminal in between is a stream.  What is a regular file or a block
 * device after all, and stands at its beginning, is opened as one (stream_in_path).
 */
#ifndef IMG_PROTO_STREAM_H
#define IMG_PROTO_STREAM_H

#include "img/img.h"

#include <stdatomic.h>

/* What "-" goes by in messages. */
#define STREAM_IN_NAME  "standard input"
#define STREAM_OUT_NAME "standard output"

/* One reader at a time. */
struct stream_in {
	int fd;
	uint8_t head[IMG_PROBE_BYTES]; /* read already, not yet given out */
	size_t head_len, head_at;
	const atomic_bool *stop; /* becomes true: reading ends with -EINTR.  May be NULL */
};

/*
 * A path that opens standard input as the file it is; NULL: it is a stream, and @s is ready to
 * be read and has its first bytes.  -EINVAL: a terminal or a folder.
 */
int stream_in_open(struct stream_in *s, const char **path, struct err *e) MUST_CHECK;
/* @len bytes, or fewer at the end: *got says how many. */
int stream_in_read(struct stream_in *s, void *buf, size_t len, size_t *got, struct err *e)
	MUST_CHECK;

/*
 * A file without a name in $TMPDIR, or in /var/tmp; *path opens it as long as *fd is open.
 * @path is the caller's to free.
 */
int stream_spool_new(int *fd, char **path, struct err *e) MUST_CHECK;
/* Puts at most @max bytes of @s into such a file; zeroes become holes. */
int stream_spool(struct stream_in *s, uint64_t max, int *fd, char **path, struct err *e)
	MUST_CHECK;

/*
 * Standard output as a node: each write begins where the one before ended, else -ESPIPE.
 * Its size is @size, or it grows if that is UINT64_MAX.  Zeroes are written as bytes, but a
 * regular file that ends where it stands gets holes; *sparse says so.  -EINVAL: a terminal.
 */
int stream_out_new(uint64_t size, bool *sparse, struct blk **out, struct err *e) MUST_CHECK;

#endif
