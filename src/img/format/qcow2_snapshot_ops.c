/* SPDX-License-Identifier: MIT */
/*
 * Taking, applying and deleting internal snapshots.
 *
 * A snapshot is a second L1 table over the same L2 tables and clusters.  Three things must
 * agree: references, refcounts, and the flag that says a cluster has refcount 1 and may
 * be written in place.  They lie in different sectors, so an interrupted command leaves them
 * in disagreement, and the order below sees to it that it is of a kind that costs space
 * or time, never data:
 *
 *   - a refcount is never below the number of references: raised and synced before a
 *     reference appears, lowered after the last one is gone from stable storage;
 *   - while two tables refer to a cluster, no flag calls it unshared: flags are cleared and
 *     synced before the second reference appears, set after the refcount that
 *     allows it is stable.
 *
 * create  dirty | clear flags, raise refcounts, write the new L1 table and snapshot table |
 *         switch the header to the table | give back the old table | clean
 * delete  write a table without the entry | switch the header | dirty | lower refcounts |
 *         set flags | clean
 * apply   dirty | clear flags, raise refcounts of the snapshot's tree, write a new active
 *         L1 table | switch the header to it (with the size, in one sector) | lower
 *         refcounts of the old tree | set flags | clean
 *
 * Each | is a sync.  "dirty" is the header bit of version 3, set while flags and refcounts
 * disagree: who opens the image for writing then repairs it first.  Version 2 has no such
 * bit; there an interrupted command leaves leaks, and flags that are cleared though
 * the refcount is 1, which makes the next write copy the cluster for nothing.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_snapshot.h"
#include "img/format/qcow2_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OFF_SIZE = 24, OFF_L1_ENTRIES = 36, OFF_L1_OFFSET = 40 };

/* Everything this command changed so far becomes stable. */
static int settle(struct qcow2 *s, struct err *e)
{
	/* refcounts go out even in lazy mode: what is switched to must be covered */
	int r = qcow2_write_refcounts(s, e);

	if (r == 0 && !(s->blk.flags & BLK_NOFLUSH))
		r = blk_flush(s->blk.child, e);
	if (r == 0)
		s->meta_unsynced = s->l2_unsynced = false;
	return r;
}

/* *set: the bit was set here, and is ours to clear. */
static int set_dirty(struct qcow2 *s, bool *set, struct err *e)
{
	*set = s->h.version >= 3 && !(s->h.incompat & QCOW2_INCOMPAT_DIRTY);
	return *set ? qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, true, e) : 0;
}

static int clear_dirty(struct qcow2 *s, bool set, struct err *e)
{
	return set ? qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, false, e) : 0;
}

/* After a failure that changed nothing; if this fails too, the next open repairs. */
static void stay_clean(struct qcow2 *s, bool set)
{
	int r = clear_dirty(s, set, NULL);

	(void)r;
}

static void clear_l1_flags(uint64_t *l1, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		l1[i] &= ~QCOW2_OFLAG_COPIED;
}

static int write_active_l1(struct qcow2 *s, struct err *e)
{
	int r = qcow2_l1_write(s, s->h.l1_offset, s->l1, s->h.l1_entries, QCOW2_R_L1, e);

	if (r == 0)
		s->l1_dirty_lo = s->l1_dirty_hi = 0;
	return r;
}

/* Flags as the refcounts have them, in the active tree. */
static int mark_active(struct qcow2 *s, struct progress *p, struct err *e)
{
	bool changed;
	int r = qcow2_tree_mark(s, s->l1, s->h.l1_entries, &changed, p, e);

	if (r == 0 && changed)
		r = write_active_l1(s, e);
	return r < 0 ? err_wrap(e, r, "Failed to update snapshot status in disk") : 0;
}

/* The list in memory becomes @v; the old array (not its strings) is freed. */
static void adopt(struct qcow2 *s, struct qcow2_snapshot *v, uint32_t n, uint64_t bytes)
{
	free(s->snapshots);
	s->snapshots = v;
	s->snapshots_n = n;
	s->snapshots_bytes = bytes;
}

/* ---- create ---- */

struct creation {
	struct qcow2_snapshot *v; /* the list with the new one at its end */
	uint32_t n;
	uint64_t table_off, table_bytes;
	uint64_t l1_off;
	struct qcow2_tree_end end;
	bool raised;
	bool switched; /* the header may name the new table, whatever the error was */
};

static unsigned long highest_id(const struct qcow2 *s)
{
	unsigned long max = 0;

	for (uint32_t i = 0; i < s->snapshots_n; i++) {
		unsigned long id = strtoul(s->snapshots[i].info.id, NULL, 10);

		if (id > max)
			max = id;
	}
	return max;
}

static bool id_taken(const struct qcow2 *s, const char *id)
{
	for (uint32_t i = 0; i < s->snapshots_n; i++)
		if (strcmp(s->snapshots[i].info.id, id) == 0)
			return true;
	return false;
}

static int new_entry(struct qcow2 *s, const char *name, struct qcow2_snapshot *sn,
		     struct err *e)
{
	struct timespec now;
	char id[24];

	snprintf(id, sizeof(id), "%lu", highest_id(s) + 1);
	if (id_taken(s, id))
		return err_set(e, -EEXIST, "snapshot id %s exists", id);
	clock_gettime(CLOCK_REALTIME, &now);
	sn->info.disk_size = s->blk.size;
	sn->info.date_sec = (uint32_t)now.tv_sec;
	sn->info.date_nsec = (uint32_t)now.tv_nsec;
	sn->l1_entries = s->h.l1_entries;
	sn->extra_size = QCOW2_SNAP_EXTRA;
	sn->info.id = mem_strdup(id, e);
	sn->info.name = sn->info.id ? mem_strdup(name, e) : NULL;
	return sn->info.name ? 0 : -ENOMEM;
}

/* Memory for the new list; the entries before the last are shared with the old one. */
static int new_list(struct qcow2 *s, const char *name, struct creation *c, struct err *e)
{
	c->n = s->snapshots_n + 1;
	c->v = mem_zalloc(c->n, sizeof(*c->v), e);
	if (!c->v)
		return -ENOMEM;
	if (s->snapshots_n)
		memcpy(c->v, s->snapshots, s->snapshots_n * sizeof(*c->v));
	return new_entry(s, name, &c->v[c->n - 1], e);
}

static int place_l1(struct qcow2 *s, uint32_t entries, uint64_t *off, struct err *e)
{
	uint64_t cluster, n = div_up((uint64_t)entries * 8, s->cluster_size);
	int r;

	*off = 0;
	if (!n)
		return 0;
	r = qcow2_alloc(s, n, &cluster, NULL, e);
	if (r == 0)
		*off = cluster << s->cluster_bits;
	return r;
}

static int create_steps(struct qcow2 *s, struct creation *c, struct progress *p, struct err *e)
{
	struct qcow2_snapshot *sn = &c->v[c->n - 1];
	int r = place_l1(s, s->h.l1_entries, &c->l1_off, e);

	sn->l1_offset = c->l1_off;
	if (r == 0)
		r = qcow2_snaptab_place(s, c->v, c->n, &c->table_off, &c->table_bytes, e);
	if (r < 0)
		return r;
	c->raised = true;
	r = qcow2_tree_add(s, s->l1, s->h.l1_entries, 1, NULL, &c->end, p, e);
	/* a refcount that has no room left: the width does not allow for this snapshot */
	if (r == -ERANGE)
		r = err_wrap(e, -EINVAL, "snapshot needs wider refcounts");
	if (r < 0)
		return r;
	clear_l1_flags(s->l1, s->h.l1_entries);
	r = write_active_l1(s, e);
	if (r == 0)
		r = qcow2_l1_write(s, c->l1_off, s->l1, s->h.l1_entries, 0, e);
	if (r == 0)
		r = settle(s, e);
	if (r < 0)
		return r;
	c->switched = true;
	return qcow2_snaptab_switch(s, c->table_off, c->n, e);
}

/* Takes back what create_steps did, if nothing can refer to it yet. */
static int create_undo(struct qcow2 *s, struct creation *c)
{
	struct qcow2_snapshot *sn = &c->v[c->n - 1];
	int r = 0;

	if (c->switched)
		r = -EIO;
	if (r == 0 && c->raised)
		r = qcow2_tree_add(s, s->l1, s->h.l1_entries, -1, &c->end, NULL, NULL, NULL);
	if (r == 0 && c->table_off)
		r = qcow2_free(s, c->table_off, c->table_bytes, NULL);
	if (r == 0 && c->l1_off)
		r = qcow2_free(s, c->l1_off, (uint64_t)s->h.l1_entries * 8, NULL);
	if (r == 0)
		r = settle(s, NULL);
	if (r == 0 && c->raised)
		r = mark_active(s, NULL, NULL);
	free(sn->info.id);
	free(sn->info.name);
	free(c->v);
	return r < 0 ? r : settle(s, NULL);
}

static int do_create(struct qcow2 *s, const char *name, struct progress *p, struct err *e)
{
	struct creation c = { 0 };
	uint64_t old_off = s->h.snapshots_offset, old_bytes = s->snapshots_bytes;
	bool dirty = false;
	int r = 0;

	if (s->snapshots_n >= QCOW2_SNAPSHOTS_MAX)
		return err_set(e, -EFBIG, "%u snapshots are the most", QCOW2_SNAPSHOTS_MAX);
	if (strlen(name) > UINT16_MAX)
		return err_set(e, -EINVAL, "snapshot name is too long");
	progress_total(p, s->h.l1_entries);
	r = new_list(s, name, &c, e);
	if (r == 0)
		r = set_dirty(s, &dirty, e);
	if (r == 0)
		r = create_steps(s, &c, p, e);
	if (r < 0) {
		/* left dirty where even that failed */
		if (!c.v || create_undo(s, &c) == 0)
			stay_clean(s, dirty);
		return r;
	}
	adopt(s, c.v, c.n, c.table_bytes);
	if (old_bytes)
		r = qcow2_free(s, old_off, old_bytes, e);
	if (r == 0)
		r = settle(s, e);
	return r < 0 ? r : clear_dirty(s, dirty, e);
}

/* ---- delete ---- */

static int find_name(const struct qcow2 *s, const char *name)
{
	for (uint32_t i = 0; i < s->snapshots_n; i++)
		if (strcmp(s->snapshots[i].info.name, name) == 0)
			return (int)i;
	return -ENOENT;
}

/* The table without entry @i takes the place of the one with it.  On success *gone is the
 * entry, and the old table's clusters have been given back in memory. */
static int drop_entry(struct qcow2 *s, uint32_t i, struct qcow2_snapshot *gone, struct err *e)
{
	uint64_t old_off = s->h.snapshots_offset, old_bytes = s->snapshots_bytes, off, bytes;
	uint32_t n = s->snapshots_n - 1;
	struct qcow2_snapshot *v = mem_zalloc(n, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	if (i)
		memcpy(v, s->snapshots, i * sizeof(*v));
	if (n > i)
		memcpy(v + i, s->snapshots + i + 1, (n - i) * sizeof(*v));
	r = qcow2_snaptab_place(s, v, n, &off, &bytes, e);
	if (r == 0) {
		r = settle(s, e);
		if (r == 0)
			r = qcow2_snaptab_switch(s, off, n, e);
	}
	if (r < 0) {
		free(v);
		return err_wrap(e, r, "Failed to remove snapshot from snapshot list");
	}
	*gone = s->snapshots[i];
	adopt(s, v, n, bytes);
	return old_bytes ? qcow2_free(s, old_off, old_bytes, e) : 0;
}

static int do_delete(struct qcow2 *s, const char *name, struct progress *p, struct err *e)
{
	struct qcow2_snapshot gone = { 0 };
	uint64_t *l1 = NULL;
	uint32_t n = 0;
	bool dirty = false;
	int i = find_name(s, name), r;

	if (i < 0)
		return err_set(e, -ENOENT, "snapshot not found");
	/* before anything changes: a table that cannot be read cannot be given back */
	r = qcow2_l1_read(s, s->snapshots[i].l1_offset, s->snapshots[i].l1_entries, &l1, &n, e);
	if (r < 0)
		return err_wrap(e, r, "Snapshot L1 table");
	progress_total(p, (uint64_t)n + s->h.l1_entries);
	r = drop_entry(s, (uint32_t)i, &gone, e);
	if (r == 0)
		r = set_dirty(s, &dirty, e);
	if (r == 0) {
		r = qcow2_tree_add(s, l1, n, -1, NULL, NULL, p, e);
		if (r == 0)
			r = qcow2_free(s, gone.l1_offset, (uint64_t)gone.l1_entries * 8, e);
		if (r < 0)
			err_wrap(e, r, "Failed to free the cluster and L1 table");
	}
	if (r == 0)
		r = settle(s, e);
	if (r == 0)
		r = mark_active(s, p, e);
	if (r == 0)
		r = settle(s, e);
	if (r == 0)
		r = clear_dirty(s, dirty, e);
	free(gone.info.id);
	free(gone.info.name);
	free(gone.extra);
	free(l1);
	return r;
}

/* ---- apply ---- */

/* The new active tree. */
struct target {
	uint64_t size, off;
	uint64_t *l1;     /* full length: what the disk needs, and all the snapshot has */
	uint32_t entries; /* of the table in the file */
	uint32_t used;    /* entries that may be non-zero */
	struct qcow2_tree_end end;
	bool raised;
	bool switched; /* the header may name the new table, whatever the error was */
};

static int load_target(struct qcow2 *s, const struct qcow2_snapshot *sn, struct target *t,
		       struct err *e)
{
	uint64_t need = div_up(sn->info.disk_size, 1ull << (s->cluster_bits + s->l2_bits));
	void *p;
	int r;

	t->size = sn->info.disk_size;
	if (t->size > INT64_MAX || t->size % 512 || need > QCOW2_L1_BYTES_MAX / 8)
		return err_set(e, -EUCLEAN, "snapshot of a disk of %llu bytes",
			       (unsigned long long)t->size);
	r = qcow2_l1_read(s, sn->l1_offset, sn->l1_entries, &t->l1, &t->used, e);
	if (r < 0)
		return err_wrap(e, r, "Snapshot L1 table");
	t->entries = (uint32_t)max_u64(need, t->used);
	p = t->l1;
	r = mem_grow(&p, t->entries, sizeof(*t->l1), e);
	if (r < 0)
		return r;
	t->l1 = p;
	memset(t->l1 + t->used, 0, (t->entries - t->used) * sizeof(*t->l1));
	clear_l1_flags(t->l1, t->used);
	return 0;
}

/* Size, L1 length and L1 offset lie in one sector: one write makes the switch. */
static int switch_l1(struct qcow2 *s, const struct target *t, struct err *e)
{
	uint8_t buf[OFF_L1_OFFSET + 8 - OFF_SIZE];
	int r;

	store_be64(buf, t->size);
	store_be32(buf + 8, s->h.crypt);
	store_be32(buf + (OFF_L1_ENTRIES - OFF_SIZE), t->entries);
	store_be64(buf + (OFF_L1_OFFSET - OFF_SIZE), t->off);
	r = blk_pwrite(s->blk.child, buf, sizeof(buf), OFF_SIZE, e);
	if (r == 0 && !(s->blk.flags & BLK_NOFLUSH))
		r = blk_flush(s->blk.child, e);
	return r < 0 ? err_wrap(e, r, "writing the header") : 0;
}

static int raise_target(struct qcow2 *s, struct target *t, struct progress *p, struct err *e)
{
	int r = place_l1(s, t->entries, &t->off, e);

	if (r < 0)
		return r;
	t->raised = true;
	r = qcow2_tree_add(s, t->l1, t->used, 1, NULL, &t->end, p, e);
	if (r == -ERANGE)
		r = err_wrap(e, -EINVAL, "snapshot needs wider refcounts");
	if (r == 0)
		r = qcow2_l1_write(s, t->off, t->l1, t->entries, 0, e);
	if (r == 0)
		r = settle(s, e);
	if (r < 0)
		return r;
	t->switched = true;
	return switch_l1(s, t, e);
}

static int raise_undo(struct qcow2 *s, struct target *t)
{
	struct target was = { .size = s->h.size,
			      .off = s->h.l1_offset,
			      .entries = s->h.l1_entries };
	int r = 0;

	/* The header may name the new table by now.  What is written from here on goes to the
	 * old one, so either the header says so for certain, or nothing is written. */
	if (t->switched)
		r = switch_l1(s, &was, NULL);
	if (r < 0)
		s->broken = true;
	if (r == 0 && t->raised)
		r = qcow2_tree_add(s, t->l1, t->used, -1, &t->end, NULL, NULL, NULL);
	if (r == 0 && t->off)
		r = qcow2_free(s, t->off, (uint64_t)t->entries * 8, NULL);
	if (r == 0)
		r = settle(s, NULL);
	/* flags of tables that the active tree shares with the snapshot were right before */
	return r;
}

static int do_apply(struct qcow2 *s, const char *name, struct progress *p, struct err *e)
{
	struct target t = { 0 };
	const struct qcow2_snapshot *sn = NULL;
	uint64_t *old = s->l1, old_off = s->h.l1_offset;
	uint32_t old_n = s->h.l1_entries;
	bool dirty = false;
	int r;

	for (uint32_t i = 0; !sn && i < s->snapshots_n; i++)
		if (strcmp(s->snapshots[i].info.id, name) == 0)
			sn = &s->snapshots[i];
	r = sn ? 0 : find_name(s, name);
	if (r < 0)
		return err_set(e, -ENOENT, "Failed to load snapshot: %s", strerror(ENOENT));
	if (!sn)
		sn = &s->snapshots[r];
	r = load_target(s, sn, &t, e);
	if (r == 0) {
		progress_total(p, 2ull * t.entries + old_n);
		r = set_dirty(s, &dirty, e);
	}
	if (r == 0) {
		r = raise_target(s, &t, p, e);
		if (r < 0 && raise_undo(s, &t) == 0)
			stay_clean(s, dirty);
	}
	if (r < 0) {
		free(t.l1);
		return r;
	}
	s->l1 = t.l1;
	s->l1_dirty_lo = s->l1_dirty_hi = 0;
	s->h.l1_offset = t.off;
	s->h.l1_entries = t.entries;
	s->h.size = t.size;
	s->blk.size = t.size;
	r = qcow2_tree_add(s, old, old_n, -1, NULL, NULL, p, e);
	if (r == 0)
		r = qcow2_free(s, old_off, (uint64_t)old_n * 8, e);
	if (r == 0)
		r = settle(s, e);
	if (r == 0)
		r = mark_active(s, p, e);
	if (r == 0)
		r = settle(s, e);
	if (r == 0)
		r = clear_dirty(s, dirty, e);
	free(old);
	return r;
}

/* ---- the command ---- */

static int refused(const struct qcow2 *s, enum img_snapshot_verb verb, struct err *e)
{
	int r = qcow2_may_change(s, e);

	if (r < 0)
		return r;
	if (s->blk.data && verb == SNAPSHOT_CREATE)
		return err_set(e, -ENOTSUP, "an image with a data file takes no snapshots");
	if (s->blk.data && verb == SNAPSHOT_APPLY)
		return err_set(e, -ENOTSUP, "Failed to load snapshot: %s", strerror(ENOTSUP));
	if (verb == SNAPSHOT_APPLY && s->h.has_bitmaps && s->h.bitmaps_n &&
	    s->h.autoclear & QCOW2_AUTOCLEAR_BITMAPS)
		return err_set(e, -EBUSY, "Device has active dirty bitmaps");
	return 0;
}

int qcow2_snapshot(struct blk *b, enum img_snapshot_verb verb, const char *name,
		   struct progress *p, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = refused(s, verb, e);
	if (r == 0)
		r = qcow2_begin_change(s, e);
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	if (r < 0)
		goto out;
	/* tables are rewritten below the cache */
	qcow2_cache_forget_all(s->l2c);
	s->freeing = QCOW2_FREED_SNAPSHOT;
	if (verb == SNAPSHOT_CREATE)
		r = do_create(s, name, p, e);
	else if (verb == SNAPSHOT_APPLY)
		r = do_apply(s, name, p, e);
	else
		r = do_delete(s, name, p, e);
	s->freeing = QCOW2_FREED_OTHER;
	qcow2_cache_forget_all(s->l2c);
	if (r == 0)
		r = qcow2_regions_load(s, e);
	else if (qcow2_regions_load(s, NULL) < 0)
		s->broken = true; /* no more writes without knowing where not to */
out:
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
