/* SPDX-License-Identifier: MIT */
/* A hostile QED image. */
#include "img/format/qed.h"
#include "tests/lib/fmtfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fmt_fuzz(&img_format_qed, data, len);
	return 0;
}
