/* SPDX-License-Identifier: MIT */
/* The bitmap directory: two bytes of count, then the directory. */
#include "img/format/qcow2_bitmap.h"
#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

enum { CLUSTER_BITS = 16, DISK_SIZE = 1 << 30 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct qcow2_bitmap *v = NULL, *again = NULL;
	struct err e = { 0 };
	uint32_t n;
	uint8_t *buf;
	size_t size;
	int r;

	if (len < 2)
		return 0;
	n = (uint32_t)(data[0] << 8 | data[1]);
	r = qcow2_bitmap_dir_parse(data + 2, len - 2, n, CLUSTER_BITS, DISK_SIZE, &v, &e);
	if (r < 0) {
		must(r == e.code && e.msg[0]);
		must(r == -EUCLEAN || r == -ENOTSUP || r == -ENOMEM || r == -ENODATA);
		return 0;
	}
	size = qcow2_bitmap_dir_bytes(v, n);
	must(size == len - 2);
	buf = malloc(size ? size : 1);
	must(buf != NULL);
	qcow2_bitmap_dir_write(v, n, buf);
	must(qcow2_bitmap_dir_parse(buf, size, n, CLUSTER_BITS, DISK_SIZE, &again, &e) == 0);
	for (uint32_t i = 0; i < n; i++) {
		must(strlen(v[i].name) >= 1 && strlen(v[i].name) <= QCOW2_BITMAP_NAME_MAX);
		must(v[i].granularity_bits >= QCOW2_BITMAP_GRANULARITY_MIN &&
		     v[i].granularity_bits <= QCOW2_BITMAP_GRANULARITY_MAX);
		must(strcmp(v[i].name, again[i].name) == 0);
		must(v[i].flags == again[i].flags);
		must(v[i].table_offset == again[i].table_offset);
		must(v[i].table_entries == again[i].table_entries);
		must(v[i].extra_len == again[i].extra_len);
	}
	qcow2_bitmap_dir_free(again, n);
	qcow2_bitmap_dir_free(v, n);
	free(buf);
	return 0;
}
