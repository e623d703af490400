/* SPDX-License-Identifier: MIT */
/* How readahead.c (readers), readahead_slots.c (the cache) and readahead_work.c (workers) share the
 * work.  All is under the one lock but the bytes of a chunk: those are written by the worker that
 * loads it and only read once it is ready. */
#ifndef IMG_PROTO_READAHEAD_INT_H
#define IMG_PROTO_READAHEAD_INT_H

#include "img/proto/readahead.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	RA_STREAMS = 8,
	RA_BUCKETS = 4096,
	RA_PIECE_MIN = 1 << 20,
	RA_PIECE_MAX = 8 << 20,
};

enum ra_state { RA_LOADING, RA_READY, RA_FAILED };

struct ra_slot {
	uint64_t index; /* of the chunk */
	uint8_t *buf;   /* READAHEAD_CHUNK bytes */
	struct readahead *ra;
	struct ra_slot *chain;
	struct ra_slot *prev, *next; /* in ra->done or ra->unread: ready and not pinned */
	struct readahead_job *job;   /* that loads it */
	struct err *why;             /* of RA_FAILED; may be NULL */
	enum ra_state state;
	unsigned pins, waiting;
	bool listed, touched;
};

struct readahead_job {
	struct readahead_job *next;
	struct readahead *ra;
	uint64_t first, n;  /* chunks */
	uint64_t done;      /* bytes that have come; the worker's own */
	int64_t first_byte; /* when, in ns; 0: not yet */
	bool running, demand;
};

struct ra_stream {
	uint64_t pos;  /* where its reader is */
	uint64_t head; /* up to where it was asked for */
	uint64_t run, window;
	uint64_t stamp; /* 0: none */
	bool fresh;     /* of one read alone */
};

struct ra_queue {
	struct readahead_job *first, **last;
};

struct readahead {
	struct readahead_conf c;
	pthread_mutex_t lock;
	pthread_cond_t arrived, work;
	_Atomic bool stopping;
	struct ra_slot *bucket[RA_BUCKETS];
	struct ra_slot done, unread;     /* rings; oldest first */
	size_t slots, slots_max, done_n; /* done_n: in the ring */
	uint64_t window_max, piece, clock;
	struct ra_stream streams[RA_STREAMS];
	struct ra_queue wanted, ahead;
	pthread_t threads[READAHEAD_WORKERS_MAX];
	unsigned started, idle;
};

/* ---- the cache ---- */

void ra_list_init(struct ra_slot *ring);
struct ra_slot *ra_find(struct readahead *ra, uint64_t index);
/* A slot for a chunk that is not there, being loaded from now on.  Room is made at the cost of what
 * nobody will miss; NULL: there is none, unless @must. */
struct ra_slot *ra_slot_new(struct readahead *ra, uint64_t index, bool must);
/* A reader holds it: it stays. */
void ra_pin(struct ra_slot *s);
/* Is there room for @n more, or can it be made at the cost of what nobody will miss? */
bool ra_room(struct readahead *ra, uint64_t n);
/* A pin less: it may go now, and a failed one goes. */
void ra_unpin(struct readahead *ra, struct ra_slot *s);
/* Ready or failed, not pinned: takes its place in the lists. */
void ra_settle(struct readahead *ra, struct ra_slot *s);
int ra_seed(struct readahead *ra, uint64_t index, const void *buf, size_t len, struct err *e)
	MUST_CHECK;
void ra_slots_free(struct readahead *ra);

/* ---- the workers ---- */

/* Has the missing chunks of [off, end) fetched.  False: there is no room, not all are. */
bool ra_want(struct readahead *ra, uint64_t off, uint64_t end);
/* The slot of chunk @index, which is missing; with it come those up to @end that are missing too,
 * and as many more as make a request worth while. */
struct ra_slot *ra_demand(struct readahead *ra, uint64_t index, uint64_t end, struct err *e);
/* Somebody waits for it now. */
void ra_hurry(struct readahead *ra, struct ra_slot *s);

#endif
