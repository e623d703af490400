/* SPDX-License-Identifier: MIT */
/*
 * Extensions behind a header that is good.  The first byte: bit 0 version 2, bit 1 autoclear
 * bit of bitmaps, bit 2 LUKS, bits 3 and up how much of the end is the backing name; the
 * rest is what follows the header.  What parses is within the limits, and comes back the
 * same, unknown extensions in order, when it is written and parsed again.
 */
#include "base/bytes.h"
#include "img/format/qcow2_header.h"
#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

enum { BITS = 12, CLUSTER = 1 << BITS };

static size_t make_image(uint8_t *image, const uint8_t *data, size_t len)
{
	unsigned mode = len ? data[0] : 0;
	size_t head = mode & 1 ? QCOW2_V2_LENGTH : QCOW2_V3_LENGTH;
	size_t n = len ? len - 1 : 0, name = mode >> 3;

	n = n < CLUSTER - head ? n : CLUSTER - head;
	name = name < n ? name : n;
	memset(image, 0, CLUSTER);
	store_be32(image, QCOW2_MAGIC);
	store_be32(image + 4, mode & 1 ? 2 : 3);
	store_be32(image + 20, BITS);
	store_be32(image + 32, mode & 4 ? 2 : 0);
	store_be64(image + 48, CLUSTER);
	store_be32(image + 56, 1);
	if (!(mode & 1)) {
		store_be64(image + 88, mode & 2 ? QCOW2_AUTOCLEAR_BITMAPS : 0);
		store_be32(image + 96, 4);
		store_be32(image + 100, QCOW2_V3_LENGTH);
	}
	if (n)
		memcpy(image + head, data + 1, n);
	if (name) {
		store_be64(image + 8, head + n - name);
		store_be32(image + 16, (uint32_t)name);
	}
	return head + n;
}

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void must_be_within_limits(const struct qcow2_header *h)
{
	must(!h->backing_file || (h->backing_file[0] && strlen(h->backing_file) <= 1023));
	must(!h->backing_fmt || strlen(h->backing_fmt) <= QCOW2_BACKING_FMT_MAX);
	must(!h->data_file || h->data_file[0]);
	must(!(h->has_bitmaps && h->bitmaps_stale));
	if (h->has_bitmaps) {
		must(h->bitmaps_n >= 1 && h->bitmaps_n <= QCOW2_BITMAPS_MAX);
		must(h->bitmap_dir_size <= QCOW2_BITMAP_DIR_MAX);
		must(h->bitmap_dir_offset && h->bitmap_dir_offset % CLUSTER == 0);
		must(h->bitmap_dir_offset + h->bitmap_dir_size <= INT64_MAX);
	}
	must(!h->has_crypto || h->crypt == 2);
}

static void must_come_back(struct qcow2_header *h)
{
	static uint8_t buf[CLUSTER];
	struct qcow2_header again;
	struct err e = { 0 };

	if (qcow2_header_write(h, buf, CLUSTER, &e) < 0) {
		must(e.code == -ENOSPC || e.code == -ENOMEM);
		return;
	}
	must(qcow2_header_parse(&again, buf, CLUSTER, &e) == 0);
	must(qcow2_header_parse_ext(&again, buf, CLUSTER, &e) == 0);
	must(same_text(h->backing_file, again.backing_file));
	must(same_text(h->backing_fmt, again.backing_fmt));
	must(same_text(h->data_file, again.data_file));
	must(h->has_bitmaps == again.has_bitmaps && h->bitmaps_n == again.bitmaps_n);
	must(h->bitmap_dir_offset == again.bitmap_dir_offset);
	must(h->bitmap_dir_size == again.bitmap_dir_size);
	must(h->has_crypto == again.has_crypto && h->crypto_offset == again.crypto_offset);
	must(h->crypto_len == again.crypto_len);
	must(h->unknown_n == again.unknown_n);
	for (size_t i = 0; i < h->unknown_n; i++) {
		must(h->unknown[i].type == again.unknown[i].type);
		must(h->unknown[i].len == again.unknown[i].len);
		must(!h->unknown[i].len ||
		     !memcmp(h->unknown[i].data, again.unknown[i].data, h->unknown[i].len));
	}
	qcow2_header_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *image = malloc(CLUSTER), *exact;
	struct err e = { 0 };
	struct qcow2_header h;
	size_t n;
	int r;

	must(image != NULL);
	n = make_image(image, data, len);
	/* no byte more than the file has, so that reading past it is seen */
	exact = malloc(n);
	must(exact != NULL);
	memcpy(exact, image, n);
	free(image);
	r = qcow2_header_parse(&h, exact, n, &e);
	must(r == 0);
	r = qcow2_header_parse_ext(&h, exact, n, &e);
	if (r < 0) {
		must(r == e.code && e.msg[0]);
		must(r == -EUCLEAN || r == -ENODATA || r == -ENOMEM);
	} else {
		must(r == 0 && e.code == 0);
		must_be_within_limits(&h);
		must_come_back(&h);
	}
	qcow2_header_free(&h);
	free(exact);
	return 0;
}
