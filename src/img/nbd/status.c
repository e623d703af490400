/* SPDX-License-Identifier: MIT */
/* What an export says of itself and of the state of its bytes. */
#include "base/bytes.h"
#include "img/nbd/session.h"

#include <stdio.h>

/* Looks at the image's map for one request, so that a large one cannot keep us for ever. */
enum { LOOKS_MAX = 4096 };

unsigned nbd_export_flags(const struct nbd_export *x, bool structured)
{
	/* Clients share one node, so a flush by one of them is a flush for all. */
	unsigned flags = NBD_HAS_FLAGS | NBD_SEND_FLUSH | NBD_CAN_MULTI_CONN | NBD_SEND_CACHE;

	if (structured)
		flags |= NBD_SEND_DF;
	if (!x->writable)
		return flags | NBD_READ_ONLY;
	return flags | NBD_SEND_FUA | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES |
	       NBD_SEND_FAST_ZERO;
}

bool nbd_export_context(const struct nbd_export *x, unsigned i, char *buf, size_t size)
{
	switch (1u << i) {
	case NBD_CONTEXT_ALLOCATION:
		snprintf(buf, size, "base:allocation");
		return true;
	case NBD_CONTEXT_DEPTH:
		snprintf(buf, size, "qemu:allocation-depth");
		return x->depth;
	case NBD_CONTEXT_BITMAP:
		snprintf(buf, size, "qemu:dirty-bitmap:%s", x->bitmap ? x->bitmap : "");
		return x->bitmap != NULL;
	default:
		return false;
	}
}

static uint32_t state_of(enum nbd_context context, const struct blk_extent *ext, unsigned depth)
{
	if (context == NBD_CONTEXT_DEPTH)
		return ext->flags & BLK_EXT_ALLOCATED ? depth + 1 : 0;
	return (ext->flags & BLK_EXT_DATA ? 0 : NBD_STATE_HOLE) |
	       (ext->flags & BLK_EXT_ZERO ? NBD_STATE_ZERO : 0);
}

int nbd_export_states(const struct nbd_export *x, enum nbd_context context, uint64_t off,
		      uint64_t len, struct nbd_state *out, unsigned max, struct err *e)
{
	unsigned n = 0;

	for (unsigned looks = 0; len && looks < LOOKS_MAX; looks++) {
		struct blk_extent ext;
		unsigned depth = 0;
		uint32_t flags;
		int r = blk_extent_above(x->blk, NULL, off, len, &ext, &depth, e);

		if (r < 0)
			return r;
		flags = state_of(context, &ext, depth);
		if (n && out[n - 1].flags == flags)
			out[n - 1].len += ext.len;
		else if (n == max)
			break;
		else
			out[n++] = (struct nbd_state){ ext.len, flags };
		off += ext.len;
		len -= ext.len;
	}
	return (int)n;
}
