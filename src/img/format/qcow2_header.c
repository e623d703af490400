/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_header.h"

#include "base/bytes.h"
#include "img/format/qcow2_ext.h"

#include <string.h>

/* Where the fields lie, in bytes from the start of the image. */
enum {
	OFF_MAGIC = 0,
	OFF_VERSION = 4,
	OFF_BACKING_OFFSET = 8,
	OFF_BACKING_LEN = 16,
	OFF_CLUSTER_BITS = 20,
	OFF_SIZE = 24,
	OFF_CRYPT = 32,
	OFF_L1_ENTRIES = 36,
	OFF_L1_OFFSET = 40,
	OFF_REFTABLE_OFFSET = 48,
	OFF_REFTABLE_CLUSTERS = 56,
	OFF_SNAPSHOTS_N = 60,
	OFF_SNAPSHOTS_OFFSET = 64,
	OFF_INCOMPAT = 72, /* this and the rest: version 3 */
	OFF_COMPAT = 80,
	OFF_AUTOCLEAR = 88,
	OFF_REFCOUNT_ORDER = 96,
	OFF_LENGTH = 100,
	OFF_COMPRESSION = 104, /* only if the header is longer than this */
	V3_LENGTH_MIN = 104,
	SNAPSHOT_ENTRY_MIN = 40,
};

static int unknown_features(const struct qcow2_header *h, const uint8_t *buf, size_t len,
			    struct err *e)
{
	uint64_t bits = h->incompat & ~(uint64_t)QCOW2_INCOMPAT_KNOWN;
	char list[ERR_MSG_SIZE / 2] = "", name[QCOW2_FEATURE_NAME + 1];
	size_t at = 0;

	len = min_u64(len, 1ull << h->cluster_bits);
	if (h->backing_offset)
		len = min_u64(len, h->backing_offset);
	for (unsigned bit = 0; bit < 64; bit++) {
		size_t n;

		if (!(bits >> bit & 1) ||
		    !qcow2_ext_feature_name(buf, h->length, len, 0, bit, name))
			continue;
		n = strlen(name);
		if (at + n + 3 > sizeof(list))
			break; /* the rest goes by number */
		if (at) {
			memcpy(list + at, ", ", 2);
			at += 2;
		}
		memcpy(list + at, name, n + 1);
		at += n;
		bits &= ~(1ull << bit);
	}
	if (bits && at)
		return err_set(e, -ENOTSUP,
			       "Unsupported qcow2 feature(s): %s, Unknown incompatible "
			       "feature: %llx",
			       list, (unsigned long long)bits);
	if (bits)
		return err_set(
			e, -ENOTSUP,
			"Unsupported qcow2 feature(s): Unknown incompatible feature: %llx",
			(unsigned long long)bits);
	return err_set(e, -ENOTSUP, "Unsupported qcow2 feature(s): %s", list);
}

static int parse_v3(struct qcow2_header *h, const uint8_t *buf, size_t len, struct err *e)
{
	if (len < V3_LENGTH_MIN)
		return err_set(e, -ENODATA, "qcow2 header too short: %zu bytes", len);
	h->incompat = load_be64(buf + OFF_INCOMPAT);
	h->compat = load_be64(buf + OFF_COMPAT);
	h->autoclear = load_be64(buf + OFF_AUTOCLEAR);
	h->refcount_order = load_be32(buf + OFF_REFCOUNT_ORDER);
	h->length = load_be32(buf + OFF_LENGTH);
	if (h->length < V3_LENGTH_MIN)
		return err_set(e, -EUCLEAN, "qcow2 header too short: %u bytes", h->length);
	if (h->length > 1u << h->cluster_bits)
		return err_set(e, -EUCLEAN, "qcow2 header exceeds cluster size: %u bytes",
			       h->length);
	if (h->length % 8)
		return err_set(e, -EUCLEAN, "header length %u is not a multiple of 8",
			       h->length);
	if (h->incompat & ~(uint64_t)QCOW2_INCOMPAT_KNOWN)
		return unknown_features(h, buf, len, e);
	if (h->length > OFF_COMPRESSION) {
		if (len <= OFF_COMPRESSION)
			return err_set(e, -ENODATA, "qcow2 header too short: %zu bytes", len);
		h->compression = buf[OFF_COMPRESSION];
	}
	if (h->compression > QCOW2_ZSTD)
		return err_set(e, -ENOTSUP, "qcow2: unknown compression type: %u",
			       h->compression);
	if (!(h->incompat & QCOW2_INCOMPAT_COMPRESSION) != (h->compression == QCOW2_ZLIB))
		return err_set(e, -EUCLEAN,
			       "qcow2: Compression type incompatible feature bit must%s be set",
			       h->compression == QCOW2_ZLIB ? " not" : "");
	if (h->refcount_order > 6)
		return err_set(e, -EUCLEAN,
			       "Reference count entry width too large (2^%u bits); may not "
			       "exceed 64 bits",
			       h->refcount_order);
	if (h->incompat & QCOW2_INCOMPAT_EXTL2 &&
	    h->cluster_bits < QCOW2_EXTL2_CLUSTER_BITS_MIN)
		return err_set(e, -EUCLEAN, "Unsupported subcluster size: %u",
			       (1u << h->cluster_bits) / 32);
	return 0;
}

/* A table of @bytes at @off: cluster aligned, not past what an offset can say. */
static int check_table(const struct qcow2_header *h, const char *what, uint64_t off,
		       uint64_t bytes, uint64_t max, struct err *e)
{
	if (bytes > max)
		return err_set(e, -EUCLEAN, "%s too large: %llu bytes", what,
			       (unsigned long long)bytes);
	if (off & ((1ull << h->cluster_bits) - 1) || off > INT64_MAX - bytes)
		return err_set(e, -EUCLEAN, "%s offset invalid: %#llx", what,
			       (unsigned long long)off);
	return 0;
}

/* The L1 table must cover the whole image.  Bytes that one L1 entry covers: at most 2^39. */
static int check_size(const struct qcow2_header *h, struct err *e)
{
	unsigned l2_bits = h->cluster_bits - (h->incompat & QCOW2_INCOMPAT_EXTL2 ? 4 : 3);
	uint64_t need = div_up(h->size, 1ull << (h->cluster_bits + l2_bits));

	if (need > INT32_MAX)
		return err_set(e, -EUCLEAN, "Image is too big: %llu bytes",
			       (unsigned long long)h->size);
	if (h->l1_entries < need)
		return err_set(e, -EUCLEAN,
			       "L1 table is too small: %u entries, size needs %llu",
			       h->l1_entries, (unsigned long long)need);
	return 0;
}

static int check_backing(const struct qcow2_header *h, struct err *e)
{
	uint64_t cluster_size = 1ull << h->cluster_bits;

	if (!h->backing_offset)
		return 0;
	if (h->backing_offset > cluster_size || h->backing_offset < h->length)
		return err_set(e, -EUCLEAN, "Invalid backing file offset: %#llx",
			       (unsigned long long)h->backing_offset);
	if (h->backing_len > QCOW2_BACKING_NAME_MAX ||
	    h->backing_len > cluster_size - h->backing_offset)
		return err_set(e, -EUCLEAN, "Backing file name too long: %u bytes",
			       h->backing_len);
	return 0;
}

int qcow2_header_check_tables(const struct qcow2_header *h, struct err *e)
{
	int r = check_table(h, "Reference count table", h->reftable_offset,
			    (uint64_t)h->reftable_clusters << h->cluster_bits,
			    QCOW2_REFTABLE_BYTES_MAX, e);

	if (r < 0)
		return r;
	return check_table(h, "Snapshot table", h->snapshots_offset,
			   (uint64_t)h->snapshots_n * SNAPSHOT_ENTRY_MIN,
			   (uint64_t)QCOW2_SNAPSHOTS_MAX * SNAPSHOT_ENTRY_MIN, e);
}

static int check_fields(const struct qcow2_header *h, struct err *e)
{
	int r = check_backing(h, e);

	if (r == 0 && h->crypt > 2)
		r = err_set(e, -ENOTSUP, "Unsupported encryption method %u", h->crypt);
	if (r == 0)
		r = check_table(h, "Active L1 table", h->l1_offset, (uint64_t)h->l1_entries * 8,
				QCOW2_L1_BYTES_MAX, e);
	if (r == 0)
		r = check_size(h, e);
	return r;
}

int qcow2_header_parse(struct qcow2_header *h, const uint8_t *buf, size_t len, struct err *e)
{
	int r;

	memset(h, 0, sizeof(*h));
	if (len < 4 || load_be32(buf + OFF_MAGIC) != QCOW2_MAGIC)
		return err_set(e, -EINVAL, "Image is not in qcow2 format");
	if (len < QCOW2_V2_LENGTH)
		return err_set(e, -ENODATA, "qcow2 header too short: %zu bytes", len);

	h->version = load_be32(buf + OFF_VERSION);
	if (h->version != 2 && h->version != 3)
		return err_set(e, -ENOTSUP, "Unsupported qcow2 version %u", h->version);
	h->backing_offset = load_be64(buf + OFF_BACKING_OFFSET);
	h->backing_len = load_be32(buf + OFF_BACKING_LEN);
	h->cluster_bits = load_be32(buf + OFF_CLUSTER_BITS);
	h->size = load_be64(buf + OFF_SIZE);
	h->crypt = load_be32(buf + OFF_CRYPT);
	h->l1_entries = load_be32(buf + OFF_L1_ENTRIES);
	h->l1_offset = load_be64(buf + OFF_L1_OFFSET);
	h->reftable_offset = load_be64(buf + OFF_REFTABLE_OFFSET);
	h->reftable_clusters = load_be32(buf + OFF_REFTABLE_CLUSTERS);
	h->snapshots_n = load_be32(buf + OFF_SNAPSHOTS_N);
	h->snapshots_offset = load_be64(buf + OFF_SNAPSHOTS_OFFSET);
	if (h->cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
	    h->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
		return err_set(e, -EUCLEAN, "Unsupported cluster size: 2^%u", h->cluster_bits);

	/* A version 2 image may have anything where version 3 has its fields. */
	h->refcount_order = 4;
	h->length = QCOW2_V2_LENGTH;
	if (h->version == 3) {
		r = parse_v3(h, buf, len, e);
		if (r < 0)
			return r;
	}
	return check_fields(h, e);
}

static void put_fields(const struct qcow2_header *h, uint8_t *buf)
{
	store_be32(buf + OFF_MAGIC, QCOW2_MAGIC);
	store_be32(buf + OFF_VERSION, h->version);
	store_be64(buf + OFF_BACKING_OFFSET, h->backing_offset);
	store_be32(buf + OFF_BACKING_LEN, h->backing_len);
	store_be32(buf + OFF_CLUSTER_BITS, h->cluster_bits);
	store_be64(buf + OFF_SIZE, h->size);
	store_be32(buf + OFF_CRYPT, h->crypt);
	store_be32(buf + OFF_L1_ENTRIES, h->l1_entries);
	store_be64(buf + OFF_L1_OFFSET, h->l1_offset);
	store_be64(buf + OFF_REFTABLE_OFFSET, h->reftable_offset);
	store_be32(buf + OFF_REFTABLE_CLUSTERS, h->reftable_clusters);
	store_be32(buf + OFF_SNAPSHOTS_N, h->snapshots_n);
	store_be64(buf + OFF_SNAPSHOTS_OFFSET, h->snapshots_offset);
	if (h->version < 3)
		return;
	store_be64(buf + OFF_INCOMPAT, h->incompat);
	store_be64(buf + OFF_COMPAT, h->compat);
	store_be64(buf + OFF_AUTOCLEAR, h->autoclear);
	store_be32(buf + OFF_REFCOUNT_ORDER, h->refcount_order);
	store_be32(buf + OFF_LENGTH, h->length);
	buf[OFF_COMPRESSION] = h->compression;
	if (h->extra_len)
		memcpy(buf + QCOW2_V3_LENGTH, h->extra, h->extra_len);
}

int qcow2_header_write(struct qcow2_header *h, uint8_t *buf, size_t len, struct err *e)
{
	size_t name = h->backing_file ? strlen(h->backing_file) : 0;
	uint32_t length = h->version < 3 ? QCOW2_V2_LENGTH : QCOW2_V3_LENGTH + h->extra_len;
	size_t pos = length;
	int r;

	memset(buf, 0, len);
	if (name > QCOW2_BACKING_NAME_MAX)
		return err_set(e, -EINVAL, "Backing file name too long: %zu bytes", name);
	if (length > len)
		return err_set(e, -ENOSPC, "header of %u bytes exceeds the cluster size",
			       length);
	r = qcow2_ext_write(h, buf, &pos, len, e);
	if (r < 0)
		return r;
	if (name > len - pos)
		return err_set(e, -ENOSPC,
			       "backing file name of %zu bytes does not fit into the first "
			       "cluster",
			       name);
	h->length = length;
	h->backing_offset = name ? pos : 0;
	h->backing_len = (uint32_t)name;
	if (name)
		memcpy(buf + pos, h->backing_file, name);
	put_fields(h, buf);
	return 0;
}
