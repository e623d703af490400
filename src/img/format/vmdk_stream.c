/* SPDX-License-Identifier: MIT */
/*
 * Compressed grains.  Several threads compress the grains of their requests side by side, wait
 * for their turn and append what they have.
 *
 * A stream (its header says that the directory is at the end) gets its tables, directory, footer and
 * end mark when it is closed: "Virtual Disk Format 5.0", "Stream-Optimized Compressed
 * Sparse Extents".  Until then it is no image.  One that is complete takes nothing more: a
 * reader of the stream stops at its end mark.  Extents with the directory at the front, as
 * qemu-img makes them, are appended to as plain ones are.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/zero.h"
#include "img/codec/codec.h"
#include "img/format/vmdk.h"

#include <stdlib.h>
#include <string.h>

enum { MARKER = 12, BATCH = 64 };

struct vmdk_stream {
	uint64_t tables_n;
	uint32_t **tables; /* of sectors; NULL: nothing is in it */
	bool dirty;
};

/* Grains of one request that are compressed and have no place yet. */
struct batch {
	uint64_t first; /* grain */
	size_t n;
	uint32_t at[BATCH], len[BATCH]; /* sectors within buf; 0: only zeroes */
	uint8_t *buf;
	size_t used; /* bytes */
};

/* ---- compressing ---- */

static size_t room_of(size_t grain)
{
	/* marker, zlib's header and trailer, 5 bytes for each stored block of 32 KiB at the
	 * least, and the rest of a sector */
	return (size_t)round_up(grain + grain / 4096 + 64 + VMDK_SECTOR, VMDK_SECTOR);
}

static int compress_grain(struct codec *c, struct batch *b, size_t i, const uint8_t *data,
			  size_t grain, uint64_t lba, struct err *e)
{
	uint8_t *p = b->buf + b->used;
	size_t all;
	long n;

	n = codec_compress(c, p + MARKER, room_of(grain) - MARKER, data, grain, e);
	if (n < 0)
		return (int)n;
	store_le64(p, lba);
	store_le32(p + 8, (uint32_t)n);
	all = (size_t)round_up(MARKER + (uint64_t)n, VMDK_SECTOR);
	memset(p + MARKER + n, 0, all - MARKER - (size_t)n);
	b->at[i] = (uint32_t)(b->used / VMDK_SECTOR);
	b->len[i] = (uint32_t)(all / VMDK_SECTOR);
	b->used += all;
	return 0;
}

/* @len is a multiple of a grain but at the end of the disk. */
static int compress_batch(struct vmdk *s, struct vmdk_extent *x, struct batch *b,
			  const uint8_t *buf, size_t len, struct err *e)
{
	size_t grain = (size_t)x->grain;
	AUTO_FREE uint8_t *last = NULL;
	struct codec *c = NULL;
	int r = codec_pool_get(s->codecs, &c, e);

	b->used = 0;
	memset(b->len, 0, sizeof(b->len));
	if (r == 0)
		codec_begin(c, b->n);
	for (size_t i = 0; i < b->n && r == 0; i++) {
		const uint8_t *data = buf + i * grain;
		size_t left = len - i * grain;

		if (left < grain) { /* filled up: readers want whole grains */
			last = mem_zalloc(1, grain, e);
			if (!last) {
				r = -ENOMEM;
				break;
			}
			memcpy(last, data, left);
			data = last;
		}
		/* what is nowhere is zero, without a backing image */
		if (s->blk.backing || !zero_is(data, grain))
			r = compress_grain(c, b, i, data, grain, (b->first + i) * x->h.grain,
					   e);
	}
	codec_pool_put(s->codecs, c);
	return r;
}

/* ---- placing; under lock ---- */

uint32_t vmdk_stream_find(const struct vmdk_extent *x, uint64_t g)
{
	const uint32_t *t = x->stream->tables[g / x->h.gt_entries];

	return t ? t[g % x->h.gt_entries] : 0;
}

static int stream_enter(struct vmdk_extent *x, uint64_t g, uint32_t sector, struct err *e)
{
	uint32_t **t = &x->stream->tables[g / x->h.gt_entries];

	if (!*t)
		*t = mem_zalloc(x->h.gt_entries, sizeof(**t), e);
	if (!*t)
		return -ENOMEM;
	(*t)[g % x->h.gt_entries] = sector;
	return 0;
}

static int begin_stream(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	struct vmdk_stream *m;

	if (x->stream || !x->at_end)
		return 0;
	if (!zero_is(x->gd, (size_t)x->h.gd_entries * 4))
		return err_set(e, -ENOTSUP,
			       "%s is a finished stream: nothing can be added to it",
			       s->blk.filename);
	m = mem_zalloc(1, sizeof(*m), e);
	if (!m)
		return -ENOMEM;
	m->tables_n = x->h.gd_entries;
	m->tables = mem_zalloc((size_t)m->tables_n + 1, sizeof(*m->tables), e);
	if (!m->tables) {
		free(m);
		return -ENOMEM;
	}
	x->stream = m;
	/* the empty directory and footer that are there are written over */
	x->next = x->h.overhead * VMDK_SECTOR;
	return 0;
}

static int place(struct vmdk *s, struct vmdk_extent *x, const struct batch *b, struct err *e)
{
	uint64_t at = round_up(x->next, VMDK_SECTOR) / VMDK_SECTOR;
	int r = 0;

	if (at + b->used / VMDK_SECTOR > UINT32_MAX)
		return err_set(e, -EFBIG, "%s: grains cannot lie past 2 TiB",
			       x->file->filename);
	for (size_t i = 0; i < b->n && r == 0; i++) {
		struct vmdk_run run;

		r = vmdk_lookup(s, x, (b->first + i) * x->grain, 1, &run, e);
		if (r == 0 && run.state == VMDK_PACKED)
			r = err_set(e, -EIO,
				    "%s: grain %llu is there already, and compressed grains "
				    "cannot be replaced",
				    s->blk.filename, (unsigned long long)(b->first + i));
	}
	if (r == 0 && b->used)
		r = blk_pwrite(x->file, b->buf, b->used, at * VMDK_SECTOR, e);
	if (r < 0 || !b->used)
		return r;
	x->next = at * VMDK_SECTOR + b->used;
	for (size_t i = 0; i < b->n && r == 0; i++) {
		uint32_t sector = (uint32_t)at + b->at[i];

		if (!b->len[i])
			continue;
		if (x->stream)
			r = stream_enter(x, b->first + i, sector, e);
		else
			r = vmdk_enter(s, x, b->first + i, sector, e);
	}
	if (x->stream)
		x->stream->dirty = true;
	return r;
}

static int place_batch(struct vmdk *s, struct vmdk_extent *x, const struct batch *b,
		       struct err *e)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = begin_stream(s, x, e);
	if (r == 0)
		r = vmdk_change_cid(s, e);
	if (r == 0)
		r = place(s, x, b, e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int write_all(struct vmdk *s, struct vmdk_extent *x, const uint8_t *buf, size_t len,
		     uint64_t off, const struct blk_turn *turn, struct err *e)
{
	size_t grain = (size_t)x->grain, per = BATCH;
	struct batch b = { .n = 0 };
	int r = 0;

	while (per > 1 && per * grain > 2 * VMDK_GRAIN_BYTES_MAX)
		per /= 2;
	per = (size_t)min_u64(per, div_up(len, grain));
	b.buf = mem_aligned(VMDK_SECTOR, per * room_of(grain), e);
	if (!b.buf)
		return -ENOMEM;
	while (len && r == 0) {
		size_t take = (size_t)min_u64(len, per * grain);

		b.first = off / grain;
		b.n = (size_t)div_up(take, grain);
		r = compress_batch(s, x, &b, buf, take, e);
		if (r == 0 && turn)
			r = turn->wait(turn, e);
		if (r == 0)
			r = place_batch(s, x, &b, e);
		buf += take;
		off += take;
		len -= take;
	}
	free(b.buf);
	return r;
}

int vmdk_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			   const struct blk_turn *turn, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	struct vmdk_extent *x = &s->v[0];
	int r;

	if (!s->compressed) { /* as qemu-img has it: stored plain */
		r = turn ? turn->wait(turn, e) : 0;
		return r < 0 ? r : vmdk_pwrite(b, buf, len, off, e);
	}
	if (!(x->h.flags & VMDK_FLAG_MARKERS))
		return err_set(e, -ENOTSUP, "%s: grains without markers cannot be written",
			       b->filename);
	if (off % x->grain || (len % x->grain && off + len != x->size))
		return err_set(e, -EINVAL, "%s: compressed writes are of whole grains",
			       b->filename);
	return write_all(s, x, buf, len, off, turn, e);
}

/* ---- the end ---- */

/* A sector that says what follows it, and that, filled up to a sector. */
static int emit(struct vmdk_extent *x, uint64_t *at, uint32_t type, const void *data,
		size_t len, struct err *e)
{
	size_t padded = (size_t)round_up(len, VMDK_SECTOR);
	AUTO_FREE uint8_t *buf = mem_zalloc(1, VMDK_SECTOR + padded, e);
	int r;

	if (!buf)
		return -ENOMEM;
	vmdk_marker_write(buf, padded / VMDK_SECTOR, type);
	memcpy(buf + VMDK_SECTOR, data, len);
	r = blk_pwrite(x->file, buf, VMDK_SECTOR + padded, *at, e);
	*at += VMDK_SECTOR + padded;
	return r;
}

static int emit_tables(struct vmdk_extent *x, uint64_t *at, struct err *e)
{
	const struct vmdk_stream *m = x->stream;
	AUTO_FREE uint8_t *buf = mem_zalloc(1, x->gt_bytes, e);
	int r = buf ? 0 : -ENOMEM;

	for (uint64_t t = 0; t < m->tables_n && r == 0; t++) {
		if (!m->tables[t])
			continue;
		for (uint32_t i = 0; i < x->h.gt_entries; i++)
			store_le32(buf + i * 4, m->tables[t][i]);
		store_le32(x->gd + t * 4, (uint32_t)(*at / VMDK_SECTOR) + 1);
		r = emit(x, at, VMDK_MARKER_GT, buf, x->gt_bytes, e);
	}
	return r;
}

int vmdk_stream_end(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	uint64_t at = round_up(x->next, VMDK_SECTOR);
	struct vmdk_header h = x->h;
	uint8_t sector[VMDK_SECTOR];
	int r;

	(void)s;
	if (!x->stream->dirty)
		return 0;
	r = emit_tables(x, &at, e);
	h.gd_off = at / VMDK_SECTOR + 1;
	if (r == 0 && at / VMDK_SECTOR > UINT32_MAX)
		r = err_set(e, -EFBIG, "%s: tables cannot lie past 2 TiB", x->file->filename);
	if (r == 0)
		r = emit(x, &at, VMDK_MARKER_GD, x->gd, (size_t)h.gd_entries * 4, e);
	vmdk_header_write(&h, sector);
	if (r == 0)
		r = emit(x, &at, VMDK_MARKER_FOOTER, sector, sizeof(sector), e);
	memset(sector, 0, sizeof(sector));
	if (r == 0)
		r = blk_pwrite(x->file, sector, sizeof(sector), at, e);
	at += sizeof(sector);
	/* an end that was written before reached further, perhaps */
	if (r == 0 && x->file->size > at)
		r = blk_resize(x->file, at, PREALLOC_OFF, e);
	x->stream->dirty = r < 0;
	return r;
}

void vmdk_stream_free(struct vmdk_extent *x)
{
	struct vmdk_stream *m = x->stream;

	for (uint64_t t = 0; m && t < m->tables_n; t++)
		free(m->tables[t]);
	if (m)
		free(m->tables);
	free(m);
	x->stream = NULL;
}
