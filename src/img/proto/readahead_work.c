/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/now.h"
#include "img/proto/readahead_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- the queues; ra->lock held ---- */

static void push(struct ra_queue *q, struct readahead_job *j)
{
	j->next = NULL;
	if (!q->first)
		q->last = &q->first;
	*q->last = j;
	q->last = &j->next;
}

static struct readahead_job *pop(struct ra_queue *q)
{
	struct readahead_job *j = q->first;

	if (j)
		q->first = j->next;
	return j;
}

static void take_out(struct ra_queue *q, struct readahead_job *j)
{
	struct readahead_job **p = &q->first;

	while (*p && *p != j)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = j->next;
	q->last = p;
	while (*q->last)
		q->last = &(*q->last)->next;
}

void ra_hurry(struct readahead *ra, struct ra_slot *s)
{
	struct readahead_job *j = s->job;

	if (s->state != RA_LOADING || !j || j->running || j->demand)
		return;
	take_out(&ra->ahead, j);
	j->demand = true;
	push(&ra->wanted, j);
}

static void settle_rest(struct readahead *ra, struct readahead_job *j, int r,
			const struct err *why)
{
	bool waited = false;

	for (uint64_t i = j->done / READAHEAD_CHUNK; i < j->n; i++) {
		struct ra_slot *s = ra_find(ra, j->first + i);

		if (!s || s->job != j)
			continue;
		s->state = RA_FAILED;
		s->why = calloc(1, sizeof(*s->why));
		if (s->why)
			*s->why = *why;
		if (s->why && !s->why->code)
			s->why->code = r;
		waited = waited || s->waiting;
		ra_settle(ra, s);
	}
	if (waited)
		pthread_cond_broadcast(&ra->arrived);
}

/* ---- a piece ---- */

static uint64_t job_bytes(const struct readahead_job *j)
{
	uint64_t off = j->first * READAHEAD_CHUNK;

	return min_u64(j->n * READAHEAD_CHUNK, j->ra->c.size - off);
}

static void chunk_came(struct readahead *ra, struct readahead_job *j, uint64_t i)
{
	struct ra_slot *s;

	pthread_mutex_lock(&ra->lock);
	s = ra_find(ra, j->first + i);
	s->state = RA_READY;
	if (s->waiting)
		pthread_cond_broadcast(&ra->arrived);
	ra_settle(ra, s);
	pthread_mutex_unlock(&ra->lock);
}

static uint8_t *chunk_buf(struct readahead *ra, struct readahead_job *j, uint64_t i)
{
	uint8_t *buf;

	pthread_mutex_lock(&ra->lock);
	buf = ra_find(ra, j->first + i)->buf; /* being loaded: it stays */
	pthread_mutex_unlock(&ra->lock);
	return buf;
}

void readahead_put(struct readahead_job *j, const void *buf, size_t n)
{
	const uint8_t *from = buf;
	uint64_t all = job_bytes(j);

	if (!j->first_byte)
		j->first_byte = now_ns();
	while (n && j->done < all) {
		uint64_t i = j->done / READAHEAD_CHUNK, in = j->done % READAHEAD_CHUNK;
		uint64_t end = min_u64((i + 1) * READAHEAD_CHUNK, all);
		size_t take = (size_t)min_u64(n, end - j->done);

		memcpy(chunk_buf(j->ra, j, i) + in, from, take);
		from += take;
		n -= take;
		j->done += take;
		if (j->done == end)
			chunk_came(j->ra, j, i);
	}
}

/* Requests shall be so large that waiting for their first byte does not count. */
static void adapt(struct readahead *ra, const struct readahead_job *j, int64_t start)
{
	int64_t wait = j->first_byte - start, rest = now_ns() - j->first_byte;
	uint64_t len = job_bytes(j);

	if (!j->first_byte || len < ra->c.least)
		return;
	if (len >= ra->piece && rest < 4 * wait && ra->piece < RA_PIECE_MAX)
		ra->piece *= 2;
	else if (rest > 32 * wait && ra->piece > RA_PIECE_MIN)
		ra->piece /= 2;
}

static void fetch(struct readahead *ra, unsigned worker, struct readahead_job *j)
{
	struct err why = { 0 };
	int64_t start = now_ns();
	int r;

	pthread_mutex_unlock(&ra->lock);
	r = ra->c.fetch(ra->c.arg, worker, j->first * READAHEAD_CHUNK, job_bytes(j), j, &why);
	if (r == 0 && j->done < job_bytes(j))
		r = err_set(&why, -EIO, "only %llu of %llu bytes came",
			    (unsigned long long)j->done, (unsigned long long)job_bytes(j));
	pthread_mutex_lock(&ra->lock);
	if (r == 0)
		adapt(ra, j, start);
	else
		settle_rest(ra, j, r, &why);
}

struct worker_arg {
	struct readahead *ra;
	unsigned worker;
};

static void *work(void *arg)
{
	struct worker_arg a = *(struct worker_arg *)arg;
	struct readahead *ra = a.ra;

	free(arg);
	pthread_mutex_lock(&ra->lock);
	while (!ra->stopping) {
		struct readahead_job *j = pop(&ra->wanted);

		if (!j)
			j = pop(&ra->ahead);
		if (!j) {
			ra->idle++;
			pthread_cond_wait(&ra->work, &ra->lock);
			ra->idle--;
			continue;
		}
		j->running = true;
		fetch(ra, a.worker, j);
		free(j);
	}
	for (;;) {
		struct readahead_job *j = pop(&ra->wanted);

		if (!j)
			j = pop(&ra->ahead);
		if (!j)
			break;
		free(j);
	}
	pthread_mutex_unlock(&ra->lock);
	return NULL;
}

/* One worker more, if all others have something to do. */
static int start_worker(struct readahead *ra)
{
	struct worker_arg *a;

	if (ra->idle || ra->started == ra->c.workers)
		return 0;
	a = malloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct worker_arg){ .ra = ra, .worker = ra->started };
	if (pthread_create(&ra->threads[ra->started], NULL, work, a)) {
		free(a);
		return -EAGAIN;
	}
	ra->started++;
	return 0;
}

/* The slots of [first, first + n) are made, and have no job yet. */
static bool submit(struct readahead *ra, uint64_t first, uint64_t n, bool demand)
{
	struct readahead_job *j = calloc(1, sizeof(*j));

	if (!j || (start_worker(ra) < 0 && !ra->started)) {
		static const struct err none = { -ENOMEM,
						 "no memory, or no thread, to read with" };
		struct readahead_job dead = { .ra = ra, .first = first, .n = n };

		free(j);
		for (uint64_t i = first; i < first + n; i++)
			ra_find(ra, i)->job = &dead;
		settle_rest(ra, &dead, none.code, &none);
		return false;
	}
	*j = (struct readahead_job){ .ra = ra, .first = first, .n = n, .demand = demand };
	for (uint64_t i = first; i < first + n; i++)
		ra_find(ra, i)->job = j;
	push(demand ? &ra->wanted : &ra->ahead, j);
	pthread_cond_signal(&ra->work);
	return true;
}

bool ra_want(struct readahead *ra, uint64_t off, uint64_t end)
{
	uint64_t at = off / READAHEAD_CHUNK, stop = div_up(end, READAHEAD_CHUNK);

	while (at < stop) {
		uint64_t first;

		while (at < stop && ra_find(ra, at))
			at++;
		first = at;
		while (at < stop && !ra_find(ra, at) && ra_slot_new(ra, at, false))
			at++;
		if (at > first && !submit(ra, first, at - first, false))
			return false;
		if (at < stop && !ra_find(ra, at))
			return false;
	}
	return true;
}

struct ra_slot *ra_demand(struct readahead *ra, uint64_t index, uint64_t end, struct err *e)
{
	uint64_t all = div_up(ra->c.size, READAHEAD_CHUNK);
	uint64_t stop = min_u64(max_u64(end, index + ra->c.least / READAHEAD_CHUNK), all);
	struct ra_slot *s;

	/* Up to the first that is there: what follows it is looked at in its turn. */
	for (uint64_t i = index + 1; i < stop; i++)
		if (ra_find(ra, i))
			stop = i;
	s = ra_slot_new(ra, index, true);
	if (!s) {
		(void)err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	s->pins++; /* the others shall not push it out */
	for (end = index + 1; end < stop; end++)
		if (!ra_slot_new(ra, end, true))
			break;
	(void)submit(ra, index, end - index, true); /* or they have failed, and say so */
	s->pins--;
	return s;
}

bool readahead_stopping(const struct readahead *ra)
{
	return ra->stopping;
}
