/* SPDX-License-Identifier: MIT */
/*
 * Opening extents.  Their names come from the image and so does all that is in them: a name has to
 * be that of a regular file in the folder of the descriptor or below it.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vmdk.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES = 2 << 20 }; /* grain tables of one extent */

static int load_gd(struct vmdk_extent *x, uint64_t sector, uint8_t **out, struct err *e)
{
	uint64_t len = x->h.gd_entries * x->h.entry_bytes;

	if (sector > (uint64_t)INT64_MAX >> 10 ||
	    sector * VMDK_SECTOR + len > round_up(x->file->size, VMDK_SECTOR))
		return err_set(e, -EUCLEAN,
			       "%s: the grain directory, %llu bytes in sector %llu, lies past "
			       "the end of the file",
			       x->file->filename, (unsigned long long)len,
			       (unsigned long long)sector);
	*out = mem_zalloc(1, (size_t)max_u64(len, 1), e);
	if (!*out)
		return -ENOMEM;
	return blk_pread(x->file, *out, (size_t)len, sector * VMDK_SECTOR, e);
}

static int load_tables(struct vmdk_extent *x, struct err *e)
{
	int r = load_gd(x, x->h.gd_off, &x->gd, e);

	if (r == 0 && x->h.rgd_off)
		r = load_gd(x, x->h.rgd_off, &x->rgd, e);
	if (r < 0)
		return r;
	x->cache_n = (uint32_t)min_u64(max_u64(x->h.gd_entries, 1), CACHE_BYTES / x->gt_bytes);
	x->cache = mem_zalloc(x->cache_n, sizeof(*x->cache), e);
	return x->cache ? 0 : -ENOMEM;
}

static int read_footer(struct vmdk_extent *x, struct err *e)
{
	uint8_t buf[3 * VMDK_SECTOR];
	uint64_t capacity = x->h.capacity;
	int r;

	if (x->file->size < sizeof(buf))
		return err_set(e, -EUCLEAN, "%s: too short for a footer", x->file->filename);
	r = blk_pread(x->file, buf, sizeof(buf), x->file->size - sizeof(buf), e);
	if (r == 0)
		r = vmdk_footer_parse(buf, &x->h, e);
	if (r == 0 && (x->h.gd_off == VMDK_GD_AT_END || x->h.capacity != capacity))
		r = err_set(e, -EUCLEAN, "%s: header and footer do not agree",
			    x->file->filename);
	x->at_end = true;
	return r;
}

static int parse_se(struct vmdk_extent *x, const uint8_t *first, struct err *e)
{
	uint8_t buf[VMDK_SECTOR];
	int r = vmdk_se_parse(first, &x->h, e);

	if (r == 0)
		r = blk_pread(x->file, buf, sizeof(buf), x->h.volatile_off * VMDK_SECTOR, e);
	return r == 0 ? vmdk_se_volatile_check(buf, e) : r;
}

int vmdk_extent_sparse(struct vmdk *s, struct vmdk_extent *x, enum vmdk_kind want,
		       struct err *e)
{
	uint8_t buf[VMDK_SECTOR];
	int r = blk_pread(x->file, buf, sizeof(buf), 0, e);

	if (r < 0)
		return r;
	if (want == VMDK_SE) {
		x->kind = VMDK_SE;
		r = parse_se(x, buf, e);
	} else if (vmdk_magic(buf, sizeof(buf)) == VMDK_COWD) {
		x->kind = VMDK_COW;
		r = vmdk_cowd_parse(buf, &x->h, e);
	} else {
		x->kind = VMDK_HOSTED;
		r = vmdk_header_parse(buf, &x->h, e);
		if (r == 0 && x->h.gd_off == VMDK_GD_AT_END)
			r = read_footer(x, e);
	}
	if (r == 0 && x->kind == VMDK_HOSTED && x->h.overhead > x->file->size / VMDK_SECTOR)
		r = err_set(e, -EUCLEAN, "File truncated, expecting at least %llu sectors",
			    (unsigned long long)x->h.overhead);
	if (r < 0)
		return r;
	x->size = x->h.capacity * VMDK_SECTOR;
	x->grain = x->h.grain * VMDK_SECTOR;
	x->gt_bytes = x->h.gt_entries * x->h.entry_bytes;
	x->next = round_up(x->file->size, x->grain);
	return s->blk.flags & BLK_NOIO ? 0 : load_tables(x, e);
}

static const char *bad_name(const char *name)
{
	const char *p = name;

	if (*name == '/')
		return "is not in the image's folder";
	while ((p = strstr(p, ".."))) {
		if ((p == name || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return "is not in the image's folder";
		p += 2;
	}
	return name[strcspn(name, ":/")] == ':' ? "is no file but a protocol" : NULL;
}

static int kind_of(const struct vmdk_desc_extent *d, enum vmdk_kind *kind, struct err *e)
{
	static const struct {
		char type[12];
		enum vmdk_kind kind;
	} kinds[] = {
		{ "FLAT", VMDK_FLAT },     { "VMFS", VMDK_FLAT },
		{ "SPARSE", VMDK_HOSTED }, { "VMFSSPARSE", VMDK_HOSTED },
		{ "SESPARSE", VMDK_SE },
	};

	if (strcmp(d->access, "RW"))
		return err_set(e, -ENOTSUP, "an extent with access %s is not supported",
			       d->access);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].type, d->type))
			continue;
		*kind = kinds[i].kind;
		if (!d->name)
			return err_set(e, -EINVAL, "an extent of type %s has no file", d->type);
		return 0;
	}
	return err_set(e, -ENOTSUP, "Unsupported extent type '%s'", d->type);
}

static int open_file(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	const char *name = x->desc->name, *bad = bad_name(name);
	int r;

	if (bad)
		return err_set(e, -EINVAL, "the extent '%s' %s", name, bad);
	r = img_open_child(s->blk.filename, name, s->blk.flags, &x->file, e);
	if (r < 0)
		return err_wrap(e, r, "extent '%s'", name);
	if (x->file->fixed)
		return err_set(e, -EINVAL, "the extent '%s' is a device", name);
	return 0;
}

static int open_one(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	enum vmdk_kind kind = VMDK_FLAT;
	int r = kind_of(x->desc, &kind, e);

	x->kind = kind;
	x->size = x->desc->sectors * VMDK_SECTOR;
	x->flat_off = x->desc->offset * VMDK_SECTOR;
	if (r < 0 || s->blk.flags & BLK_NOIO)
		return r;
	r = open_file(s, x, e);
	if (r == 0 && kind != VMDK_FLAT)
		r = vmdk_extent_sparse(s, x, kind, e);
	if (r == 0 && x->at_end)
		r = err_set(e, -ENOTSUP, "a stream cannot be one extent of several");
	return r;
}

int vmdk_extents_open(struct vmdk *s, struct err *e)
{
	uint64_t start = 0;

	s->v = mem_zalloc(s->desc.n + 1, sizeof(*s->v), e);
	if (!s->v)
		return -ENOMEM;
	for (size_t i = 0; i < s->desc.n; i++) {
		struct vmdk_extent *x = &s->v[s->n++];
		int r;

		x->desc = &s->desc.v[i];
		r = open_one(s, x, e);
		if (r < 0)
			return r;
		x->start = start;
		if (x->size > (uint64_t)INT64_MAX - start)
			return err_set(e, -EFBIG, "the extents are too large together");
		start += x->size;
	}
	s->blk.size = start;
	return s->n ? 0 : err_set(e, -EINVAL, "the descriptor has no extents");
}

void vmdk_extent_free(struct vmdk *s, struct vmdk_extent *x, int *r, struct err *e)
{
	int rc = 0;

	vmdk_stream_free(x);
	for (uint32_t i = 0; i < x->cache_n; i++)
		free(x->cache[i].data);
	free(x->cache);
	free(x->gd);
	free(x->rgd);
	if (x->desc)
		rc = blk_close(x->file, *r < 0 ? NULL : e);
	if (*r == 0)
		*r = rc;
}
