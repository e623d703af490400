/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_swap.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int remember(struct qcow2_free **v, size_t *n, uint64_t off, uint64_t len, struct err *e)
{
	if (*n && (*v)[*n - 1].off + (*v)[*n - 1].len == off) {
		(*v)[*n - 1].len += len;
		return 0;
	}
	if ((*n & (*n - 1)) == 0) {
		void *p = *v;
		int r = mem_grow(&p, *n ? *n * 2 : 1, sizeof(**v), e);

		if (r < 0)
			return r;
		*v = p;
	}
	(*v)[(*n)++] = (struct qcow2_free){ .off = off, .len = len };
	return 0;
}

static void forget(struct qcow2_swap *w)
{
	free(w->old);
	free(w->fresh);
	memset(w, 0, sizeof(*w));
}

int qcow2_swap_alloc(struct qcow2 *s, struct qcow2_swap *w, uint64_t n, uint64_t *off,
		     struct err *e)
{
	uint64_t cluster;
	int r = qcow2_alloc(s, n, &cluster, NULL, e);

	if (r < 0)
		return r;
	*off = cluster << s->cluster_bits;
	r = remember(&w->fresh, &w->fresh_n, *off, n << s->cluster_bits, e);
	if (r < 0)
		(void)!qcow2_free(s, *off, n << s->cluster_bits, NULL);
	return r;
}

int qcow2_swap_drop(struct qcow2_swap *w, uint64_t off, uint64_t len, struct err *e)
{
	return len ? remember(&w->old, &w->old_n, off, len, e) : 0;
}

int qcow2_swap_commit(struct qcow2 *s, struct qcow2_swap *w, struct err *e)
{
	int r = qcow2_flush_meta(s, e);

	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r < 0)
		return r;
	w->tried = true;
	r = qcow2_write_header(s, e);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < w->old_n; i++)
		r = qcow2_free(s, w->old[i].off, w->old[i].len, e);
	forget(w);
	return r;
}

void qcow2_swap_undo(struct qcow2 *s, struct qcow2_swap *w)
{
	/* The new header may be in the file: unless it is replaced, what it names stays. */
	if (w->tried &&
	    (qcow2_write_header(s, NULL) < 0 || blk_flush(s->blk.child, NULL) < 0)) {
		forget(w);
		return;
	}
	/* What cannot be freed is a leak that check finds. */
	for (size_t i = 0; i < w->fresh_n; i++)
		(void)!qcow2_free(s, w->fresh[i].off, w->fresh[i].len, NULL);
	forget(w);
}
