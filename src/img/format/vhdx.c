/* SPDX-License-Identifier: MIT */
#include "img/format/vhdx.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "img/proto/dry.h"
#include "img/proto/file.h"

#include <stdlib.h>

struct vhdx {
	struct bat bat; /* first */
	struct vhdx_header h;
	struct vhdx_regions r;
	struct vhdx_meta m;
	uint64_t ratio;
	struct blk *file; /* the one below, also where the log was replayed in memory */
	bool replayed;    /* the log was, into the file */
	unsigned current; /* header in force: 0 or 1 */
	uint8_t head[VHDX_SECTOR]; /* its bytes */
	pthread_mutex_t first;     /* of what follows */
	_Atomic bool marked;       /* the headers tell that the disk was changed */
};

static struct vhdx *to_vhdx(const struct bat *t)
{
	return (struct vhdx *)(uintptr_t)t;
}

static uint64_t index_of(const struct vhdx *v, uint64_t n)
{
	return n + n / v->ratio;
}

/* ---- headers ---- */

/* Both headers, one after the other, so that one of them is always whole. */
static int write_headers(struct vhdx *v, struct err *e)
{
	static const uint32_t at[] = { VHDX_HEADER1, VHDX_HEADER2 };
	struct blk *file = v->bat.blk.child;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		v->current ^= 1;
		store_le64(v->head + 8, ++v->h.sequence);
		store_le32(v->head + 4, vhdx_checksum(v->head, sizeof(v->head), 4));
		r = blk_pwrite(file, v->head, sizeof(v->head), at[v->current], e);
		if (r == 0)
			r = blk_flush(file, e);
	}
	return r;
}

/* Before the first change in a session, so that who keeps the parent of another image sees it. */
static int mark(struct vhdx *v, struct err *e)
{
	int r = 0;

	if (v->marked)
		return 0;
	pthread_mutex_lock(&v->first);
	if (!v->marked) {
		r = random_uuid(v->head + 16, e);
		if (r == 0)
			r = random_uuid(v->head + 32, e);
		if (r == 0)
			r = write_headers(v, e);
		v->marked = r == 0;
	}
	pthread_mutex_unlock(&v->first);
	return r;
}

/* ---- the table ---- */

static bool overlaps(uint64_t off, uint64_t len, uint64_t at, uint64_t size)
{
	return off < at + size && at < off + len;
}

static int lookup(const struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	const struct vhdx *v = to_vhdx(t);
	uint64_t x = load_le64(bat_entry(t, index_of(v, n))), at = round_down(x, VHDX_MIB);

	switch (x & 7) {
	case VHDX_NOT_PRESENT:
	case VHDX_UNDEFINED:
		return BAT_HOLE;
	case VHDX_ZERO:
	case VHDX_UNMAPPED:
		return BAT_ZERO;
	case VHDX_FULLY_PRESENT:
		break;
	default:
		return err_set(e, -EUCLEAN, "VHDX block %llu has the state %u",
			       (unsigned long long)n, (unsigned)(x & 7));
	}
	if (at < VHDX_MIB || at > INT64_MAX - t->block_size ||
	    overlaps(at, t->block_size, v->h.log_off, v->h.log_length) ||
	    overlaps(at, t->block_size, v->r.bat_off, v->r.bat_length) ||
	    overlaps(at, t->block_size, v->r.meta_off, v->r.meta_length))
		return err_set(e, -EUCLEAN,
			       "VHDX block %llu lies at offset %llu, where the image has its "
			       "metadata",
			       (unsigned long long)n, (unsigned long long)at);
	*off = at;
	return BAT_DATA;
}

static int place(struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	return mark(to_vhdx(t), e);
}

static int touch(struct bat *t, uint64_t n, uint64_t off, struct err *e)
{
	return mark(to_vhdx(t), e);
}

static void enter(struct bat *t, uint64_t n, uint64_t off)
{
	uint64_t i = index_of(to_vhdx(t), n);

	store_le64(bat_entry(t, i), off | VHDX_FULLY_PRESENT);
	bat_mark(t, i);
}

static const struct bat_kind dynamic = {
	.hole = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
	.data = BLK_EXT_RECURSE,
	.entry = 8,
	.lookup = lookup,
	.place = place,
	.enter = enter,
	.touch = touch,
};

/* ---- opening ---- */

static int load_headers(struct vhdx *v, uint8_t *buf, struct err *e)
{
	static const uint32_t at[] = { VHDX_HEADER1, VHDX_HEADER2 };
	uint8_t *raw[2] = { buf, buf + VHDX_SECTOR };
	struct vhdx_header h[2];
	struct err why[2] = { { 0 } };
	int ok[2], r;

	r = blk_pread(v->file, raw[0], 64, 0, e);
	if (r == 0 && memcmp(raw[0], "vhdxfile", 8))
		return err_set(e, -EINVAL, "Image not in VHDX format");
	for (int i = 0; i < 2; i++) {
		if (r == 0)
			r = blk_pread(v->file, raw[i], VHDX_SECTOR, at[i], e);
		if (r < 0)
			return err_wrap(e, r, "reading the VHDX header");
		ok[i] = vhdx_header_parse(&h[i], raw[i], &why[i]);
	}
	if (ok[0] < 0 && ok[1] < 0)
		return err_set(e, ok[0], "%s", why[0].msg);
	if (ok[0] == 0 && ok[1] == 0 && h[0].sequence == h[1].sequence &&
	    memcmp(raw[0], raw[1], VHDX_SECTOR))
		return err_set(e, -EUCLEAN, "VHDX headers are both number %llu and differ",
			       (unsigned long long)h[0].sequence);
	v->current = ok[0] < 0 || (ok[1] == 0 && h[1].sequence > h[0].sequence);
	v->h = h[v->current];
	memcpy(v->head, raw[v->current], VHDX_SECTOR);
	return 0;
}

/* Into the file, or for a reader into memory above it. */
static int replay(struct vhdx *v, struct err *e)
{
	struct blk *b = v->bat.blk.child;
	static const uint8_t none[16];
	bool done;
	int r;

	if (!memcmp(v->h.log_guid, none, sizeof(none)))
		return 0;
	if (!(v->bat.blk.flags & BLK_WRITE)) {
		r = dry_new(b, &v->bat.blk.child, e);
		if (r < 0)
			return r;
		v->bat.blk.child->grows = true;
		return vhdx_log_replay(v->bat.blk.child, &v->h, &done, e);
	}
	r = vhdx_log_replay(b, &v->h, &done, e);
	if (r < 0)
		return r;
	v->replayed = true;
	memset(v->head + 48, 0, 16);
	memset(v->h.log_guid, 0, 16);
	return write_headers(v, e);
}

static int load_regions(struct vhdx *v, uint8_t *p, struct err *e)
{
	struct blk *b = v->bat.blk.child;
	int r = blk_pread(b, p, VHDX_TABLE, VHDX_REGIONS1, e);
	struct err first = { 0 };

	if (r < 0)
		return err_wrap(e, r, "reading the VHDX region table");
	if (vhdx_regions_parse(&v->r, p, &first) == 0)
		return 0;
	r = blk_pread(b, p, VHDX_TABLE, VHDX_REGIONS2, e);
	if (r == 0 && vhdx_regions_parse(&v->r, p, NULL) < 0)
		return err_set(e, first.code, "%s", first.msg);
	return r;
}

static int load_item(struct vhdx *v, uint32_t at, void *p, size_t len, struct err *e)
{
	return blk_pread(v->bat.blk.child, p, len, v->r.meta_off + at, e);
}

static int load_meta(struct vhdx *v, uint8_t *p, struct err *e)
{
	uint32_t at[VHDX_ITEMS];
	uint8_t params[8], size[8], sector[4];
	struct vhdx_meta *m = &v->m;
	int r = load_item(v, 0, p, VHDX_TABLE, e);

	if (r == 0)
		r = vhdx_items_parse(at, p, v->r.meta_length, e);
	if (r == 0)
		r = load_item(v, at[ITEM_PARAMS], params, 8, e);
	if (r == 0)
		r = load_item(v, at[ITEM_SIZE], size, 8, e);
	if (r == 0)
		r = load_item(v, at[ITEM_SECTOR], sector, 4, e);
	if (r < 0)
		return r;
	m->block_size = load_le32(params);
	m->fixed = params[4] & 1;
	m->parent = params[4] & 2;
	m->size = load_le64(size);
	m->sector_size = load_le32(sector);
	if (m->parent)
		return err_set(e, -ENOTSUP,
			       "unsupported VHDX image (differencing: it needs its parent)");
	if (m->block_size < VHDX_MIB || m->block_size > VHDX_BLOCK_MAX ||
	    m->block_size & (m->block_size - 1))
		return err_set(e, -EUCLEAN, "VHDX block size %u is out of range",
			       m->block_size);
	if (m->sector_size != 512 && m->sector_size != 4096)
		return err_set(e, -EUCLEAN, "VHDX sector size %u is neither 512 nor 4096",
			       m->sector_size);
	if (m->size > VHDX_SIZE_MAX || m->size % m->sector_size)
		return err_set(e, -EUCLEAN, "VHDX disk size %llu is out of range",
			       (unsigned long long)m->size);
	return 0;
}

/* The first byte behind everything; blocks that lie past the end of the file. */
static int find_end(struct vhdx *v, uint64_t *past, struct err *e)
{
	struct bat *t = &v->bat;
	uint64_t size = t->blk.child->size, end = size;

	*past = 0;
	for (uint64_t n = 0; n < t->blocks; n++) {
		uint64_t off, len = min_u64(t->block_size, v->m.size - n * t->block_size);

		if (lookup(t, n, &off, NULL) != BAT_DATA)
			continue;
		*past += off + len > size;
		end = max_u64(end, off + t->block_size);
	}
	t->end = round_up(end, VHDX_MIB);
	return 0;
}

static int load_table(struct vhdx *v, struct err *e)
{
	struct bat *t = &v->bat;
	uint64_t entries, past;
	int r;

	t->block_size = v->m.block_size;
	t->blk.cluster_size = v->m.block_size;
	t->blk.size = v->m.size;
	t->blocks = div_up(v->m.size, v->m.block_size);
	v->ratio = vhdx_chunk_ratio(v->m.sector_size, v->m.block_size);
	entries = t->blocks ? index_of(v, t->blocks - 1) + 1 : 0;
	if (entries * 8 > v->r.bat_length)
		return err_set(e, -EUCLEAN, "VHDX block table of %u bytes is too small",
			       v->r.bat_length);
	r = bat_load(t, v->r.bat_off, entries * 8, e);
	if (r == 0)
		r = find_end(v, &past, e);
	if (r == 0 && past && !(t->blk.flags & BLK_CHECK))
		r = err_set(
			e, -EINVAL,
			"VHDX image is damaged (%llu blocks lie past the end of the file at "
			"%llu); it has probably been truncated",
			(unsigned long long)past, (unsigned long long)t->blk.child->size);
	return r;
}

static int load(struct vhdx *v, struct err *e)
{
	AUTO_FREE uint8_t *p = mem_zalloc(1, VHDX_TABLE, e);
	int r = p ? load_headers(v, p, e) : -ENOMEM;

	if (r == 0)
		r = replay(v, e);
	if (r == 0)
		r = load_regions(v, p, e);
	if (r == 0)
		r = load_meta(v, p, e);
	return r < 0 ? r : load_table(v, e);
}

static int vhdx_close(struct blk *b, struct err *e)
{
	pthread_mutex_destroy(&((struct vhdx *)b)->first);
	bat_fini((struct bat *)b);
	free(b);
	return 0;
}

static const struct blk_ops vhdx_ops = {
	.name = "vhdx",
	.parallel = true,
	.pread = bat_pread,
	.pwrite = bat_pwrite,
	.zero = bat_zero,
	.discard = bat_discard,
	.extent = bat_extent,
	.flush = bat_flush,
	.close = vhdx_close,
};

static int vhdx_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		     struct err *e)
{
	struct vhdx *v = mem_zalloc(1, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	r = bat_init(&v->bat, &vhdx_ops, &dynamic, file, flags, e);
	if (r < 0) {
		free(v);
		return r;
	}
	pthread_mutex_init(&v->first, NULL);
	v->bat.blk.format = &img_format_vhdx;
	v->file = file;
	r = load(v, e);
	if (r < 0) {
		if (v->bat.blk.child != file) { /* the file is the caller's again */
			v->bat.blk.child->child = NULL;
			(void)blk_close(v->bat.blk.child, NULL);
		}
		vhdx_close(&v->bat.blk, NULL);
		return r;
	}
	*out = &v->bat.blk;
	return 0;
}

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	return len >= 8 && !memcmp(head, "vhdxfile", 8) ? 100 : 0;
}

static int vhdx_info(struct blk *b, struct img_info *out, struct err *e)
{
	struct blk *file = ((struct vhdx *)b)->file;

	out->format = "vhdx";
	out->virtual_size = b->size;
	out->cluster_size = b->cluster_size;
	return file_is_node(file) ? file_allocated(file, &out->actual_size, e) : 0;
}

/* Opening for a repair has replayed the log. */
static int vhdx_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct vhdx *v = (struct vhdx *)b;
	uint64_t past, off;
	struct err why = { 0 };
	int r = find_end(v, &past, e);

	if (v->replayed && c->repair & IMG_FIX_ERRORS)
		c->corruptions_fixed++;
	v->replayed = false;
	for (uint64_t n = 0; r == 0 && n < v->bat.blocks; n++) {
		if (lookup(&v->bat, n, &off, &why) >= 0)
			continue;
		c->corruptions++;
		if (c->report)
			c->report(c->arg, why.msg);
	}
	if (r == 0 && past && c->repair & IMG_FIX_ERRORS) {
		r = blk_resize(b->child, v->bat.end, PREALLOC_OFF, e);
		c->corruptions_fixed += r == 0 ? past : 0;
	} else {
		c->corruptions += past;
		if (past && c->report)
			c->report(c->arg, "VHDX blocks lie past the end of the file");
	}
	return r;
}

static const struct img_create_opt create_opts[] = {
	{ "size", "size", "Virtual disk size; at most 64T", false, NULL },
	{ "log_size", "size", "Size of the log; at least 1M", false, "1048576" },
	{ "block_size", "size", "Size of a block, 1M to 256M; 0: by the size of the disk",
	  false, "0" },
	{ "subformat", "str", "What the image is: dynamic (default) or fixed", false, NULL },
	{ "block_state_zero", "bool (on/off)", "New blocks are marked as zeroes (default)",
	  false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_vhdx = {
	.name = "vhdx",
	.probe = probe,
	.open = vhdx_open,
	.create = vhdx_create,
	.create_opts = create_opts,
	.info = vhdx_info,
	.check = vhdx_check,
};
