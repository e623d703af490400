/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "img/format/vpc.h"

#include <time.h>

enum { SECTOR = 512, BLOCK = 2 << 20, MAP_AT = VPC_FOOTER + VPC_HEADER, PIECE = 64 << 10 };

/* Seconds from 1970 to 2000, where the time in footers begins. */
#define EPOCH 946684800

struct plan {
	uint32_t type;
	bool exact;
	uint64_t size;
	struct vpc_geometry g;
};

static void seal(uint8_t *p, size_t len, size_t at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	store_be32(p + at, ~sum);
}

static int parse(struct plan *n, const struct img_create *c, struct err *e)
{
	static const char *const words[] = { "dynamic", "fixed", NULL };
	unsigned fixed = 0;
	int r = img_create_word(c->own, "subformat", "subformat", words, &fixed, e);

	if (r == 0)
		r = img_create_bool(c->own, "force_size", &n->exact, e);
	n->type = fixed ? VPC_FIXED : VPC_DYNAMIC;
	return r;
}

/* Virtual PC takes the size from the geometry, so it is rounded up to the next that has one. */
static int choose_size(struct plan *n, uint64_t size, struct err *e)
{
	uint64_t want = div_up(size, SECTOR), chs = 0;

	if (n->exact) {
		n->g = (struct vpc_geometry){ 65535, 16, 255 };
		chs = VPC_CHS_MAX;
	}
	for (uint64_t i = 0; !n->exact && min_u64(want, VPC_CHS_MAX) > chs; i++) {
		n->g = vpc_geometry(want + i);
		chs = (uint64_t)n->g.cylinders * n->g.heads * n->g.sectors;
	}
	if (chs != VPC_CHS_MAX)
		want = chs;
	else if (want > VPC_SECTORS_MAX)
		return err_set(e, -EFBIG, "VPC images have at most %llu bytes",
			       (unsigned long long)VPC_SECTORS_MAX * SECTOR);
	n->size = want * SECTOR;
	return 0;
}

static int build_footer(const struct plan *n, uint8_t *p, struct err *e)
{
	int r;

	memset(p, 0, VPC_FOOTER);
	memcpy(p, "conectix", 8);
	store_be32(p + 8, 2); /* reserved, always set */
	store_be32(p + 12, 0x00010000);
	store_be64(p + 16, n->type == VPC_DYNAMIC ? VPC_FOOTER : UINT64_MAX);
	store_be32(p + 24, (uint32_t)(time(NULL) - EPOCH));
	memcpy(p + 28, n->exact ? "qem2" : "qemu", 4); /* which says where the size is */
	store_be16(p + 32, 5);
	store_be16(p + 34, 3);
	memcpy(p + 36, "Wi2k", 4);
	store_be64(p + 40, n->size);
	store_be64(p + 48, n->size);
	store_be16(p + 56, n->g.cylinders);
	p[58] = n->g.heads;
	p[59] = n->g.sectors;
	store_be32(p + 60, n->type);
	r = random_uuid(p + 68, e);
	seal(p, VPC_FOOTER, 64);
	return r;
}

static void build_header(uint32_t entries, uint8_t *p)
{
	memset(p, 0, VPC_HEADER);
	memcpy(p, "cxsparse", 8);
	store_be64(p + 8, UINT64_MAX);
	store_be64(p + 16, MAP_AT);
	store_be32(p + 24, 0x00010000);
	store_be32(p + 28, entries);
	store_be32(p + 32, BLOCK);
	seal(p, VPC_HEADER, 36);
}

/* All but the footer's copy at the start, which makes it an image. */
static int write_dynamic(struct blk *file, uint32_t entries, const uint8_t *footer,
			 struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(1, PIECE, e);
	uint64_t off = MAP_AT, end = MAP_AT + round_up((uint64_t)entries * 4, SECTOR);
	int r;

	if (!buf)
		return -ENOMEM;
	build_header(entries, buf);
	r = blk_pwrite(file, buf, VPC_HEADER, VPC_FOOTER, e);
	memset(buf, 0xff, PIECE);
	for (; r == 0 && off < end; off += PIECE)
		r = blk_pwrite(file, buf, min_u64(end - off, PIECE), off, e);
	return r < 0 ? r : blk_pwrite(file, footer, VPC_FOOTER, end, e);
}

int vpc_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e)
{
	struct plan n = { 0 };
	uint8_t footer[VPC_FOOTER];
	int r = parse(&n, c, e);

	if (r == 0)
		r = choose_size(&n, c->size, e);
	if (r == 0)
		r = build_footer(&n, footer, e);
	if (r < 0)
		return r;
	if (file->size) /* a device: what it holds at its start is not ours */
		r = blk_zero(file, 0, min_u64(file->size, VPC_FOOTER), 0, e);
	if (r == 0 && n.type == VPC_FIXED && file->fixed)
		return err_set(e, -ENOTSUP,
			       "a fixed VPC image cannot be made on a device: its footer is "
			       "found by the end of a file");
	if (r == 0 && n.type == VPC_FIXED)
		return blk_pwrite(file, footer, VPC_FOOTER, n.size, e);
	if (r == 0)
		r = write_dynamic(file, (uint32_t)div_up(n.size, BLOCK), footer, e);
	if (r == 0)
		r = blk_flush(file, e);
	return r < 0 ? r : blk_pwrite(file, footer, VPC_FOOTER, 0, e);
}
