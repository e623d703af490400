/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_options.h"

#include "base/bytes.h"

#include <string.h>

enum {
	L2_CACHE_DEFAULT = 16 << 20, /* bytes; covers 128 GiB at 64 KiB clusters */
	L2_ENTRY_DEFAULT = 64 << 10,
	L2_ENTRY_MIN = 512,
	RB_CACHE_DEFAULT = 512 << 10,
	TABLES_MIN = 4,
	CLEAN_DEFAULT = 600, /* seconds */
};

/* Bytes of L2 entries that map the whole disk, in whole slices. */
static uint64_t full_l2_bytes(const struct qcow2 *s, uint64_t entry)
{
	uint64_t size = s->h.size ? s->h.size : 1;
	uint64_t bytes = div_up(size, s->cluster_size) * s->l2_entry_bytes;

	return round_up(bytes, entry);
}

static int split_cache(uint64_t all, bool has_l2, bool has_rb, uint64_t full, uint64_t *l2,
		       uint64_t *rb, uint64_t rb_min, struct err *e)
{
	if (has_l2 && has_rb)
		return err_set(
			e, -EINVAL,
			"cache-size, l2-cache-size and refcount-cache-size may not be set at the same time");
	if (has_l2 && *l2 > all)
		return err_set(e, -EINVAL, "l2-cache-size may not exceed cache-size");
	if (has_rb && *rb > all)
		return err_set(e, -EINVAL, "refcount-cache-size may not exceed cache-size");
	if (has_l2) {
		*rb = all - *l2;
	} else if (has_rb) {
		*l2 = all - *rb;
	} else if (all >= full + rb_min) {
		/* more than all L2 tables: the rest is for refcounts */
		*l2 = full;
		*rb = all - full;
	} else {
		*rb = min_u64(all, rb_min);
		*l2 = all - *rb;
	}
	return 0;
}

static int parse_caches(const struct qcow2 *s, struct optset *opts, struct qcow2_options *out,
			struct err *e)
{
	uint64_t entry = min_u64(s->cluster_size, L2_ENTRY_DEFAULT);
	uint64_t all = 0, l2 = 0, rb = 0, clean = CLEAN_DEFAULT;
	uint64_t rb_min = TABLES_MIN * s->cluster_size;
	bool has_all = false, has_l2 = false, has_rb = false;
	int r = 0;

	if (opts) {
		has_all = optset_get(opts, "cache-size");
		has_l2 = optset_get(opts, "l2-cache-size");
		has_rb = optset_get(opts, "refcount-cache-size");
		r = optset_size(opts, "cache-size", &all, e);
		if (r == 0)
			r = optset_size(opts, "l2-cache-size", &l2, e);
		if (r == 0)
			r = optset_size(opts, "refcount-cache-size", &rb, e);
		if (r == 0)
			r = optset_size(opts, "l2-cache-entry-size", &entry, e);
		if (r == 0)
			r = optset_u64(opts, "cache-clean-interval", &clean, e);
		if (r < 0)
			return r;
	}
	if (entry < L2_ENTRY_MIN || entry > s->cluster_size || entry & (entry - 1))
		return err_set(
			e, -EINVAL,
			"L2 cache entry size must be a power of two between %d and the cluster size (%llu)",
			L2_ENTRY_MIN, (unsigned long long)s->cluster_size);
	if (clean > UINT32_MAX)
		return err_set(e, -EINVAL, "Cache clean interval too big");

	uint64_t full = full_l2_bytes(s, entry);

	if (has_all) {
		r = split_cache(all, has_l2, has_rb, full, &l2, &rb, rb_min, e);
		if (r < 0)
			return r;
	}
	if (!has_all && !has_l2)
		l2 = L2_CACHE_DEFAULT;
	if (!has_all && !has_rb)
		rb = max_u64(rb_min, RB_CACHE_DEFAULT);
	if (rb / s->cluster_size > UINT32_MAX / 4)
		return err_set(e, -EINVAL, "Refcount cache size too big");
	if (l2 / entry > UINT32_MAX / 4 && full / entry > UINT32_MAX / 4)
		return err_set(e, -EINVAL, "L2 cache size too big");
	out->l2_bytes = (size_t)entry;
	out->l2_tables = (size_t)max_u64(min_u64(l2, full) / entry, TABLES_MIN);
	out->rb_tables = (size_t)max_u64(rb / s->cluster_size, TABLES_MIN);
	out->clean_interval = (unsigned)clean;
	return 0;
}

static int parse_overlap(struct optset *opts, unsigned *out, struct err *e)
{
	static const struct {
		const char *name;
		unsigned kinds;
	} templates[] = {
		{ "none", 0 },
		{ "constant", QCOW2_R_HEADER | QCOW2_R_L1 | QCOW2_R_REFTABLE |
				      QCOW2_R_SNAPTABLE | QCOW2_R_BITMAP_DIR },
		{ "cached", QCOW2_R_HEADER | QCOW2_R_L1 | QCOW2_R_REFTABLE | QCOW2_R_SNAPTABLE |
				    QCOW2_R_BITMAP_DIR | QCOW2_R_L2 | QCOW2_R_REFBLOCK |
				    QCOW2_R_SNAP_L1 },
		{ "all", QCOW2_R_SNAP_L2 * 2 - 1 },
	};
	static const struct {
		const char *key;
		unsigned kind;
	} kinds[] = {
		{ "overlap-check.main-header", QCOW2_R_HEADER },
		{ "overlap-check.active-l1", QCOW2_R_L1 },
		{ "overlap-check.active-l2", QCOW2_R_L2 },
		{ "overlap-check.refcount-table", QCOW2_R_REFTABLE },
		{ "overlap-check.refcount-block", QCOW2_R_REFBLOCK },
		{ "overlap-check.snapshot-table", QCOW2_R_SNAPTABLE },
		{ "overlap-check.inactive-l1", QCOW2_R_SNAP_L1 },
		{ "overlap-check.inactive-l2", QCOW2_R_SNAP_L2 },
		{ "overlap-check.bitmap-directory", QCOW2_R_BITMAP_DIR },
	};
	const char *a = opts ? optset_get(opts, "overlap-check") : NULL;
	const char *b = opts ? optset_get(opts, "overlap-check.template") : NULL;
	const char *name = a ? a : b ? b : "cached";
	bool found = false;

	if (a && b && strcmp(a, b))
		return err_set(
			e, -EINVAL,
			"Conflicting values for qcow2 options 'overlap-check' ('%s') and "
			"'overlap-check.template' ('%s')",
			a, b);
	for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
		if (strcmp(name, templates[i].name))
			continue;
		*out = templates[i].kinds;
		found = true;
	}
	if (!found)
		return err_set(
			e, -EINVAL,
			"Unsupported value '%s' for qcow2 option 'overlap-check'. Allowed "
			"are any of the following: none, constant, cached, all",
			name);
	for (size_t i = 0; opts && i < ARRAY_SIZE(kinds); i++) {
		bool on = *out & kinds[i].kind;
		int r = optset_bool(opts, kinds[i].key, &on, e);

		if (r < 0)
			return r;
		*out = on ? *out | kinds[i].kind : *out & ~kinds[i].kind;
	}
	return 0;
}

static int parse_level(struct optset *opts, enum codec_level *out, struct err *e)
{
	const char *name = opts ? optset_get(opts, "compression-level") : NULL;

	*out = CODEC_FAST;
	if (!name || !strcmp(name, "fast"))
		return 0;
	if (strcmp(name, "small"))
		return err_set(e, -EINVAL,
			       "Unsupported value '%s' for qcow2 option 'compression-level'. "
			       "Allowed are: fast, small",
			       name);
	*out = CODEC_SMALL;
	return 0;
}

/* Its node is made here; there are no others that a name could mean. */
static int parse_data_file(struct optset *opts, const char **out, struct err *e)
{
	const char *node = optset_get(opts, "data-file");
	const char *driver = optset_get(opts, "data-file.driver");

	*out = optset_get(opts, "data-file.filename");
	if (node)
		return err_set(e, -EINVAL, "Cannot find device='%s' nor node-name='%s'", node,
			       node);
	if (driver && strcmp(driver, "file") && strcmp(driver, "host_device"))
		return err_set(e, -ENOTSUP, "data-file.driver '%s' is not supported", driver);
	if (driver && !*out)
		return err_set(e, -EINVAL, "The '%s' block driver requires a file name",
			       driver);
	return 0;
}

int qcow2_options_parse(const struct qcow2 *s, struct optset *opts, unsigned flags,
			struct qcow2_options *out, struct err *e)
{
	int r;

	*out = (struct qcow2_options){ 0 };
	out->lazy = s->h.compat & QCOW2_COMPAT_LAZY;
	out->discard[QCOW2_FREED_REQUEST] = flags & BLK_UNMAP;
	out->discard[QCOW2_FREED_SNAPSHOT] = true;
	r = parse_caches(s, opts, out, e);
	if (r == 0)
		r = parse_overlap(opts, &out->overlap, e);
	if (r == 0)
		r = parse_level(opts, &out->level, e);
	if (r == 0 && opts)
		r = optset_bool(opts, "lazy-refcounts", &out->lazy, e);
	if (r == 0 && opts)
		r = optset_bool(opts, "pass-discard-request",
				&out->discard[QCOW2_FREED_REQUEST], e);
	if (r == 0 && opts)
		r = optset_bool(opts, "pass-discard-snapshot",
				&out->discard[QCOW2_FREED_SNAPSHOT], e);
	if (r == 0 && opts)
		r = optset_bool(opts, "pass-discard-other", &out->discard[QCOW2_FREED_OTHER],
				e);
	if (r < 0)
		return r;
	if (out->lazy && s->h.version < 3)
		return err_set(e, -EINVAL,
			       "Lazy refcounts require a qcow2 image with at least qemu 1.1 "
			       "compatibility level");
	return opts ? parse_data_file(opts, &out->data_file, e) : 0;
}
