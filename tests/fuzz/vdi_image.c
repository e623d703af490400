/* SPDX-License-Identifier: MIT */
/* A hostile VDI image. */
#include "img/format/vdi.h"
#include "tests/lib/fmtfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fmt_fuzz(&img_format_vdi, data, len);
	return 0;
}
