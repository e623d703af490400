/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qed.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_DEFAULT = 4 };

const struct img_create_opt qed_create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "backing_file", "str", "File name of a base image", false, NULL },
	{ "backing_fmt", "str", "Image format of the base image", false, NULL },
	{ "cluster_size", "size", "Cluster size (in bytes)", false, "65536" },
	{ "table_size", "size", "Size of tables (in clusters)", false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

/* The names in the header; NULL: none.  @room: what the header's clusters have. */
static int set_names(struct qed_header *h, const char *file, const char *fmt, uint64_t room,
		     struct err *e)
{
	size_t n = file ? strlen(file) : 0;

	h->features &= ~(uint64_t)(QED_F_BACKING | QED_F_NO_PROBE);
	h->name_off = h->name_len = 0;
	if (!n)
		return 0;
	if (n > IMG_NAME_MAX || n > room - QED_HEADER)
		return err_set(e, -EINVAL,
			       "the name of the backing file has %zu bytes, too many", n);
	h->features |= QED_F_BACKING;
	if (fmt && !strcmp(fmt, "raw"))
		h->features |= QED_F_NO_PROBE;
	h->name_off = QED_HEADER;
	h->name_len = (uint32_t)n;
	return 0;
}

static int write_header(struct blk *file, const struct qed_header *h, const char *name,
			struct err *e)
{
	size_t len = QED_HEADER + IMG_NAME_MAX;
	AUTO_FREE uint8_t *buf = mem_zalloc(1, len, e);
	int r;

	if (!buf)
		return -ENOMEM;
	qed_header_write(h, buf);
	memcpy(buf + QED_HEADER, name ? name : "", h->name_len);
	r = blk_pwrite(file, buf, len, 0, e);
	return r == 0 ? blk_flush(file, e) : r;
}

int qed_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e)
{
	uint64_t table = TABLE_DEFAULT, max, bytes;
	struct qed_header h;
	int r = c->own ? optset_size(c->own, "table_size", &table, e) : 0;

	(void)data;
	(void)p;
	if (r == 0 && c->own && optset_get(c->own, "table_size") && !table)
		table = TABLE_DEFAULT;
	if (r == 0)
		r = qed_sizes_check(c->cluster_size, table, e);
	if (r < 0)
		return r;
	h = (struct qed_header){
		.cluster = (uint32_t)c->cluster_size,
		.table = (uint32_t)table,
		.header = 1,
		.l1_off = c->cluster_size,
		.size = c->size > INT64_MAX - 512 ? c->size : round_up(c->size, 512),
	};
	max = qed_size_max(h.cluster, h.table);
	if ((max && h.size > max) || h.size > INT64_MAX)
		return err_set(e, -EINVAL,
			       "QED image size must be a non-zero multiple of cluster size "
			       "and less than %llu bytes",
			       (unsigned long long)max);
	r = set_names(&h, c->backing_file, c->backing_fmt, h.cluster, e);
	bytes = (uint64_t)h.table * h.cluster;
	if (r == 0 && file->size) /* a device */
		r = blk_zero(file, 0, min_u64(file->size, h.l1_off + bytes), 0, e);
	else if (r == 0)
		r = blk_resize(file, h.l1_off + bytes, PREALLOC_OFF, e);
	return r == 0 ? write_header(file, &h, c->backing_file, e) : r;
}

int qed_set_backing(struct blk *b, const char *file, const char *fmt, struct err *e)
{
	struct qed *s = to_qed(b);
	struct qed_header h = s->h;
	char *name = file && *file ? mem_strdup(file, e) : NULL;
	int r;

	if (file && *file && !name)
		return -ENOMEM;
	r = set_names(&h, name, fmt, (uint64_t)h.header * h.cluster, e);
	if (r == 0)
		r = write_header(b->child, &h, name, e);
	if (r < 0) {
		free(name);
		return r;
	}
	s->h = h;
	free(s->backing);
	s->backing = name;
	return 0;
}
