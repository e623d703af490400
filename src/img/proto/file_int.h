/* SPDX-License-Identifier: MIT */
/* The file node as its own files see it. */
#ifndef IMG_PROTO_FILE_INT_H
#define IMG_PROTO_FILE_INT_H

#include "img/proto/file.h"

#include <stdatomic.h>
#include <sys/ioctl.h>

/* As in <linux/fs.h>, which is not there with musl alone. */
#define DEV_SECTOR_SIZE _IO(0x12, 104)
#define DEV_DISCARD     _IO(0x12, 119)
#define DEV_ZEROOUT     _IO(0x12, 127)

enum { FILE_EXTENTS = 8 };

/* An answer of the file system about one run, kept because asking means two system
 * calls and a walk through its extents. */
struct file_extent {
	uint64_t off, len; /* len 0: unused */
	bool data;
};

struct file {
	struct blk blk; /* first */
	int fd;
	bool device;
	uint32_t sector;       /* device: logical block size */
	unsigned held, denied; /* lock bits in force, see file_lock.c */
	_Atomic bool dirty;    /* something was written since the last sync began */
	/* Held while syncing: who finds nothing dirty may not return before those who
	 * are still at it. */
	pthread_mutex_t sync_lock;
	_Atomic bool starting;      /* somebody is at file_writeback */
	_Atomic bool no_zero_range; /* the file system said so once: not asked again */
	_Atomic bool no_punch;
	_Atomic bool fill; /* large writes to new places allocate their blocks first */
	pthread_mutex_t extents_lock;
	struct file_extent extents[FILE_EXTENTS];
	unsigned extents_next;
};

static inline struct file *to_file(struct blk *b)
{
	return (struct file *)b;
}

extern const struct blk_ops file_ops, file_device_ops;

/* Before opening: names in image headers may lead anywhere, and merely opening some
 * devices (a watchdog, a tape) or pipes does something.  What is not there passes. */
int file_check_kind(const char *path, struct err *e) MUST_CHECK;

/* The node reaches at least to @end now; any thread. */
void file_grown(struct file *f, uint64_t end);

/* file_space.c: the ops of these names */
int file_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e);
int file_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e);
int file_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		struct err *e);
int file_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
	       bool reflink_only, struct err *e);
int file_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
		struct err *e);

/* file_fill.c: whether a file system gains by it; what comes before a write */
bool file_fill_pays(int fd);
void file_fill(struct file *f, uint64_t off, uint64_t len);

/* file_lock.c: also for a plain descriptor.  @may and @deny are sets of 1 << bit. */
enum { FILE_L_READ = 1, FILE_L_WRITE = 2, FILE_L_RESIZE = 8 };
int file_lock_take(int fd, const char *path, unsigned may, unsigned deny, struct err *e)
	MUST_CHECK;

#endif
