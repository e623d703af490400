/* SPDX-License-Identifier: MIT */
/* Parts of an ELF kernel that is taken lie in the file, and in memory above 1 MiB; its notes end. */
#include "emu/boot/pvh.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct pvh_image k;
	uint32_t entry;
	int r = pvh_parse(data, len, len, &k, &e);

	pvh_find_entry(data, len, &entry);
	if (r < 0) {
		must(e.code == r && e.msg[0]);
		return 0;
	}
	must(k.parts && k.parts <= PVH_PARTS && k.notes <= PVH_PARTS);
	for (unsigned i = 0; i < k.parts; i++) {
		const struct pvh_part *p = &k.part[i];

		must(p->from <= len && p->len <= len - p->from);
		must(p->len <= p->size && p->size);
		must(p->at >= 1u << 20 && p->at < k.hi && p->size <= k.hi - p->at);
	}
	for (unsigned i = 0; i < k.notes; i++) {
		must(k.note[i].len && k.note[i].len <= PVH_NOTES);
		must(k.note[i].from <= len && k.note[i].len <= len - k.note[i].from);
		pvh_find_entry(data + k.note[i].from, k.note[i].len, &entry);
	}
	return 0;
}
