/* SPDX-License-Identifier: MIT */
/*
 * The header of LUKS1 (on-disk format 1.2.3, section 2.3): big-endian, 592 bytes, then the key
 * material of eight slots, then the disk.  Offsets in it are sectors of 512 bytes.
 */
#ifndef IMG_CRYPTO_LUKS_HEADER_H
#define IMG_CRYPTO_LUKS_HEADER_H

#include "base/err.h"
#include "img/crypto/sectors.h"

#include <stdbool.h>

enum {
	LUKS_HEADER_BYTES = 592,
	LUKS_SLOTS = 8,
	LUKS_STRIPES = 4000,
	LUKS_DIGEST_BYTES = 20,
	LUKS_SALT_BYTES = 32,
	LUKS_NAME_BYTES = 32, /* with the NUL */
	LUKS_UUID_BYTES = 40,
	LUKS_KEYS_SECTOR = 8, /* where the key material begins */
	LUKS_ITERATIONS_MIN = 1000,
};

struct luks_slot {
	bool active;
	uint32_t iterations; /* at least 1 if active */
	uint8_t salt[LUKS_SALT_BYTES];
	uint32_t sector; /* of its key material */
	uint32_t stripes;
};

struct luks_header {
	char cipher[LUKS_NAME_BYTES], mode[LUKS_NAME_BYTES], hash[LUKS_NAME_BYTES];
	uint32_t payload_sector;
	uint32_t key_bytes;
	uint8_t digest[LUKS_DIGEST_BYTES]; /* of the master key */
	uint8_t salt[LUKS_SALT_BYTES];
	uint32_t iterations; /* at least 1 */
	char uuid[LUKS_UUID_BYTES + 1];
	struct luks_slot slots[LUKS_SLOTS];
};

/* What the names in a header stand for. */
struct luks_spec {
	struct sectors_spec sectors;
	const struct nettle_hash *hash;
};

/* 100 if @head begins a LUKS1 header. */
int luks_header_probe(const uint8_t *head, size_t len);

/*
 * -EINVAL: no LUKS; -ENOTSUP: another version; -ENODATA: fewer than LUKS_HEADER_BYTES;
 * -EUCLEAN: parts of it lie in each other's way or make no sense.  What parses has names
 * that end, its key material behind the header and before the payload, no slot's over another's.
 */
int luks_header_parse(struct luks_header *h, const uint8_t *buf, size_t len, struct err *e)
	MUST_CHECK;
void luks_header_write(const struct luks_header *h, uint8_t buf[LUKS_HEADER_BYTES]);

/* -EUCLEAN: a mode that is not written as it must be; -ENOTSUP: an unknown name.  After it
 * h->key_bytes is what cipher and mode need, so at most CIPHER_KEY_MAX. */
int luks_header_spec(const struct luks_header *h, struct luks_spec *s, struct err *e)
	MUST_CHECK;

/* Sectors that the key material of one slot takes, and what slots are apart in a new header. */
uint64_t luks_material_sectors(uint32_t key_bytes);
uint64_t luks_slot_sectors(uint32_t key_bytes);
/* Where the disk begins in a new image. */
uint64_t luks_payload_bytes(uint32_t key_bytes);

#endif
