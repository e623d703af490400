/* SPDX-License-Identifier: MIT */
#include "emu/dev/feed.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>

void feed_start(struct feed *f)
{
	f->moved = 0;
	f->sg.n = 0;
	f->sg.len = 0;
	sg_start(&f->at, &f->sg);
}

void feed_fini(struct feed *f)
{
	free(f->bounce);
	f->bounce = NULL;
}

/* Pieces to go on with; how many bytes they are is in f->sg.len. */
static int more(struct feed *f, bool write)
{
	int64_t n;

	if (f->sg.len)
		return 0;
	f->sg.n = 0;
	n = f->next(f, &f->sg, write);
	sg_start(&f->at, &f->sg);
	return n < 0 ? (int)n : n == 0 ? -EINVAL : 0;
}

int feed_disk(struct feed *f, struct disk *d, uint64_t off, uint64_t len, bool read)
{
	while (len) {
		struct sg_cursor start;
		size_t n;
		int r = more(f, read);

		if (r < 0)
			return r;
		n = (size_t)min_u64(len, f->sg.len);
		start = f->at;
		do {
			f->at = start;
			r = d->image ? sg_transfer(&f->at, f->mem, d->image, off, n, read,
						   &f->bounce)
				     : -ENOMEDIUM;
		} while (disk_again(d, &r, !read));
		if (r < 0)
			return r;
		f->sg.len -= n;
		f->moved += n;
		off += n;
		len -= n;
	}
	return 0;
}

int feed_buf(struct feed *f, void *buf, size_t len, bool to_guest)
{
	uint8_t *p = buf;

	while (len) {
		size_t n;
		int r = more(f, to_guest);

		if (r < 0)
			return r;
		n = (size_t)min_u64(len, f->sg.len);
		sg_copy(&f->at, f->mem, p, n, to_guest);
		f->sg.len -= n;
		f->moved += n;
		p += n;
		len -= n;
	}
	return 0;
}
