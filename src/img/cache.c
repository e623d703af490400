/* SPDX-License-Identifier: MIT */
#include "img/cache.h"

#include "base/bytes.h"

enum {
	CLUSTER_MIN = 512,
	CLUSTER_MAX = 2 << 20,
	TABLES_MIN = 2,           /* L2 tables or slices that QEMU wants at least */
	REFBLOCKS_MIN = 4,        /* refcount blocks, likewise */
	SLICE_DEFAULT = 64 << 10, /* QEMU's l2-cache-entry-size, at most a cluster */
	SLICE_FINE = 4096,
	CLEAN_SECONDS = 600,   /* QEMU's own interval */
	CLEAN_WORTH = 8 << 20, /* below this nothing is gained by giving memory back */
};
#define QEMU_L2_DEFAULT_MAX (32ull << 20)

static uint64_t entry_bytes(const struct cache_geometry *g)
{
	return g->extended_l2 ? 16 : 8;
}

/* Disk bytes mapped by @l2 bytes of L2 tables. */
static uint64_t covers(const struct cache_geometry *g, uint64_t l2)
{
	uint64_t entries = l2 / entry_bytes(g);

	return entries > g->size / g->cluster_size ? g->size : entries * g->cluster_size;
}

static int check_geometry(const struct cache_geometry *g, double coverage, struct err *e)
{
	if (g->cluster_size < CLUSTER_MIN || g->cluster_size > CLUSTER_MAX ||
	    (g->cluster_size & (g->cluster_size - 1)))
		return err_set(e, -EINVAL,
			       "cluster size %llu is not a power of two from 512 to 2M",
			       (unsigned long long)g->cluster_size);
	if (g->extended_l2 && g->cluster_size < 16384)
		return err_set(e, -EINVAL,
			       "extended L2 entries need clusters of at least 16K, not %llu",
			       (unsigned long long)g->cluster_size);
	if (g->size > INT64_MAX)
		return err_set(e, -EINVAL, "disk size %llu is out of range",
			       (unsigned long long)g->size);
	if (!(coverage > 0 && coverage <= 1))
		return err_set(e, -EINVAL, "coverage must be above 0 and at most 100 %%");
	return 0;
}

int cache_advise(const struct cache_geometry *g, double coverage, uint64_t budget,
		 struct cache_advice *out, struct err *e)
{
	uint64_t want, least, refs;
	int r = check_geometry(g, coverage, e);

	if (r < 0)
		return r;
	*out = (struct cache_advice){
		.l2_entry_size = min_u64(SLICE_DEFAULT, g->cluster_size),
		.l2_full = round_up(div_up(g->size, g->cluster_size) * entry_bytes(g),
				    g->cluster_size),
	};
	refs = REFBLOCKS_MIN * g->cluster_size;
	least = TABLES_MIN * min_u64(SLICE_FINE, g->cluster_size);
	if (budget && budget < least + refs)
		return err_set(
			e, -ERANGE,
			"budget of %llu bytes is below the %llu that the smallest caches "
			"take at this cluster size",
			(unsigned long long)budget, (unsigned long long)(least + refs));
	want = coverage >= 1 ? out->l2_full : (uint64_t)((double)out->l2_full * coverage);
	if (budget)
		want = min_u64(want, budget - refs);
	/* A cache that cannot hold every table does better with small pieces of them: one
	 * stray access then costs 4 KiB of it and not 64. */
	if (want < out->l2_full)
		out->l2_entry_size = min_u64(SLICE_FINE, g->cluster_size);
	want = budget ? round_down(want, out->l2_entry_size)
		      : round_up(want, out->l2_entry_size);
	out->l2_cache = max_u64(want, TABLES_MIN * out->l2_entry_size);
	out->refcount_cache = refs;
	out->covered = covers(g, out->l2_cache);
	out->coverage = g->size ? (double)out->covered / (double)g->size : 1;
	out->clean_interval = out->l2_cache >= CLEAN_WORTH ? CLEAN_SECONDS : 0;

	out->qemu_default_l2 =
		min_u64(QEMU_L2_DEFAULT_MAX,
			max_u64(out->l2_full,
				TABLES_MIN * min_u64(SLICE_DEFAULT, g->cluster_size)));
	out->qemu_default_covered = covers(g, out->qemu_default_l2);
	return 0;
}
