/* SPDX-License-Identifier: MIT */
#include "img/proto/readahead.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/readahead_int.h"

#include <stdlib.h>
#include <string.h>

enum { SPAN_MAX = 4 << 20 }; /* of one round of a read: what it pins */

#define BEHIND (8ull << 20) /* readers side by side are one stream */

/* ---- streams ---- */

static struct ra_stream *find_stream(struct readahead *ra, uint64_t off)
{
	struct ra_stream *oldest = &ra->streams[0];

	for (unsigned i = 0; i < RA_STREAMS; i++) {
		struct ra_stream *s = &ra->streams[i];
		uint64_t reach = max_u64(s->window, ra->c.least);

		if (s->stamp && off + BEHIND >= s->pos && off <= s->pos + reach) {
			s->stamp = ++ra->clock;
			return s;
		}
		if (s->stamp < oldest->stamp)
			oldest = s;
	}
	*oldest = (struct ra_stream){ .pos = off, .head = off, .stamp = ++ra->clock };
	oldest->fresh = true;
	return oldest;
}

/* The further somebody has read on without a jump, the further we look ahead. */
static void advance(struct readahead *ra, struct ra_stream *s, uint64_t end)
{
	if (end <= s->pos)
		return;
	if (!s->fresh || s->pos == 0) {
		s->run += end - s->pos;
		s->window = min_u64(s->run * 2, ra->window_max);
	}
	s->fresh = false;
	s->pos = end;
}

/* Asks for what lies before the reader of @s, in whole pieces. */
static void look_ahead(struct readahead *ra, struct ra_stream *s)
{
	uint64_t end = min_u64(s->pos + s->window, ra->c.size);
	uint64_t share = max_u64(s->window / ra->c.workers, ra->c.least);
	uint64_t piece = round_up(min_u64(ra->piece, share), READAHEAD_CHUNK);

	if (!s->window)
		return;
	if (s->head < s->pos)
		s->head = s->pos;
	s->head = round_down(s->head, READAHEAD_CHUNK);
	while (s->head < end) {
		uint64_t len = min_u64(piece, end - s->head);

		if (len < piece && end < ra->c.size)
			return; /* more comes as the reader goes on */
		if (!ra_room(ra, div_up(len, READAHEAD_CHUNK)) ||
		    !ra_want(ra, s->head, s->head + len))
			return; /* later */
		s->head += len;
	}
}

/* ---- readers ---- */

/* Waits for a chunk, which is pinned.  ra->lock held. */
static int wait_for(struct readahead *ra, struct ra_slot *s, struct err *e)
{
	while (s->state == RA_LOADING) {
		s->waiting++;
		pthread_cond_wait(&ra->arrived, &ra->lock);
		s->waiting--;
	}
	if (s->state == RA_READY)
		return 0;
	return s->why ? err_set(e, s->why->code, "%s", s->why->msg)
		      : err_set(e, -EIO, "the bytes at %llu did not come",
				(unsigned long long)(s->index * READAHEAD_CHUNK));
}

/* At most SPAN_MAX bytes.  ra->lock held. */
static int read_span(struct readahead *ra, uint8_t *buf, size_t len, uint64_t off,
		     struct err *e)
{
	struct ra_slot *held[SPAN_MAX / READAHEAD_CHUNK + 1];
	uint64_t first = off / READAHEAD_CHUNK, end = div_up(off + len, READAHEAD_CHUNK);
	struct ra_stream *s = find_stream(ra, off);
	size_t n = 0;
	int r = 0;

	/* Taken before anything is made room for: they cannot go any more. */
	for (uint64_t i = first; r == 0 && i < end; i++) {
		struct ra_slot *slot = ra_find(ra, i);

		if (slot)
			ra_hurry(ra, slot);
		else
			slot = ra_demand(ra, i, end, e);
		if (!slot) {
			r = -ENOMEM;
			break;
		}
		ra_pin(slot);
		held[n++] = slot;
	}
	advance(ra, s, off + len);
	if (r == 0)
		look_ahead(ra, s);
	for (size_t i = 0; i < n; i++) {
		uint64_t at = held[i]->index * READAHEAD_CHUNK;
		uint64_t from = max_u64(off, at);
		uint64_t to = min_u64(off + len, at + READAHEAD_CHUNK);

		if (r == 0)
			r = wait_for(ra, held[i], e);
		if (r == 0) {
			/* It is pinned and complete: nobody else touches it. */
			pthread_mutex_unlock(&ra->lock);
			memcpy(buf + (from - off), held[i]->buf + (from - at), to - from);
			pthread_mutex_lock(&ra->lock);
		}
		ra_unpin(ra, held[i]);
	}
	return r;
}

int readahead_read(struct readahead *ra, void *buf, size_t len, uint64_t off, struct err *e)
{
	uint8_t *to = buf;
	int r = 0;

	if (off > ra->c.size || len > ra->c.size - off)
		return err_set(e, -EINVAL, "bytes past the end");
	pthread_mutex_lock(&ra->lock);
	while (len && r == 0) {
		size_t n = (size_t)min_u64(len, SPAN_MAX - off % READAHEAD_CHUNK);

		r = read_span(ra, to, n, off, e);
		to += n;
		off += n;
		len -= n;
	}
	pthread_mutex_unlock(&ra->lock);
	return r;
}

int readahead_seed(struct readahead *ra, const void *buf, size_t len, struct err *e)
{
	const uint8_t *from = buf;
	int r = 0;

	pthread_mutex_lock(&ra->lock);
	for (uint64_t at = 0; r == 0 && at < len; at += READAHEAD_CHUNK) {
		size_t n = (size_t)min_u64(READAHEAD_CHUNK, ra->c.size - at);

		if (len - at < n)
			break;
		r = ra_seed(ra, at / READAHEAD_CHUNK, from + at, n, e);
	}
	pthread_mutex_unlock(&ra->lock);
	return r;
}

/* ---- life ---- */

int readahead_new(const struct readahead_conf *c, struct readahead **out, struct err *e)
{
	struct readahead *ra = mem_zalloc(1, sizeof(*ra), e);

	if (!ra)
		return -ENOMEM;
	ra->c = *c;
	if (ra->c.workers < 1)
		ra->c.workers = 1;
	if (ra->c.workers > READAHEAD_WORKERS_MAX)
		ra->c.workers = READAHEAD_WORKERS_MAX;
	ra->c.least = (size_t)round_up(max_u64(c->least, READAHEAD_CHUNK), READAHEAD_CHUNK);
	ra->slots_max = max_u64(c->memory / READAHEAD_CHUNK, 2 * ra->c.least / READAHEAD_CHUNK);
	ra->window_max = (uint64_t)ra->slots_max * READAHEAD_CHUNK / 4 * 3;
	ra->piece = max_u64(ra->c.least, RA_PIECE_MIN);
	ra_list_init(&ra->done);
	ra_list_init(&ra->unread);
	pthread_mutex_init(&ra->lock, NULL);
	pthread_cond_init(&ra->arrived, NULL);
	pthread_cond_init(&ra->work, NULL);
	*out = ra;
	return 0;
}

void readahead_free(struct readahead *ra)
{
	if (!ra)
		return;
	pthread_mutex_lock(&ra->lock);
	ra->stopping = true;
	pthread_cond_broadcast(&ra->work);
	pthread_mutex_unlock(&ra->lock);
	for (unsigned i = 0; i < ra->started; i++)
		pthread_join(ra->threads[i], NULL);
	ra_slots_free(ra);
	pthread_cond_destroy(&ra->work);
	pthread_cond_destroy(&ra->arrived);
	pthread_mutex_destroy(&ra->lock);
	free(ra);
}
