/* SPDX-License-Identifier: MIT */
/* The snapshot table of an open image: reading, listing, replacing, and reading the disk
 * as a snapshot has it.  What changes refcounts is in qcow2_snapshot_ops.c. */
#include "img/format/qcow2_snapshot.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_tree.h"

#include <stdlib.h>
#include <string.h>

enum {
	OFF_SNAPSHOTS_N = 60, /* in the header; the table's offset follows */
	READ_FIRST = 64 << 10,
	/* the largest table we write, and one entry of the largest kind behind it */
	READ_MAX = QCOW2_SNAPTAB_MAX + (1 << 20),
};

int qcow2_snaptab_read(struct qcow2 *s, uint64_t off, uint32_t n, struct qcow2_snaptab_fix *fix,
		       struct qcow2_snapshot **out, uint32_t *got, uint64_t *used,
		       struct err *e)
{
	uint64_t size = s->blk.child->size, all, want = READ_FIRST;
	struct err why = { 0 };
	int r;

	*out = NULL;
	*got = 0;
	*used = 0;
	if (!n)
		return 0;
	if (off & (s->cluster_size - 1) || off > INT64_MAX - QCOW2_SNAPTAB_MAX)
		return err_set(e, -EINVAL, "Snapshot table offset invalid");
	/* How long the table is shows only when it is parsed: mostly the first bytes do. */
	all = off < size ? min_u64(size - off, READ_MAX) : 0;
	for (;; want *= 4) {
		size_t len = (size_t)min_u64(want, all);
		uint8_t *buf = mem_zalloc(len, 1, e);

		if (!buf)
			return -ENOMEM;
		r = len ? blk_pread(s->blk.child, buf, len, off, &why) : 0;
		if (fix)
			fix->whole = len == all;
		if (r == 0)
			r = qcow2_snaptab_parse(buf, len, n, s->blk.size,
						!fix || fix->whole ? fix : NULL, out, got, used,
						&why);
		free(buf);
		if (r == 0)
			return 0;
		/* with @fix, only the last round may mend: the others fail and come again */
		if (len == all || (r != -ENODATA && !(fix && r == -EFBIG)))
			return err_set(e, r, "%s", why.msg);
	}
}

int qcow2_snapshots_load(struct qcow2 *s, struct err *e)
{
	uint32_t got;
	int r;

	if (s->blk.flags & BLK_CHECK)
		return 0;
	r = qcow2_snaptab_read(s, s->h.snapshots_offset, s->h.snapshots_n, NULL, &s->snapshots,
			       &got, &s->snapshots_bytes, e);
	if (r < 0)
		return err_wrap(e, r, "Could not read snapshots");
	s->snapshots_n = got;
	return 0;
}

int qcow2_snapshot_list(struct blk *b, struct img_snapshot **v, size_t *n, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct img_snapshot *list;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	list = mem_zalloc(s->snapshots_n, sizeof(*list), e);
	if (!list)
		r = -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		const struct img_snapshot *in = &s->snapshots[i].info;

		list[i] = *in;
		list[i].id = mem_strdup(in->id, e);
		list[i].name = list[i].id ? mem_strdup(in->name, e) : NULL;
		if (!list[i].name)
			r = -ENOMEM;
	}
	if (r == 0) {
		*v = list;
		*n = s->snapshots_n;
	} else if (list) {
		img_snapshots_free(list, s->snapshots_n);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

int qcow2_snaptab_place(struct qcow2 *s, const struct qcow2_snapshot *v, uint32_t n,
			uint64_t *off, uint64_t *bytes, struct err *e)
{
	uint64_t cluster;
	uint8_t *buf;
	int r = qcow2_snaptab_size(v, n, bytes, e);

	*off = 0;
	if (r < 0 || !*bytes)
		return r;
	buf = mem_zalloc(*bytes, 1, e);
	if (!buf)
		return -ENOMEM;
	qcow2_snaptab_write(v, n, buf);
	r = qcow2_alloc(s, div_up(*bytes, s->cluster_size), &cluster, NULL, e);
	if (r == 0) {
		*off = cluster << s->cluster_bits;
		r = qcow2_check_overlap(s, *off, *bytes, 0, e);
		if (r == 0)
			r = blk_pwrite(s->blk.child, buf, *bytes, *off, e);
		/* a leak at worst */
		if (r < 0 && qcow2_free(s, *off, *bytes, NULL) < 0)
			*off = 0;
	}
	free(buf);
	if (r == 0)
		return 0;
	*off = 0;
	return err_wrap(e, r, "writing the snapshot table");
}

int qcow2_snaptab_switch(struct qcow2 *s, uint64_t off, uint32_t n, struct err *e)
{
	uint8_t buf[12]; /* within one sector: the file has all of it or nothing */
	int r;

	store_be32(buf, n);
	store_be64(buf + 4, off);
	r = blk_pwrite(s->blk.child, buf, sizeof(buf), OFF_SNAPSHOTS_N, e);
	if (r == 0 && !(s->blk.flags & BLK_NOFLUSH))
		r = blk_flush(s->blk.child, e);
	if (r < 0)
		return err_wrap(e, r, "writing the header");
	s->h.snapshots_n = n;
	s->h.snapshots_offset = off;
	return 0;
}

static const struct qcow2_snapshot *find_id_or_name(const struct qcow2 *s, const char *name)
{
	for (uint32_t i = 0; i < s->snapshots_n; i++)
		if (strcmp(s->snapshots[i].info.id, name) == 0)
			return &s->snapshots[i];
	for (uint32_t i = 0; i < s->snapshots_n; i++)
		if (strcmp(s->snapshots[i].info.name, name) == 0)
			return &s->snapshots[i];
	return NULL;
}

int qcow2_snapshot_load(struct blk *b, const char *name, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	const struct qcow2_snapshot *sn;
	uint64_t *l1, *old;
	uint32_t n, need;
	int r = 0;

	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	sn = find_id_or_name(s, name);
	if (b->flags & BLK_WRITE)
		r = err_set(e, -EINVAL, "Device is not readonly");
	else if (!sn)
		r = err_set(e, -ENOENT, "Can't find snapshot");
	if (r == 0 && sn)
		r = qcow2_l1_read(s, sn->l1_offset, sn->l1_entries, &l1, &n, e);
	if (r < 0)
		goto out;
	/* the disk keeps its present size: what the snapshot lacks of it reads as zeroes */
	need = (uint32_t)div_up(b->size, 1ull << (s->cluster_bits + s->l2_bits));
	if (n < need) {
		void *p = l1;

		r = mem_grow(&p, need, sizeof(*l1), e);
		l1 = p;
		if (r < 0) {
			free(l1);
			goto out;
		}
		memset(l1 + n, 0, (need - n) * sizeof(*l1));
		n = need;
	}
	old = s->l1;
	s->l1 = l1;
	s->h.l1_entries = n;
	s->h.l1_offset = sn->l1_offset;
	s->on_snapshot = true;
	free(old);
out:
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
