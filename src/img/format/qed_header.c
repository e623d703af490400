/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/qed.h"

#include <string.h>

uint64_t qed_size_max(uint32_t cluster, uint32_t table)
{
	uint64_t n = (uint64_t)table * cluster / 8, max;

	return __builtin_mul_overflow(n * n, (uint64_t)cluster, &max) || n > UINT32_MAX ? 0
											: max;
}

int qed_sizes_check(uint64_t cluster, uint64_t table, struct err *e)
{
	if (cluster < QED_CLUSTER_MIN || cluster > QED_CLUSTER_MAX || cluster & (cluster - 1))
		return err_set(e, -EINVAL,
			       "QED cluster size must be within range [%d, %d] and power of 2",
			       QED_CLUSTER_MIN, QED_CLUSTER_MAX);
	if (!table || table > QED_TABLE_MAX || table & (table - 1))
		return err_set(e, -EINVAL,
			       "QED table size must be within range [1, %d] and power of 2",
			       QED_TABLE_MAX);
	return 0;
}

static int check_size(const struct qed_header *h, struct err *e)
{
	uint64_t max = qed_size_max(h->cluster, h->table);

	if (h->size % 512 == 0 && h->size <= INT64_MAX && (!max || h->size <= max))
		return 0;
	return err_set(e, -EUCLEAN, "the disk has %llu bytes, which is not possible here",
		       (unsigned long long)h->size);
}

int qed_header_parse(const uint8_t *buf, struct qed_header *h, struct err *e)
{
	uint64_t room;
	int r;

	*h = (struct qed_header){
		.cluster = load_le32(buf + 4),
		.table = load_le32(buf + 8),
		.header = load_le32(buf + 12),
		.features = load_le64(buf + 16),
		.compat = load_le64(buf + 24),
		.autoclear = load_le64(buf + 32),
		.l1_off = load_le64(buf + 40),
		.size = load_le64(buf + 48),
		.name_off = load_le32(buf + 56),
		.name_len = load_le32(buf + 60),
	};
	if (memcmp(buf, "QED", 4))
		return err_set(e, -EINVAL, "Image not in QED format");
	if (h->features & ~(uint64_t)QED_F_KNOWN)
		return err_set(e, -ENOTSUP, "Unsupported QED features: %llx",
			       (unsigned long long)(h->features & ~(uint64_t)QED_F_KNOWN));
	r = qed_sizes_check(h->cluster, h->table, e);
	if (r < 0)
		return err_wrap(e, -EUCLEAN, "header");
	r = check_size(h, e);
	if (r < 0)
		return r;
	room = (uint64_t)h->header * h->cluster;
	if (!h->header || room > INT64_MAX / 2)
		return err_set(e, -EUCLEAN, "the header has %u clusters", h->header);
	if (h->l1_off % h->cluster || h->l1_off < room ||
	    h->l1_off > INT64_MAX - (uint64_t)h->table * h->cluster)
		return err_set(e, -EUCLEAN, "the first table is at %llu",
			       (unsigned long long)h->l1_off);
	if (h->features & QED_F_BACKING &&
	    ((uint64_t)h->name_off + h->name_len > room || h->name_len > IMG_NAME_MAX))
		return err_set(e, -EUCLEAN, "the backing file's name, %u bytes at %u, %s",
			       h->name_len, h->name_off,
			       h->name_len > IMG_NAME_MAX ? "is too long"
							  : "is not in the header");
	return 0;
}

void qed_header_write(const struct qed_header *h, uint8_t *buf)
{
	memcpy(buf, "QED", 4);
	store_le32(buf + 4, h->cluster);
	store_le32(buf + 8, h->table);
	store_le32(buf + 12, h->header);
	store_le64(buf + 16, h->features);
	store_le64(buf + 24, h->compat);
	store_le64(buf + 32, h->autoclear);
	store_le64(buf + 40, h->l1_off);
	store_le64(buf + 48, h->size);
	store_le32(buf + 56, h->name_off);
	store_le32(buf + 60, h->name_len);
}
