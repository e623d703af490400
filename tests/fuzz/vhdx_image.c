/* SPDX-License-Identifier: MIT */
/*
 * A hostile VHDX image.  An input is pieces of an image, so that it need not be megabytes long: a
 * byte that says where (in units of 64 KiB), two that say how many bytes, and these.  Headers
 * and region tables get the right checksum.
 */
#include "base/bytes.h"
#include "img/format/vhdx.h"
#include "tests/lib/fmtfuzz.h"

enum { UNIT = 64 << 10, WHOLE = 6 << 20 };

static void seal(uint8_t *p, size_t len)
{
	store_le32(p + 4, vhdx_checksum(p, len, 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *p = calloc(1, WHOLE);
	size_t end = UNIT;

	must(p != NULL);
	while (len >= 3) {
		size_t at = (size_t)data[0] * UNIT, n = load_le16(data + 1);

		data += 3;
		len -= 3;
		n = n < len ? n : len;
		if (at + UNIT > WHOLE)
			break;
		memcpy(p + at, data, n);
		/* a log entry, if it has a length that can be */
		if (!memcmp(p + at, "loge", 4) && load_le32(p + at + 8) <= UNIT)
			seal(p + at, load_le32(p + at + 8));
		end = at + UNIT > end ? at + UNIT : end;
		data += n;
		len -= n;
	}
	seal(p + VHDX_HEADER1, VHDX_SECTOR);
	seal(p + VHDX_HEADER2, VHDX_SECTOR);
	seal(p + VHDX_REGIONS1, VHDX_TABLE);
	seal(p + VHDX_REGIONS2, VHDX_TABLE);
	fmt_fuzz(&img_format_vhdx, p, end);
	free(p);
	return 0;
}
