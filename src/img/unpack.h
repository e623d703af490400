/* SPDX-License-Identifier: MIT */
/*
 * Unpacking a stream as it comes: xz (and lzma), gzip, zstd, bzip2.  Members that follow each
 * other are one stream, as their programs have it.  liblzma and libbz2 are loaded when they are needed.
 */
#ifndef IMG_UNPACK_H
#define IMG_UNPACK_H

#include "base/err.h"

#include <stddef.h>

enum unpack_kind { UNPACK_NONE, UNPACK_XZ, UNPACK_GZ, UNPACK_ZST, UNPACK_BZ2 };

struct unpack;
typedef int unpack_sink(void *arg, const void *buf, size_t n, struct err *e);

/* "none", "xz", "gz", "zst", "bz2"; -EINVAL names them. */
int unpack_kind_named(const char *name, enum unpack_kind *kind, struct err *e) MUST_CHECK;
/* By the end of a file's name or of the path in a URL. */
enum unpack_kind unpack_kind_of_name(const char *name);

/* What comes out goes to @sink.  -ENOTSUP: the library is not there. */
int unpack_new(enum unpack_kind kind, unpack_sink *sink, void *arg, struct unpack **out,
	       struct err *e) MUST_CHECK;
/* -EUCLEAN: not of that kind, or damaged; else what the sink returned. */
int unpack_feed(struct unpack *u, const void *buf, size_t n, struct err *e) MUST_CHECK;
/* No more comes.  -ENODATA: it should. */
int unpack_end(struct unpack *u, struct err *e) MUST_CHECK;
/* NULL is fine. */
void unpack_free(struct unpack *u);

#endif
