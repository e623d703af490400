/* SPDX-License-Identifier: MIT */
/* How a remote file is to be reached: the options of http, https, ftp and ftps, QEMU's and our
 * own. */
#ifndef IMG_PROTO_HTTP_OPTS_H
#define IMG_PROTO_HTTP_OPTS_H

#include "base/optset.h"

#include <stddef.h>
#include <stdint.h>

struct secret_set;

enum { HTTP_CONNECTIONS_MAX = 32 };

/* Strings are owned; NULL: not given. */
struct http_opts {
	char *url;
	size_t readahead;     /* bytes that a request has at least */
	size_t memory;        /* bytes of the cache */
	unsigned connections; /* at most */
	unsigned timeout;     /* seconds without a byte */
	char *username, *password;
	char *proxy, *proxy_username, *proxy_password;
	char *cookie, *token;
	char **headers; /* "Name: value" */
	size_t headers_n;
	bool sslverify;
	char *cafile;
	bool netrc;
	char *netrc_file;
	uint64_t rate; /* bytes a second over all connections; 0: no limit */
	/* S3 (AWS Signature Version 4): what CURLOPT_AWS_SIGV4 takes; then username and password
	 * are the key's two halves. */
	char *sigv4;
};

/* The defaults. */
void http_opts_init(struct http_opts *h);
/* Takes what is for us from @o.  @secrets may be NULL. */
int http_opts_take(struct http_opts *h, struct optset *o, const struct secret_set *secrets,
		   struct err *e) MUST_CHECK;
/* Adds a header.  -EINVAL: not "Name: value", or more than one line. */
int http_opts_header(struct http_opts *h, const char *line, struct err *e) MUST_CHECK;
void http_opts_free(struct http_opts *h);

#endif
