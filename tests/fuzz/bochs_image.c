/* SPDX-License-Identifier: MIT */
/* A hostile Bochs image. */
#include "img/format/bochs.h"
#include "tests/lib/fmtfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fmt_fuzz(&img_format_bochs, data, len);
	return 0;
}
