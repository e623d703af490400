/* SPDX-License-Identifier: MIT */
/*
 * An empty version 3 qcow2 image on a node in memory, and a struct qcow2 on top of it
 * made by hand: header, refcount table, one refcount block, L1 table, in that order.
 */
#ifndef TESTS_UNIT_QCOW2_FIXTURE_H
#define TESTS_UNIT_QCOW2_FIXTURE_H

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"

struct fixture {
	struct qcow2 s;
	struct memlog log;
	struct blk_log warn;
	char warned[1024]; /* all warnings, one per line */
};

static inline void fixture_warn(void *arg, const char *text)
{
	struct fixture *f = arg;
	size_t at = strlen(f->warned);

	snprintf(f->warned + at, sizeof(f->warned) - at, "%s\n", text);
}

static inline uint8_t *fixture_image(unsigned bits, unsigned order, uint32_t l1_entries,
				     size_t *len)
{
	size_t cs = (size_t)1 << bits;
	uint8_t *p = calloc(4, cs);

	*len = 4 * cs;
	store_be32(p, QCOW2_MAGIC);
	store_be32(p + 4, 3);
	store_be32(p + 20, bits);
	store_be64(p + 24, (uint64_t)l1_entries << (2 * bits - 3));
	store_be32(p + 36, l1_entries);
	store_be64(p + 40, 3 * cs);
	store_be64(p + 48, cs);
	store_be32(p + 56, 1);
	store_be32(p + 96, order);
	store_be32(p + 100, QCOW2_V3_LENGTH);
	store_be64(p + cs, 2 * cs);
	for (unsigned i = 0; i < 4; i++)
		qcow2_rb_set(p + 2 * cs, order, i, 1);
	return p;
}

/* 0, or the failure of what loads the regions and makes the caches. */
static inline int fixture_open(struct fixture *f, unsigned bits, unsigned order, size_t l2_max,
			       size_t rb_max)
{
	struct qcow2 *s = &f->s;
	uint32_t l1_entries = 16;
	size_t len;
	uint8_t *image = fixture_image(bits, order, l1_entries, &len);
	struct blk *file = memblk_new(image, len);

	free(image);
	memset(f, 0, sizeof(*f));
	s->blk.child = file;
	s->blk.filename = file->filename;
	s->blk.flags = BLK_WRITE;
	f->warn = (struct blk_log){ fixture_warn, f };
	s->blk.log = &f->warn;
	s->h.version = 3;
	s->h.cluster_bits = bits;
	s->h.refcount_order = order;
	s->h.l1_entries = l1_entries;
	s->h.l1_offset = 3ull << bits;
	s->h.reftable_offset = 1ull << bits;
	s->h.reftable_clusters = 1;
	s->h.size = (uint64_t)l1_entries << (2 * bits - 3);
	s->h.length = QCOW2_V3_LENGTH;
	s->cluster_bits = bits;
	s->cluster_size = 1ull << bits;
	s->subcluster_size = s->cluster_size;
	s->subclusters = 1;
	s->l2_entry_bytes = 8;
	s->l2_bits = bits - 3;
	s->slice_bits = s->l2_bits;
	s->overlap_kinds = QCOW2_R_SNAP_L2 - 1;
	s->file_end = 4;
	s->reftable_entries = (uint32_t)(s->cluster_size / 8);
	s->reftable = calloc(s->reftable_entries, 8);
	s->reftable[0] = 2ull << bits;
	s->l1 = calloc(l1_entries, 8);
	pthread_rwlock_init(&s->io, NULL);
	pthread_mutex_init(&s->lock, NULL);
	memblk(file)->log = &f->log;

	int r = qcow2_cache_new(s, (size_t)s->cluster_size, l2_max, false, &s->l2c, NULL);

	if (r == 0)
		r = qcow2_cache_new(s, (size_t)s->cluster_size, rb_max, true, &s->rbc, NULL);
	return r == 0 ? qcow2_regions_load(s, NULL) : r;
}

static inline void fixture_close(struct fixture *f)
{
	struct qcow2 *s = &f->s;

	qcow2_regions_free(s);
	qcow2_cache_free(s->l2c);
	qcow2_cache_free(s->rbc);
	free(s->l1);
	free(s->reftable);
	free(s->frees);
	pthread_rwlock_destroy(&s->io);
	pthread_mutex_destroy(&s->lock);
	(void)!blk_close(s->blk.child, NULL);
	memlog_free(&f->log);
}

/* What happened, as "W<cluster>" and "S", with writes into the header as "H". */
static inline const char *fixture_story(const struct fixture *f, char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < f->log.n && at + 16 < len; i++) {
		const struct memop *op = &f->log.v[i];
		unsigned long long c = op->off >> f->s.cluster_bits;

		if (op->kind == MEMOP_SYNC)
			at += (size_t)snprintf(buf + at, len - at, "%sS", at ? " " : "");
		else
			at += (size_t)snprintf(buf + at, len - at, "%s%s%llu", at ? " " : "",
					       op->kind == MEMOP_WRITE ? "W" : "Z", c);
	}
	return buf;
}

/* The refcount of @cluster as the file has it. */
static inline uint64_t fixture_file_refcount(const struct fixture *f, uint64_t cluster)
{
	const struct membytes *m = &memblk(f->s.blk.child)->m;
	unsigned bits = f->s.cluster_bits + 3 - f->s.h.refcount_order;
	uint64_t rt = load_be64(m->p + 48);
	uint64_t at = rt + (cluster >> bits) * 8;
	uint64_t block = at + 8 <= m->len ? load_be64(m->p + at) : 0;

	if (!block || block + f->s.cluster_size > m->len)
		return 0;
	return qcow2_rb_get(m->p + block, f->s.h.refcount_order,
			    cluster & ((1ull << bits) - 1));
}

#endif
