/* SPDX-License-Identifier: MIT */
/*
 * A protocol node whose bytes are in memory, for tests: it can keep a log of every
 * write and sync, and fail the n-th call.  An image format on top of it thinks it is a file.
 *
 *	struct blk *m = memblk_new(bytes, len);            // starts with these
 *	struct memblk *mb = memblk(m);
 *	mb->log = &log;                                    // record from now on
 *	mb->fail_at = 7; mb->fail_code = -EIO;             // the 7th call from now
 *	m->flags |= BLK_UNMAP;                             // discards count and take effect
 *
 * memlog_apply() rebuilds what a disk would hold after any subset of a log.
 */
#ifndef TESTS_LIB_MEMBLK_H
#define TESTS_LIB_MEMBLK_H

#include "img/blk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum memop_kind { MEMOP_WRITE, MEMOP_ZERO, MEMOP_SIZE, MEMOP_SYNC, MEMOP_MARK };

struct memop {
	enum memop_kind kind;
	uint64_t off, len; /* MARK: off is the caller's number */
	uint8_t *data;     /* WRITE */
};

struct memlog {
	struct memop *v;
	size_t n, cap;
};

struct membytes {
	uint8_t *p;
	uint64_t len, cap;
};

struct memblk {
	struct blk blk;
	struct membytes m;
	pthread_mutex_t lock;
	struct memlog *log; /* NULL: no recording */
	uint64_t calls;     /* read, write, zero, resize and flush calls so far */
	uint64_t fail_at;   /* the call with this number fails (1 is the first); 0: none */
	bool fail_after;    /* ... and so do all after it */
	bool fail_writes;   /* only calls that change something (or sync) count */
	int fail_code;      /* negative errno; 0: -EIO */
	uint64_t limit;     /* no byte beyond this can be written (-ENOSPC); 0: none */
};

static inline struct memblk *memblk(struct blk *b)
{
	return (struct memblk *)b;
}

static inline void membytes_size(struct membytes *m, uint64_t len)
{
	if (len > m->cap) {
		m->cap = len + len / 2 + 4096;
		m->p = realloc(m->p, m->cap);
		if (!m->p)
			abort();
	}
	if (len > m->len)
		memset(m->p + m->len, 0, len - m->len);
	m->len = len;
}

static inline struct memop *memlog_add(struct memlog *l, enum memop_kind kind, uint64_t off,
				       uint64_t len)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = realloc(l->v, l->cap * sizeof(*l->v));
		if (!l->v)
			abort();
	}
	l->v[l->n] = (struct memop){ kind, off, len, NULL };
	return &l->v[l->n++];
}

static inline void memlog_mark(struct memlog *l, uint64_t number)
{
	memlog_add(l, MEMOP_MARK, number, 0);
}

static inline void memlog_clear(struct memlog *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].data);
	l->n = 0;
}

static inline void memlog_free(struct memlog *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].data);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static inline void memlog_apply(struct membytes *m, const struct memop *op)
{
	switch (op->kind) {
	case MEMOP_WRITE:
		if (op->off + op->len > m->len)
			membytes_size(m, op->off + op->len);
		memcpy(m->p + op->off, op->data, op->len);
		break;
	case MEMOP_ZERO:
		if (op->off + op->len > m->len)
			membytes_size(m, op->off + op->len);
		memset(m->p + op->off, 0, op->len);
		break;
	case MEMOP_SIZE:
		membytes_size(m, op->off);
		break;
	case MEMOP_SYNC:
	case MEMOP_MARK:
		break;
	}
}

static inline int memblk_fails(struct memblk *m, bool changes, const char *what, struct err *e)
{
	if (m->fail_writes && !changes)
		return 0;
	m->calls++;
	if (!m->fail_at || m->calls < m->fail_at || (m->calls > m->fail_at && !m->fail_after))
		return 0;
	return err_set(e, m->fail_code ? m->fail_code : -EIO, "%s: injected %s failure",
		       m->blk.filename, what);
}

static inline int memblk_pread(struct blk *b, void *buf, size_t len, uint64_t off,
			       struct err *e)
{
	struct memblk *m = memblk(b);
	uint64_t n;
	int r;

	pthread_mutex_lock(&m->lock);
	r = memblk_fails(m, false, "read", e);
	if (r == 0) {
		n = off >= m->m.len ? 0 : m->m.len - off < len ? m->m.len - off : len;
		if (n)
			memcpy(buf, m->m.p + off, n);
		memset((uint8_t *)buf + n, 0, len - n);
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

static inline int memblk_change(struct memblk *m, enum memop_kind kind, const void *buf,
				uint64_t off, uint64_t len, const char *what, struct err *e)
{
	struct memop op = { kind, off, len, NULL };
	int r;

	pthread_mutex_lock(&m->lock);
	r = memblk_fails(m, true, what, e);
	if (r == 0 && m->limit && kind != MEMOP_SYNC &&
	    (kind == MEMOP_SIZE ? off : off + len) > m->limit)
		r = err_set(e, -ENOSPC, "%s: injected full disk", m->blk.filename);
	if (r == 0) {
		if (kind == MEMOP_WRITE) {
			op.data = malloc(len);
			if (!op.data)
				abort();
			memcpy(op.data, buf, len);
		}
		memlog_apply(&m->m, &op);
		m->blk.size = m->m.len;
		if (m->log)
			*memlog_add(m->log, kind, off, len) = op;
		else
			free(op.data);
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

static inline int memblk_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off,
				struct err *e)
{
	return memblk_change(memblk(b), MEMOP_WRITE, buf, off, len, "write", e);
}

static inline int memblk_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags,
			      struct err *e)
{
	return memblk_change(memblk(b), MEMOP_ZERO, NULL, off, len, "zero", e);
}

/* What was discarded is gone at once: nobody may count on it. */
static inline int memblk_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return memblk_change(memblk(b), MEMOP_ZERO, NULL, off, len, "discard", e);
}

static inline int memblk_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
				const struct blk_watch *w, struct err *e)
{
	return memblk_change(memblk(b), MEMOP_SIZE, NULL, size, 0, "resize", e);
}

static inline int memblk_flush(struct blk *b, struct err *e)
{
	return memblk_change(memblk(b), MEMOP_SYNC, NULL, 0, 0, "sync", e);
}

static inline int memblk_close(struct blk *b, struct err *e)
{
	struct memblk *m = memblk(b);

	free(m->m.p);
	pthread_mutex_destroy(&m->lock);
	blk_fini(b);
	free(m);
	return 0;
}

static const struct blk_ops memblk_ops = {
	.name = "file",
	.parallel = true,
	.pread = memblk_pread,
	.pwrite = memblk_pwrite,
	.zero = memblk_zero,
	.discard = memblk_discard,
	.resize = memblk_resize,
	.flush = memblk_flush,
	.close = memblk_close,
};

/* A new node holding a copy of @len bytes at @bytes.  Never fails. */
static inline struct blk *memblk_new(const void *bytes, uint64_t len)
{
	struct memblk *m = calloc(1, sizeof(*m));

	if (!m || blk_init(&m->blk, &memblk_ops, "memory.img", BLK_WRITE, NULL) < 0)
		abort();
	pthread_mutex_init(&m->lock, NULL);
	m->blk.align = 1;
	m->blk.grows = true;
	membytes_size(&m->m, len);
	if (len && bytes)
		memcpy(m->m.p, bytes, len);
	m->blk.size = len;
	return &m->blk;
}

/* For a judge outside: writes what the node holds to @path. */
static inline int membytes_save(const struct membytes *m, const char *path)
{
	FILE *f = fopen(path, "wb");
	size_t n = f ? fwrite(m->p, 1, m->len, f) : 0;

	return !f || fclose(f) != 0 || n != m->len ? -1 : 0;
}

#endif
