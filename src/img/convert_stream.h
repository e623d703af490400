/* SPDX-License-Identifier: MIT */
/* What convert does with standard input and output.  Part of convert. */
#ifndef IMG_CONVERT_STREAM_H
#define IMG_CONVERT_STREAM_H

#include "img/convert.h"

/* -EINVAL: an option that needs what a stream has not: its length, or a second look. */
int convert_stream_check(const struct img_convert *c, struct err *e) MUST_CHECK;
/*
 * Writes the result to standard output.  raw goes out as it is read.  A format that can be
 * written front to back (img_format.stream) is laid out by the map of the source; with -S the
 * source is read twice, the first time to look for zeroes.  What is compressed, has a
 * backing file, bitmaps or preallocation, comes from a stream or is of another format is
 * built in a temporary file first.
 */
int convert_to_stdout(struct img_convert *c, const struct img_format *f, struct err *e)
	MUST_CHECK;

/* ---- convert.c ---- */
/* Makes the image at @path. */
int convert_into_new(struct img_convert *c, const char *path, struct err *e) MUST_CHECK;

#endif
