/* SPDX-License-Identifier: MIT */
/*
 * The qcow2 node as its own files see it.  Other rooms use img/img.h.
 *
 * Locking.  Two locks, always taken in this order:
 *   io    readers-writer.  Shared by everything that reads or writes guest bytes,
 *         for the whole of its I/O.  Exclusive for what rearranges the image: flush's
 *         freeing step, snapshots, resize, amend, repair, discard of clusters.
 *   lock  mutex over all metadata below: tables, caches, refcounts, in-flight list.
 *         Held for lookups and updates, dropped around guest data I/O; metadata
 *         is read from the file under it.
 *
 * Crash order.  At any instant the file must be an image with leaks at worst:
 *   1 refcounts of new clusters, and new refcount blocks before their table entries,
 *   2 data in clusters that had other contents before, and new L2 tables,
 *   3 L2 entries,      4 L1 entries,
 *   5 only then are the clusters dropped by 3 and 4 given back (qcow2_free_later).
 * qcow2_flush_meta() walks these steps with a sync between those that depend on each
 * other; evicting one table from a cache first writes what that table depends on.
 * With BLK_NOFLUSH the syncs are left out but the order of writes stays.
 */
#ifndef IMG_FORMAT_QCOW2_H
#define IMG_FORMAT_QCOW2_H

#include "img/codec/codec.h"
#include "img/format/qcow2_header.h"
#include "img/img.h"

#define QCOW2_OFLAG_COPIED     (1ull << 63)
#define QCOW2_OFLAG_COMPRESSED (1ull << 62)
#define QCOW2_OFLAG_ZERO       1ull /* standard L2 entries of version 3 */
#define QCOW2_OFFSET_MASK      0x00fffffffffffe00ull

struct qcow2_cache;   /* qcow2_cache.c: tables or slices of them, LRU, write-back */
struct qcow2_regions; /* qcow2_overlap.c: where metadata lies */
struct qcow2_bitmaps; /* qcow2_bitmap.c: dirty tracking of the persistent bitmaps */
struct qcow2_crypt;   /* qcow2_crypt.c: keys */
struct qcow2_memory;  /* qcow2_scratch.c: codecs, buffers, expanded clusters */

/* One internal snapshot, as in its table entry. */
struct qcow2_snapshot {
	uint64_t l1_offset;
	uint32_t l1_entries;
	struct img_snapshot info;
	uint32_t extra_size; /* bytes of extra data the entry had in the file */
	uint8_t *extra;      /* of these, what is beyond what we know: kept */
	uint32_t extra_len;
};

/* A write that has clusters but no L2 entries yet. */
struct qcow2_inflight {
	uint64_t first, end; /* guest clusters [first, end) */
	struct qcow2_inflight *next;
};

/* Why clusters are given back: decides whether they are punched out of the file. */
enum qcow2_freed { QCOW2_FREED_OTHER, QCOW2_FREED_REQUEST, QCOW2_FREED_SNAPSHOT };

/* Clusters to give back once nothing on disk refers to them any more. */
struct qcow2_free {
	uint64_t off, len; /* bytes; for compressed data any bytes, else clusters */
	enum qcow2_freed why;
};

struct qcow2 {
	struct blk blk; /* first: a struct blk * of this format is a struct qcow2 * */
	struct qcow2_header h;

	/* from the header, for speed */
	unsigned cluster_bits, l2_bits; /* entries per L2 table: 1 << l2_bits */
	unsigned l2_entry_bytes;        /* 8, or 16 with subclusters */
	unsigned subclusters;           /* per cluster: 1 or 32 */
	uint64_t cluster_size, subcluster_size;
	/* The L2 cache holds slices of tables: min(cluster size, 64 KiB) or as
	 * l2-cache-entry-size says; 1 << slice_bits entries each. */
	unsigned slice_bits;

	pthread_rwlock_t io;
	pthread_mutex_t lock;

	uint64_t *l1;                      /* host endian; header.l1_entries */
	uint32_t l1_dirty_lo, l1_dirty_hi; /* entries [lo, hi) differ from the file */
	uint64_t *reftable;                /* host endian */
	uint32_t reftable_entries;
	uint32_t rt_dirty_lo, rt_dirty_hi;
	struct qcow2_cache *l2c, *rbc;
	struct qcow2_regions *regions; /* NULL: read-only */
	unsigned overlap_kinds;        /* enum qcow2_region: what overlap checks look at */

	struct qcow2_inflight *inflight;
	pthread_cond_t inflight_done;
	struct qcow2_free *frees;
	size_t frees_n, frees_cap;
	uint64_t alloc_hint;      /* host cluster index: nothing free below */
	uint64_t comp_off;        /* where the next compressed bytes may go, 0: new cluster */
	uint64_t file_end;        /* host clusters at and past this index were never used */
	bool cow_unsynced;        /* data that L2 entries must wait for is not stable */
	bool grown_unsynced;      /* likewise, but it only makes the file longer */
	bool meta_unsynced;       /* refcounts written but not synced */
	bool l2_unsynced;         /* L2 tables or L1 entries written but not synced */
	bool lazy;                /* refcounts are written at close only; dirty bit is set */
	bool changed;             /* qcow2_begin_change did its work */
	bool broken;              /* found corrupt while running: no more writes */
	bool warned;              /* said once that the image is corrupt */
	bool discard_pass[3];     /* by enum qcow2_freed: punched out of the file */
	enum qcow2_freed freeing; /* why, at present: REQUEST inside discard, and so on */

	unsigned cache_clean_interval; /* seconds; 0: tables are kept */

	struct qcow2_snapshot *snapshots;
	uint32_t snapshots_n;
	uint64_t snapshots_bytes; /* size of the table in the file */
	bool on_snapshot;         /* reads come from a snapshot (snapshot_load) */

	struct qcow2_crypt *crypt; /* NULL: not encrypted */

	struct qcow2_bitmaps *bitmaps; /* NULL: no guest byte changed yet */

	struct qcow2_memory *memory; /* made on first use; close calls qcow2_memory_free */
	enum codec_level compression_level;
	bool eof_unsure;     /* a write past the end failed: what lies there may not be zero */
	bool prealloc_known; /* the next field was found out */
	bool prealloc;       /* much more is allocated in the image than in its file */
};

static inline struct qcow2 *to_qcow2(struct blk *b)
{
	return (struct qcow2 *)b;
}

/* Where the entry of guest offset @off is: L1 index, byte offset of its slice inside
 * the L2 table, and the entry's index inside that slice. */
static inline uint64_t qcow2_l1_index(const struct qcow2 *s, uint64_t off)
{
	return off >> (s->cluster_bits + s->l2_bits);
}

static inline uint64_t qcow2_slice_start(const struct qcow2 *s, uint64_t off)
{
	uint64_t i = (off >> s->cluster_bits) & ((1ull << s->l2_bits) - 1);

	return (i >> s->slice_bits << s->slice_bits) * s->l2_entry_bytes;
}

static inline uint64_t qcow2_slice_index(const struct qcow2 *s, uint64_t off)
{
	return (off >> s->cluster_bits) & ((1ull << s->slice_bits) - 1);
}

static inline size_t qcow2_slice_bytes(const struct qcow2 *s)
{
	return (size_t)s->l2_entry_bytes << s->slice_bits;
}

/* Where guest bytes lie: the external data file, or the image itself. */
static inline struct blk *qcow2_data(struct qcow2 *s)
{
	return s->blk.data ? s->blk.data : s->blk.child;
}

/* ---- qcow2_open.c ---- */
extern const struct img_format img_format_qcow2;
extern const struct blk_ops qcow2_ops;
/* Writes the header cluster from s->h.  Under lock or before use. Not synced. */
int qcow2_write_header(struct qcow2 *s, struct err *e) MUST_CHECK;
/* Makes the refcount table at @off, which is written but not synced, the image's. */
int qcow2_move_reftable(struct qcow2 *s, uint64_t off, uint32_t clusters, struct err *e)
	MUST_CHECK;
/* Sets or clears an incompatible bit in the file at once, and syncs. */
int qcow2_set_incompat(struct qcow2 *s, uint64_t bit, bool on, struct err *e) MUST_CHECK;
/* For operations that are asked for by name: is the image open for writing, and sound?
 * -EPERM, -EACCES. */
int qcow2_may_change(const struct qcow2 *s, struct err *e) MUST_CHECK;
/* Before the first change of anything: clears unknown autoclear bits, sets the
 * dirty bit when lazy.  Under lock.  Cheap when already done. */
int qcow2_begin_change(struct qcow2 *s, struct err *e) MUST_CHECK;

/* ---- qcow2_cache.c ---- all under lock */
/* @bytes is the size of one table, @max how many are held at most (at least 4).
 * s->rbc holds whole refcount blocks; s->l2c holds slices of qcow2_slice_bytes(): a whole
 * L2 table is (1 << l2_bits) >> slice_bits of them, each with a get of its own. */
int qcow2_cache_new(struct qcow2 *s, size_t bytes, size_t max, bool refcounts,
		    struct qcow2_cache **out, struct err *e) MUST_CHECK;
/* The table at file offset @off, read if need be.  Valid until the next get on the
 * same cache unless pinned.  -EUCLEAN: @off is not a multiple of the table size or
 * beyond the file. */
int qcow2_cache_get(struct qcow2_cache *c, uint64_t off, uint8_t **table, struct err *e)
	MUST_CHECK;
/* A table of zero bytes for @off, dirty; the file is not read. */
int qcow2_cache_new_table(struct qcow2_cache *c, uint64_t off, uint8_t **table, struct err *e)
	MUST_CHECK;
void qcow2_cache_pin(struct qcow2_cache *c, uint8_t *table);
void qcow2_cache_unpin(struct qcow2_cache *c, uint8_t *table);
void qcow2_cache_dirty(struct qcow2_cache *c, uint8_t *table);
/* Forgets what is held of the cluster at @off (it was freed), or all: not written. */
void qcow2_cache_forget(struct qcow2_cache *c, uint64_t off);
void qcow2_cache_forget_all(struct qcow2_cache *c);
/* Writes every dirty table, in file order; no sync. */
int qcow2_cache_write(struct qcow2_cache *c, struct err *e) MUST_CHECK;
bool qcow2_cache_is_dirty(const struct qcow2_cache *c);
void qcow2_cache_free(struct qcow2_cache *c);

/* ---- qcow2_flush.c ---- under lock */
/* Steps 1 to 4 above, synced; what is to be freed becomes free (5) in memory and
 * reaches the file with the next flush or at close.  io must be held exclusively, or
 * nobody else may be using the node. */
int qcow2_flush_meta(struct qcow2 *s, struct err *e) MUST_CHECK;
/* Steps 1 to 4, synced. */
int qcow2_sync_meta(struct qcow2 *s, struct err *e) MUST_CHECK;
/* Steps 1 to 4 without the last sync and without freeing: io shared is enough. */
int qcow2_write_meta(struct qcow2 *s, struct err *e) MUST_CHECK;
/* Step 1 alone, not synced: refcount blocks, then the table entries that name them. */
int qcow2_write_refcounts(struct qcow2 *s, struct err *e) MUST_CHECK;
/* What an L2 table waits for before it may be written: step 1 and 2. */
int qcow2_before_l2(struct qcow2 *s, struct err *e) MUST_CHECK;
/* The flush of the node: takes both locks. */
int qcow2_flush(struct blk *b, struct err *e) MUST_CHECK;

/* ---- qcow2_refcount.c, qcow2_alloc.c ---- under lock */
int qcow2_refcount_get(struct qcow2 *s, uint64_t cluster, uint64_t *out, struct err *e)
	MUST_CHECK;
/* Adds @delta (+1, -1, ...) to each of @n clusters.  -ERANGE: overflow of the width;
 * -EUCLEAN: below zero.  On failure some may have been changed: they are put back. */
int qcow2_refcount_add(struct qcow2 *s, uint64_t cluster, uint64_t n, int64_t delta,
		       struct err *e) MUST_CHECK;
/* Finds @n free clusters in a row and sets their refcount to 1; *cluster is the
 * first.  @got, if not NULL, allows fewer (at least 1).  Checks for overlap. */
int qcow2_alloc(struct qcow2 *s, uint64_t n, uint64_t *cluster, uint64_t *got, struct err *e)
	MUST_CHECK;
/* The same at a place the caller chose, as far as it is free; *got may be 0. */
int qcow2_alloc_at(struct qcow2 *s, uint64_t cluster, uint64_t n, uint64_t *got, struct err *e)
	MUST_CHECK;
/* @bytes for compressed data, at any byte offset (qcow2 packs them); a run of
 * bytes never crosses more clusters than needed. */
int qcow2_alloc_bytes(struct qcow2 *s, uint64_t bytes, uint64_t *off, struct err *e) MUST_CHECK;
/* Now: only for clusters that nothing on disk refers to.  Clusters that get free leave
 * the regions and the caches, but for the header, the refcount table and its blocks:
 * whoever replaces those calls qcow2_region_del first. */
int qcow2_free(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/* After the next flush: for clusters that the file still refers to. */
int qcow2_free_later(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/* Step 5: gives back what waits. */
int qcow2_free_waiting(struct qcow2 *s, struct err *e) MUST_CHECK;
/*
 * The same without holding anybody up: neither lock is held, nobody reads what waits any more,
 * and nothing on disk refers to it.  Clusters that only this use keeps are punched out of
 * the file while they still count as used, so nobody can take them before that is done.
 */
int qcow2_free_aside(struct qcow2 *s, struct err *e) MUST_CHECK;
/* The refcount block that covers @cluster, pinned by the caller if need be; *block is
 * NULL if there is none (all its clusters are free). */
int qcow2_refblock(struct qcow2 *s, uint64_t cluster, uint8_t **block, struct err *e)
	MUST_CHECK;
/* Makes the block that covers @cluster exist.  May take @cluster itself for it. */
int qcow2_refblock_make(struct qcow2 *s, uint64_t cluster, struct err *e) MUST_CHECK;
/* Pure: value of entry @i in a refcount block of 1 << @order bits, and setting it. */
uint64_t qcow2_rb_get(const uint8_t *block, unsigned order, uint64_t i);
void qcow2_rb_set(uint8_t *block, unsigned order, uint64_t i, uint64_t v);

/* ---- qcow2_overlap.c ---- under lock */
enum qcow2_region {
	QCOW2_R_HEADER = 1,
	QCOW2_R_L1 = 2,
	QCOW2_R_L2 = 4,
	QCOW2_R_REFTABLE = 8,
	QCOW2_R_REFBLOCK = 16,
	QCOW2_R_SNAPTABLE = 32,
	QCOW2_R_SNAP_L1 = 64,
	QCOW2_R_BITMAP_DIR = 128,
	QCOW2_R_SNAP_L2 = 256,
};
int qcow2_regions_load(struct qcow2 *s, struct err *e) MUST_CHECK;
int qcow2_region_add(struct qcow2 *s, uint64_t off, uint64_t len, enum qcow2_region kind,
		     struct err *e) MUST_CHECK;
/* Also forgets what the caches hold of them. */
void qcow2_region_del(struct qcow2 *s, uint64_t off, uint64_t len);
/* Bits of enum qcow2_region of the cluster at @off. */
unsigned qcow2_region_kinds(const struct qcow2 *s, uint64_t off);
void qcow2_regions_free(struct qcow2 *s);
/*
 * Called before each write to [off, off+len) of the image file; @may are the
 * regions that this write is for.  On overlap with others: marks the image
 * corrupt, warns once, and returns -EIO.
 */
int qcow2_check_overlap(struct qcow2 *s, uint64_t off, uint64_t len, unsigned may,
			struct err *e) MUST_CHECK;
/* Marks the image corrupt (header bit, s->broken, one warning) and returns -EIO. */
int qcow2_corrupt(struct qcow2 *s, bool fatal, struct err *e, const char *fmt, ...)
	PRINTF(4, 5);

/* ---- qcow2_map.c ---- */
enum qcow2_kind {
	QCOW2_UNALLOCATED,
	QCOW2_ZERO_PLAIN,
	QCOW2_ZERO_ALLOC,
	QCOW2_NORMAL,
	QCOW2_COMPRESSED
};

/* A run of guest bytes of one kind. */
struct qcow2_run {
	enum qcow2_kind kind;
	uint64_t len;      /* bytes from the offset asked for */
	bool has_host;     /* always for NORMAL and ZERO_ALLOC; UNALLOCATED subclusters may */
	uint64_t host;     /* file offset of the first byte, if has_host */
	bool copied;       /* the clusters are ours alone: may be written in place */
	uint64_t comp_off; /* COMPRESSED: first byte in the file ... */
	uint32_t comp_len; /* ... and bytes to read at most; the run is one cluster */
};

/* Pure: one L2 entry (@entry, and @bitmap of subclusters or 0) of guest subcluster @sc
 * (0 without subclusters) as kind and place.  -EUCLEAN with a message. */
int qcow2_entry_decode(const struct qcow2 *s, uint64_t entry, uint64_t bitmap, unsigned sc,
		       struct qcow2_run *out, struct err *e) MUST_CHECK;
uint64_t qcow2_compressed_entry(const struct qcow2 *s, uint64_t off, uint32_t len);

/* The run at @off, at most @max bytes.  Under lock. */
int qcow2_lookup(struct qcow2 *s, uint64_t off, uint64_t max, struct qcow2_run *out,
		 struct err *e) MUST_CHECK;
/* The same for what will be written to: bad entries are reported in other words. */
int qcow2_lookup_target(struct qcow2 *s, uint64_t off, uint64_t max, struct qcow2_run *out,
			struct err *e) MUST_CHECK;
/* The slice of the L2 table that maps guest offset @off (its entry is qcow2_slice_index()),
 * ready to be changed: the table is allocated if there is none, copied if it is shared
 * with a snapshot.  Pinned by the caller if it needs it across another get.  Under lock. */
int qcow2_l2_for_write(struct qcow2 *s, uint64_t off, uint8_t **table, struct err *e)
	MUST_CHECK;
/* Entry @i of an L2 table or slice. */
uint64_t qcow2_l2_entry(const struct qcow2 *s, const uint8_t *table, uint64_t i);
uint64_t qcow2_l2_bitmap(const struct qcow2 *s, const uint8_t *table, uint64_t i);
void qcow2_l2_set(const struct qcow2 *s, uint8_t *table, uint64_t i, uint64_t entry,
		  uint64_t bitmap);
/* Releases (later) what entry @entry refers to. Under lock. */
int qcow2_free_entry(struct qcow2 *s, uint64_t entry, struct err *e) MUST_CHECK;

/* ---- qcow2_read.c, qcow2_write.c, qcow2_zero.c, qcow2_compress.c: blk_ops ---- */
int qcow2_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e) MUST_CHECK;
/* The same with io already held. */
int qcow2_read_locked(struct qcow2 *s, void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;
int qcow2_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;
int qcow2_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
		bool reflink_only, struct err *e) MUST_CHECK;
int qcow2_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
	MUST_CHECK;
int qcow2_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
int qcow2_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		 struct err *e) MUST_CHECK;
int qcow2_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			    const struct blk_turn *turn, struct err *e) MUST_CHECK;
/* @len bytes from @skip of the cluster that @run, a compressed one, describes. */
int qcow2_read_compressed(struct qcow2 *s, const struct qcow2_run *run, uint64_t skip,
			  void *buf, size_t len, struct err *e) MUST_CHECK;
/* At close, after the last I/O. */
void qcow2_memory_free(struct qcow2 *s);
/* Guest clusters [off, off+len) get clusters but keep their contents (zero if
 * they had none): preallocation.  Sets L2 entries; io held exclusively, lock not held.
 * Progress is in guest bytes.  The caller flushes, and undoes it on failure. */
int qcow2_preallocate(struct qcow2 *s, uint64_t off, uint64_t len, enum blk_prealloc p,
		      const struct blk_watch *w, struct err *e) MUST_CHECK;

/* ---- qcow2_snapshot.c, qcow2_snaptab.c ---- */
/* Reads the table that the header names.  With BLK_CHECK it is left alone: a damaged table
 * must not keep an image from being checked, and qcow2_check() reads it itself. */
int qcow2_snapshots_load(struct qcow2 *s, struct err *e) MUST_CHECK;
void qcow2_snapshots_free(struct qcow2_snapshot *v, uint32_t n);
int qcow2_snapshot_list(struct blk *b, struct img_snapshot **v, size_t *n, struct err *e)
	MUST_CHECK;
int qcow2_snapshot(struct blk *b, enum img_snapshot_verb verb, const char *name,
		   struct progress *p, struct err *e) MUST_CHECK;
int qcow2_snapshot_load(struct blk *b, const char *name, struct err *e) MUST_CHECK;

/* ---- qcow2_bitmap.c ---- */
int qcow2_bitmaps_list(struct qcow2 *s, struct img_bitmap **v, size_t *n, struct err *e)
	MUST_CHECK;
/* Records that guest bytes [off, off+len) changed, in every automatic bitmap.
 * The first call marks them in use in the file.  Under lock. */
int qcow2_bitmaps_touch(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/* img_format.bitmap: in qcow2_bitmap_edit.c. */
int qcow2_bitmap_edit(struct blk *b, const struct img_bitmap_op *ops, size_t n, size_t *failed,
		      struct err *e) MUST_CHECK;
/* Writes changed bitmaps back and clears in-use.  At close. */
int qcow2_bitmaps_store(struct qcow2 *s, struct err *e) MUST_CHECK;
void qcow2_bitmaps_free(struct qcow2 *s);

/* ---- qcow2_check.c, qcow2_repair.c ---- */
int qcow2_check(struct blk *b, struct img_check *c, struct err *e) MUST_CHECK;

/* ---- qcow2_create.c, qcow2_resize.c, qcow2_amend.c, qcow2_measure.c, qcow2_info.c ---- */
int qcow2_create(struct blk *file, struct blk *data, const struct img_create *c,
		 struct progress *p, struct err *e) MUST_CHECK;
int qcow2_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
		 struct err *e) MUST_CHECK;
int qcow2_amend(struct blk *b, struct optset *set, bool force, struct progress *p,
		struct err *e) MUST_CHECK;
int qcow2_measure(const struct img_create *c, struct blk *src, struct img_measure *out,
		  struct err *e) MUST_CHECK;
int qcow2_info(struct blk *b, struct img_info *out, struct err *e) MUST_CHECK;
int qcow2_set_backing(struct blk *b, const char *file, const char *fmt, struct err *e)
	MUST_CHECK;
int qcow2_make_empty(struct blk *b, struct err *e) MUST_CHECK;
uint64_t qcow2_empty_unit(struct blk *b);
int qcow2_empty_part(struct blk *b, uint64_t off, uint64_t end, struct err *e) MUST_CHECK;
extern const struct img_create_opt qcow2_create_opts[], qcow2_amend_opts[];

#endif
