/* SPDX-License-Identifier: MIT */
/*
 * One client of an export: the handshake, then its requests until it goes.  Everything that
 * comes from it is hostile: memory is at most NBD_PIECE bytes for each of the export's
 * threads, and what cannot be followed ends the connection.
 */
#ifndef IMG_NBD_SESSION_H
#define IMG_NBD_SESSION_H

#include "img/blk.h"
#include "img/nbd/chan.h"
#include "img/nbd/wire.h"

enum { NBD_PIECE = 2 << 20, NBD_HANDSHAKE_MS = 60000 };

/* What block status can tell, as bits. */
enum nbd_context {
	NBD_CONTEXT_ALLOCATION = 1,
	NBD_CONTEXT_DEPTH = 2,
	NBD_CONTEXT_BITMAP = 4,
	NBD_CONTEXTS = 3, /* how many */
};

struct nbd_tls;
struct nbd_runs;

/* What is served; does not change while there are clients. */
struct nbd_export {
	struct blk *blk;
	const char *name;        /* "" is what clients take without asking */
	const char *description; /* or NULL */
	bool writable;
	bool depth;                   /* offers qemu:allocation-depth */
	const char *bitmap;           /* offers qemu:dirty-bitmap:NAME, or NULL */
	const struct nbd_runs *dirty; /* its bits */
	unsigned threads;             /* at most so many for one client, at least 1 */
	struct nbd_tls *tls;          /* NULL: plain connections only */
	bool tls_required;
	void (*warn)(void *arg, const char *text); /* what went wrong with the image; or NULL */
	void *arg;
};

struct nbd_session {
	const struct nbd_export *x;
	struct nbd_chan *c;
	bool structured, encrypted, no_zeroes;
	unsigned contexts; /* enum nbd_context that the client chose */
};

/* 1: requests follow; 0: the client has left.  Negative: it is to be dropped. */
int nbd_handshake(struct nbd_session *s, struct err *e) MUST_CHECK;
/* Until the client leaves (0) or is to be dropped (negative).  All its requests are done then. */
int nbd_transmit(struct nbd_session *s, struct err *e) MUST_CHECK;

/* Flags that the export announces. */
unsigned nbd_export_flags(const struct nbd_export *x, bool structured);
/* The name of a context, with its number from 0 on, in @buf; false if it is not offered. */
bool nbd_export_context(const struct nbd_export *x, unsigned i, char *buf, size_t size);

/* A range in one state. */
struct nbd_state {
	uint64_t len;
	uint32_t flags;
};
/*
 * The states of [off, off + len) in a context, equal neighbours as one, at most @max of them
 * and, if there are very many, fewer than reach its end.  Returns how many.
 */
int nbd_export_states(const struct nbd_export *x, enum nbd_context context, uint64_t off,
		      uint64_t len, struct nbd_state *out, unsigned max, struct err *e)
	MUST_CHECK;

#endif
