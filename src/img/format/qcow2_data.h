/* SPDX-License-Identifier: MIT */
/*
 * What the files of qcow2's data path share: writes in flight, writes that need clusters,
 * and expanded clusters.  Of the rest only resize, which cuts data off, includes this.
 */
#ifndef IMG_FORMAT_QCOW2_DATA_H
#define IMG_FORMAT_QCOW2_DATA_H

#include "img/format/qcow2.h"

#include <stdatomic.h>

/* Buffers for copying and for compressed bytes hold this much, and two clusters on top. */
#define QCOW2_SCRATCH (1u << 20)

/* Bits of an extended L2 entry's bitmap. */
#define QCOW2_ALL_ALLOC 0x00000000ffffffffull
#define QCOW2_ALL_ZERO  0xffffffff00000000ull

static inline uint64_t qcow2_image_size(const struct qcow2 *s)
{
	return atomic_load(&((struct qcow2 *)(uintptr_t)s)->blk.size);
}

static inline bool qcow2_has_data_file(const struct qcow2 *s)
{
	return s->h.incompat & QCOW2_INCOMPAT_DATA_FILE;
}

static inline bool qcow2_data_is_raw(const struct qcow2 *s)
{
	return qcow2_has_data_file(s) && s->h.autoclear & QCOW2_AUTOCLEAR_RAW_DATA;
}

/* True also while the chain is not open: what is unallocated is then unknown. */
static inline bool qcow2_has_backing(const struct qcow2 *s)
{
	return s->blk.backing || s->h.backing_file;
}

/* True if an L2 entry names a host cluster of plain bytes. */
static inline bool qcow2_entry_has_host(const struct qcow2 *s, uint64_t entry)
{
	if (entry & QCOW2_OFLAG_COMPRESSED)
		return false;
	return entry & QCOW2_OFFSET_MASK ||
	       (entry & QCOW2_OFLAG_COPIED && qcow2_has_data_file(s));
}

/* ---- qcow2_map.c ---- under lock */
/* The slice that maps @off, for reading; NULL if no table does. */
int qcow2_l2_peek(struct qcow2 *s, uint64_t off, uint8_t **table, struct err *e) MUST_CHECK;
/* Changes an L1 entry; the file follows with the next flush. */
void qcow2_l1_set(struct qcow2 *s, uint64_t i, uint64_t entry);
/* True if the guest sees zeroes in [off, off + len), as far as the tables tell without
 * looking at data.  What cannot be read is not zero. */
bool qcow2_reads_zero(struct qcow2 *s, uint64_t off, uint64_t len);

/* ---- qcow2_inflight.c ---- under lock */
/* Gives back clusters (or compressed bytes) that were reserved but are not used after
 * all.  A failure leaks them. */
void qcow2_unreserve(struct qcow2 *s, uint64_t off, uint64_t len);
/*
 * Waits until nobody else is allocating guest cluster @first, and lowers *end to where
 * somebody is.  True if it waited: the lock was dropped, look everything up again.
 */
bool qcow2_inflight_wait(struct qcow2 *s, uint64_t first, uint64_t *end);
/* Waits until nobody is allocating any of guest clusters [first, end). */
void qcow2_inflight_wait_all(struct qcow2 *s, uint64_t first, uint64_t end);
void qcow2_inflight_add(struct qcow2 *s, struct qcow2_inflight *w);
void qcow2_inflight_del(struct qcow2 *s, struct qcow2_inflight *w);
/* What each change of guest data begins with: refuses where nothing may be written,
 * prepares the image, and notes the range in its bitmaps. */
int qcow2_begin_write(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;

/* ---- qcow2_cow.c ---- */
/* Guest bytes that must be written around what the guest wrote. */
struct qcow2_fill {
	uint64_t from, to; /* empty: nothing */
	bool zero;         /* else copied from where they are now */
	bool hole;         /* zeroes that the file has already: past its end */
};

/* A write to clusters that are not, or not wholly, ours to write in place. */
struct qcow2_plan {
	struct qcow2_inflight fly; /* its guest clusters */
	uint64_t off, end;         /* the guest's bytes */
	uint64_t host;             /* where guest cluster fly.first goes */
	bool fresh;                /* these clusters were reserved for this write */
	bool past_end;             /* they read as zeroes until it is done */
	struct qcow2_fill head, tail;
};

enum qcow2_step { QCOW2_IN_PLACE, QCOW2_PLANNED };

/*
 * Decides how the first bytes of [off, off + len) are written; plan->off and plan->end say
 * how many.  QCOW2_IN_PLACE: at plan->host, nothing else to do.  QCOW2_PLANNED: clusters are
 * reserved and in flight; qcow2_plan_write and then qcow2_plan_finish must follow.
 * Under lock, which may be dropped to wait.
 */
int qcow2_plan(struct qcow2 *s, uint64_t off, uint64_t len, struct qcow2_plan *plan,
	       struct err *e) MUST_CHECK;
/* Writes @buf and what lies around it.  Without lock. */
int qcow2_plan_write(struct qcow2 *s, const struct qcow2_plan *plan, const void *buf,
		     struct err *e) MUST_CHECK;
/* @r is what the write gave: sets the L2 entries, or gives the clusters back.  Returns
 * @r or its own failure.  Under lock. */
int qcow2_plan_finish(struct qcow2 *s, struct qcow2_plan *plan, int r, struct err *e)
	MUST_CHECK;

/* ---- qcow2_write.c ---- io held shared, without lock */
int qcow2_write_locked(struct qcow2 *s, const void *buf, uint64_t len, uint64_t off,
		       struct err *e) MUST_CHECK;

/* The same with zero bytes. */
int qcow2_write_zeroes(struct qcow2 *s, uint64_t len, uint64_t off, struct err *e) MUST_CHECK;

/* ---- qcow2_expand.c ---- */
/*
 * Expands @n consecutive compressed runs (the first starts @skip bytes into its
 * cluster) into @buf.  io held, without lock.
 */
int qcow2_expand_runs(struct qcow2 *s, const struct qcow2_run *runs, size_t n, uint64_t skip,
		      uint8_t *buf, struct err *e) MUST_CHECK;

/* ---- qcow2_empty.c ---- under both locks */
/* Gives back, later, what the entries of the L2 table at @l2 refer to. */
int qcow2_drop_data(struct qcow2 *s, uint64_t l2, struct err *e) MUST_CHECK;
/* Lets the file end after the last cluster in use.  Refcounts are in the file. */
int qcow2_cut_file(struct qcow2 *s, struct err *e) MUST_CHECK;

/* ---- qcow2_resize.c ---- under both locks */
/* Refcount blocks at the end of the table that count nothing keep the file long: drops them. */
int qcow2_cut_refblocks(struct qcow2 *s, struct err *e) MUST_CHECK;

/* ---- qcow2_scratch.c ---- */
struct codec_pool;
/* The codecs of this image, made on first use.  Without lock. */
int qcow2_codecs(struct qcow2 *s, struct codec_pool **out, struct err *e) MUST_CHECK;
/* A buffer of qcow2_scratch_bytes(), aligned for direct I/O, not cleared. */
size_t qcow2_scratch_bytes(const struct qcow2 *s);
void *qcow2_scratch_get(struct qcow2 *s, struct err *e) MUST_CHECK;
void qcow2_scratch_put(struct qcow2 *s, void *buf);
/* Expanded clusters by the offset of their compressed bytes.  get: copies @len bytes from
 * @skip into @buf if it is there.  put: takes over @data (one cluster, from malloc). */
bool qcow2_kept_get(struct qcow2 *s, uint64_t comp_off, uint64_t skip, void *buf, size_t len);
void qcow2_kept_put(struct qcow2 *s, uint64_t comp_off, uint8_t *data);
/* Those whose compressed bytes began in [off, off + len): something else is written there. */
void qcow2_kept_forget(struct qcow2 *s, uint64_t off, uint64_t len);

#endif
