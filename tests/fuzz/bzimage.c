/* SPDX-License-Identifier: MIT */
/* A header that is taken leads to places inside the file, and to numbers that add up. */
#include "emu/boot/linux.h"
#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct linux_image k;
	int r = linux_parse(data, len, len, &k, &e);

	if (r < 0) {
		must(e.code == r && e.msg[0]);
		return 0;
	}
	must(k.payload < len && k.payload_len == len - k.payload);
	must(k.header_end <= LINUX_HEAD && k.header_end >= 0x202);
	must(!k.relocatable || (k.align && !(k.align & (k.align - 1))));
	must(k.pref >= 1 << 20 && k.pref < UINT64_C(1) << 32);
	return 0;
}
