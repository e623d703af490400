/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_crypt.h"
#include "img/proto/file.h"

/* The data file counts only where it was opened: `info` looks at headers alone. */
static int allocated(struct qcow2 *s, uint64_t *out, struct err *e)
{
	uint64_t n;
	int r;

	*out = UINT64_MAX;
	if (!file_is_node(s->blk.child))
		return 0;
	r = file_allocated(s->blk.child, out, e);
	if (r == 0 && s->blk.data && file_is_node(s->blk.data)) {
		r = file_allocated(s->blk.data, &n, e);
		if (r == 0)
			*out += n;
	}
	return r;
}

static int copy_string(char **out, const char *text, struct err *e)
{
	if (!text)
		return 0;
	*out = mem_strdup(text, e);
	return *out ? 0 : -ENOMEM;
}

static int info_names(struct qcow2 *s, struct img_info *out, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	struct err why = { 0 };
	int r = copy_string(&out->backing_filename, h->backing_file, e);

	if (r == 0)
		r = copy_string(&out->backing_format, h->backing_fmt, e);
	if (r < 0 || !h->backing_file)
		return r;
	out->full_backing_filename = img_relative_name(s->blk.filename, h->backing_file, &why);
	/* A name that leads nowhere is no reason to say nothing about the image. */
	if (!out->full_backing_filename && why.code == -ENOMEM)
		return err_set(e, -ENOMEM, "%s", why.msg);
	return 0;
}

static void info_bitmaps(const struct img_info *i, struct detail *in)
{
	for (size_t k = 0; k < i->bitmaps_n; k++) {
		const struct img_bitmap *b = &i->bitmaps[k];
		struct detail *d = detail_group(in, NULL);
		struct detail *flags = detail_list(d, "flags");

		if (b->in_use)
			detail_text(flags, NULL, "in-use");
		if (b->automatic)
			detail_text(flags, NULL, "auto");
		detail_text(d, "name", b->name);
		detail_number(d, "granularity", b->granularity);
	}
}

static int info_specific(const struct qcow2 *s, struct img_info *out, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	struct detail *d = out->specific = detail_new();

	detail_text(d, "compat", h->version == 2 ? "0.10" : "1.1");
	detail_text(d, "compression-type", h->compression == QCOW2_ZSTD ? "zstd" : "zlib");
	detail_number(d, "refcount-bits", 1u << h->refcount_order);
	if (h->version > 2) {
		detail_bool(d, "lazy-refcounts", h->compat & QCOW2_COMPAT_LAZY);
		detail_bool(d, "corrupt", h->incompat & QCOW2_INCOMPAT_CORRUPT);
		detail_bool(d, "extended-l2", h->incompat & QCOW2_INCOMPAT_EXTL2);
	}
	if (h->data_file) {
		detail_text(d, "data-file", h->data_file);
		detail_bool(d, "data-file-raw", h->autoclear & QCOW2_AUTOCLEAR_RAW_DATA);
	}
	if (s->crypt)
		qcow2_crypt_detail(s, detail_group(d, "encrypt"));
	if (out->bitmaps_n)
		info_bitmaps(out, detail_list(d, "bitmaps"));
	return detail_end(d, e);
}

int qcow2_info(struct blk *b, struct img_info *out, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	const struct qcow2_header *h = &s->h;
	int r;

	*out = (struct img_info){
		.format = "qcow2",
		.virtual_size = b->size,
		.cluster_size = s->cluster_size,
		.encrypted = h->crypt != 0,
		.dirty = h->incompat & QCOW2_INCOMPAT_DIRTY,
	};
	if (h->incompat & QCOW2_INCOMPAT_EXTL2)
		out->subcluster_size = s->cluster_size / 32;
	r = info_names(s, out, e);
	if (r == 0)
		r = allocated(s, &out->actual_size, e);
	if (r == 0)
		r = qcow2_snapshot_list(b, &out->snapshots, &out->snapshots_n, e);
	if (r == 0 && h->has_bitmaps)
		r = qcow2_bitmaps_list(s, &out->bitmaps, &out->bitmaps_n, e);
	if (r == 0)
		r = info_specific(s, out, e);
	if (r < 0)
		img_info_free(out);
	return r;
}
