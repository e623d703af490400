/* SPDX-License-Identifier: MIT */
/* Checking the table of a VDI image; repairs are not known, as in qemu-img. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vdi.h"

#include <stdio.h>

static void tell(struct img_check *c, const char *line)
{
	c->corruptions++;
	if (c->report)
		c->report(c->arg, line);
}

int vdi_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct vdi *v = (struct vdi *)b;
	AUTO_FREE uint8_t *seen = NULL;
	uint32_t allocated = 0;
	char line[128];

	if (c->repair)
		return err_set(e, -ENOTSUP, "VDI images cannot be repaired");
	seen = mem_zalloc((size_t)v->h.blocks / 8 + 1, 1, e);
	if (!seen)
		return -ENOMEM;
	for (uint32_t n = 0; n < v->h.blocks; n++) {
		uint32_t at = load_le32(bat_entry(&v->bat, n));

		if (at >= VDI_DISCARDED)
			continue;
		if (at >= v->h.blocks) {
			snprintf(line, sizeof(line), "ERROR: block index %u too large, is %u",
				 n, at);
			tell(c, line);
			continue;
		}
		allocated++;
		if (seen[at / 8] & 1 << at % 8) {
			snprintf(line, sizeof(line),
				 "ERROR: block index %u has the place of another, %u", n, at);
			tell(c, line);
		}
		seen[at / 8] |= (uint8_t)(1 << at % 8);
	}
	if (allocated != v->h.allocated) {
		snprintf(line, sizeof(line),
			 "ERROR: allocated blocks mismatch, is %u, should be %u", allocated,
			 v->h.allocated);
		tell(c, line);
	}
	return 0;
}
