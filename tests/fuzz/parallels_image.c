/* SPDX-License-Identifier: MIT */
/* A hostile Parallels image. */
#include "img/format/parallels.h"
#include "tests/lib/fmtfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fmt_fuzz(&img_format_parallels, data, len);
	return 0;
}
