/* SPDX-License-Identifier: MIT */
/* QED images: a header and tables of QEMU's own former format, over l2map.h.  Specification:
 * QEMU's docs/interop/qed_spec. */
#ifndef IMG_FORMAT_QED_H
#define IMG_FORMAT_QED_H

#include "img/format/l2map.h"

extern const struct img_format img_format_qed;

enum {
	QED_HEADER = 64, /* bytes of the header that are fields */
	QED_CLUSTER_MIN = 4096,
	QED_CLUSTER_MAX = 64 << 20,
	QED_TABLE_MAX = 16,
	QED_F_BACKING = 1,
	QED_F_NEED_CHECK = 2,
	QED_F_NO_PROBE = 4, /* the backing file is raw */
	QED_F_KNOWN = 7,
};

struct qed_header {
	uint32_t cluster, table, header; /* bytes, clusters, clusters */
	uint64_t features, compat, autoclear;
	uint64_t l1_off, size;
	uint32_t name_off, name_len;
};

/* @buf holds QED_HEADER bytes.  -EINVAL: not QED; -ENOTSUP, -EUCLEAN. */
int qed_header_parse(const uint8_t *buf, struct qed_header *h, struct err *e) MUST_CHECK;
void qed_header_write(const struct qed_header *h, uint8_t *buf);
/* What the tables of such an image can hold; 0: more than can be counted. */
uint64_t qed_size_max(uint32_t cluster, uint32_t table);
/* In qemu-img's words. */
int qed_sizes_check(uint64_t cluster, uint64_t table, struct err *e) MUST_CHECK;

struct qed {
	struct l2map m; /* first */
	struct qed_header h;
	char *backing; /* its name, or NULL */
};

static inline struct qed *to_qed(struct blk *b)
{
	return (struct qed *)b;
}

int qed_store_header(struct qed *s, struct err *e) MUST_CHECK;
/* Is a cluster, or a table, allowed there? */
bool qed_place_ok(const struct qed *s, uint64_t off, uint64_t len);

extern const struct img_create_opt qed_create_opts[];
int qed_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e) MUST_CHECK;
int qed_check(struct blk *b, struct img_check *c, struct err *e) MUST_CHECK;
int qed_set_backing(struct blk *b, const char *file, const char *fmt, struct err *e) MUST_CHECK;
int qed_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
	       struct err *e) MUST_CHECK;

#endif
