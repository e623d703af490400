/* SPDX-License-Identifier: MIT */
/* One question to the server, for curl_site.c. */
#ifndef IMG_PROTO_CURL_REQUEST_H
#define IMG_PROTO_CURL_REQUEST_H

#include "img/proto/curl_site.h"

struct request {
	struct curl_site *s;
	CURL *h;
	uint64_t off, len; /* as curl_site_get has them */
	uint64_t done;     /* bytes given to the sink so far */
	curl_sink *sink;
	void *arg;
	bool went_back;
	/* of the question that is out */
	struct http_answer a;
	uint64_t skip; /* bytes to pass over: they came before */
	bool head_only;
	bool checked;      /* the head was looked at */
	bool wrong_length; /* more came than was promised or asked for */
	uint64_t dropped;  /* bytes of a page that only says what went wrong */
	int fatal;
	struct err why; /* of fatal */
};

/* Asks for what is still missing.  A negative errno: no use trying again.  0: see @code and
 * q->a. */
int request_perform(struct request *q, CURLcode *code, struct err *e) MUST_CHECK;
bool request_is_complete(const struct request *q, CURLcode code);
/* Says why it failed; returns the error. */
int request_why(const struct request *q, CURLcode code, struct err *e);

#endif
