/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_layout.h"

#include "base/bytes.h"
#include "img/format/qcow2_header.h"

int qcow2_layout_too_large(struct err *e)
{
	return err_set(
		e, -EFBIG,
		"The image size is too large for file format 'qcow2' (try using a larger "
		"cluster size)");
}

/* Refcount blocks count themselves and their table, so their number is a fixed point; it
 * only grows, by less each time. */
static void plan_refcounts(struct qcow2_layout *y, uint64_t others)
{
	uint64_t per_block = (8ull << y->cluster_bits) >> y->refcount_order;
	uint64_t last;

	y->refblocks = 1;
	y->reftable_clusters = 1;
	do {
		last = y->total;
		y->total = others + y->refblocks + y->reftable_clusters;
		y->refblocks = div_up(y->total, per_block);
		y->reftable_clusters = div_up(y->refblocks * 8, 1ull << y->cluster_bits);
	} while (y->total != last);
}

int qcow2_layout_plan(struct qcow2_layout *y, struct err *e)
{
	unsigned cb = y->cluster_bits, l2_bits = cb - (y->extended_l2 ? 4 : 3);
	uint64_t others;

	if (y->size > INT64_MAX)
		return qcow2_layout_too_large(e);
	y->guest_clusters = div_up(y->size, 1ull << cb);
	y->l1_entries = div_up(y->guest_clusters, 1ull << l2_bits);
	if (y->l1_entries > QCOW2_L1_BYTES_MAX / 8)
		return qcow2_layout_too_large(e);
	y->l1_clusters = div_up(y->l1_entries * 8, 1ull << cb);
	y->l2_tables = y->some ? y->some_tables : y->l2 ? y->l1_entries : 0;

	y->crypto_clusters = div_up(y->crypto_len, 1ull << cb);
	others = 1 + y->l1_clusters + y->crypto_clusters + y->l2_tables;
	others += y->some ? y->some_clusters : y->data ? y->guest_clusters : 0;
	y->total = 0;
	plan_refcounts(y, others);
	if (y->total > (uint64_t)INT64_MAX >> cb)
		return qcow2_layout_too_large(e);

	y->reftable_off = 1ull << cb;
	y->refblock_off = y->reftable_off + (y->reftable_clusters << cb);
	y->l1_off = y->refblock_off + (y->refblocks << cb);
	y->crypto_off = y->l1_off + (y->l1_clusters << cb);
	y->l2_off = y->crypto_off + (y->crypto_clusters << cb);
	y->data_off = y->l2_off + (y->l2_tables << cb);
	y->end = y->total << cb;
	return 0;
}
