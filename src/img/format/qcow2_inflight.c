/* SPDX-License-Identifier: MIT */
/*
 * Allocating writes in flight.  A write that has clusters but no L2 entries yet holds its
 * guest clusters here, so that another one to the same clusters (which would copy what
 * the first is about to replace) waits.  Writes in place and reads need not: clusters
 * are not used for anything else before io is held exclusively.
 */
#include "img/format/qcow2_data.h"

bool qcow2_inflight_wait(struct qcow2 *s, uint64_t first, uint64_t *end)
{
	for (const struct qcow2_inflight *w = s->inflight; w; w = w->next) {
		if (w->end <= first || w->first >= *end)
			continue;
		if (w->first > first) {
			*end = w->first;
			continue;
		}
		pthread_cond_wait(&s->inflight_done, &s->lock);
		return true;
	}
	return false;
}

void qcow2_inflight_wait_all(struct qcow2 *s, uint64_t first, uint64_t end)
{
	const struct qcow2_inflight *w = s->inflight;

	while (w) {
		if (w->first < end && first < w->end) {
			pthread_cond_wait(&s->inflight_done, &s->lock);
			w = s->inflight;
		} else {
			w = w->next;
		}
	}
}

void qcow2_inflight_add(struct qcow2 *s, struct qcow2_inflight *w)
{
	w->next = s->inflight;
	s->inflight = w;
}

void qcow2_inflight_del(struct qcow2 *s, struct qcow2_inflight *w)
{
	struct qcow2_inflight **p = &s->inflight;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	pthread_cond_broadcast(&s->inflight_done);
}

void qcow2_unreserve(struct qcow2 *s, uint64_t off, uint64_t len)
{
	struct err ignored = { 0 };

	if (qcow2_free(s, off, len, &ignored) < 0)
		blk_warn(&s->blk, "%s", ignored.msg);
}

int qcow2_begin_write(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e)
{
	int r;

	if (s->on_snapshot)
		return err_set(e, -EPERM, "a loaded snapshot cannot be written");
	if (s->broken)
		return err_set(e, -EIO, "image is corrupt; it is not written any more");
	r = qcow2_begin_change(s, e);
	if (r == 0)
		r = qcow2_bitmaps_touch(s, off, len, e);
	return r;
}
