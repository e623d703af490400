/* SPDX-License-Identifier: MIT */
/* QEMU's first own format, version 1, over l2map.h.  Numbers are big-endian; there is no
 * specification but QEMU's block/qcow.c. */
#ifndef IMG_FORMAT_QCOW_H
#define IMG_FORMAT_QCOW_H

#include "img/format/l2map.h"

extern const struct img_format img_format_qcow;

enum { QCOW_HEADER = 48 };
#define QCOW_PACKED (UINT64_C(1) << 63)

struct qcow_header {
	uint64_t name_off, size, l1_off;
	uint32_t name_len, crypt;
	unsigned cluster_bits, l2_bits;
	uint64_t l1_n; /* entries that the disk needs */
};

/* @buf holds QCOW_HEADER bytes.  -EINVAL: not qcow; -ENOTSUP, -EUCLEAN. */
int qcow_header_parse(const uint8_t *buf, struct qcow_header *h, struct err *e) MUST_CHECK;
void qcow_header_write(const struct qcow_header *h, uint8_t *buf);

struct codec_pool;

struct qcow {
	struct l2map m; /* first */
	struct qcow_header h;
	char *backing;
	struct codec_pool *codecs;
};

static inline struct qcow *to_qcow(struct blk *b)
{
	return (struct qcow *)b;
}

/* The entry of a compressed cluster. */
static inline uint64_t qcow_packed_entry(const struct qcow *s, uint64_t off, uint64_t len)
{
	return QCOW_PACKED | len << (63 - s->h.cluster_bits) | off;
}

int qcow_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			   const struct blk_turn *turn, struct err *e) MUST_CHECK;

extern const struct img_create_opt qcow_create_opts[];
int qcow_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *p, struct err *e) MUST_CHECK;

#endif
