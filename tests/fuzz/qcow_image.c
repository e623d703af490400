/* SPDX-License-Identifier: MIT */
/* A hostile QCOW image of version 1. */
#include "img/format/qcow.h"
#include "tests/lib/fmtfuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fmt_fuzz(&img_format_qcow, data, len);
	return 0;
}
