/* SPDX-License-Identifier: MIT */
/*
 * A hostile VMDK image: a sparse extent with what is in it, an SE sparse one, or a descriptor.  Of
 * a descriptor's extents none is opened: they would be files of this machine.
 */
#include "base/bytes.h"
#include "img/format/vmdk.h"
#include "tests/lib/fmtfuzz.h"

static void must_be_sane(const struct vmdk_desc *d, size_t len)
{
	must(d->n <= VMDK_EXTENTS_MAX && memchr(d->create_type, 0, sizeof(d->create_type)));
	must(d->cid_at + d->cid_len <= len && d->cid_len <= 8);
	must(d->parent_at + d->parent_len <= len && d->parent_len <= 8);
	must(!d->parent || (*d->parent && strlen(d->parent) <= VMDK_NAME_MAX));
	for (size_t i = 0; i < d->n; i++) {
		must(d->v[i].sectors && d->v[i].sectors <= (uint64_t)INT64_MAX >> 9);
		must(d->v[i].offset + d->v[i].sectors <= (uint64_t)INT64_MAX >> 9);
	}
}

static void descriptor(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct vmdk_desc d;
	struct err e = { 0 };
	struct img_info info = { 0 };
	struct blk *b;
	int r;

	must(text != NULL);
	memcpy(text, data, len);
	r = vmdk_desc_parse(text, len, &d, &e);
	must(r == e.code && (r == 0 || e.msg[0]));
	if (r == 0)
		must_be_sane(&d, len);
	vmdk_desc_free(&d);
	free(text);
	b = fmt_open(&img_format_vmdk, data, len, BLK_NOIO);
	if (!b)
		return;
	(void)!b->format->info(b, &info, &e);
	img_info_free(&info);
	(void)blk_close(b, NULL);
}

static void se_sparse(const uint8_t *data, size_t len)
{
	struct vmdk *s = calloc(1, sizeof(*s));
	struct vmdk_extent x = { .file = memblk_new(data, len) };
	struct err e = { 0 };
	int r;

	must(s != NULL);
	r = vmdk_extent_sparse(s, &x, VMDK_SE, &e);
	must(r == e.code && (r == 0 || e.msg[0]));
	for (uint64_t off = 0, i = 0; r == 0 && off < x.size && i < FMT_EXTENTS_MAX; i++) {
		struct vmdk_run run;

		if (vmdk_lookup(s, &x, off, x.size - off, &run, &e) < 0)
			break;
		must(run.len && run.len <= x.size - off && run.host <= INT64_MAX);
		off += run.len;
	}
	r = 0;
	vmdk_extent_free(s, &x, &r, &e);
	(void)blk_close(x.file, NULL);
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vmdk_header h = { .capacity = 1 };
	struct err e = { 0 };

	if (len >= 8 && load_le64(data) == 0xcafebabe)
		se_sparse(data, len);
	else if (vmdk_magic(data, len) == VMDK_NONE)
		descriptor(data, len);
	else if (vmdk_magic(data, len) == VMDK_COWD || len < VMDK_SECTOR ||
		 vmdk_header_parse(data, &h, &e) < 0 || h.capacity)
		fmt_fuzz(&img_format_vmdk, data, len);
	else
		descriptor(data, len);
	return 0;
}
