/* SPDX-License-Identifier: MIT */
/*
 * One L2 entry to a kind and a place, and back.  Pure: entries come from the file, so
 * each field may hold anything.  Specification: "L2 table", "Standard Cluster
 * Descriptor", "Compressed Clusters Descriptor", "Extended L2 Entries".
 */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"

enum { SECTOR = 512 };

/* Bits below the sector count of a compressed entry: its byte offset. */
static unsigned sector_shift(const struct qcow2 *s)
{
	return 62 - (s->cluster_bits - 8);
}

static uint64_t low_bits(unsigned n)
{
	return (1ull << n) - 1;
}

static int decode_compressed(const struct qcow2 *s, uint64_t entry, struct qcow2_run *out,
			     struct err *e)
{
	unsigned shift = sector_shift(s);
	uint64_t off = entry & low_bits(shift);
	/* the sector that holds the first byte is not counted */
	uint64_t more = (entry >> shift) & low_bits(s->cluster_bits - 8);

	if (qcow2_has_data_file(s))
		return err_set(e, -EUCLEAN,
			       "Compressed cluster entry found in image with external data "
			       "file");
	out->kind = QCOW2_COMPRESSED;
	out->len = s->cluster_size;
	out->comp_off = off;
	out->comp_len = (uint32_t)((more + 1) * SECTOR - (off & (SECTOR - 1)));
	return 0;
}

static int decode_subcluster(uint64_t bitmap, unsigned sc, struct qcow2_run *out, struct err *e)
{
	bool alloc = bitmap >> sc & 1, zero = bitmap >> (32 + sc) & 1;

	if ((out->has_host && bitmap & bitmap >> 32 & QCOW2_ALL_ALLOC) ||
	    (!out->has_host && bitmap & QCOW2_ALL_ALLOC))
		return err_set(e, -EUCLEAN,
			       "Invalid cluster entry found: subcluster bitmap %#018llx of %s "
			       "cluster",
			       (unsigned long long)bitmap,
			       out->has_host ? "an allocated" : "an unallocated");
	if (zero)
		out->kind = out->has_host ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN;
	else
		out->kind = alloc ? QCOW2_NORMAL : QCOW2_UNALLOCATED;
	return 0;
}

int qcow2_entry_decode(const struct qcow2 *s, uint64_t entry, uint64_t bitmap, unsigned sc,
		       struct qcow2_run *out, struct err *e)
{
	uint64_t host = entry & QCOW2_OFFSET_MASK;

	*out = (struct qcow2_run){ .len = s->subcluster_size };
	if (entry & QCOW2_OFLAG_COMPRESSED)
		return decode_compressed(s, entry, out, e);
	if (host & (s->cluster_size - 1))
		return err_set(e, -EUCLEAN, "Cluster allocation offset %#llx unaligned",
			       (unsigned long long)host);
	out->copied = entry & QCOW2_OFLAG_COPIED;
	out->has_host = qcow2_entry_has_host(s, entry);
	if (out->has_host)
		out->host = host + sc * s->subcluster_size;
	if (s->subclusters > 1)
		return decode_subcluster(bitmap, sc, out, e);
	if (!(entry & QCOW2_OFLAG_ZERO)) {
		out->kind = out->has_host ? QCOW2_NORMAL : QCOW2_UNALLOCATED;
		return 0;
	}
	if (s->h.version < 3)
		return err_set(e, -EUCLEAN, "Zero cluster entry found in pre-v3 image");
	/* a zero cluster at offset 0 of a data file has no place of its own */
	out->has_host = host != 0;
	out->kind = host ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN;
	return 0;
}

uint64_t qcow2_compressed_entry(const struct qcow2 *s, uint64_t off, uint32_t len)
{
	uint64_t more = (off + len - 1) / SECTOR - off / SECTOR;

	return QCOW2_OFLAG_COMPRESSED | more << sector_shift(s) | off;
}

uint64_t qcow2_l2_entry(const struct qcow2 *s, const uint8_t *table, uint64_t i)
{
	return load_be64(table + i * s->l2_entry_bytes);
}

uint64_t qcow2_l2_bitmap(const struct qcow2 *s, const uint8_t *table, uint64_t i)
{
	return s->subclusters > 1 ? load_be64(table + i * s->l2_entry_bytes + 8) : 0;
}

void qcow2_l2_set(const struct qcow2 *s, uint8_t *table, uint64_t i, uint64_t entry,
		  uint64_t bitmap)
{
	store_be64(table + i * s->l2_entry_bytes, entry);
	if (s->subclusters > 1)
		store_be64(table + i * s->l2_entry_bytes + 8, bitmap);
}
