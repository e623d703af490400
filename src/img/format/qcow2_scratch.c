/* SPDX-License-Identifier: MIT */
/*
 * Memory of the data path, made when first needed and kept for the life of the image:
 * codecs, buffers, and the last expanded clusters, so that small reads in a row do not
 * expand one cluster again and again.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 16, KEPT_BYTES = 1 << 20, BUFS_MAX = 4, BUF_ALIGN = 4096 };

struct kept {
	uint64_t off; /* of the compressed bytes */
	uint8_t *data;
	uint64_t used; /* tick of the last use */
};

struct qcow2_memory {
	pthread_mutex_t lock; /* over what follows; nothing is called under it */
	struct codec_pool *codecs;
	struct kept kept[KEPT_MAX];
	unsigned kept_n, kept_max;
	uint64_t tick;
	void *bufs[BUFS_MAX];
	unsigned bufs_n;
};

static struct qcow2_memory *memory_new(struct qcow2 *s, struct err *e)
{
	struct qcow2_memory *m = mem_zalloc(1, sizeof(*m), e);
	uint64_t fit = KEPT_BYTES / s->cluster_size;
	int r;

	if (!m)
		return NULL;
	r = pthread_mutex_init(&m->lock, NULL);
	if (r) {
		free(m);
		err_set(e, -r, "no lock for buffers");
		return NULL;
	}
	m->kept_max = (unsigned)min_u64(max_u64(fit, 2), KEPT_MAX);
	return m;
}

static struct qcow2_memory *memory(struct qcow2 *s, struct err *e)
{
	struct qcow2_memory *m;

	pthread_mutex_lock(&s->lock);
	if (!s->memory)
		s->memory = memory_new(s, e);
	m = s->memory;
	pthread_mutex_unlock(&s->lock);
	return m;
}

void qcow2_memory_free(struct qcow2 *s)
{
	struct qcow2_memory *m = s->memory;

	if (!m)
		return;
	for (unsigned i = 0; i < m->kept_n; i++)
		free(m->kept[i].data);
	for (unsigned i = 0; i < m->bufs_n; i++)
		free(m->bufs[i]);
	codec_pool_free(m->codecs);
	pthread_mutex_destroy(&m->lock);
	free(m);
	s->memory = NULL;
}

int qcow2_codecs(struct qcow2 *s, struct codec_pool **out, struct err *e)
{
	struct qcow2_memory *m = memory(s, e);
	enum codec_kind kind = s->h.compression == QCOW2_ZSTD ? CODEC_ZSTD : CODEC_DEFLATE;
	int r = 0;

	if (!m)
		return -ENOMEM;
	pthread_mutex_lock(&m->lock);
	if (!m->codecs)
		r = codec_pool_new(kind, s->compression_level, &m->codecs, e);
	*out = m->codecs;
	pthread_mutex_unlock(&m->lock);
	return r;
}

size_t qcow2_scratch_bytes(const struct qcow2 *s)
{
	return QCOW2_SCRATCH + 2 * (size_t)s->cluster_size;
}

void *qcow2_scratch_get(struct qcow2 *s, struct err *e)
{
	struct qcow2_memory *m = memory(s, e);
	void *buf = NULL;

	if (!m)
		return NULL;
	pthread_mutex_lock(&m->lock);
	if (m->bufs_n)
		buf = m->bufs[--m->bufs_n];
	pthread_mutex_unlock(&m->lock);
	return buf ? buf : mem_aligned(BUF_ALIGN, qcow2_scratch_bytes(s), e);
}

void qcow2_scratch_put(struct qcow2 *s, void *buf)
{
	struct qcow2_memory *m = s->memory;

	if (!buf)
		return;
	pthread_mutex_lock(&m->lock);
	if (m->bufs_n < BUFS_MAX) {
		m->bufs[m->bufs_n++] = buf;
		buf = NULL;
	}
	pthread_mutex_unlock(&m->lock);
	free(buf);
}

bool qcow2_kept_get(struct qcow2 *s, uint64_t comp_off, uint64_t skip, void *buf, size_t len)
{
	struct qcow2_memory *m = memory(s, NULL);
	bool found = false;

	if (!m)
		return false;
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->kept_n && !found; i++) {
		struct kept *k = &m->kept[i];

		if (k->off != comp_off)
			continue;
		memcpy(buf, k->data + skip, len);
		k->used = ++m->tick;
		found = true;
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}

/* The place for @off: its own, a free one, or the least recently used. */
static struct kept *kept_slot(struct qcow2_memory *m, uint64_t off)
{
	struct kept *oldest = NULL;

	for (unsigned i = 0; i < m->kept_n; i++) {
		if (m->kept[i].off == off)
			return &m->kept[i];
		if (!oldest || m->kept[i].used < oldest->used)
			oldest = &m->kept[i];
	}
	return m->kept_n < m->kept_max ? &m->kept[m->kept_n++] : oldest;
}

void qcow2_kept_put(struct qcow2 *s, uint64_t comp_off, uint8_t *data)
{
	struct qcow2_memory *m = s->memory;
	struct kept *k;

	pthread_mutex_lock(&m->lock);
	k = kept_slot(m, comp_off);
	free(k->data);
	*k = (struct kept){ .off = comp_off, .data = data, .used = ++m->tick };
	pthread_mutex_unlock(&m->lock);
}

void qcow2_kept_forget(struct qcow2 *s, uint64_t off, uint64_t len)
{
	struct qcow2_memory *m = s->memory;

	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->kept_n;) {
		struct kept *k = &m->kept[i];

		if (k->off < off || k->off - off >= len) {
			i++;
			continue;
		}
		free(k->data);
		*k = m->kept[--m->kept_n];
		m->kept[m->kept_n].data = NULL;
	}
	pthread_mutex_unlock(&m->lock);
}
