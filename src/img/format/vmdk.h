/* SPDX-License-Identifier: MIT */
/*
 * VMDK images: a disk in one or more extents, each flat or sparse.
 *
 * A sparse extent has a grain directory, held in memory, of grain tables, of which some are
 * cached; their entries say where grains lie.  New grains are appended to the extent's file and
 * entered in the cached table; a flush syncs them before it writes the tables, so a crash
 * leaves unused grains at worst.  A stream (vmdk_stream.c) is the exception: what it holds can be
 * found when it is closed.
 *
 * Threads: `lock` protects all of struct vmdk but what open has set for good; it is held while
 * grains are allocated and dropped around the I/O of those that are there.
 */
#ifndef IMG_FORMAT_VMDK_H
#define IMG_FORMAT_VMDK_H

#include "img/format/vmdk_desc.h"
#include "img/format/vmdk_header.h"
#include "img/img.h"

extern const struct img_format img_format_vmdk;

enum vmdk_kind { VMDK_FLAT, VMDK_HOSTED, VMDK_COW, VMDK_SE };

/* One cached grain table. */
struct vmdk_gt {
	uint64_t index; /* in the directory */
	bool valid, dirty;
	uint8_t *data;
};

struct vmdk_stream;
struct codec_pool;

struct vmdk_extent {
	enum vmdk_kind kind;
	const struct vmdk_desc_extent *desc; /* NULL: the image's own file */
	struct blk *file;                    /* NULL: not opened (BLK_NOIO) */
	uint64_t start, size;                /* on the disk */
	uint64_t flat_off;                   /* in the file */

	/* sparse ones; bytes where it does not say otherwise */
	struct vmdk_header h;
	uint64_t grain;
	uint32_t gt_bytes;
	uint8_t *gd, *rgd; /* as in the file; rgd may be NULL */
	uint64_t next;     /* where the next grain goes */
	struct vmdk_gt *cache;
	uint32_t cache_n;
	bool at_end;                /* the directory comes after the grains: a stream */
	struct vmdk_stream *stream; /* NULL: none is being written */
};

struct vmdk {
	struct blk blk; /* first */
	pthread_mutex_t lock;
	struct vmdk_desc desc;
	uint64_t desc_off; /* of the text in the child */
	uint64_t desc_room;
	char create_type[32];
	struct vmdk_extent *v;
	size_t n;
	bool cid_changed;         /* by us */
	uint32_t cid_opened;      /* what it was before */
	_Atomic bool cid_checked; /* that of the backing image is what it should be */
	bool compressed;          /* all that is written is */
	bool level_small;
	struct codec_pool *codecs;
	void *scratch; /* buffers nobody uses, each begins with the next one */
};

static inline struct vmdk *to_vmdk(struct blk *b)
{
	return (struct vmdk *)b;
}

/* ---- vmdk_open.c, vmdk_extents.c ---- */

int vmdk_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
	      struct err *e) MUST_CHECK;
int vmdk_close(struct blk *b, struct err *e);
/* Fills @x for the sparse extent in x->file; @want: its kind, or VMDK_FLAT for whatever it is. */
int vmdk_extent_sparse(struct vmdk *s, struct vmdk_extent *x, enum vmdk_kind want,
		       struct err *e) MUST_CHECK;
/* Opens the extents of s->desc. */
int vmdk_extents_open(struct vmdk *s, struct err *e) MUST_CHECK;
void vmdk_extent_free(struct vmdk *s, struct vmdk_extent *x, int *r, struct err *e);
/* NULL: the file of the image may be written; else why not. */
const char *vmdk_why_readonly(const struct vmdk *s);

/* ---- vmdk_map.c; under lock ---- */

enum vmdk_state { VMDK_UNALLOCATED, VMDK_ZERO, VMDK_DATA, VMDK_PACKED };

/* A run of grains of one kind, as much of it as is asked for. */
struct vmdk_run {
	enum vmdk_state state;
	uint64_t len;
	uint64_t host;  /* DATA: of the first byte; PACKED: of the grain, len is of one grain */
	uint64_t limit; /* PACKED: bytes up to the next grain in the file, or 0 */
};

struct vmdk_extent *vmdk_extent_at(struct vmdk *s, uint64_t off);
/* @off is within the extent; len at least 1. */
int vmdk_lookup(struct vmdk *s, struct vmdk_extent *x, uint64_t off, uint64_t len,
		struct vmdk_run *run, struct err *e) MUST_CHECK;
/* Enters grain @g, which lies at the sector @sector.  The table is there or is made. */
int vmdk_enter(struct vmdk *s, struct vmdk_extent *x, uint64_t g, uint32_t sector,
	       struct err *e) MUST_CHECK;
/* Syncs what tables point to, then writes the tables. */
int vmdk_write_tables(struct vmdk *s, struct vmdk_extent *x, struct err *e) MUST_CHECK;

/* ---- vmdk_read.c ---- */

int vmdk_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e) MUST_CHECK;
int vmdk_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		struct err *e) MUST_CHECK;
/* What the backing image has, or zeroes. */
int vmdk_read_below(struct vmdk *s, void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;

/* ---- vmdk_write.c ---- */

int vmdk_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;
int vmdk_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
	MUST_CHECK;
int vmdk_flush(struct blk *b, struct err *e) MUST_CHECK;
/* Writes @v in place of the @len digits at @at of the descriptor.  Under lock. */
int vmdk_write_cid(struct vmdk *s, size_t at, size_t len, uint32_t v, struct err *e) MUST_CHECK;
/* The content ID is another one as soon as something is written.  Under lock. */
int vmdk_change_cid(struct vmdk *s, struct err *e) MUST_CHECK;

/* ---- vmdk_stream.c ---- */

int vmdk_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			   const struct blk_turn *turn, struct err *e) MUST_CHECK;
/* Writes tables, footer and end of a stream that was written to.  Under lock. */
int vmdk_stream_end(struct vmdk *s, struct vmdk_extent *x, struct err *e) MUST_CHECK;
void vmdk_stream_free(struct vmdk_extent *x);
/* Where the grain @g is that was written since the image was opened: sectors, or 0. */
uint32_t vmdk_stream_find(const struct vmdk_extent *x, uint64_t g);

/* ---- vmdk_create.c, vmdk_info.c, vmdk_empty.c, vmdk_check.c ---- */

extern const struct img_create_opt vmdk_create_opts[];
int vmdk_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *p, struct err *e) MUST_CHECK;
bool vmdk_many_files(const struct img_create *c);
uint32_t vmdk_random(void);
int vmdk_info(struct blk *b, struct img_info *out, struct err *e) MUST_CHECK;
/* Everything comes from the backing image from now on, as that is now. */
int vmdk_make_empty(struct blk *b, struct err *e) MUST_CHECK;
int vmdk_check(struct blk *b, struct img_check *c, struct err *e) MUST_CHECK;

#endif
