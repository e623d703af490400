/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/parallels.h"

enum { SECTOR = 512, DEFAULT_CLUSTER = 1 << 20, HEADS = 16, TRACK = 32 };

int parallels_create(struct blk *file, struct blk *data, const struct img_create *c,
		     struct progress *p, struct err *e)
{
	uint64_t cluster = DEFAULT_CLUSTER,
		 size = round_up(min_u64(c->size, INT64_MAX), SECTOR);
	uint64_t entries, start;
	uint8_t head[PARALLELS_HEADER] = "WithouFreSpacExt";
	int r = c->own ? optset_size(c->own, "cluster_size", &cluster, e) : 0;

	if (r < 0)
		return r;
	if (cluster > (uint64_t)INT32_MAX / 513 * SECTOR)
		return err_set(e, -EINVAL, "Cluster size is too large");
	cluster = round_up(cluster, SECTOR);
	entries = cluster ? div_up(size, cluster) : 0;
	if (!cluster || entries > INT32_MAX / 4)
		return err_set(e, -E2BIG, "Image size is too large for this cluster size");
	start = div_up(PARALLELS_HEADER + entries * 4, cluster) * cluster;
	store_le32(head + 16, 2);
	store_le32(head + 20, HEADS);
	store_le32(head + 24, (uint32_t)(size / SECTOR / HEADS / TRACK));
	store_le32(head + 28, (uint32_t)(cluster / SECTOR));
	store_le32(head + 32, (uint32_t)entries);
	store_le64(head + 36, size / SECTOR);
	store_le32(head + 48, (uint32_t)(start / SECTOR));
	if (file->size) /* a device: its bytes are no table */
		r = blk_zero(file, 0, min_u64(start, file->size), 0, e);
	if (r == 0 && !file->fixed)
		r = blk_resize(file, start, PREALLOC_OFF, e);
	if (r == 0)
		r = blk_flush(file, e);
	return r < 0 ? r : blk_pwrite(file, head, sizeof(head), 0, e);
}
