/* SPDX-License-Identifier: MIT */
/* Repair of what is not refcounts: the snapshot table and the header's bits; and the syncs
 * between steps of a repair. */
#include "base/bytes.h"
#include "img/format/qcow2_check.h"
#include "img/format/qcow2_snapshot.h"

#include <string.h>

enum { OFF_SNAPSHOTS_N = 60 };

int check_sync(struct checker *k, struct err *e)
{
	if (!k->wrote)
		return 0;
	k->wrote = false;
	return k->s->blk.flags & BLK_NOFLUSH ? 0 : blk_flush(k->s->blk.child, e);
}

static void table_line(void *arg, const char *line)
{
	check_say(arg, "%s", line);
}

/* The offset and count in the header, before the table is looked at. */
static int table_place(struct checker *k, struct check_counts *n, struct err *e)
{
	struct qcow2_header *h = &k->s->h;
	const char *what = NULL;
	int r = 0;

	if (h->snapshots_n > QCOW2_SNAPSHOTS_MAX) {
		what = "too large";
		r = -EFBIG;
	} else if (h->snapshots_offset & (k->s->cluster_size - 1) ||
		   h->snapshots_offset > INT64_MAX - QCOW2_SNAPTAB_MAX) {
		what = "offset invalid";
		r = -EINVAL;
	}
	if (r == 0)
		return 0;
	n->check_errors++;
	check_say(k, "ERROR snapshot table %s", what);
	if (h->snapshots_n > QCOW2_SNAPSHOTS_MAX)
		check_say(k,
			  "You can force-remove all %u overhanging snapshots with qemu-img "
			  "check -r all",
			  h->snapshots_n - QCOW2_SNAPSHOTS_MAX);
	return err_set(e, r, "snapshot table %s", what);
}

/* Fewer entries than the header says: it says so now. */
static int store_count(struct checker *k, struct check_counts *n, uint32_t dropped,
		       struct err *e)
{
	uint8_t buf[4];
	int r;

	store_be32(buf, k->s->h.snapshots_n);
	r = check_write(k, OFF_SNAPSHOTS_N, buf, sizeof(buf), QCOW2_R_HEADER, e);
	if (r == 0)
		r = check_sync(k, e);
	if (r < 0) {
		n->check_errors++;
		check_say(k,
			  "ERROR failed to update the snapshot count in the image header: %s",
			  strerror(-r));
		return r;
	}
	n->corruptions_fixed += dropped;
	n->corruptions -= dropped;
	return 0;
}

static void short_entries(struct checker *k, struct check_counts *n)
{
	struct qcow2 *s = k->s;

	/* version 2 knew nothing of extra data */
	for (uint32_t i = 0; s->h.version >= 3 && i < s->snapshots_n; i++) {
		if (s->snapshots[i].extra_size >= QCOW2_SNAP_EXTRA_V3)
			continue;
		n->corruptions++;
		check_say(k, "%s snapshot table entry %u is incomplete",
			  k->fix & IMG_FIX_ERRORS ? "Repairing" : "ERROR", i);
	}
}

/* The table breaks a limit: says what repair would do about it.  Returns @r. */
static int advise(struct checker *k, int r)
{
	struct qcow2_snaptab_fix fix = { 0 };
	struct qcow2 *s = k->s;
	struct qcow2_snapshot *v;
	uint32_t got;
	uint64_t used;

	if (qcow2_snaptab_read(s, s->h.snapshots_offset, s->h.snapshots_n, &fix, &v, &got,
			       &used, NULL) < 0)
		return r;
	qcow2_snapshots_free(v, got);
	if (fix.shortened)
		check_say(k, "You can force-remove this extra metadata with qemu-img check -r "
			     "all");
	else if (fix.dropped)
		check_say(k,
			  "You can force-remove all %u overhanging snapshots with qemu-img "
			  "check -r all",
			  fix.dropped);
	return r;
}

int check_snaptab_read(struct checker *k, struct check_counts *n, struct err *e)
{
	struct qcow2 *s = k->s;
	struct qcow2_snaptab_fix fix = { .report = table_line, .arg = k };
	bool mend = k->fix & IMG_FIX_ERRORS;
	struct qcow2_snapshot *v;
	uint32_t got, over = 0;
	uint64_t used;
	int r;

	if (mend && s->h.snapshots_n > QCOW2_SNAPSHOTS_MAX) {
		over = s->h.snapshots_n - QCOW2_SNAPSHOTS_MAX;
		check_say(k, "Discarding %u overhanging snapshots", over);
		s->h.snapshots_n = QCOW2_SNAPSHOTS_MAX;
	}
	r = table_place(k, n, e);
	if (r < 0)
		return r;
	r = qcow2_snaptab_read(s, s->h.snapshots_offset, s->h.snapshots_n, mend ? &fix : NULL,
			       &v, &got, &used, e);
	if (r < 0) {
		n->check_errors++;
		check_say(k, "ERROR failed to read the snapshot table: %s", e ? e->msg : "");
		return r == -EFBIG ? advise(k, r) : r;
	}
	over += fix.dropped;
	n->corruptions += over + fix.shortened;
	qcow2_snapshots_free(s->snapshots, s->snapshots_n);
	s->snapshots = v;
	s->snapshots_n = got;
	s->snapshots_bytes = used;
	if (over) {
		s->h.snapshots_n = got;
		r = store_count(k, n, over, e);
		if (r < 0)
			return r;
	}
	short_entries(k, n);
	return 0;
}

/* By now refcounts are right, and clusters can be allocated. */
static int write_table(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t off, bytes, old_off = s->h.snapshots_offset, old_bytes = s->snapshots_bytes;
	int r;

	qcow2_cache_forget_all(s->rbc);
	qcow2_cache_forget_all(s->l2c);
	s->alloc_hint = 0;
	r = qcow2_snaptab_place(s, s->snapshots, s->snapshots_n, &off, &bytes, e);
	if (r == 0)
		r = qcow2_write_refcounts(s, e);
	k->wrote = true;
	if (r == 0)
		r = check_sync(k, e);
	if (r == 0)
		r = qcow2_snaptab_switch(s, off, s->snapshots_n, e);
	if (r < 0)
		return r;
	s->snapshots_bytes = bytes;
	if (old_bytes)
		r = qcow2_free(s, old_off, old_bytes, e);
	if (r == 0)
		r = qcow2_write_refcounts(s, e);
	k->wrote = true;
	return r < 0 ? r : check_sync(k, e);
}

int check_snaptab_fix(struct checker *k, struct check_counts *n, struct err *e)
{
	int r;

	if (!n->corruptions || !(k->fix & IMG_FIX_ERRORS))
		return 0;
	r = check_tail(k, e);
	if (r == 0)
		r = write_table(k, e);
	if (r < 0) {
		n->check_errors++;
		check_say(k, "ERROR failed to update snapshot table: %s", strerror(-r));
		return r;
	}
	n->corruptions_fixed += n->corruptions;
	n->corruptions = 0;
	k->each_flag = true;
	check_forget(k);
	return 0;
}

int check_mark_good(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = 0;

	if (s->h.incompat & QCOW2_INCOMPAT_DIRTY)
		r = qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, false, e);
	if (r == 0 && s->h.incompat & QCOW2_INCOMPAT_CORRUPT)
		r = qcow2_set_incompat(s, QCOW2_INCOMPAT_CORRUPT, false, e);
	if (r == 0)
		s->lazy = s->broken = false;
	return r;
}
