/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a file that is being filled or gets longer.  ext4 accounts for a write into a hole block by
 * block, for 4 KiB each, which takes longer than copying the bytes; one call that
 * allocates the whole run first makes the same write cost a third less.  The file is laid out
 * as it would be otherwise, and holes stay holes: only what is written next is
 * allocated.  Other file systems do by themselves what this does for ext4, or compress
 * and share less where space was reserved.
 */
#include "base/io.h"
#include "img/proto/file_int.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/vfs.h>

enum {
	EXT4_MAGIC = 0xef53,
	FILL_MIN = 128 << 10, /* below it the call costs what it saves */
};

bool file_fill_pays(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && st.f_type == EXT4_MAGIC;
}

void file_fill(struct file *f, uint64_t off, uint64_t len)
{
	bool fresh = f->blk.flags & BLK_FILL || off >= f->blk.size;

	if (!f->fill || !fresh || len < FILL_MIN)
		return;
	/* Not supported (files without extents), or no space: the write will tell. */
	if (io_fallocate(f->fd, FALLOC_FL_KEEP_SIZE, off, len, NULL) < 0)
		f->fill = false;
}
