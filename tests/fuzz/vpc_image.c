/* SPDX-License-Identifier: MIT */
/* A hostile VPC image, its checksum made right so that more than that is looked at. */
#include "base/bytes.h"
#include "img/format/vpc.h"
#include "tests/lib/fmtfuzz.h"

static void seal(uint8_t *p)
{
	uint32_t sum = 0;

	store_be32(p + 64, 0);
	for (size_t i = 0; i < VPC_FOOTER; i++)
		sum += p[i];
	store_be32(p + 64, ~sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy;

	fmt_fuzz(&img_format_vpc, data, len);
	if (len < VPC_FOOTER)
		return 0;
	copy = malloc(len);
	must(copy != NULL);
	memcpy(copy, data, len);
	seal(copy);
	seal(copy + len - VPC_FOOTER);
	fmt_fuzz(&img_format_vpc, copy, len);
	free(copy);
	return 0;
}
