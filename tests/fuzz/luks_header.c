/* SPDX-License-Identifier: MIT */
/*
 * The LUKS1 header.  What parses keeps its parts out of each other's way, and is the same
 * when it is written and parsed again; what does not says why.
 */
#include "img/crypto/luks_header.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static void must_be_apart(const struct luks_header *h)
{
	uint64_t len = luks_material_sectors(h->key_bytes);

	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		uint64_t begin = h->slots[i].sector;

		must(begin * SECTOR_BYTES >= LUKS_HEADER_BYTES);
		must(begin + len <= h->payload_sector);
		must(!h->slots[i].active || h->slots[i].iterations);
		must(h->slots[i].stripes == LUKS_STRIPES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t buf[LUKS_HEADER_BYTES], twice[LUKS_HEADER_BYTES];
	struct luks_header h, again;
	struct luks_spec s;
	struct err e = { 0 };
	int r = luks_header_parse(&h, data, len, &e);

	must(luks_header_probe(data, len) == 0 || len >= 8);
	if (r < 0) {
		must(r == e.code && e.msg[0]);
		must(r == -EINVAL || r == -ENOTSUP || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(luks_header_probe(data, len) == 100 && h.iterations);
	must_be_apart(&h);
	luks_header_write(&h, buf);
	must(luks_header_parse(&again, buf, sizeof(buf), &e) == 0);
	luks_header_write(&again, twice);
	must(!memcmp(buf, twice, sizeof(buf)));
	r = luks_header_spec(&h, &s, &e);
	if (r < 0) {
		must(r == e.code && e.msg[0] && (r == -EUCLEAN || r == -ENOTSUP));
		return 0;
	}
	must(s.hash && s.sectors.cipher);
	must(cipher_key_bytes(s.sectors.cipher, s.sectors.mode) == h.key_bytes);
	must(h.key_bytes <= CIPHER_KEY_MAX);
	return 0;
}
