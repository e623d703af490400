/* SPDX-License-Identifier: MIT */
/*
 * What the head of an HTTP answer says about the file behind it (RFC 9110).  Every byte comes
 * from a stranger.
 */
#ifndef IMG_PROTO_HTTP_ANSWER_H
#define IMG_PROTO_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_TAG_MAX = 256 };

#define HTTP_UNKNOWN UINT64_MAX

struct http_answer {
	unsigned status;         /* 0: none yet */
	uint64_t length;         /* Content-Length, or HTTP_UNKNOWN */
	bool has_range;          /* a Content-Range of bytes */
	bool bad_range;          /* one that makes no sense */
	uint64_t first, last;    /* of the range; HTTP_UNKNOWN in both: "bytes * / total" */
	uint64_t total;          /* of the file, or HTTP_UNKNOWN */
	unsigned retry_after;    /* seconds; 0: not said */
	bool encoded;            /* Content-Encoding other than identity */
	bool long_tag;           /* one of these is too long to be kept */
	char etag[HTTP_TAG_MAX]; /* with its quotes; "": none */
	char modified[HTTP_TAG_MAX];
};

/* Before each request. */
void http_answer_reset(struct http_answer *a);
/* One line of the head, with or without its line end.  A status line begins anew: what was
 * before was an interim answer, or that of a proxy. */
void http_answer_line(struct http_answer *a, const char *line, size_t len);

/* Do two answers speak of the same bytes?  Only what both say counts; NULL: they may, else what has
 * changed. */
const char *http_answer_differs(const struct http_answer *a, const struct http_answer *b);

#endif
