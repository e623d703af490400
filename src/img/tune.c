/* SPDX-License-Identifier: MIT */
#include "img/tune.h"

#include "base/mem.h"
#include "base/size.h"
#include "img/cache.h"
#include "img/format/qcow2.h"
#include "img/img.h"
#include "img/proto/file.h"
#include "img/tune_place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	CLUSTER_SMALL = 32 << 10,
	CLUSTER_COW_MAX = 256 << 10, /* above: each first write to an overlay copies a lot */
	FRAGMENT_MEAN_SMALL = 256 << 10, /* a mean piece below this costs seeks and requests */
	FRAGMENTS_FEW = 64,
	HOLES_FEW = 64,          /* holes of this part of the disk lie between tables */
	SCAN_RUNS_MAX = 4 << 20, /* runs looked at for fragmentation before it is an estimate */
};
#define QEMU_L2_MAX (32ull << 20)

static const char *mib(uint64_t bytes, char text[SIZE_TEXT])
{
	return size_human(bytes, text);
}

/* Starts a finding; its advice is added by advise(). */
static struct tune_finding *PRINTF(4, 5)
	found(struct img_tune *t, const char *id, enum tune_verdict v, const char *fmt, ...)
{
	struct tune_finding *f = &t->v[t->n < TUNE_FINDINGS_MAX - 1 ? t->n++ : t->n];
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->id = id;
	f->verdict = v;
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
	return f;
}

static void PRINTF(2, 3) advise(struct tune_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->advice, sizeof(f->advice), fmt, ap);
	va_end(ap);
}

/* ---- qcow2 ---- */

static void look_version(const struct qcow2 *s, struct img_tune *t)
{
	struct tune_finding *f;

	if (s->h.version >= 3) {
		found(t, "qcow2.version", TUNE_OK, "version 3 (compat 1.1)");
		return;
	}
	f = found(t, "qcow2.version", TUNE_WARN, "version 2 (compat 0.10)");
	advise(f, "no zero clusters, no dirty bit, no bitmaps: raise it with --apply or "
		  "amend -o compat=1.1");
	f->mendable = true;
}

static void look_state(const struct qcow2 *s, struct img_tune *t)
{
	struct tune_finding *f;

	if (s->h.incompat & QCOW2_INCOMPAT_CORRUPT) {
		f = found(t, "qcow2.state", TUNE_WARN, "marked corrupt");
		advise(f, "save what can be read, then run check -r all");
	} else if (s->h.incompat & QCOW2_INCOMPAT_DIRTY) {
		f = found(t, "qcow2.state", TUNE_WARN, "not closed cleanly");
		advise(f,
		       "run check -r all; it also happens when it is next opened for writing");
	} else {
		found(t, "qcow2.state", TUNE_OK, "clean");
	}
}

static void look_cluster(const struct qcow2 *s, struct img_tune *t)
{
	struct cache_geometry g = {
		.size = s->blk.size,
		.cluster_size = s->cluster_size,
		.extended_l2 = s->h.incompat & QCOW2_INCOMPAT_EXTL2,
	};
	char cluster[SIZE_TEXT], full[SIZE_TEXT];
	struct tune_finding *f;
	struct cache_advice a;

	if (cache_advise(&g, 1, 0, &a, NULL) < 0)
		return;
	mib(s->cluster_size, cluster);
	mib(a.l2_full, full);
	if (a.l2_full > QEMU_L2_MAX) {
		f = found(t, "qcow2.cluster-size", TUNE_WARN,
			  "%s clusters: %s of L2 tables for the whole disk", cluster, full);
		advise(f,
		       "QEMU caches 32 MiB of them by itself: give it the sizes that `vimg cache` "
		       "names, or convert with a larger cluster_size");
	} else if (s->cluster_size < CLUSTER_SMALL) {
		f = found(t, "qcow2.cluster-size", TUNE_WARN, "%s clusters", cluster);
		advise(f, "small clusters mean many allocations and large tables: convert with "
			  "cluster_size=64k, or 128k with extended_l2=on");
	} else if (s->h.backing_file && s->cluster_size > CLUSTER_COW_MAX && !g.extended_l2) {
		f = found(t, "qcow2.cluster-size", TUNE_WARN, "%s clusters over a backing file",
			  cluster);
		advise(f, "each first write to a cluster copies all of it from the backing "
			  "file: convert with extended_l2=on, or with smaller clusters");
	} else {
		found(t, "qcow2.cluster-size", TUNE_OK, "%s clusters: %s of L2 tables", cluster,
		      full);
	}
}

static void look_backing(const struct qcow2 *s, struct img_tune *t)
{
	struct tune_finding *f;

	if (!s->h.backing_file)
		return;
	if (s->h.backing_fmt) {
		found(t, "qcow2.backing-format", TUNE_OK, "%s", s->h.backing_fmt);
		return;
	}
	f = found(t, "qcow2.backing-format", TUNE_WARN, "missing in the header");
	advise(f, "the format is guessed at each start, from bytes that a guest may have "
		  "written: name it with --apply or rebase -u -F");
	f->mendable = s->blk.backing && s->blk.backing->format;
}

struct layout {
	uint64_t runs, breaks, data, compressed;
	uint64_t placed; /* guest bytes that have a place of their own */
	bool cut;
};

/* Walks the mapping: how many pieces the data is in, and how many of them do not
 * follow the one before though the guest's addresses do. */
static int look_layout(struct blk *b, struct layout *l, struct err *e)
{
	uint64_t off = 0, next_guest = UINT64_MAX, next_host = 0;

	memset(l, 0, sizeof(*l));
	while (off < b->size) {
		struct blk_extent x;
		int r = blk_extent(b, off, b->size - off, &x, e);

		if (r < 0)
			return r;
		if (x.flags & BLK_EXT_COMPRESSED) {
			l->compressed += x.len;
		} else if ((x.flags & BLK_EXT_DATA) && (x.flags & BLK_EXT_OFFSET)) {
			l->runs++;
			l->data += x.len;
			if (off == next_guest && x.host_off != next_host)
				l->breaks++;
			next_guest = off + x.len;
			next_host = x.host_off + x.len;
		}
		if (!(x.flags & BLK_EXT_COMPRESSED) && (x.flags & BLK_EXT_OFFSET))
			l->placed += x.len;
		off += x.len;
		if (l->runs > SCAN_RUNS_MAX) {
			l->cut = true;
			break;
		}
	}
	return 0;
}

static void look_mapping(const struct layout *l, struct img_tune *t)
{
	struct tune_finding *f;
	char size[SIZE_TEXT];

	if (l->breaks > FRAGMENTS_FEW && l->data / (l->breaks + 1) < FRAGMENT_MEAN_SMALL) {
		f = found(t, "qcow2.fragmentation", TUNE_WARN, "%s%llu breaks in %s of data",
			  l->cut ? "at least " : "", (unsigned long long)l->breaks,
			  mib(l->data, size));
		advise(f,
		       "neighbours on the disk lie apart in the file: convert to a new image");
	} else {
		found(t, "qcow2.fragmentation", TUNE_OK, "%llu breaks in %s of data",
		      (unsigned long long)l->breaks, mib(l->data, size));
	}
	if (l->compressed) {
		f = found(t, "qcow2.compressed", TUNE_INFO, "%s compressed",
			  mib(l->compressed, size));
		advise(f, "good to keep and send; a guest that works on it is faster on an "
			  "uncompressed copy or an overlay");
	}
}

static int look_qcow2(struct blk *b, struct img_tune *t, struct layout *l, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct tune_finding *f;
	int r = look_layout(b, l, e);

	if (r < 0)
		return r;
	look_version(s, t);
	look_state(s, t);
	look_cluster(s, t);
	look_backing(s, t);
	if (s->h.snapshots_n) {
		f = found(t, "qcow2.snapshots", TUNE_INFO, "%u internal", s->h.snapshots_n);
		advise(f, "first writes after a snapshot copy clusters; delete those no longer "
			  "needed");
	}
	look_mapping(l, t);
	return 0;
}

/* ---- any format ---- */

/* How much of the guest's disk can be written without anything being allocated first: by the
 * format, @l, and below it by the file system. */
static void look_prealloc(const struct blk *b, const struct layout *l,
			  const struct tune_place *p, struct img_tune *t)
{
	uint64_t placed = l ? l->placed : b->size;
	uint64_t holes = !p->device && p->allocated < p->length ? p->length - p->allocated : 0;
	char have[SIZE_TEXT], all[SIZE_TEXT];
	struct tune_finding *f;

	if (p->device && !l)
		return;
	mib(b->size, all);
	if (placed < b->size) {
		f = found(t, "image.allocation", TUNE_INFO, "%s%s of the disk's %s",
			  l->cut ? "at least " : "", mib(placed, have), all);
	} else if (l && holes > b->size / HOLES_FEW) {
		f = found(t, "image.allocation", TUNE_INFO,
			  "all of the disk's %s is mapped, but to a file with %s of holes", all,
			  mib(holes, have));
	} else if (!l && holes) {
		f = found(t, "image.allocation", TUNE_INFO, "%s of the disk's %s",
			  mib(p->allocated, have), all);
	} else {
		found(t, "image.allocation", TUNE_OK, "all of the disk's %s", all);
		return;
	}
	advise(f, "it grows as the guest writes; for steady latency preallocate: convert or "
		  "create with -o preallocation=falloc");
}

static void look_file(const struct tune_place *p, struct img_tune *t)
{
	struct tune_finding *f;

	if (p->fragments > FRAGMENTS_FEW && p->allocated / p->fragments < FRAGMENT_MEAN_SMALL) {
		f = found(t, "file.fragmentation", TUNE_WARN, "%u extents on %s", p->fragments,
			  p->fs);
		advise(f, "copy or convert it to a new file with preallocation=falloc");
	} else if (p->fragments) {
		found(t, "file.fragmentation", TUNE_OK, "%u extent%s on %s", p->fragments,
		      p->fragments == 1 ? "" : "s", p->fs);
	}
	if (p->cow && !p->nocow) {
		f = found(t, "file.copy-on-write", TUNE_WARN, "%s copies on each overwrite",
			  p->fs);
		advise(f, "%s",
		       !strcmp(p->fs, "btrfs")
			       ? "convert into a new file with -o nocow=on, which gives up checksums "
				 "for it"
			       : "match the record size to the guest's writes");
	}
}

static void look_mode(const struct tune_place *p, struct img_tune *t)
{
	t->direct = p->direct;
	t->aio = p->direct && !p->threads ? "native" : "threads";
	snprintf(t->fs, sizeof(t->fs), "%s", p->fs);
	if (!p->direct) {
		struct tune_finding *f = found(t, "file.direct-io", TUNE_INFO,
					       "O_DIRECT is not supported on %s", p->fs);

		advise(f,
		       "cache=none cannot be used here; cache=writeback and aio=threads can");
		return;
	}
	found(t, "file.direct-io", TUNE_OK, "O_DIRECT works on %s: cache=none,aio=%s", p->fs,
	      t->aio);
}

int img_tune_look(struct blk *b, struct img_tune *out, struct err *e)
{
	struct blk *file = b->data ? b->data : b->child ? b->child : b;
	bool qcow2 = b->format == &img_format_qcow2;
	struct tune_place p;
	struct layout l;
	int r;

	memset(out, 0, sizeof(*out));
	if (!file_is_node(file))
		return err_set(e, -ENOTSUP, "'%s' is not a local file or device", b->filename);
	r = tune_place(file, &p, e);
	if (r < 0)
		return r;
	if (qcow2) {
		r = look_qcow2(b, out, &l, e);
		if (r < 0)
			return r;
	}
	look_prealloc(b, qcow2 ? &l : NULL, &p, out);
	look_file(&p, out);
	look_mode(&p, out);
	return 0;
}

static int mend(struct blk *b, const struct tune_finding *f, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct optset set = OPTSET_INIT;
	int r;

	if (!strcmp(f->id, "qcow2.backing-format")) {
		/* The header's own copy is replaced while it is written. */
		AUTO_FREE char *name = mem_strdup(s->h.backing_file, e);

		return name ? b->format->set_backing(b, name, s->blk.backing->format->name, e)
			    : -ENOMEM;
	}
	r = optset_set(&set, "compat", "1.1", e);
	if (r == 0)
		r = b->format->amend(b, &set, false, NULL, e);
	optset_free(&set);
	return r;
}

int img_tune_apply(struct blk *b, struct img_tune *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tune_finding *f = &t->v[i];
		int r;

		if (!f->mendable || f->mended)
			continue;
		r = mend(b, f, e);
		if (r < 0)
			return err_wrap(e, r, "%s", f->id);
		f->mended = true;
	}
	return 0;
}
