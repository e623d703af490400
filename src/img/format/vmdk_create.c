/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "img/format/vmdk.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPLIT_SECTORS = 4 << 20 }; /* 2 GiB */

enum subformat { MONO_SPARSE, MONO_FLAT, SPLIT_SPARSE, SPLIT_FLAT, STREAM };

static const char *const subformats[] = { "monolithicSparse",     "monolithicFlat",
					  "twoGbMaxExtentSparse", "twoGbMaxExtentFlat",
					  "streamOptimized",      NULL };

const struct img_create_opt vmdk_create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "adapter_type", "str",
	  "Adapter that the disk is for: ide (as it is without), lsilogic, buslogic or legacyESX",
	  false, NULL },
	{ "backing_file", "str", "File name of a base image", false, NULL },
	{ "backing_fmt", "str", "Image format of the base image: vmdk", false, NULL },
	{ "compat6", "bool (on/off)", "Hardware version 6", false, "off" },
	{ "hwversion", "str", "Hardware version of the virtual machine", false, "undefined" },
	{ "toolsversion", "str", "Version of the guest's VMware tools", false, NULL },
	{ "subformat", "str",
	  "monolithicSparse (as it is without), monolithicFlat, twoGbMaxExtentSparse, "
	  "twoGbMaxExtentFlat or streamOptimized",
	  false, NULL },
	{ "zeroed_grain", "bool (on/off)", "Grains of zeroes take an entry of a table alone",
	  false, NULL },
	{ "compression_level", "str",
	  "How streamOptimized is compressed: fast, or small (not stored in the image)", false,
	  NULL },
	{ NULL, NULL, NULL, false, NULL },
};

uint32_t vmdk_random(void)
{
	uint32_t v = 0;

	/* the kernel has some, or another number that is not this one will do */
	if (random_bytes(&v, sizeof(v), NULL) < 0 || v == VMDK_NO_PARENT)
		v = 0x12345678;
	return v;
}

struct plan {
	const struct img_create *c;
	struct blk *file;
	enum subformat sub;
	bool zeroed_grain;
	uint64_t size;
	struct vmdk_desc_new desc;
	struct str lines; /* of extents */
	char **made;      /* extents that were not there before */
	size_t made_n;
};

/* ---- options ---- */

static int word(struct optset *set, const char *key, const char *const *words, unsigned *out,
		struct err *e)
{
	if (img_create_word(set, key, key, words, out, NULL) == 0)
		return 0;
	return err_set(e, -EINVAL, "invalid parameter value: %s", optset_get(set, key));
}

static const char *own(const struct img_create *c, const char *key)
{
	return c->own ? optset_get(c->own, key) : NULL;
}

/* Whatever is written between quotes, in lines of their own. */
static int check_text(const char *what, const char *text, struct err *e)
{
	if (!text || !strpbrk(text, "\"\n\r"))
		return 0;
	return err_set(e, -EINVAL, "%s '%s' cannot stand in a descriptor", what, text);
}

static int take_options(struct plan *p, struct err *e)
{
	static const char *const adapters[] = { "ide", "lsilogic", "buslogic", "legacyESX",
						NULL };
	unsigned sub = MONO_SPARSE, adapter = 0;
	const char *hw = own(p->c, "hwversion"), *tools = own(p->c, "toolsversion");
	bool compat6 = false, flat;
	int r = word(p->c->own, "adapter_type", adapters, &adapter, e);

	if (r == 0)
		r = word(p->c->own, "subformat", subformats, &sub, e);
	if (r == 0)
		r = img_create_bool(p->c->own, "compat6", &compat6, e);
	if (r == 0)
		r = img_create_bool(p->c->own, "zeroed_grain", &p->zeroed_grain, e);
	if (r < 0)
		return r;
	if (hw && !strcmp(hw, "undefined"))
		hw = NULL;
	if (compat6 && hw)
		return err_set(e, -EINVAL, "compat6 cannot be enabled with hwversion set");
	p->sub = (enum subformat)sub;
	flat = p->sub == MONO_FLAT || p->sub == SPLIT_FLAT;
	if (flat && p->c->backing_file)
		return err_set(e, -ENOTSUP, "Flat image can't have backing file");
	if (flat && p->zeroed_grain)
		return err_set(e, -ENOTSUP, "Flat image can't enable zeroed grain");
	p->desc.create_type = subformats[sub];
	p->desc.adapter = adapters[adapter];
	p->desc.hw_version = hw ? hw : compat6 ? "6" : "4";
	p->desc.tools_version = tools ? tools : "2147483647";
	p->desc.parent_cid = VMDK_NO_PARENT;
	p->desc.cid = vmdk_random();
	p->desc.size = p->size;
	r = check_text("the hardware version", hw, e);
	return r < 0 ? r : check_text("the version", tools, e);
}

bool vmdk_many_files(const struct img_create *c)
{
	unsigned sub = MONO_SPARSE;

	return img_create_word(c->own, "subformat", "", subformats, &sub, NULL) == 0 &&
	       sub != MONO_SPARSE && sub != STREAM;
}

/* The content ID that the backing image has now. */
static int take_parent(struct plan *p, struct err *e)
{
	const char *name = p->c->name ? p->c->name : p->file->filename;
	AUTO_FREE char *path = NULL;
	AUTO_BLK struct blk *b = NULL;
	struct img_open o = { .flags = BLK_NOBACKING | BLK_NOIO, .log = p->file->log };
	int r;

	if (p->c->backing_fmt && strcmp(p->c->backing_fmt, "vmdk"))
		return err_set(e, -EINVAL, "backing_file must be a vmdk image");
	if (!p->c->backing_file)
		return 0;
	if (strlen(p->c->backing_file) > VMDK_NAME_MAX)
		return err_set(e, -EINVAL, "the name of the backing file is too long");
	r = check_text("the backing file", p->c->backing_file, e);
	if (r < 0)
		return r;
	path = img_relative_name(name, p->c->backing_file, e);
	if (!path)
		return -ENOMEM;
	o.filename = path;
	r = img_open(&o, &b, e);
	if (r < 0)
		return r;
	if (b->format != &img_format_vmdk)
		return err_set(e, -EINVAL, "Invalid backing file format: %s. Must be vmdk",
			       b->format->name);
	if (!to_vmdk(b)->desc.has_cid)
		return err_set(e, -EINVAL, "Failed to read parent CID");
	p->desc.parent = p->c->backing_file;
	p->desc.parent_cid = to_vmdk(b)->desc.cid;
	return 0;
}

/* ---- sparse extents ---- */

static int write_gd(struct blk *b, uint64_t sector, uint64_t gd_sectors, uint64_t tables,
		    struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(gd_sectors, VMDK_SECTOR, e);
	uint64_t gt = VMDK_GT_ENTRIES * 4 / VMDK_SECTOR;

	if (!buf)
		return -ENOMEM;
	for (uint64_t i = 0; i < tables; i++)
		store_le32(buf + i * 4, (uint32_t)(sector + gd_sectors + i * gt));
	return blk_pwrite(b, buf, (size_t)gd_sectors * VMDK_SECTOR, sector * VMDK_SECTOR, e);
}

static int write_header(struct blk *b, const struct vmdk_header *h, uint64_t off, struct err *e)
{
	uint8_t buf[VMDK_SECTOR];

	vmdk_header_write(h, buf);
	return blk_pwrite(b, buf, sizeof(buf), off, e);
}

/* Header, place for the descriptor, two directories with their tables. */
static int make_sparse(struct blk *b, struct vmdk_header *h, uint64_t tables, struct err *e)
{
	uint64_t gd_sectors = div_up(tables * 4, VMDK_SECTOR);
	uint64_t all = gd_sectors + tables * (VMDK_GT_ENTRIES * 4 / VMDK_SECTOR);
	int r;

	h->flags |= VMDK_FLAG_REDUNDANT;
	h->rgd_off = h->desc_off + h->desc_len;
	h->gd_off = h->rgd_off + all;
	h->overhead = round_up(h->gd_off + all, VMDK_GRAIN_SECTORS);
	if (h->overhead > UINT32_MAX)
		return err_set(e, -EFBIG, "the tables would lie past 2 TiB");
	if (b->size) /* a device */
		r = blk_zero(b, 0, min_u64(b->size, h->overhead * VMDK_SECTOR), 0, e);
	else
		r = blk_resize(b, h->overhead * VMDK_SECTOR, PREALLOC_OFF, e);
	if (r == 0)
		r = write_gd(b, h->rgd_off, gd_sectors, tables, e);
	if (r == 0)
		r = write_gd(b, h->gd_off, gd_sectors, tables, e);
	return r == 0 ? write_header(b, h, 0, e) : r;
}

/* An empty stream: header, empty directory, footer, end. */
static int make_stream(struct blk *b, struct vmdk_header *h, uint64_t tables, struct err *e)
{
	uint64_t gd_bytes = round_up(tables * 4, VMDK_SECTOR), at;
	uint8_t marker[VMDK_SECTOR];
	int r;

	if (b->fixed)
		return err_set(e, -ENOTSUP, "a stream cannot be on a device");
	h->compressed = true;
	h->version = 3;
	h->flags |= VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS;
	h->overhead = VMDK_GRAIN_SECTORS;
	h->gd_off = VMDK_GD_AT_END;
	at = h->overhead * VMDK_SECTOR;
	r = write_header(b, h, 0, e);
	vmdk_marker_write(marker, gd_bytes / VMDK_SECTOR, VMDK_MARKER_GD);
	if (r == 0)
		r = blk_pwrite(b, marker, sizeof(marker), at, e);
	h->gd_off = at / VMDK_SECTOR + 1;
	at += VMDK_SECTOR + gd_bytes;
	vmdk_marker_write(marker, 1, VMDK_MARKER_FOOTER);
	if (r == 0)
		r = blk_pwrite(b, marker, sizeof(marker), at, e);
	if (r == 0)
		r = write_header(b, h, at + VMDK_SECTOR, e);
	at += 2 * VMDK_SECTOR;
	return r == 0 ? blk_resize(b, at + VMDK_SECTOR, PREALLOC_OFF, e) : r;
}

static int make_tables(const struct plan *p, struct blk *b, uint64_t size, struct err *e)
{
	struct vmdk_header h = {
		.version = p->zeroed_grain ? 2 : 1,
		.flags = VMDK_FLAG_NEWLINES | (p->zeroed_grain ? VMDK_FLAG_ZERO_GRAIN : 0),
		.capacity = size / VMDK_SECTOR,
		.grain = VMDK_GRAIN_SECTORS,
		.desc_off = 1,
		.desc_len = VMDK_EMBEDDED / VMDK_SECTOR,
		.gt_entries = VMDK_GT_ENTRIES,
	};
	uint64_t grains = div_up(h.capacity, h.grain), tables = div_up(grains, h.gt_entries);

	if (tables > VMDK_GD_MAX)
		return err_set(e, -EFBIG, "the disk is too large");
	return p->sub == STREAM ? make_stream(b, &h, tables, e) : make_sparse(b, &h, tables, e);
}

/* ---- files ---- */

static int add_line(struct plan *p, uint64_t size, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool flat = p->sub == MONO_FLAT || p->sub == SPLIT_FLAT;
	int r = check_text("the file name", name, e);

	str_addf(&p->lines, "RW %llu %s \"%s\"%s\n", (unsigned long long)(size / VMDK_SECTOR),
		 flat ? "FLAT" : "SPARSE", name, flat ? " 0" : "");
	return r;
}

static int keep_made(struct plan *p, const char *path, struct err *e)
{
	void *v = p->made;
	int r = mem_grow(&v, p->made_n + 1, sizeof(*p->made), e);

	if (r < 0)
		return r;
	p->made = v;
	p->made[p->made_n] = mem_strdup(path, e);
	if (!p->made[p->made_n])
		return -ENOMEM;
	p->made_n++;
	return 0;
}

static int make_extent(struct plan *p, const char *path, uint64_t size, struct err *e)
{
	unsigned flags = p->file->flags & (BLK_NOFLUSH | BLK_DIRECT | BLK_NOLOCK);
	struct blk *b = NULL;
	bool fresh = false;
	int r, rc;

	r = file_create(path, 0, PREALLOC_OFF, p->c->nocow, p->c->extent_size_hint, &fresh, e);
	if (fresh) {
		rc = keep_made(p, path, r < 0 ? NULL : e);
		r = r < 0 ? r : rc;
	}
	if (r == 0)
		r = file_open(path, NULL, flags | BLK_WRITE, &b, e);
	if (r < 0)
		return r;
	if (p->sub == MONO_FLAT || p->sub == SPLIT_FLAT)
		r = blk_resize(b, size, PREALLOC_OFF, e);
	else
		r = make_tables(p, b, size, e);
	rc = blk_close(b, r < 0 ? NULL : e);
	return r < 0 ? r : rc;
}

/* "disk-flat.vmdk", "disk-s001.vmdk" beside "disk.vmdk". */
static char *extent_name(const struct plan *p, unsigned i, struct err *e)
{
	const char *path = p->file->filename, *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');
	int n = (int)(dot ? (size_t)(dot - path) : strlen(path));

	if (p->sub == MONO_FLAT)
		return str_printf(e, "%.*s-flat%s", n, path, dot ? dot : "");
	return str_printf(e, "%.*s-%c%03u%s", n, path, p->sub == SPLIT_FLAT ? 'f' : 's', i,
			  dot ? dot : "");
}

static int make_extents(struct plan *p, struct err *e)
{
	uint64_t left = p->size, most = left;

	if (p->sub != MONO_FLAT)
		most = (uint64_t)SPLIT_SECTORS * VMDK_SECTOR;
	if (p->sub != MONO_FLAT && div_up(left, most) > VMDK_EXTENTS_MAX)
		return err_set(e, -EFBIG, "more than %d extents", VMDK_EXTENTS_MAX);
	for (unsigned i = 1; left; i++) {
		AUTO_FREE char *path = extent_name(p, i, e);
		uint64_t size = min_u64(left, most);
		int r = path ? make_extent(p, path, size, e) : -ENOMEM;

		if (r == 0)
			r = add_line(p, size, path, e);
		if (r < 0)
			return r;
		left -= size;
	}
	return 0;
}

static int write_descriptor(struct plan *p, bool embedded, struct err *e)
{
	AUTO_FREE char *lines = str_take(&p->lines, e), *text = NULL;
	size_t n;
	int r;

	if (!lines)
		return -ENOMEM;
	p->desc.extents = lines;
	text = vmdk_desc_write(&p->desc, e);
	if (!text)
		return -ENOMEM;
	n = strlen(text);
	if (embedded && n > VMDK_EMBEDDED)
		return err_set(e, -EINVAL, "the descriptor has %zu bytes, more than %d", n,
			       VMDK_EMBEDDED);
	r = blk_pwrite(p->file, text, n, embedded ? VMDK_SECTOR : 0, e);
	return r == 0 && !embedded ? blk_resize(p->file, n, PREALLOC_OFF, e) : r;
}

int vmdk_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *progress, struct err *e)
{
	struct plan p = { .c = c, .file = file };
	bool embedded;
	int r;

	(void)data;
	(void)progress;
	if (c->size > INT64_MAX - VMDK_SECTOR)
		return err_set(e, -EFBIG, "the disk is too large");
	p.size = round_up(c->size, VMDK_SECTOR);
	r = take_options(&p, e);
	if (r == 0)
		r = take_parent(&p, e);
	embedded = p.sub == MONO_SPARSE || p.sub == STREAM;
	if (r == 0 && !embedded && file->fixed)
		r = err_set(e, -ENOTSUP, "%s needs a folder for its files, not a device",
			    p.desc.create_type);
	if (r == 0 && embedded)
		r = make_tables(&p, file, p.size, e);
	if (r == 0)
		r = embedded ? add_line(&p, p.size, c->name ? c->name : file->filename, e)
			     : make_extents(&p, e);
	if (r == 0)
		r = write_descriptor(&p, embedded, e);
	str_free(&p.lines);
	for (size_t i = 0; i < p.made_n; i++) {
		if (r < 0)
			(void)unlink(p.made[i]);
		free(p.made[i]);
	}
	free(p.made);
	return r;
}
