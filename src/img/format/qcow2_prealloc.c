/* SPDX-License-Identifier: MIT */
/*
 * Preallocation: every guest cluster of a range gets a place in the file, in runs as long as
 * one slice of an L2 table, whose entries are then set in one go.
 */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"

#include <string.h>

enum { PIECE = 32 << 20 }; /* bytes */

struct job {
	enum blk_prealloc how;
	uint64_t next, end; /* guest clusters */
	uint64_t host_end;  /* bytes that the file must reach in the end */
	uint8_t *zero;      /* QCOW2_SCRATCH zero bytes, for PREALLOC_FULL */
};

/* An entry that has no place yet, and what it says besides. */
static bool is_bare(const struct qcow2 *s, uint64_t entry)
{
	return !(entry & QCOW2_OFLAG_COMPRESSED) && !qcow2_entry_has_host(s, entry);
}

/* A new place would hide what the backing image has there. */
static int check_backing(struct qcow2 *s, uint64_t cluster, uint64_t entry, struct err *e)
{
	struct blk *b = s->blk.backing;

	if (s->subclusters > 1 || entry & QCOW2_OFLAG_ZERO || !qcow2_has_backing(s))
		return 0;
	if (b && cluster << s->cluster_bits >= atomic_load(&b->size))
		return 0;
	return err_set(e, -ENOTSUP,
		       "preallocation over a backing image needs extended L2 entries");
}

/* Bare entries in a row from the first of the slice that is bare; *from is its index. */
static int find_bare(struct qcow2 *s, struct job *j, const uint8_t *table, uint64_t *from,
		     uint64_t *n, struct err *e)
{
	uint64_t per = 1ull << s->slice_bits;
	uint64_t i = qcow2_slice_index(s, j->next << s->cluster_bits);

	while (i < per && j->next < j->end && !is_bare(s, qcow2_l2_entry(s, table, i))) {
		i++;
		j->next++;
	}
	*from = i;
	for (*n = 0; i + *n < per && j->next + *n < j->end; ++*n) {
		uint64_t entry = qcow2_l2_entry(s, table, i + *n);
		int r;

		if (!is_bare(s, entry))
			break;
		r = check_backing(s, j->next + *n, entry, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_full(struct qcow2 *s, const struct job *j, uint64_t host, uint64_t len,
		      struct err *e)
{
	int r = 0;

	while (len && r == 0) {
		size_t n = (size_t)min_u64(len, QCOW2_SCRATCH);

		r = blk_pwrite(qcow2_data(s), j->zero, n, host, e);
		host += n;
		len -= n;
	}
	return r;
}

/* Readies [host, host + len) of the file.  *flag is what its entries must say so that
 * it reads as zeroes. */
static int fill(struct qcow2 *s, struct job *j, uint64_t host, uint64_t len, uint64_t *flag,
		struct err *e)
{
	struct blk *d = qcow2_data(s);
	bool hole = !s->eof_unsure && !d->fixed && host >= atomic_load(&d->size);

	/* neither holes nor zero bytes are zero once they are decrypted */
	*flag = s->crypt && s->h.version >= 3 && s->subclusters == 1 ? QCOW2_OFLAG_ZERO : 0;
	j->host_end = max_u64(j->host_end, host + len);
	if (qcow2_data_is_raw(s))
		return 0; /* what the data file holds is what the guest sees */
	if (qcow2_has_data_file(s) || j->how == PREALLOC_METADATA) {
		if (hole || s->subclusters > 1)
			return 0;
		if (s->h.version < 3)
			return blk_zero(d, host, len, 0, e);
		*flag = QCOW2_OFLAG_ZERO;
		return 0;
	}
	/* with what lies between: tables, which will be written */
	if (hole)
		return blk_resize(d, host + len, j->how, e);
	if (j->how == PREALLOC_FULL)
		return write_full(s, j, host, len, e);
	return blk_zero(d, host, len, 0, e);
}

static void set_entries(struct qcow2 *s, uint8_t *table, uint64_t i, uint64_t n, uint64_t host,
			uint64_t flag)
{
	for (uint64_t k = 0; k < n; k++) {
		uint64_t old = qcow2_l2_entry(s, table, i + k) & QCOW2_OFLAG_ZERO;

		if (s->subclusters > 1)
			old = 0; /* a reserved bit there */
		qcow2_l2_set(s, table, i + k,
			     (host + (k << s->cluster_bits)) | QCOW2_OFLAG_COPIED | old | flag,
			     qcow2_l2_bitmap(s, table, i + k));
	}
}

/* The next run of one slice; under lock. */
static int step(struct qcow2 *s, struct job *j, struct err *e)
{
	uint64_t from, n, host = j->next << s->cluster_bits, got, flag;
	uint8_t *table;
	int r = qcow2_l2_for_write(s, host, &table, e);

	if (r < 0)
		return r;
	qcow2_cache_pin(s->l2c, table);
	r = find_bare(s, j, table, &from, &n, e);
	if (r < 0 || !n)
		goto out;
	/* What is written as well, in pieces, so that progress moves and stopping works. */
	if (j->how == PREALLOC_FULL)
		n = min_u64(n, max_u64(1, PIECE >> s->cluster_bits));
	got = n;
	host = j->next << s->cluster_bits;
	if (!qcow2_has_data_file(s)) {
		r = qcow2_alloc(s, n, &host, &got, e);
		host <<= s->cluster_bits;
	}
	if (r < 0)
		goto out;
	r = fill(s, j, host, got << s->cluster_bits, &flag, e);
	if (r < 0) {
		s->eof_unsure = true;
		if (!qcow2_has_data_file(s))
			qcow2_unreserve(s, host, got << s->cluster_bits);
		goto out;
	}
	set_entries(s, table, from, got, host, flag);
	j->next += got;
out:
	qcow2_cache_unpin(s->l2c, table);
	return r;
}

/* The file reaches as far as its last cluster: a data file to the end of the disk. */
static int stretch(struct qcow2 *s, const struct job *j, struct err *e)
{
	struct blk *d = qcow2_data(s);
	bool external = qcow2_has_data_file(s);
	uint64_t end = external ? min_u64(j->host_end, qcow2_image_size(s)) : j->host_end;

	if (d->fixed || end <= atomic_load(&d->size))
		return 0;
	return blk_resize(d, end,
			  external && j->how != PREALLOC_METADATA ? j->how : PREALLOC_OFF, e);
}

int qcow2_preallocate(struct qcow2 *s, uint64_t off, uint64_t len, enum blk_prealloc p,
		      const struct blk_watch *w, struct err *e)
{
	struct job j = { .how = p };
	int r = 0;

	if (p == PREALLOC_OFF || !len)
		return 0;
	j.next = off >> s->cluster_bits;
	j.end = div_up(off + len, s->cluster_size);
	if (p == PREALLOC_FULL && !qcow2_has_data_file(s)) {
		j.zero = qcow2_scratch_get(s, e);
		if (!j.zero)
			return -ENOMEM;
		memset(j.zero, 0, QCOW2_SCRATCH);
	}
	blk_watch_total(w, (j.end - j.next) << s->cluster_bits);
	pthread_mutex_lock(&s->lock);
	r = s->broken ? err_set(e, -EIO, "image is corrupt") : qcow2_begin_change(s, e);
	s->prealloc_known = false;
	while (j.next < j.end && r == 0) {
		uint64_t before = j.next;

		r = step(s, &j, e);
		if (r == 0)
			r = blk_watch_step(w, (j.next - before) << s->cluster_bits, e);
	}
	pthread_mutex_unlock(&s->lock);
	qcow2_scratch_put(s, j.zero);
	if (r == 0)
		r = stretch(s, &j, e);
	return r;
}
