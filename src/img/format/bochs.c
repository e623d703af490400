/* SPDX-License-Identifier: MIT */
#include "img/format/bochs.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>

struct bochs {
	struct blk blk; /* first */
	struct bochs_header h;
	uint8_t *catalog; /* as in the file, constant once loaded; NULL: BLK_NOIO */
};

static struct bochs *to_bochs(struct blk *b)
{
	return (struct bochs *)b;
}

/* Where the bitmap of extent @n lies, or UINT64_MAX.  The largest sum is below 2^58. */
static uint64_t place(const struct bochs *s, uint64_t n)
{
	uint32_t at = load_le32(s->catalog + n * 4);
	uint64_t data = s->h.catalog_off + (uint64_t)s->h.catalog * 4;

	return at == BOCHS_FREE ? UINT64_MAX
				: data + at * ((uint64_t)s->h.bitmap + s->h.extent);
}

static bool has(const uint8_t *bits, uint64_t n)
{
	return bits[n / 8] >> n % 8 & 1;
}

/*
 * The first run of sectors of one kind at @off, at most @max bytes and within one extent.
 * Returns 1 and *host if they are stored, 0 if they read as zeroes.
 */
static int run(struct bochs *s, uint64_t off, uint64_t max, uint64_t *len, uint64_t *host,
	       struct err *e)
{
	uint64_t n = off / s->h.extent, in = off % s->h.extent, bitmap = place(s, n);
	uint64_t first = in / BOCHS_SECTOR, end, i;
	uint8_t bits[BOCHS_BITMAP_MAX];
	bool there;
	int r;

	*len = min_u64(max, s->h.extent - in);
	*host = 0;
	if (bitmap == UINT64_MAX)
		return 0;
	end = div_up(in + *len, BOCHS_SECTOR);
	r = blk_pread(s->blk.child, bits, (size_t)div_up(end, 8), bitmap, e);
	if (r < 0)
		return err_wrap(e, r, "reading the bitmap of extent %llu",
				(unsigned long long)n);
	there = has(bits, first);
	for (i = first + 1; i < end && has(bits, i) == there; i++)
		;
	*len = min_u64(*len, i * BOCHS_SECTOR - in);
	*host = bitmap + s->h.bitmap + in;
	return there;
}

static int bochs_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	uint8_t *p = buf;

	while (len) {
		uint64_t n, host;
		int r = run(to_bochs(b), off, len, &n, &host, e);

		if (r > 0)
			r = blk_pread(b->child, p, n, host, e);
		else if (r == 0)
			memset(p, 0, n);
		if (r < 0)
			return r;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int bochs_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
			struct err *e)
{
	int r = run(to_bochs(b), off, max, &out->len, &out->host_off, e);

	if (r < 0)
		return r;
	out->file = b->child;
	out->flags = r ? BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET
		       : BLK_EXT_ZERO | BLK_EXT_ALLOCATED;
	return 0;
}

static int bochs_close(struct blk *b, struct err *e)
{
	free(to_bochs(b)->catalog);
	blk_fini(b);
	free(b);
	return 0;
}

static const struct blk_ops bochs_ops = {
	.name = "bochs",
	.parallel = true,
	.pread = bochs_pread,
	.extent = bochs_extent,
	.close = bochs_close,
};

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	return len >= BOCHS_HEADER && bochs_is_growing(head) ? 100 : 0;
}

static int load(struct bochs *s, struct err *e)
{
	uint8_t head[BOCHS_HEADER];
	struct blk *file = s->blk.child;
	uint64_t bytes;
	int r = blk_pread(file, head, sizeof(head), 0, e);

	if (r < 0)
		return err_wrap(e, r, "reading the image header");
	r = bochs_header_parse(&s->h, head, s->blk.filename, e);
	if (r < 0)
		return r;
	s->blk.size = s->h.size;
	bytes = (uint64_t)s->h.catalog * 4;
	if (s->h.catalog_off + bytes > file->size)
		return err_set(e, -EUCLEAN,
			       "%s: the catalog of %u entries at offset %u lies past the end "
			       "of the file at %llu",
			       s->blk.filename, s->h.catalog, s->h.catalog_off,
			       (unsigned long long)file->size);
	if (s->blk.flags & BLK_NOIO || !bytes)
		return 0;
	s->catalog = mem_zalloc((size_t)bytes, 1, e);
	if (!s->catalog)
		return -ENOMEM;
	r = blk_pread(file, s->catalog, (size_t)bytes, s->h.catalog_off, e);
	return r < 0 ? err_wrap(e, r, "reading the catalog") : 0;
}

static int bochs_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		      struct err *e)
{
	struct bochs *s;
	int r;

	if (flags & BLK_WRITE && !(flags & BLK_AUTO_RDONLY))
		return err_set(e, -EACCES, "Image is read-only");
	s = mem_zalloc(1, sizeof(*s), e);
	if (!s)
		return -ENOMEM;
	r = blk_init(&s->blk, &bochs_ops, file->filename, flags & ~(unsigned)BLK_WRITE, e);
	if (r < 0) {
		free(s);
		return r;
	}
	s->blk.child = file;
	s->blk.log = file->log;
	s->blk.format = &img_format_bochs;
	r = load(s, e);
	if (r < 0) {
		(void)bochs_close(&s->blk, NULL);
		return r;
	}
	*out = &s->blk;
	return 0;
}

static int bochs_info(struct blk *b, struct img_info *out, struct err *e)
{
	out->format = "bochs";
	out->virtual_size = b->size;
	out->no_flags = true;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

const struct img_format img_format_bochs = {
	.name = "bochs",
	.probe = probe,
	.open = bochs_open,
	.info = bochs_info,
};
