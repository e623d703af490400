/* SPDX-License-Identifier: MIT */
/* Images behind "http:", "https:", "ftp:" and "ftps:", for reading: see curl_site.h and readahead.h. */
#ifndef IMG_PROTO_HTTP_H
#define IMG_PROTO_HTTP_H

#include "img/proto.h"
#include "img/proto/http_opts.h"

extern const struct img_protocol proto_http;

/* A node called @name for what @h describes.  Takes over what is in @h, also on failure. */
int http_open_with(const char *name, struct http_opts *h, const struct proto_open *o,
		   struct blk **out, struct err *e) MUST_CHECK;

#endif
