/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_ext.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { EXT_HEAD = 8, EXT_END = 0, FEATURE_ENTRY = 2 + QCOW2_FEATURE_NAME };
enum {
	EXT_BITMAPS = 0x23852875,
	EXT_BITMAPS_LEN = 24,
	EXT_CRYPTO = 0x0537be77,
	EXT_CRYPTO_LEN = 16,
	EXT_DATA_FILE = 0x44415441,
	EXT_FEATURES = 0x6803f857,
};
#define EXT_BACKING_FMT 0xe2792acau

/* Up to this cluster size the table of names would crowd out the backing name. */
enum { FEATURES_CLUSTER_BITS_MIN = 13 };

static const struct {
	uint8_t kind, bit; /* kind: 0 incompatible, 1 compatible, 2 autoclear */
	char name[QCOW2_FEATURE_NAME];
} features[] = {
	{ 0, 0, "dirty bit" },
	{ 0, 1, "corrupt bit" },
	{ 0, 2, "external data file" },
	{ 0, 3, "compression type" },
	{ 0, 4, "extended L2 entries" },
	{ 1, 0, "lazy refcounts" },
	{ 2, 0, "bitmaps" },
	{ 2, 1, "raw external data" },
};

struct ext_view {
	uint32_t type, len;
	const uint8_t *data;
};

/* Takes the extension at *pos and moves *pos past it.  1: @ext is filled; 0: end of the
 * list; -EUCLEAN: it claims more bytes than there are below @end. */
static int ext_next(const uint8_t *buf, size_t *pos, size_t end, struct ext_view *ext,
		    struct err *e)
{
	if (*pos > end || end - *pos < EXT_HEAD)
		return 0;
	ext->type = load_be32(buf + *pos);
	ext->len = load_be32(buf + *pos + 4);
	if (ext->type == EXT_END)
		return 0;
	*pos += EXT_HEAD;
	if (ext->len > end - *pos)
		return err_set(e, -EUCLEAN,
			       "Header extension too large: type %#x has %u bytes of %zu",
			       ext->type, ext->len, end - *pos);
	ext->data = buf + *pos;
	/* Padding to 8 bytes may be missing after the last one. */
	*pos = min_u64(*pos + round_up(ext->len, 8), end);
	return 1;
}

bool qcow2_ext_feature_name(const uint8_t *buf, size_t pos, size_t len, unsigned kind,
			    unsigned bit, char name[QCOW2_FEATURE_NAME + 1])
{
	struct ext_view x;

	while (ext_next(buf, &pos, len, &x, NULL) > 0) {
		if (x.type != EXT_FEATURES)
			continue;
		for (uint32_t i = 0; x.len - i >= FEATURE_ENTRY; i += FEATURE_ENTRY) {
			if (x.data[i] != kind || x.data[i + 1] != bit || !x.data[i + 2])
				continue;
			memcpy(name, x.data + i + 2, QCOW2_FEATURE_NAME);
			name[QCOW2_FEATURE_NAME] = '\0';
			/* It goes to somebody's terminal. */
			for (char *c = name; *c; c++)
				if (*c < 0x20 || *c > 0x7e)
					*c = '?';
			return true;
		}
	}
	return false;
}

/* The bytes as a string, which ends at the first NUL among them.  Replaces *out. */
static int take_string(char **out, const uint8_t *data, size_t len, struct err *e)
{
	char *s;

	free(*out);
	*out = NULL;
	/* An empty name is no name: written anew it would not be there. */
	if (!len || !data[0])
		return 0;
	s = mem_zalloc(len + 1, 1, e);
	if (!s)
		return -ENOMEM;
	memcpy(s, data, len);
	*out = s;
	return 0;
}

static int parse_bitmaps(struct qcow2_header *h, const struct ext_view *x, struct err *e)
{
	uint64_t cluster_size = 1ull << h->cluster_bits;

	if (x->len != EXT_BITMAPS_LEN)
		return err_set(e, -EUCLEAN, "bitmaps_ext: Invalid extension length");
	if (!(h->autoclear & QCOW2_AUTOCLEAR_BITMAPS)) {
		h->bitmaps_stale = true;
		return 0;
	}
	h->bitmaps_n = load_be32(x->data);
	h->bitmap_dir_size = load_be64(x->data + 8);
	h->bitmap_dir_offset = load_be64(x->data + 16);
	if (load_be32(x->data + 4))
		return err_set(e, -EUCLEAN, "bitmaps_ext: Reserved field is not zero");
	if (h->bitmaps_n == 0)
		return err_set(e, -EUCLEAN,
			       "bitmaps_ext: found bitmaps extension with zero bitmaps");
	if (h->bitmaps_n > QCOW2_BITMAPS_MAX)
		return err_set(e, -EUCLEAN, "bitmaps_ext: image has %u bitmaps, limit is %d",
			       h->bitmaps_n, QCOW2_BITMAPS_MAX);
	if (h->bitmap_dir_offset & (cluster_size - 1) || h->bitmap_dir_offset == 0 ||
	    h->bitmap_dir_offset > INT64_MAX - QCOW2_BITMAP_DIR_MAX)
		return err_set(e, -EUCLEAN, "bitmaps_ext: invalid bitmap directory offset");
	if (h->bitmap_dir_size > QCOW2_BITMAP_DIR_MAX)
		return err_set(
			e, -EUCLEAN,
			"bitmaps_ext: bitmap directory size (%llu) exceeds the limit (%d)",
			(unsigned long long)h->bitmap_dir_size, QCOW2_BITMAP_DIR_MAX);
	h->has_bitmaps = true;
	return 0;
}

static int parse_crypto(struct qcow2_header *h, const struct ext_view *x, struct err *e)
{
	if (h->crypt != 2)
		return err_set(
			e, -EUCLEAN,
			"CRYPTO header extension only expected with LUKS encryption method");
	if (x->len != EXT_CRYPTO_LEN)
		return err_set(e, -EUCLEAN, "CRYPTO header extension size %u, but expected %d",
			       x->len, EXT_CRYPTO_LEN);
	h->crypto_offset = load_be64(x->data);
	h->crypto_len = load_be64(x->data + 8);
	if (h->crypto_offset & ((1ull << h->cluster_bits) - 1) ||
	    h->crypto_offset > INT64_MAX || h->crypto_len > INT64_MAX - h->crypto_offset)
		return err_set(e, -EUCLEAN, "Encryption header offset %#llx, length %#llx",
			       (unsigned long long)h->crypto_offset,
			       (unsigned long long)h->crypto_len);
	h->has_crypto = true;
	return 0;
}

static int keep_unknown(struct qcow2_header *h, const struct ext_view *x, struct err *e)
{
	struct qcow2_ext *u;

	/* Doubled at powers of two, so that many tiny ones cost linear time. */
	if ((h->unknown_n & (h->unknown_n - 1)) == 0) {
		size_t cap = h->unknown_n ? h->unknown_n * 2 : 1;
		void *v = h->unknown;
		int r = mem_grow(&v, cap, sizeof(*h->unknown), e);

		if (r < 0)
			return r;
		h->unknown = v;
	}
	u = &h->unknown[h->unknown_n];
	*u = (struct qcow2_ext){ .type = x->type, .len = x->len };
	if (x->len) {
		u->data = mem_zalloc(x->len, 1, e);
		if (!u->data)
			return -ENOMEM;
		memcpy(u->data, x->data, x->len);
	}
	h->unknown_n++;
	return 0;
}

static int parse_one(struct qcow2_header *h, const struct ext_view *x, struct err *e)
{
	switch (x->type) {
	case EXT_BACKING_FMT:
		if (x->len > QCOW2_BACKING_FMT_MAX)
			return err_set(e, -EUCLEAN,
				       "ext_backing_format: len=%u too large (>=%d)", x->len,
				       QCOW2_BACKING_FMT_MAX + 1);
		return take_string(&h->backing_fmt, x->data, x->len, e);
	case EXT_DATA_FILE:
		return take_string(&h->data_file, x->data, x->len, e);
	case EXT_BITMAPS:
		return parse_bitmaps(h, x, e);
	case EXT_CRYPTO:
		return parse_crypto(h, x, e);
	case EXT_FEATURES:
		return 0;
	default:
		return keep_unknown(h, x, e);
	}
}

/* Fields between those known here and the end of the header: kept as they are. */
static int keep_extra(struct qcow2_header *h, const uint8_t *buf, size_t len, struct err *e)
{
	if (h->length <= QCOW2_V3_LENGTH)
		return 0;
	if (len < h->length)
		return err_set(e, -ENODATA, "header of %u bytes is cut short at %zu", h->length,
			       len);
	h->extra_len = h->length - QCOW2_V3_LENGTH;
	h->extra = mem_zalloc(h->extra_len, 1, e);
	if (!h->extra)
		return -ENOMEM;
	memcpy(h->extra, buf + QCOW2_V3_LENGTH, h->extra_len);
	return 0;
}

int qcow2_header_parse_ext(struct qcow2_header *h, const uint8_t *buf, size_t len,
			   struct err *e)
{
	size_t pos = h->length, end = min_u64(len, 1ull << h->cluster_bits);
	struct ext_view x;
	int r;

	/* qcow2_header_parse has seen to it that the name lies in the first cluster. */
	if (h->backing_offset && h->backing_len) {
		if (h->backing_offset + h->backing_len > len)
			return err_set(e, -ENODATA, "backing file name is cut short");
		r = take_string(&h->backing_file, buf + h->backing_offset, h->backing_len, e);
		if (r < 0)
			return r;
	}
	r = keep_extra(h, buf, len, e);
	if (r < 0)
		return r;
	if (h->backing_offset)
		end = min_u64(end, h->backing_offset);
	while ((r = ext_next(buf, &pos, end, &x, e)) > 0) {
		r = parse_one(h, &x, e);
		if (r < 0)
			return r;
	}
	return r;
}

void qcow2_header_free(struct qcow2_header *h)
{
	free(h->backing_file);
	free(h->backing_fmt);
	free(h->data_file);
	free(h->extra);
	for (size_t i = 0; i < h->unknown_n; i++)
		free(h->unknown[i].data);
	free(h->unknown);
	memset(h, 0, sizeof(*h));
}

/* Space for one extension of @len bytes; the buffer is zero, so padding is. */
static int ext_head(uint8_t *buf, size_t *pos, size_t end, uint32_t type, size_t len,
		    uint8_t **data, struct err *e)
{
	if (*pos > end || end - *pos < EXT_HEAD || end - *pos - EXT_HEAD < round_up(len, 8))
		return err_set(e, -ENOSPC,
			       "header extensions do not fit into the first cluster");
	store_be32(buf + *pos, type);
	store_be32(buf + *pos + 4, (uint32_t)len);
	*data = buf + *pos + EXT_HEAD;
	*pos += EXT_HEAD + round_up(len, 8);
	return 0;
}

static int put_bytes(uint8_t *buf, size_t *pos, size_t end, uint32_t type, const void *bytes,
		     size_t len, struct err *e)
{
	uint8_t *to;
	int r = ext_head(buf, pos, end, type, len, &to, e);

	if (r == 0 && len)
		memcpy(to, bytes, len);
	return r;
}

static int put_features(uint8_t *buf, size_t *pos, size_t end, struct err *e)
{
	uint8_t *to;
	int r = ext_head(buf, pos, end, EXT_FEATURES, ARRAY_SIZE(features) * FEATURE_ENTRY, &to,
			 e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(features); i++, to += FEATURE_ENTRY) {
		to[0] = features[i].kind;
		to[1] = features[i].bit;
		memcpy(to + 2, features[i].name, QCOW2_FEATURE_NAME);
	}
	return r;
}

static int put_bitmaps(const struct qcow2_header *h, uint8_t *buf, size_t *pos, size_t end,
		       struct err *e)
{
	uint8_t *to;
	int r = ext_head(buf, pos, end, EXT_BITMAPS, EXT_BITMAPS_LEN, &to, e);

	if (r < 0)
		return r;
	store_be32(to, h->bitmaps_n);
	store_be64(to + 8, h->bitmap_dir_size);
	store_be64(to + 16, h->bitmap_dir_offset);
	return 0;
}

static int put_crypto(const struct qcow2_header *h, uint8_t *buf, size_t *pos, size_t end,
		      struct err *e)
{
	uint8_t *to;
	int r = ext_head(buf, pos, end, EXT_CRYPTO, EXT_CRYPTO_LEN, &to, e);

	if (r < 0)
		return r;
	store_be64(to, h->crypto_offset);
	store_be64(to + 8, h->crypto_len);
	return 0;
}

int qcow2_ext_write(const struct qcow2_header *h, uint8_t *buf, size_t *pos, size_t end,
		    struct err *e)
{
	uint8_t *to;
	int r = 0;

	if (h->backing_fmt)
		r = put_bytes(buf, pos, end, EXT_BACKING_FMT, h->backing_fmt,
			      strlen(h->backing_fmt), e);
	if (r == 0 && h->data_file)
		r = put_bytes(buf, pos, end, EXT_DATA_FILE, h->data_file, strlen(h->data_file),
			      e);
	if (r == 0 && h->has_crypto)
		r = put_crypto(h, buf, pos, end, e);
	if (r == 0 && h->version >= 3 && h->cluster_bits >= FEATURES_CLUSTER_BITS_MIN)
		r = put_features(buf, pos, end, e);
	if (r == 0 && h->has_bitmaps)
		r = put_bitmaps(h, buf, pos, end, e);
	for (size_t i = 0; r == 0 && i < h->unknown_n; i++)
		r = put_bytes(buf, pos, end, h->unknown[i].type, h->unknown[i].data,
			      h->unknown[i].len, e);
	if (r == 0)
		r = ext_head(buf, pos, end, EXT_END, 0, &to, e);
	return r;
}
