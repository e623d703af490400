/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/vmdk.h"

#include <string.h>

enum { PACKED_MERGE = 4096, MARKER = 12 };

/* The backing image has to be the one that was there when this image was made. */
static int check_parent(struct vmdk *s, struct err *e)
{
	const struct blk *under = s->blk.backing;
	const struct vmdk *p;

	if (s->cid_checked)
		return 0;
	if (under->format != &img_format_vmdk)
		return err_set(e, -EINVAL, "%s: the backing file has to be a vmdk image",
			       s->blk.filename);
	p = to_vmdk(s->blk.backing);
	if (!p->desc.has_cid || p->cid_opened != s->desc.parent_cid)
		return err_set(e, -EINVAL,
			       "%s: the backing file was changed: its content ID is %08x, not "
			       "%08x",
			       s->blk.filename, p->cid_opened, s->desc.parent_cid);
	s->cid_checked = true;
	return 0;
}

int vmdk_read_below(struct vmdk *s, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct blk *under = s->blk.backing;
	size_t n = 0;
	int r = under ? check_parent(s, e) : 0;

	if (under && off < under->size)
		n = (size_t)min_u64(len, under->size - off);
	if (r == 0 && n)
		r = blk_pread(under, buf, n, off, e);
	memset((uint8_t *)buf + n, 0, len - n);
	return r;
}

/* The compressed bytes of one grain, at @p of *n bytes that were read. */
static int find_packed(const struct vmdk_extent *x, const struct vmdk_run *run,
		       const uint8_t *buf, size_t got, const uint8_t **p, size_t *n,
		       struct err *e)
{
	*p = buf;
	*n = got;
	if (!(x->h.flags & VMDK_FLAG_MARKERS))
		return 0;
	*p = buf + MARKER;
	*n = got >= MARKER ? load_le32(buf + 8) : 0;
	if (*n && *n <= got - MARKER)
		return 0;
	return err_set(e, -EUCLEAN, "%s: the grain at %llu has %zu bytes", x->file->filename,
		       (unsigned long long)run->host, *n);
}

/* Working memory for one compressed grain: three times its size. */
static void *scratch_get(struct vmdk *s, size_t grain, struct err *e)
{
	void *p;

	pthread_mutex_lock(&s->lock);
	p = s->scratch;
	if (p)
		memcpy(&s->scratch, p, sizeof(s->scratch));
	pthread_mutex_unlock(&s->lock);
	return p ? p : mem_aligned(VMDK_SECTOR, 3 * grain, e);
}

static void scratch_put(struct vmdk *s, void *p)
{
	pthread_mutex_lock(&s->lock);
	memcpy(p, &s->scratch, sizeof(s->scratch));
	s->scratch = p;
	pthread_mutex_unlock(&s->lock);
}

/* [in, in + len) of one compressed grain. */
static int read_packed(struct vmdk *s, struct vmdk_extent *x, const struct vmdk_run *run,
		       uint8_t *out, size_t len, uint64_t in, struct err *e)
{
	/* twice a grain: what does not shrink grows a little */
	size_t grain = (size_t)x->grain, room = 2 * grain, n;
	bool whole = in == 0 && len == grain;
	const uint8_t *p;
	struct codec *c = NULL;
	uint8_t *to, *buf = scratch_get(s, grain, e);
	int r;

	if (run->limit)
		room = (size_t)min_u64(room, run->limit);
	if (!buf)
		return -ENOMEM;
	to = whole ? out : buf + 2 * grain;
	r = blk_pread(x->file, buf, room, run->host, e);
	if (r == 0)
		r = find_packed(x, run, buf, room, &p, &n, e);
	if (r == 0)
		r = codec_pool_get(s->codecs, &c, e);
	if (r == 0)
		r = codec_expand(c, to, grain, p, n, e);
	codec_pool_put(s->codecs, c);
	if (r == 0 && !whole)
		memcpy(out, to + in, len);
	scratch_put(s, buf);
	return r < 0 ? err_wrap(e, r, "%s: grain at %llu", x->file->filename,
				(unsigned long long)run->host)
		     : 0;
}

static int read_run(struct vmdk *s, struct vmdk_extent *x, const struct vmdk_run *run,
		    uint8_t *buf, uint64_t off, struct err *e)
{
	switch (run->state) {
	case VMDK_UNALLOCATED:
		return vmdk_read_below(s, buf, (size_t)run->len, x->start + off, e);
	case VMDK_ZERO:
		memset(buf, 0, (size_t)run->len);
		return 0;
	case VMDK_DATA:
		return blk_pread(x->file, buf, (size_t)run->len, run->host, e);
	case VMDK_PACKED:
		break;
	}
	return read_packed(s, x, run, buf, (size_t)run->len, off % x->grain, e);
}

int vmdk_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	uint8_t *p = buf;

	while (len) {
		struct vmdk_extent *x = vmdk_extent_at(s, off);
		uint64_t in = off - x->start;
		struct vmdk_run run;
		int r;

		pthread_mutex_lock(&s->lock);
		r = vmdk_lookup(s, x, in, min_u64(len, x->size - in), &run, e);
		pthread_mutex_unlock(&s->lock);
		if (r == 0)
			r = read_run(s, x, &run, p, in, e);
		if (r < 0)
			return r;
		p += run.len;
		off += run.len;
		len -= (size_t)run.len;
	}
	return 0;
}

/* Goes on over compressed grains, which a lookup gives one by one.  Under lock. */
static void merge_packed(struct vmdk *s, struct vmdk_extent *x, uint64_t in, uint64_t max,
			 uint64_t *len)
{
	struct vmdk_run run;

	for (int i = 0; i < PACKED_MERGE && *len < max; i++) {
		if (vmdk_lookup(s, x, in + *len, max - *len, &run, NULL) < 0 ||
		    run.state != VMDK_PACKED)
			return;
		*len += run.len;
	}
}

int vmdk_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		struct err *e)
{
	static const unsigned flags[] = {
		[VMDK_UNALLOCATED] = 0,
		[VMDK_ZERO] = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
		[VMDK_DATA] = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET,
		[VMDK_PACKED] = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_COMPRESSED,
	};
	struct vmdk *s = to_vmdk(b);
	struct vmdk_extent *x = vmdk_extent_at(s, off);
	uint64_t in = off - x->start;
	struct vmdk_run run;
	int r;

	max = min_u64(max, x->size - in);
	pthread_mutex_lock(&s->lock);
	r = vmdk_lookup(s, x, in, max, &run, e);
	if (r == 0 && run.state == VMDK_UNALLOCATED && b->backing)
		r = check_parent(s, e);
	if (r == 0 && run.state == VMDK_PACKED)
		merge_packed(s, x, in, max, &run.len);
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return r;
	*out = (struct blk_extent){
		.len = run.len,
		.flags = flags[run.state] | (x->kind == VMDK_FLAT ? BLK_EXT_RECURSE : 0),
		.file = x->file,
		.host_off = run.host,
	};
	return 0;
}
