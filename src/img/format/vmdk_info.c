/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/format/vmdk.h"
#include "img/proto/file.h"

#include <string.h>

static int add_allocated(struct blk *file, uint64_t *sum, struct err *e)
{
	uint64_t n = 0;
	int r = file && file_is_node(file) ? file_allocated(file, &n, e) : 0;

	*sum += n;
	return r;
}

/* An extent that was not opened is described by what the descriptor says of it. */
static void describe_extent(struct vmdk *s, const struct vmdk_extent *x, struct detail *d)
{
	AUTO_FREE char *path =
		x->desc ? img_relative_name(s->blk.filename, x->desc->name, NULL) : NULL;

	detail_text(d, "filename", path ? path : s->blk.filename);
	detail_text(d, "format", x->desc ? x->desc->type : "");
	detail_number(d, "virtual-size", x->size);
	if (x->h.compressed)
		detail_bool(d, "compressed", true);
	if (x->grain)
		detail_number(d, "cluster-size", x->grain);
}

static int specific(struct vmdk *s, struct img_info *out, struct err *e)
{
	struct detail *d = out->specific = detail_new();
	struct detail *list;

	detail_number(d, "cid", s->desc.cid);
	detail_number(d, "parent-cid", s->desc.parent_cid);
	detail_text(d, "create-type", s->create_type);
	list = detail_list(d, "extents");
	for (size_t i = 0; i < s->n; i++)
		describe_extent(s, &s->v[i], detail_group(list, NULL));
	return detail_end(d, e);
}

static int names(struct vmdk *s, struct img_info *out, struct err *e)
{
	struct err why = { 0 };

	if (!s->desc.parent)
		return 0;
	out->backing_filename = mem_strdup(s->desc.parent, e);
	out->backing_format = mem_strdup("vmdk", e);
	if (!out->backing_filename || !out->backing_format)
		return -ENOMEM;
	out->full_backing_filename = img_relative_name(s->blk.filename, s->desc.parent, &why);
	/* A name that leads nowhere is no reason to say nothing about the image. */
	if (!out->full_backing_filename && why.code == -ENOMEM)
		return err_set(e, -ENOMEM, "%s", why.msg);
	return 0;
}

int vmdk_info(struct blk *b, struct img_info *out, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	int r;

	*out = (struct img_info){
		.format = "vmdk",
		.virtual_size = b->size,
		.cluster_size = b->cluster_size,
	};
	r = names(s, out, e);
	if (r == 0)
		r = add_allocated(b->child, &out->actual_size, e);
	for (size_t i = 0; i < s->n && r == 0; i++)
		if (s->v[i].desc)
			r = add_allocated(s->v[i].file, &out->actual_size, e);
	if (r == 0)
		r = specific(s, out, e);
	if (r < 0)
		img_info_free(out);
	return r;
}
