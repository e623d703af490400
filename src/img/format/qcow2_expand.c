/* SPDX-License-Identifier: MIT */
/*
 * Reading compressed clusters.  Neighbours in the guest are mostly neighbours in the file:
 * they are read in one request and expanded one by one, straight into the caller's
 * buffer where a whole cluster is wanted.  Entries may claim any place and length: what
 * is read is bounded by the file, and what is expanded by the cluster.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

/* Bytes between two streams that are cheaper read than skipped. */
enum { GAP_MAX = 16 << 10 };

static bool is_part(const struct qcow2 *s, const struct qcow2_run *run)
{
	return run->len < s->cluster_size;
}

/* How many of @runs one request can read: @len bytes from the first one's place. */
static size_t group(const struct qcow2_run *runs, size_t n, size_t *len)
{
	uint64_t start = runs[0].comp_off, end = start + runs[0].comp_len;
	size_t k = 1;

	for (; k < n; k++) {
		uint64_t from = runs[k].comp_off;

		if (from < runs[k - 1].comp_off || from > end + GAP_MAX ||
		    from + runs[k].comp_len - start > QCOW2_SCRATCH)
			break;
		end = max_u64(end, from + runs[k].comp_len);
	}
	*len = (size_t)(end - start);
	return k;
}

/* What lies past the end of the file is not read; *len says what was. */
static int read_group(struct qcow2 *s, uint8_t *buf, uint64_t off, size_t *len, struct err *e)
{
	struct blk *f = s->blk.child;
	uint64_t size = atomic_load(&f->size);

	*len = off < size ? (size_t)min_u64(*len, size - off) : 0;
	return *len ? blk_pread(f, buf, *len, off, e) : 0;
}

static int expand(struct qcow2 *s, struct codec *c, const struct qcow2_run *run,
		  const uint8_t *in, size_t in_len, uint8_t *out, struct err *e)
{
	struct err why = { 0 };
	int r = -ENODATA;

	if (in_len)
		r = codec_expand(c, out, (size_t)s->cluster_size, in, in_len, &why);
	if (r == -ENOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r < 0)
		return err_set(e, -EIO, "compressed cluster at host offset %#llx: %s",
			       (unsigned long long)run->comp_off,
			       in_len ? why.msg : "beyond the end of the file");
	return 0;
}

/* A part of a cluster: expanded aside, and kept for the next part. */
static int expand_part(struct qcow2 *s, struct codec *c, const struct qcow2_run *run,
		       const uint8_t *in, size_t in_len, uint64_t skip, uint8_t *out,
		       struct err *e)
{
	uint8_t *whole = mem_aligned(64, (size_t)s->cluster_size, e);
	int r;

	if (!whole)
		return -ENOMEM;
	r = expand(s, c, run, in, in_len, whole, e);
	if (r < 0) {
		free(whole);
		return r;
	}
	memcpy(out, whole + skip, run->len);
	qcow2_kept_put(s, run->comp_off, whole);
	return 0;
}

static int expand_group(struct qcow2 *s, struct codec *c, uint8_t *in, size_t in_len,
			const struct qcow2_run *runs, size_t n, uint64_t skip, uint8_t *out,
			struct err *e)
{
	uint64_t start = runs[0].comp_off;
	int r = read_group(s, in, start, &in_len, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct qcow2_run *run = &runs[i];
		uint64_t at = run->comp_off - start;
		size_t have = at < in_len ? (size_t)min_u64(run->comp_len, in_len - at) : 0;

		if (is_part(s, run))
			r = expand_part(s, c, run, in + at, have, i ? 0 : skip, out, e);
		else
			r = expand(s, c, run, in + at, have, out, e);
		out += run->len;
	}
	return r;
}

static int expand_all(struct qcow2 *s, struct codec *c, const struct qcow2_run *runs, size_t n,
		      uint64_t skip, uint8_t *buf, struct err *e)
{
	uint8_t *in = qcow2_scratch_get(s, e);
	int r = in ? 0 : -ENOMEM;

	while (n && r == 0) {
		size_t len, k = group(runs, n, &len);

		r = expand_group(s, c, in, len, runs, k, skip, buf, e);
		for (size_t i = 0; i < k; i++)
			buf += runs[i].len;
		runs += k;
		n -= k;
		skip = 0;
	}
	qcow2_scratch_put(s, in);
	return r;
}

int qcow2_expand_runs(struct qcow2 *s, const struct qcow2_run *runs, size_t n, uint64_t skip,
		      uint8_t *buf, struct err *e)
{
	struct codec_pool *pool;
	struct codec *c;
	int r;

	/* only the first and the last can be parts */
	if (is_part(s, runs) && qcow2_kept_get(s, runs->comp_off, skip, buf, runs->len)) {
		buf += runs->len;
		runs++;
		n--;
		skip = 0;
	}
	if (n && is_part(s, &runs[n - 1])) {
		uint8_t *at = buf;

		for (size_t i = 0; i + 1 < n; i++)
			at += runs[i].len;
		if (qcow2_kept_get(s, runs[n - 1].comp_off, n == 1 ? skip : 0, at,
				   runs[n - 1].len))
			n--;
	}
	if (!n)
		return 0;
	r = qcow2_codecs(s, &pool, e);
	if (r == 0)
		r = codec_pool_get(pool, &c, e);
	if (r < 0)
		return r;
	r = expand_all(s, c, runs, n, skip, buf, e);
	codec_pool_put(pool, c);
	return r;
}

int qcow2_read_compressed(struct qcow2 *s, const struct qcow2_run *run, uint64_t skip,
			  void *buf, size_t len, struct err *e)
{
	struct qcow2_run part = *run;

	part.len = len;
	return qcow2_expand_runs(s, &part, 1, skip, buf, e);
}
