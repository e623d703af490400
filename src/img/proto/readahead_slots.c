/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/proto/readahead_int.h"

#include <stdlib.h>
#include <string.h>

void ra_list_init(struct ra_slot *ring)
{
	ring->prev = ring->next = ring;
}

static void list_add(struct ra_slot *ring, struct ra_slot *s)
{
	s->prev = ring->prev;
	s->next = ring;
	ring->prev->next = s;
	ring->prev = s;
	s->listed = true;
	if (ring == &s->ra->done)
		s->ra->done_n++;
}

static void list_remove(struct ra_slot *s)
{
	if (!s->listed)
		return;
	s->prev->next = s->next;
	s->next->prev = s->prev;
	s->listed = false;
	if (s->touched)
		s->ra->done_n--;
}

static struct ra_slot **bucket_of(struct readahead *ra, uint64_t index)
{
	return &ra->bucket[index % RA_BUCKETS];
}

struct ra_slot *ra_find(struct readahead *ra, uint64_t index)
{
	struct ra_slot *s = *bucket_of(ra, index);

	while (s && s->index != index)
		s = s->chain;
	return s;
}

static void unhash(struct readahead *ra, struct ra_slot *s)
{
	struct ra_slot **p = bucket_of(ra, s->index);

	while (*p != s)
		p = &(*p)->chain;
	*p = s->chain;
}

static void drop(struct readahead *ra, struct ra_slot *s)
{
	list_remove(s);
	unhash(ra, s);
	free(s->buf);
	free(s->why);
	free(s);
	ra->slots--;
}

/* True if a reader is on its way to it. */
static bool is_awaited(const struct readahead *ra, const struct ra_slot *s)
{
	uint64_t at = s->index * READAHEAD_CHUNK;

	for (unsigned i = 0; i < RA_STREAMS; i++)
		if (ra->streams[i].stamp && at + READAHEAD_CHUNK > ra->streams[i].pos &&
		    at < ra->streams[i].pos + ra->streams[i].window)
			return true;
	return false;
}

static struct ra_slot *victim(struct readahead *ra, bool must)
{
	struct ra_slot *s = ra->done.next;

	if (s != &ra->done)
		return s;
	s = ra->unread.next;
	if (s == &ra->unread || (!must && is_awaited(ra, s)))
		return NULL;
	return s;
}

struct ra_slot *ra_slot_new(struct readahead *ra, uint64_t index, bool must)
{
	struct ra_slot *s = NULL;
	uint8_t *buf = NULL;

	if (ra->slots >= ra->slots_max) {
		struct ra_slot *old = victim(ra, must);

		if (!old && !must)
			return NULL;
		if (old) {
			buf = old->buf;
			old->buf = NULL;
			drop(ra, old);
		}
	}
	if (!buf)
		buf = malloc(READAHEAD_CHUNK);
	s = buf ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		free(buf);
		return NULL;
	}
	s->buf = buf;
	s->ra = ra;
	s->index = index;
	s->state = RA_LOADING;
	s->chain = *bucket_of(ra, index);
	*bucket_of(ra, index) = s;
	ra->slots++;
	return s;
}

void ra_settle(struct readahead *ra, struct ra_slot *s)
{
	s->job = NULL;
	if (s->pins || s->state == RA_LOADING)
		return;
	if (s->state == RA_FAILED || (s->touched && ra->slots > ra->slots_max)) {
		drop(ra, s);
		return;
	}
	list_remove(s);
	list_add(s->touched ? &ra->done : &ra->unread, s);
}

bool ra_room(struct readahead *ra, uint64_t n)
{
	struct ra_slot *s = ra->unread.next;

	while (ra->slots - ra->done_n + n > ra->slots_max) {
		struct ra_slot *next = s->next;

		if (s == &ra->unread)
			return false;
		if (!is_awaited(ra, s))
			drop(ra, s);
		s = next;
	}
	return true;
}

void ra_pin(struct ra_slot *s)
{
	list_remove(s); /* before it is touched: that says which ring */
	s->touched = true;
	s->pins++;
}

void ra_unpin(struct readahead *ra, struct ra_slot *s)
{
	if (--s->pins == 0 && s->state != RA_LOADING)
		ra_settle(ra, s);
}

int ra_seed(struct readahead *ra, uint64_t index, const void *buf, size_t len, struct err *e)
{
	struct ra_slot *s = ra_find(ra, index) ? NULL : ra_slot_new(ra, index, true);

	if (!s)
		return ra_find(ra, index) ? 0 : err_set(e, -ENOMEM, "out of memory");
	memcpy(s->buf, buf, len);
	s->state = RA_READY;
	s->touched = true;
	ra_settle(ra, s);
	return 0;
}

void ra_slots_free(struct readahead *ra)
{
	for (unsigned i = 0; i < RA_BUCKETS; i++)
		while (ra->bucket[i])
			drop(ra, ra->bucket[i]);
}
