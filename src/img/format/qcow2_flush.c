/* SPDX-License-Identifier: MIT */
/*
 * The order in which metadata reaches the file; see the crash order in qcow2.h.
 * Each step notes what it left unsynced, so that a step which depends on it syncs
 * once, and only if there is something to wait for.
 */
#include "base/bytes.h"
#include "img/format/qcow2.h"

/* Everything written so far becomes stable: refcounts, tables, copied data; with @data
 * what the guest wrote into an external data file, too. */
static int sync_all(struct qcow2 *s, bool data, struct err *e)
{
	int r = 0;

	data = (data || s->cow_unsynced) && s->blk.data;

	if (!(s->blk.flags & BLK_NOFLUSH)) {
		if (data)
			r = blk_flush(s->blk.data, e);
		if (r == 0)
			r = blk_flush(s->blk.child, e);
		if (r < 0)
			return r;
	}
	s->cow_unsynced = s->grown_unsynced = s->meta_unsynced = s->l2_unsynced = false;
	return 0;
}

/* Big-endian entries [lo, hi) of a table in memory to the table at @off. */
static int write_entries(struct qcow2 *s, const uint64_t *v, uint32_t lo, uint32_t hi,
			 uint64_t off, unsigned kind, struct err *e)
{
	enum { BATCH = 256 };
	uint8_t buf[BATCH * 8];

	for (uint32_t i = lo; i < hi;) {
		uint32_t n = hi - i < BATCH ? hi - i : BATCH;
		uint64_t at = off + (uint64_t)i * 8;

		for (uint32_t k = 0; k < n; k++)
			store_be64(buf + k * 8, v[i + k]);

		int r = qcow2_check_overlap(s, at, (uint64_t)n * 8, kind, e);

		if (r == 0)
			r = blk_pwrite(s->blk.child, buf, (size_t)n * 8, at, e);
		if (r < 0)
			return r;
		i += n;
	}
	return 0;
}

/* Step 1: blocks, then, once those are stable, the table entries that name new ones. */
int qcow2_write_refcounts(struct qcow2 *s, struct err *e)
{
	int r = qcow2_cache_write(s->rbc, e);

	if (r < 0 || s->rt_dirty_lo >= s->rt_dirty_hi)
		return r;
	if (s->meta_unsynced) {
		r = sync_all(s, false, e);
		if (r < 0)
			return r;
	}
	r = write_entries(s, s->reftable, s->rt_dirty_lo, s->rt_dirty_hi, s->h.reftable_offset,
			  QCOW2_R_REFTABLE, e);
	if (r < 0)
		return err_wrap(e, r, "writing the refcount table");
	s->rt_dirty_lo = s->rt_dirty_hi = 0;
	s->meta_unsynced = true;
	return 0;
}

int qcow2_before_l2(struct qcow2 *s, struct err *e)
{
	if (!s->lazy) {
		int r = qcow2_write_refcounts(s, e);

		if (r < 0)
			return r;
	}
	/* with the dirty bit set, nobody trusts the refcounts in the file */
	if ((s->meta_unsynced && !s->lazy) || s->grown_unsynced || s->cow_unsynced)
		return sync_all(s, false, e);
	return 0;
}

static int write_l1(struct qcow2 *s, struct err *e)
{
	int r = 0;

	if (s->l1_dirty_lo >= s->l1_dirty_hi)
		return 0;
	if (s->l2_unsynced || s->meta_unsynced)
		r = sync_all(s, false, e);
	if (r == 0)
		r = write_entries(s, s->l1, s->l1_dirty_lo, s->l1_dirty_hi, s->h.l1_offset,
				  QCOW2_R_L1, e);
	if (r < 0)
		return err_wrap(e, r, "writing the L1 table");
	s->l1_dirty_lo = s->l1_dirty_hi = 0;
	s->l2_unsynced = true;
	return 0;
}

int qcow2_write_meta(struct qcow2 *s, struct err *e)
{
	bool l1 = s->l1_dirty_lo < s->l1_dirty_hi;

	if (s->broken || !s->l2c || !(s->blk.flags & BLK_WRITE))
		return 0;

	int r = 0;

	if (l1 || qcow2_cache_is_dirty(s->l2c))
		r = qcow2_before_l2(s, e);
	else if (!s->lazy)
		r = qcow2_write_refcounts(s, e);
	if (r == 0)
		r = qcow2_cache_write(s->l2c, e);
	if (r == 0)
		r = write_l1(s, e);
	return r;
}

int qcow2_sync_meta(struct qcow2 *s, struct err *e)
{
	int r = qcow2_write_meta(s, e);

	if (r == 0 && (s->l2_unsynced || s->meta_unsynced || s->cow_unsynced))
		r = sync_all(s, false, e);
	return r;
}

int qcow2_flush_meta(struct qcow2 *s, struct err *e)
{
	int r = qcow2_sync_meta(s, e);

	if (r == 0 && s->frees_n)
		r = qcow2_free_waiting(s, e);
	return r;
}

/*
 * Freeing needs io exclusively: a reader that looked a cluster up before the entry was
 * dropped may still be reading it.  Without anything to free readers go on.
 */
int qcow2_flush(struct blk *b, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_mutex_lock(&s->lock);
	bool frees = s->frees_n != 0;
	pthread_mutex_unlock(&s->lock);

	if (frees)
		pthread_rwlock_wrlock(&s->io);
	else
		pthread_rwlock_rdlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = qcow2_write_meta(s, e);
	/* guest data in place needs the sync even where no table changed */
	if (r == 0)
		r = sync_all(s, true, e);
	if (r == 0 && frees)
		r = qcow2_free_waiting(s, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
