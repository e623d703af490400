/* SPDX-License-Identifier: MIT */
/* Answering one request; see session.h. */
#ifndef IMG_NBD_ANSWER_H
#define IMG_NBD_ANSWER_H

#include "img/nbd/session.h"

#include <pthread.h>

/* One request at work. */
struct nbd_work {
	struct nbd_session *s;
	pthread_mutex_t *send; /* held while an answer goes out */
	struct nbd_request q;
	uint8_t *buf; /* room for the part of its bytes that is looked at at a time */
	int result;   /* of what was done already, with .. */
	struct err *e;
};

/* Bytes that buf must have room for; a multiple of 4096. */
size_t nbd_work_room(const struct nbd_request *q);
/* 0, or the negative errno with which the request is to be refused. */
int nbd_work_check(const struct nbd_export *x, bool structured, const struct nbd_request *q,
		   struct err *e) MUST_CHECK;
/*
 * Does it (unless result says that it failed before) and answers.  A write's bytes, if they
 * fit into one NBD_PIECE, are in buf; longer ones were written already.  Negative: the
 * connection is of no use any more.
 */
int nbd_work_do(struct nbd_work *w, struct err *e) MUST_CHECK;

#endif
