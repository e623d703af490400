/* SPDX-License-Identifier: MIT */
/*
 * A remote file reached with libcurl: ranges of it, from several threads.
 *
 * A request that is cut off goes on where it was; one that fails for a reason that may pass is
 * tried again after a while.  Redirects are followed here and remembered, so that later
 * requests go where the first one ended; what was meant for the host in the URL (password, token,
 * cookie, headers) is sent to that host alone, and from https one never comes to http.  Each answer must be of the file that the first
 * was of: size, ETag and date are compared.
 */
#ifndef IMG_PROTO_CURL_SITE_H
#define IMG_PROTO_CURL_SITE_H

#include "img/proto/curl_lib.h"
#include "img/proto/http_answer.h"
#include "img/proto/http_opts.h"

#include <pthread.h>
#include <stdatomic.h>

struct curl_site {
	struct curl_lib c;
	struct http_opts o;
	bool ftp;
	/* What the first answer said, once there was one.  Written while there is one thread. */
	struct http_answer file;
	bool known;
	bool no_ranges; /* it answered a question for a part with all of it */
	CURLSH *share;  /* names looked up and TLS sessions */
	pthread_mutex_t share_lock[CURL_LOCK_DATA_LAST];
	pthread_mutex_t lock; /* of what follows */
	char *where;          /* the URL after redirects */
	bool elsewhere;       /* it is another host's */
	int64_t next;         /* for the rate: when the next byte may come, in ns */
	/* Who waits has no more use for it: asked often.  May be NULL. */
	bool (*stopping)(void *arg);
	void *arg;
};

/* Takes over what is in @o, and empties it, also on failure. */
int curl_site_open(struct http_opts *o, struct curl_site **out, struct err *e) MUST_CHECK;

/* What to do with the bytes of an answer, in order; an error ends it all. */
typedef int curl_sink(void *arg, const void *buf, size_t n, struct err *e);

/*
 * Gets [off, off + len), or all from @off to the end where @len is HTTP_UNKNOWN.  *h is this
 * thread's connection, NULL at first.  The first get of all must be of offset 0; it fills
 * file and known, and may bring less than was asked for if the file is shorter.
 * -ENOTSUP: the server gives no ranges (not with HTTP_UNKNOWN: then what comes again is
 * passed over); -ESTALE: the file has changed; -EINTR: stopping.
 */
int curl_site_get(struct curl_site *s, CURL **h, uint64_t off, uint64_t len, curl_sink *sink,
		  void *arg, struct err *e) MUST_CHECK;

/* NULL is fine. */
void curl_site_drop(struct curl_site *s, CURL *h);
void curl_site_close(struct curl_site *s);

#endif
