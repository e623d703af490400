/* SPDX-License-Identifier: MIT */
/* Opening a qcow2 image: header, tables, options, and repair of one left dirty. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_node.h"
#include "img/format/qcow2_options.h"

#include <stdlib.h>
#include <string.h>

int qcow2_probe(const uint8_t *head, size_t len, const char *filename)
{
	if (len < 8 || load_be32(head) != QCOW2_MAGIC)
		return 0;
	return load_be32(head + 4) >= 2 ? 100 : 0;
}

/* Fixed fields first: they say how large a cluster is, which holds the rest. */
static int read_header(struct qcow2 *s, struct err *e)
{
	enum { FIRST = 512 };
	struct blk *file = s->blk.child;
	uint64_t size = file->size;
	uint8_t head[FIRST];
	size_t have = (size_t)min_u64(size, FIRST);
	struct qcow2_header peek;
	int r = 0;

	if (have)
		r = blk_pread(file, head, have, 0, e);
	if (r < 0)
		return err_wrap(e, r, "reading the image header");
	r = qcow2_header_parse(&peek, head, have, e);
	/* an unknown feature's name may lie further on */
	if (r < 0 && (r != -ENOTSUP || peek.cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
		      peek.cluster_bits > QCOW2_CLUSTER_BITS_MAX))
		return r;
	have = (size_t)min_u64(size, 1ull << peek.cluster_bits);
	qcow2_header_free(&peek);

	uint8_t *buf = mem_zalloc(1, have, e);

	if (!buf)
		return -ENOMEM;
	r = blk_pread(file, buf, have, 0, e);
	if (r < 0)
		r = err_wrap(e, r, "reading the image header");
	if (r == 0)
		r = qcow2_header_parse(&s->h, buf, have, e);
	if (r == 0 && !(s->blk.flags & BLK_CHECK))
		r = qcow2_header_check_tables(&s->h, e);
	if (r == 0)
		r = qcow2_header_parse_ext(&s->h, buf, have, e);
	free(buf);
	return r;
}

/* The header is rewritten without them by the next change of it. */
static void tell_of_stale_bitmaps(const struct qcow2 *s)
{
	const char *what = s->h.version < 3
				   ? "This qcow2 v2 image contains bitmaps, but they may have "
				     "been modified by a program without persistent bitmap "
				     "support; so now they must all be considered inconsistent"
				   : "a program lacking bitmap support modified this file, so "
				     "all bitmaps are now considered inconsistent";

	if (s->h.bitmaps_stale)
		blk_warn(
			&s->blk,
			"warning: %s\nSome clusters may be leaked, run 'qemu-img check -r' on the "
			"image file to fix.",
			what);
}

static void derive(struct qcow2 *s)
{
	bool ext = s->h.incompat & QCOW2_INCOMPAT_EXTL2;

	s->cluster_bits = s->h.cluster_bits;
	s->cluster_size = 1ull << s->cluster_bits;
	s->l2_entry_bytes = ext ? 16 : 8;
	s->l2_bits = s->cluster_bits - (ext ? 4 : 3);
	s->subclusters = ext ? 32 : 1;
	s->subcluster_size = s->cluster_size / s->subclusters;
	s->blk.size = s->h.size;
	s->blk.align = 1;
	s->blk.cluster_size = (uint32_t)s->cluster_size;
}

/*
 * A table of @n big-endian offsets at @off.  It must lie inside the file, whose last
 * cluster may have been cut short: what is missing of that reads as zeroes.  So memory
 * is bounded by what the file really holds.
 */
static int load_table(struct qcow2 *s, const char *what, uint64_t off, uint32_t n,
		      uint64_t **out, struct err *e)
{
	enum { BATCH = 256 };
	uint8_t buf[BATCH * 8];
	uint64_t size = s->blk.child->size;
	uint64_t end = round_up(size, s->cluster_size);
	uint64_t *v;

	if (off > end || (uint64_t)n * 8 > end - off)
		return err_set(e, -EUCLEAN,
			       "%s at offset %#llx lies beyond the end of the file", what,
			       (unsigned long long)off);
	v = mem_zalloc(n, sizeof(*v), e);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < n;) {
		uint32_t k = n - i < BATCH ? n - i : BATCH;
		uint64_t at = off + (uint64_t)i * 8;
		size_t have = at < size ? (size_t)min_u64((uint64_t)k * 8, size - at) : 0;
		int r = have ? blk_pread(s->blk.child, buf, have, at, e) : 0;

		if (r < 0) {
			free(v);
			return err_wrap(e, r, "reading the %s", what);
		}
		memset(buf + have, 0, sizeof(buf) - have);
		for (uint32_t j = 0; j < k; j++)
			v[i + j] = load_be64(buf + (size_t)j * 8);
		i += k;
	}
	*out = v;
	return 0;
}

static int load_l1(struct qcow2 *s, struct err *e)
{
	if ((uint64_t)s->h.l1_entries * 8 > QCOW2_L1_BYTES_MAX)
		return err_set(e, -EUCLEAN, "Active L1 table too large");
	if (s->h.l1_entries && !s->h.l1_offset)
		return err_set(e, -EUCLEAN, "Active L1 table offset invalid: 0");
	return load_table(s, "L1 table", s->h.l1_offset, s->h.l1_entries, &s->l1, e);
}

static int load_reftable(struct qcow2 *s, struct err *e)
{
	uint64_t n = ((uint64_t)s->h.reftable_clusters << s->cluster_bits) / 8;
	uint64_t off = s->h.reftable_offset;
	bool lost = off >= s->blk.child->size || !off || off & (s->cluster_size - 1) ||
		    n * 8 > QCOW2_REFTABLE_BYTES_MAX;

	/* a check has to start from somewhere even when nothing is left of it */
	if (s->blk.flags & BLK_CHECK) {
		uint64_t end = round_up(s->blk.child->size, s->cluster_size);

		n = lost ? 0 : min_u64(n, (end - off) / 8);
	}
	if (n && !off)
		return err_set(e, -EUCLEAN, "Reference count table offset invalid: 0");

	int r = load_table(s, "refcount table", n ? off : 0, (uint32_t)n, &s->reftable, e);

	if (r == 0)
		s->reftable_entries = (uint32_t)n;
	return r;
}

static int load_tables(struct qcow2 *s, const struct qcow2_options *o, struct err *e)
{
	bool write = s->blk.flags & BLK_WRITE;
	int r;

	s->slice_bits = (unsigned)__builtin_ctzll(o->l2_bytes / s->l2_entry_bytes);
	s->cache_clean_interval = o->clean_interval;
	s->overlap_kinds = o->overlap;
	s->compression_level = o->level;
	memcpy(s->discard_pass, o->discard, sizeof(s->discard_pass));
	s->file_end = div_up(s->blk.child->size, s->cluster_size);
	r = load_l1(s, e);
	if (r == 0)
		r = qcow2_cache_new(s, o->l2_bytes, o->l2_tables, false, &s->l2c, e);
	/* refcounts are of no use to readers */
	if (r == 0 && (write || s->blk.flags & BLK_CHECK)) {
		r = load_reftable(s, e);
		if (r == 0)
			r = qcow2_cache_new(s, (size_t)s->cluster_size, o->rb_tables, true,
					    &s->rbc, e);
	}
	if (r == 0 && s->h.snapshots_n && !(s->blk.flags & BLK_CHECK))
		r = qcow2_snapshots_load(s, e);
	if (r == 0 && write)
		r = qcow2_regions_load(s, e);
	return r;
}

static void report_repair(void *arg, const char *line)
{
	blk_warn(arg, "%s", line);
}

/* An image that was not closed has refcounts nobody may rely on. */
static int repair_dirty(struct qcow2 *s, struct err *e)
{
	struct img_check c = {
		.repair = IMG_FIX_LEAKS | IMG_FIX_ERRORS,
		.report = report_repair,
		.arg = &s->blk,
	};
	int r = qcow2_check(&s->blk, &c, e);

	if (r == 0 && (c.check_errors || c.corruptions))
		r = err_set(e, -EUCLEAN, "%llu errors are left",
			    (unsigned long long)(c.check_errors + c.corruptions));
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	if (r == 0)
		r = qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, false, e);
	return r < 0 ? err_wrap(e, r, "Could not repair dirty image") : 0;
}

static int check_usable(const struct qcow2 *s, struct err *e)
{
	unsigned flags = s->blk.flags;

	if (!s->h.reftable_clusters && !(flags & BLK_CHECK))
		return err_set(e, -EUCLEAN, "Image does not contain a reference count table");

	if (s->h.incompat & QCOW2_INCOMPAT_CORRUPT && flags & BLK_WRITE && !(flags & BLK_CHECK))
		return err_set(e, -EACCES,
			       "qcow2: Image is corrupt; cannot be opened read/write");
	return 0;
}

/* The name in the header counts from the image's folder, one given now from ours.  The
 * bytes it names are the guest's: it is never opened for somebody who wants headers. */
static int open_data_file(struct qcow2 *s, const char *name, struct err *e)
{
	bool external = s->h.incompat & QCOW2_INCOMPAT_DATA_FILE;
	unsigned flags = s->blk.flags;
	int r;

	if (!external && name)
		return err_set(
			e, -EINVAL,
			"'data-file' can only be set for images with an external data file");
	if (!external || flags & BLK_NOIO)
		return 0;
	if (name)
		r = img_open_child(".", name, flags, &s->blk.data, e);
	else if (s->h.data_file)
		r = img_open_child(s->blk.filename, s->h.data_file, flags, &s->blk.data, e);
	else
		return err_set(e, -EINVAL, "'data-file' is required for this image");
	if (r < 0)
		return r;
	s->blk.data->log = s->blk.log;
	return 0;
}

static int open_node(struct qcow2 *s, struct optset *opts, struct err *e)
{
	struct qcow2_options o;
	int r = read_header(s, e);

	if (r < 0)
		return r;
	tell_of_stale_bitmaps(s);
	derive(s);
	r = check_usable(s, e);
	if (r == 0)
		r = qcow2_options_parse(s, opts, s->blk.flags, &o, e);
	if (r == 0)
		r = qcow2_crypt_open(s, opts, e);
	if (r == 0)
		r = open_data_file(s, o.data_file, e);
	if (r < 0)
		return r;
	if (s->blk.flags & BLK_NOIO && !(s->blk.flags & BLK_WRITE))
		return s->h.snapshots_n ? qcow2_snapshots_load(s, e) : 0;
	r = load_tables(s, &o, e);
	if (r < 0 || !(s->blk.flags & BLK_WRITE))
		return r;
	if (s->h.incompat & QCOW2_INCOMPAT_DIRTY && !(s->blk.flags & BLK_CHECK))
		r = repair_dirty(s, e);
	/* after the repair, which wants its own changes on disk at once */
	s->lazy = o.lazy;
	return r;
}

/* A flush must get its turn however many readers and writers there are.  Nobody takes
 * the lock twice. */
static void init_io(pthread_rwlock_t *io)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(io, &attr);
	pthread_rwlockattr_destroy(&attr);
}

int qcow2_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
	       struct err *e)
{
	struct qcow2 *s = mem_zalloc(1, sizeof(*s), e);
	int r;

	if (!s)
		return -ENOMEM;
	if (!(file->flags & BLK_WRITE))
		flags &= ~(unsigned)BLK_WRITE;
	r = blk_init(&s->blk, &qcow2_ops, file->filename, flags, e);
	if (r < 0) {
		free(s);
		return r;
	}
	s->blk.format = &img_format_qcow2;
	s->blk.child = file;
	s->blk.log = file->log;
	init_io(&s->io);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->inflight_done, NULL);
	r = open_node(s, opts, e);
	if (r < 0) {
		blk_closep(&s->blk.data);
		qcow2_destroy(s);
		return r;
	}
	*out = &s->blk;
	return 0;
}
