/* SPDX-License-Identifier: MIT */
/*
 * Replay of a VHDX log.  The log is a ring of entries; what counts is the longest run with
 * rising sequence numbers whose newest entry says that it begins within the run.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vhdx.h"

enum { LOG_MAX = 256 << 20, DESC = 32, FIRST = 64, DATA = 4084 };

struct log {
	const uint8_t *ring;
	uint32_t length;
	const uint8_t *guid;
	uint8_t *
		entry; /* the one being looked at, unrolled; as long as the ring, and a sector */
	uint64_t budget; /* bytes that may still be summed: hostile logs end */
};

struct entry {
	uint32_t at, length, tail, descs;
	uint64_t sequence, flushed;
};

static void unroll(const struct log *l, uint32_t at, uint32_t len)
{
	uint32_t first = l->length - at < len ? l->length - at : len;

	memcpy(l->entry, l->ring + at, first);
	memcpy(l->entry + first, l->ring, len - first);
}

/* True if a sound entry lies at @at; it is in l->entry then. */
static bool look(struct log *l, uint32_t at, struct entry *x)
{
	const uint8_t *p = l->ring + at;

	if (memcmp(p, "loge", 4) || memcmp(p + 32, l->guid, 16))
		return false;
	*x = (struct entry){
		.at = at,
		.length = load_le32(p + 8),
		.tail = load_le32(p + 12),
		.sequence = load_le64(p + 16),
		.descs = load_le32(p + 24),
		.flushed = load_le64(p + 48),
	};
	if (x->length < VHDX_SECTOR || x->length % VHDX_SECTOR || x->length > l->length ||
	    x->tail % VHDX_SECTOR || x->tail >= l->length || !x->sequence ||
	    x->descs > (x->length - FIRST) / DESC || x->length > l->budget)
		return false;
	l->budget -= x->length;
	unroll(l, at, x->length);
	return vhdx_checksum(l->entry, x->length, 4) == load_le32(p + 4);
}

/* The run that begins at @at: its newest entry in *head.  False if there is none that is whole. */
static bool follow(struct log *l, uint32_t at, struct entry *head, uint32_t *next)
{
	struct entry x;
	uint64_t used = 0, tail_at = 0;
	bool any = false, whole = false;

	*next = at + VHDX_SECTOR;
	while (used < l->length && look(l, (uint32_t)((at + used) % l->length), &x)) {
		if (any && x.sequence != head->sequence + 1)
			break;
		*head = x;
		used += x.length;
		/* the tail must be one of the run: entries are whole sectors from its start */
		tail_at = ((uint64_t)x.tail + l->length - at) % l->length;
		whole = tail_at < used;
		any = true;
	}
	if (any)
		*next = (uint32_t)min_u64(at + used, l->length);
	return any && whole;
}

static bool find(struct log *l, struct entry *head)
{
	struct entry x;
	uint32_t at = 0, next;
	bool found = false;

	for (; at < l->length; at = next)
		if (follow(l, at, &x, &next) && (!found || x.sequence > head->sequence)) {
			*head = x;
			found = true;
		}
	return found;
}

static int damaged(struct err *e, const struct entry *x, const char *what)
{
	return err_set(e, -EUCLEAN, "VHDX log entry %llu is damaged (%s)",
		       (unsigned long long)x->sequence, what);
}

static int apply_data(struct blk *file, const struct entry *x, const uint8_t *d,
		      const uint8_t *sector, uint8_t *out, struct err *e)
{
	uint64_t seq = (uint64_t)load_le32(sector + 4) << 32 | load_le32(sector + 4092);
	uint64_t off = load_le64(d + 16);

	if (memcmp(sector, "data", 4) || seq != x->sequence)
		return damaged(e, x, "a data sector is not of it");
	if (off > INT64_MAX - VHDX_SECTOR)
		return damaged(e, x, "an offset is out of range");
	memcpy(out, d + 8, 8);
	memcpy(out + 8, sector + 8, DATA);
	memcpy(out + 8 + DATA, d + 4, 4);
	return blk_pwrite(file, out, VHDX_SECTOR, off, e);
}

/* What l->entry holds. */
static int apply(struct log *l, struct blk *file, const struct entry *x, struct err *e)
{
	uint64_t at = round_up(FIRST + (uint64_t)x->descs * DESC, VHDX_SECTOR);

	for (uint32_t i = 0; i < x->descs; i++) {
		const uint8_t *d = l->entry + FIRST + (size_t)i * DESC;
		uint64_t off = load_le64(d + 16), len = load_le64(d + 8), size = file->size;
		int r = 0;

		if (load_le64(d + 24) != x->sequence || off % VHDX_SECTOR)
			return damaged(e, x, "a descriptor is not of it");
		if (!memcmp(d, "zero", 4)) {
			/* what lies past the end is zero */
			if (off < size)
				r = blk_zero(file, off, min_u64(len, size - off), 0, e);
		} else if (!memcmp(d, "desc", 4) && at + VHDX_SECTOR <= x->length) {
			r = apply_data(file, x, d, l->entry + at, l->entry + l->length, e);
			at += VHDX_SECTOR;
		} else {
			return damaged(e, x, "a descriptor is of no known kind");
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int replay(struct log *l, struct blk *file, const struct entry *head, struct err *e)
{
	struct entry x;
	uint32_t at = head->tail;
	uint64_t used = 0;

	if (file->size < head->flushed)
		return damaged(e, head, "the file is shorter than when it was written");
	l->budget = (uint64_t)l->length * 2;
	do {
		int r;

		if (used >= l->length || !look(l, at, &x) || x.sequence > head->sequence)
			return damaged(e, head, "the run is broken");
		r = apply(l, file, &x, e);
		if (r < 0)
			return err_wrap(e, r, "replaying the VHDX log");
		used += x.length;
		at = (uint32_t)((at + (uint64_t)x.length) % l->length);
	} while (x.sequence != head->sequence);
	return blk_flush(file, e);
}

int vhdx_log_replay(struct blk *file, const struct vhdx_header *h, bool *done, struct err *e)
{
	static const uint8_t none[16];
	AUTO_FREE uint8_t *ring = NULL;
	AUTO_FREE uint8_t *entry = NULL;
	struct log l = { .length = h->log_length, .guid = h->log_guid };
	struct entry head = { 0 };
	int r;

	*done = false;
	if (!memcmp(h->log_guid, none, sizeof(none)))
		return 0;
	if (h->log_version)
		return err_set(e, -ENOTSUP, "unsupported VHDX image (log version %u)",
			       h->log_version);
	if (!l.length || l.length > LOG_MAX || h->log_off > file->size ||
	    l.length > file->size - h->log_off)
		return err_set(
			e, -EUCLEAN,
			"VHDX log of %u bytes at offset %llu cannot be replayed: it is not "
			"in the file, or larger than %d bytes",
			l.length, (unsigned long long)h->log_off, LOG_MAX);
	ring = mem_zalloc(l.length, 1, e);
	entry = mem_zalloc((size_t)l.length + VHDX_SECTOR, 1, e);
	if (!ring || !entry)
		return -ENOMEM;
	r = blk_pread(file, ring, l.length, h->log_off, e);
	if (r < 0)
		return err_wrap(e, r, "reading the VHDX log");
	l.ring = ring;
	l.entry = entry;
	l.budget = (uint64_t)l.length * 8;
	*done = true;
	/* nothing that was written completely: nothing was changed yet */
	return find(&l, &head) ? replay(&l, file, &head, e) : 0;
}
