/* SPDX-License-Identifier: MIT */
#include "emu/sg.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/disk_filter.h"
#include "emu/mem.h"
#include "img/blk.h"

#include <string.h>

/* Pieces from this size on go to the image by themselves. */
#define DIRECT_FROM 65536u

int64_t sg_add(struct sg *s, const struct mem *m, uint64_t gpa, uint64_t len, bool write)
{
	uint64_t done = 0;

	while (done < len) {
		struct mem_slot slot;
		struct sg_seg *last = s->n ? &s->seg[s->n - 1] : NULL;
		uint64_t take;
		uint8_t *host;

		if (!mem_slot_at(m, gpa, &slot) || (write && !slot.writable))
			return -EFAULT;
		host = slot.host + (gpa - slot.gpa);
		take = min_u64(len - done, slot.size - (gpa - slot.gpa));
		/* neighbours become one */
		if (last && last->host + last->len == host && last->gpa + last->len == gpa) {
			last->len += take;
		} else {
			if (s->n == SG_MAX)
				break;
			s->seg[s->n++] = (struct sg_seg){ host, gpa, (size_t)take };
		}
		gpa += take;
		done += take;
		s->len += take;
	}
	return (int64_t)done;
}

static void forward(struct sg_cursor *c, size_t n)
{
	c->skip += n;
	if (c->skip == c->seg->len) {
		c->seg++;
		c->n--;
		c->skip = 0;
	}
}

/* As sg_copy(); with @small it ends before a piece that is large enough to go alone. */
static size_t copy(struct sg_cursor *c, struct mem *m, uint8_t *buf, size_t max, bool to_guest,
		   bool small)
{
	size_t done = 0;

	while (done < max && c->n) {
		size_t n = c->seg->len - c->skip;

		if (small && n >= DIRECT_FROM && done)
			break;
		n = n < max - done ? n : max - done;
		if (to_guest) {
			memcpy(c->seg->host + c->skip, buf + done, n);
			mem_written(m, c->seg->gpa + c->skip, n);
		} else {
			memcpy(buf + done, c->seg->host + c->skip, n);
		}
		done += n;
		forward(c, n);
	}
	return done;
}

size_t sg_copy(struct sg_cursor *c, struct mem *m, void *buf, size_t len, bool to_guest)
{
	return copy(c, m, buf, len, to_guest, false);
}

/* How much the next copy() of small pieces will move. */
static size_t gathers(const struct sg_cursor *c, size_t max)
{
	size_t done = 0, skip = c->skip;

	for (unsigned i = 0; i < c->n && done < max; i++) {
		size_t n = c->seg[i].len - skip;

		if (n >= DIRECT_FROM && done)
			break;
		done += n < max - done ? n : max - done;
		skip = 0;
	}
	return done;
}

/* The first piece, or what is left of it, by itself. */
static int direct(struct sg_cursor *c, struct mem *m, struct blk *image, uint64_t off, size_t n,
		  bool read)
{
	uint8_t *p = c->seg->host + c->skip;
	int r = read ? blk_pread(image, p, n, off, NULL) : blk_pwrite(image, p, n, off, NULL);

	if (read)
		mem_written(m, c->seg->gpa + c->skip, n);
	forward(c, n);
	return r;
}

/* Nothing but zeroes in the next @len bytes. */
static bool all_zero(const struct sg_cursor *c, size_t len)
{
	size_t skip = c->skip;

	for (unsigned i = 0; i < c->n && len; i++) {
		size_t n = c->seg[i].len - skip;

		n = n < len ? n : len;
		if (!disk_all_zero(c->seg[i].host + skip, n))
			return false;
		len -= n;
		skip = 0;
	}
	return !len;
}

int sg_transfer(struct sg_cursor *c, struct mem *m, struct blk *image, uint64_t off, size_t len,
		bool read, uint8_t **bounce)
{
	int r = 0;

	if (!read && disk_finds_zeroes(image) && all_zero(c, len)) {
		for (size_t left = len; left;) {
			size_t n = c->seg->len - c->skip;

			n = n < left ? n : left;
			forward(c, n);
			left -= n;
		}
		return disk_write_zeroes(image, off, len, NULL);
	}
	while (len && r == 0) {
		size_t n = c->n ? c->seg->len - c->skip : 0;

		if (!n)
			return -EINVAL;
		if (n >= DIRECT_FROM || n >= len || c->n == 1) {
			n = n < len ? n : len;
			r = direct(c, m, image, off, n, read);
		} else {
			if (!*bounce)
				*bounce = mem_aligned(MEM_PAGE, SG_BOUNCE, NULL);
			if (!*bounce)
				return -ENOMEM;
			n = gathers(c, len < SG_BOUNCE ? len : SG_BOUNCE);
			if (!read)
				n = copy(c, m, *bounce, n, false, true);
			r = read ? blk_pread(image, *bounce, n, off, NULL)
				 : blk_pwrite(image, *bounce, n, off, NULL);
			if (read && r == 0)
				n = copy(c, m, *bounce, n, true, true);
		}
		off += n;
		len -= n;
	}
	return r;
}
