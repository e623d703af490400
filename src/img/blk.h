/* SPDX-License-Identifier: MIT */
/*
 * Block nodes.  A disk image is a stack of nodes: a format node (raw, qcow2)
 * over a protocol node (file), possibly with a data file beside it and a
 * backing image under it.  All speak the same bytes-at-an-offset language.
 *
 * Callers use blk_pread() and its kin, never the table: these check bounds and
 * rights, widen requests to the node's alignment, and fill in for operations
 * a node lacks (zeroes are written, discard does nothing, everything is data,
 * resize is -ENOTSUP).  Where a node's alignment is more than 1, a caller whose
 * buffers, offsets and lengths are multiples of it saves a copy.  Every function returns 0 or a negative errno and leaves one
 * sentence in @e.  All may be called from several threads at once on one node,
 * except blk_close and blk_resize; a node whose table says it is not parallel is
 * serialized by the core.
 */
#ifndef IMG_BLK_H
#define IMG_BLK_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blk;
struct img_format;
struct progress;
struct secret_set;

enum blk_open_flags {
	BLK_WRITE = 1 << 0,
	BLK_SHARE = 1 << 1,        /* take no lock that others could trip on (-U) */
	BLK_NOLOCK = 1 << 2,       /* no locks at all (locking=off) */
	BLK_DIRECT = 1 << 3,       /* O_DIRECT: cache=none, directsync */
	BLK_NOFLUSH = 1 << 4,      /* blk_flush does nothing: cache=unsafe */
	BLK_WRITETHROUGH = 1 << 5, /* flush after each write: writethrough, directsync */
	BLK_NOBACKING = 1 << 6,    /* do not open the backing image */
	BLK_NOIO = 1 << 7,         /* only headers will be read: no data file, no chain */
	BLK_CHECK = 1 << 8,        /* for check and repair: a dirty or corrupt image opens */
	BLK_UNMAP = 1 << 9,        /* discard reaches the file (discard=unmap) */
	BLK_AUTO_RDONLY =
		1 << 10,         /* with BLK_WRITE: falls back to read-only on -EACCES/-EROFS */
	BLK_FILL = 1 << 11,      /* a new file: what is written was never written before */
	BLK_DRY = 1 << 12,       /* with BLK_WRITE: what is written stays in memory */
	BLK_UNTRUSTED = 1 << 13, /* a hostile image, perhaps: what it names is not opened ... */
	BLK_CONFINED = 1 << 14,  /* ... but local files: the kernel says which */
};

/*
 * Lets several threads compress side by side and still lay out the result in one order:
 * wait() is called between compressing and choosing a place, perhaps several times, and
 * returns 0 when all that is to come before has its place.
 */
struct blk_turn {
	int (*wait)(const struct blk_turn *t, struct err *e);
};

/* Who waits for a long operation.  NULL: nobody, as are either of its parts. */
struct blk_watch {
	struct progress *progress;
	const atomic_bool *stop; /* becomes true: give up with -EINTR */
};

/* For blk_zero. */
enum blk_zero_flags {
	BLK_MAY_UNMAP = 1,   /* the range may become unallocated */
	BLK_NO_FALLBACK = 2, /* -ENOTSUP rather than writing zero bytes */
};

/* What holds the bytes of a range; see blk_extent(). */
enum blk_extent_flags {
	BLK_EXT_DATA = 1,      /* bytes are stored in this node's file */
	BLK_EXT_ZERO = 2,      /* reads as zeroes */
	BLK_EXT_ALLOCATED = 4, /* decided by this node, not by its backing image */
	BLK_EXT_OFFSET = 8,    /* file and host_off are valid: plain bytes lie there */
	BLK_EXT_COMPRESSED = 16,
	BLK_EXT_RECURSE = 32, /* DATA, but the file below may know it is zero (preallocation) */
};

struct blk_extent {
	uint64_t len; /* at least 1 byte from the offset asked for */
	unsigned flags;
	struct blk *file; /* node that holds the bytes; a child of the one asked */
	uint64_t host_off;
};

enum blk_prealloc { PREALLOC_OFF, PREALLOC_METADATA, PREALLOC_FALLOC, PREALLOC_FULL };

/* Where the library says what a person should know while it goes on working
 * ("Marking image as corrupt: ...").  May be NULL. */
struct blk_log {
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/* The data path of one open node; the same for formats and protocols.  Offsets
 * and lengths that arrive here lie within blk.size (rounded up to blk.align) and
 * are multiples of blk.align, as are the addresses of buffers; len is never 0.
 * Extent is asked at any byte. */
struct blk_ops {
	const char *name; /* "qcow2", "raw", "file", "host_device" */
	bool parallel;    /* several threads may call in at once; else the core serializes */
	int (*pread)(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e);
	int (*pwrite)(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e);
	/* Whole clusters (the last may be cut by the end of the image), one
	 * or more.  A cluster that does not shrink is stored plain. */
	int (*pwrite_compressed)(struct blk *b, const void *buf, size_t len, uint64_t off,
				 const struct blk_turn *turn, struct err *e);
	int (*zero)(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e);
	int (*discard)(struct blk *b, uint64_t off, uint64_t len, struct err *e);
	/* @max is how far the caller looks at most: no need to search further. */
	int (*extent)(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		      struct err *e);
	/* Makes [off, off+len) share or hold the bytes of @src (a protocol node)
	 * at @src_off without passing them through user space.  @reflink_only:
	 * blocks are shared or -EOPNOTSUPP.  NULL or -EOPNOTSUPP: read and write. */
	int (*clone)(struct blk *b, uint64_t off, uint64_t len, struct blk *src,
		     uint64_t src_off, bool reflink_only, struct err *e);
	int (*resize)(struct blk *b, uint64_t size, enum blk_prealloc p,
		      const struct blk_watch *w, struct err *e);
	int (*flush)(struct blk *b, struct err *e);
	/* Frees the node (not its children: blk_close does) whatever it returns. */
	int (*close)(struct blk *b, struct err *e);
};

struct blk {
	const struct blk_ops *ops;
	const struct img_format *format; /* NULL for a protocol */
	struct blk *child;     /* where our metadata and bytes are; NULL for a protocol */
	struct blk *data;      /* external data file, or NULL: bytes are in child */
	struct blk *backing;   /* where unallocated bytes come from; may be NULL */
	char *filename;        /* as given to open; owned */
	_Atomic uint64_t size; /* bytes */
	uint32_t align;        /* power of two; requests reaching ops are multiples */
	uint32_t cluster_size; /* allocation unit, 0 if there is none */
	unsigned flags;        /* enum blk_open_flags as in force */
	/* A format's file: reads past the end give zeroes, writes past it enlarge it. */
	bool grows;
	/* A device: the size stays as it is, and writes past it are -ENOSPC. */
	bool fixed;
	/* The format takes nothing but whole compressed clusters. */
	bool compressed_only;
	bool probed; /* nobody said the format: it was found out */
	const struct blk_log *log;
	const char
		*key_opt; /* the option that named the secret it is unlocked with, a constant */
	char *key_id;     /* and that secret; owned, NULL: not encrypted */
	const struct secret_set *secrets; /* given at open; not owned, NULL: none */
	pthread_mutex_t serial;           /* held around ops of a node that is not parallel */
};

/* Sets up the fields above; @filename is copied.  For formats and protocols. */
int blk_init(struct blk *b, const struct blk_ops *ops, const char *filename, unsigned flags,
	     struct err *e) MUST_CHECK;
/* Frees what blk_init took. */
void blk_fini(struct blk *b);

/* Bytes past the end of the image are -EINVAL.  But a node that grows (a format's file) reads
 * them as zeroes, and pwrite, zero and clone past its end move blk.size up to theirs; what
 * lies between reads as zeroes.  So a format need not resize its child to allocate. */
int blk_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e) MUST_CHECK;
/* -EPERM if the node was not opened with BLK_WRITE. */
int blk_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;
/* -ENOTSUP where the format cannot compress.  @turn: NULL if the order does not matter. */
int blk_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			  const struct blk_turn *turn, struct err *e) MUST_CHECK;
/* BLK_MAY_UNMAP counts only on a node opened with BLK_UNMAP. */
int blk_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
	MUST_CHECK;
/* Reads of the range may give anything after, zeroes at best.  Does nothing
 * without BLK_UNMAP. */
int blk_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/*
 * What this node alone says about [off, off + max): the first run of equal
 * kind.  out->len never exceeds @max nor the node's end.  Unallocated runs have
 * no flag but, where the node has no backing image, ZERO (and OFFSET with the place
 * kept for them, if there is one).  RECURSE never comes
 * back: the file below was asked, and ZERO stands beside DATA if it said so.
 */
int blk_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out, struct err *e)
	MUST_CHECK;
/*
 * The same through the backing chain, down to but not into @base (NULL: all):
 * *depth is how many images down the answer came from (may be NULL).  What lies
 * past the end of a shorter backing image is ZERO of the image above it.  No flags:
 * nothing above @base decides, and *depth is that of @base.
 */
int blk_extent_above(struct blk *b, const struct blk *base, uint64_t off, uint64_t max,
		     struct blk_extent *out, unsigned *depth, struct err *e) MUST_CHECK;
/* -EOPNOTSUPP: not here; nothing was changed, read and write instead. */
int blk_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
	      bool reflink_only, struct err *e) MUST_CHECK;
/* New bytes read as zeroes, also where a longer backing image has others. */
int blk_resize(struct blk *b, uint64_t size, enum blk_prealloc p, struct err *e) MUST_CHECK;
/* The same.  Preallocation sets the total and counts the bytes it has readied; when told to
 * stop it takes back what it did, as it does on failure. */
int blk_resize_watched(struct blk *b, uint64_t size, enum blk_prealloc p,
		       const struct blk_watch *w, struct err *e) MUST_CHECK;
/* For nodes: the whole work in bytes, and a step of it.  -EINTR: stop. */
void blk_watch_total(const struct blk_watch *w, uint64_t bytes);
int blk_watch_step(const struct blk_watch *w, uint64_t bytes, struct err *e) MUST_CHECK;
/* All writes that returned before are on stable storage after.  With BLK_NOFLUSH
 * they have only left the node: a format writes out what it holds back. */
int blk_flush(struct blk *b, struct err *e) MUST_CHECK;
/*
 * Flushes (unless BLK_NOFLUSH), closes the node, its children and its backing chain.
 * Frees all of it even when it fails; the error is that of the first failure.
 * NULL is fine.
 */
int blk_close(struct blk *b, struct err *e);
void blk_closep(struct blk **b);
#define AUTO_BLK CLEANUP(blk_closep)

void blk_warn(const struct blk *b, const char *fmt, ...) PRINTF(2, 3);

#endif
