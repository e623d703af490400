/* SPDX-License-Identifier: MIT */
/* Parts of a kernel that is taken lie in the file, and in memory between its ends. */
#include "emu/boot/multiboot.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct multiboot_image k;
	int r = multiboot_parse(data, len, len, &k, &e);

	if (r < 0) {
		must(e.code == r && e.msg[0]);
		return 0;
	}
	must(k.parts && k.parts <= MULTIBOOT_PARTS && k.lo < k.hi);
	for (unsigned i = 0; i < k.parts; i++) {
		const struct multiboot_part *p = &k.part[i];

		must(p->from <= len && p->len <= len - p->from);
		must(p->len <= p->size && p->size);
		must(p->at >= k.lo && p->at < k.hi && p->size <= k.hi - p->at);
	}
	return 0;
}
