/* SPDX-License-Identifier: MIT */
/*
 * A disk of nothing ("null-co://", "null-aio://"): what is written is gone, what is read is zero.
 * It shows how fast everything else is.  Options: size (1 GiB), latency-ns (of each request),
 * read-zeroes (whether the map says that there are zeroes).
 */
#ifndef IMG_PROTO_NULL_H
#define IMG_PROTO_NULL_H

#include "img/proto.h"

extern const struct img_protocol proto_null;

#endif
