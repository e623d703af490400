/* SPDX-License-Identifier: MIT */
/*
 * How large an image of given bytes would become.  qemu-img's arithmetic, for scripts that
 * size volumes with it: metadata is counted for the full image, and data by whole clusters.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_layout.h"

#include <stdlib.h>
#include <string.h>

/* The options that bear on the size.  What qemu-img does not look at here is not looked at:
 * its caller may yet decide otherwise. */
static int check_options(const struct img_create *c, struct err *e)
{
	uint64_t cs = c->cluster_size, bits = c->refcount_bits;

	if (cs < 1 << QCOW2_CLUSTER_BITS_MIN || cs > 1 << QCOW2_CLUSTER_BITS_MAX ||
	    cs & (cs - 1))
		return err_set(e, -EINVAL,
			       "Cluster size must be a power of two between %d and %dk",
			       1 << QCOW2_CLUSTER_BITS_MIN, 1 << (QCOW2_CLUSTER_BITS_MAX - 10));
	if (c->extended_l2 && cs < 1 << QCOW2_EXTL2_CLUSTER_BITS_MIN)
		return err_set(
			e, -EINVAL,
			"Extended L2 entries are only supported with cluster sizes of at "
			"least %d bytes",
			1 << QCOW2_EXTL2_CLUSTER_BITS_MIN);
	if (bits < 1 || bits > 64 || bits & (bits - 1))
		return err_set(
			e, -EINVAL,
			"Refcount width must be a power of two and may not exceed 64 bits");
	if (c->compat < 3 && bits != 16)
		return err_set(e, -EINVAL,
			       "Different refcount widths than 16 bits require compatibility "
			       "level 1.1 or above (use compat=1.1 or greater)");
	return 0;
}

/* Bytes of clusters that hold something other than zeroes. */
static int count_data(struct blk *src, uint64_t cs, uint64_t *out, struct err *e)
{
	uint64_t size = src->size, off = 0;

	*out = 0;
	while (off < size) {
		struct blk_extent x;
		unsigned depth;
		uint64_t next;
		int r = blk_extent_above(src, NULL, off, size - off, &x, &depth, e);

		if (r < 0)
			return err_wrap(e, r, "reading the map of %s at %llu", src->filename,
					(unsigned long long)off);
		next = off + x.len;
		if (!(x.flags & BLK_EXT_ZERO) && x.flags & BLK_EXT_DATA &&
		    x.flags & BLK_EXT_ALLOCATED) {
			next = round_up(next, cs);
			*out += next - round_down(off, cs);
		}
		off = next;
	}
	return 0;
}

/* A copy of the bitmaps of @src: their bits, a table each, and the directory. */
static int count_bitmaps(struct blk *src, uint64_t cs, uint64_t *out, struct err *e)
{
	struct qcow2 *s = to_qcow2(src);
	struct img_bitmap *v = NULL;
	uint64_t dir = 0, clusters;
	size_t n = 0;
	int r;

	*out = 0;
	if (!s->h.has_bitmaps)
		return 0;
	r = qcow2_bitmaps_list(s, &v, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!v[i].in_use) {
			clusters = div_up(div_up(div_up(src->size, v[i].granularity), 8), cs);
			*out += clusters * cs + round_up(clusters * 8, cs);
			dir += round_up(QCOW2_BITMAP_ENTRY + strlen(v[i].name), 8);
		}
		free(v[i].name);
	}
	free(v);
	*out += round_up(dir, cs);
	return 0;
}

int qcow2_measure(const struct img_create *c, struct blk *src, struct img_measure *out,
		  struct err *e)
{
	struct qcow2_layout y = { .extended_l2 = c->extended_l2, .l2 = true, .data = true };
	uint64_t size = src ? src->size : c->size, cs = c->cluster_size, data = 0;
	struct qcow2_encrypt k;
	int r = check_options(c, e);

	if (r == 0)
		r = qcow2_encrypt_parse(c, &k, e);
	if (r < 0)
		return r;
	y.crypto_len = k.method == QCOW2_CRYPT_LUKS ? luks_create_bytes(&k.luks) : 0;
	y.cluster_bits = (unsigned)__builtin_ctzll(cs);
	y.refcount_order = (unsigned)__builtin_ctz(c->refcount_bits);
	y.size = size > INT64_MAX - cs ? size : round_up(size, cs);
	r = qcow2_layout_plan(&y, e);
	if (r == -EFBIG)
		return err_set(e, -EINVAL,
			       "The image size is too large (try using a larger cluster size)");
	if (r < 0)
		return r;
	*out = (struct img_measure){ .fully_allocated = y.end, .bitmaps = UINT64_MAX };

	/* Nobody knows how much of the source the backing file holds already. */
	if (c->prealloc == PREALLOC_FULL || c->prealloc == PREALLOC_FALLOC ||
	    (src && c->backing_file))
		data = y.size;
	else if (src)
		r = count_data(src, cs, &data, e);
	out->required = y.end - y.size + data;
	if (r == 0 && src && c->compat >= 3 && src->format == &img_format_qcow2 &&
	    to_qcow2(src)->h.version >= 3)
		r = count_bitmaps(src, cs, &out->bitmaps, e);
	return r;
}
