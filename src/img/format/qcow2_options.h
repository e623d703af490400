/* SPDX-License-Identifier: MIT */
/* Run-time options of an open qcow2 image, by QEMU's names. */
#ifndef IMG_FORMAT_QCOW2_OPTIONS_H
#define IMG_FORMAT_QCOW2_OPTIONS_H

#include "img/format/qcow2.h"

struct qcow2_options {
	size_t l2_tables, l2_bytes; /* slices held, and the size of one */
	size_t rb_tables;
	unsigned clean_interval;
	bool lazy;
	bool discard[3]; /* by enum qcow2_freed */
	unsigned overlap;
	enum codec_level level; /* "compression-level": of clusters written compressed */
	const char *data_file;  /* belongs to the option set, or NULL */
};

/* What @opts (may be NULL) says for an image whose header is s->h.  -EINVAL names the
 * option; keys of others are left alone. */
int qcow2_options_parse(const struct qcow2 *s, struct optset *opts, unsigned flags,
			struct qcow2_options *out, struct err *e) MUST_CHECK;

#endif
