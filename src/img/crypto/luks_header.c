/* SPDX-License-Identifier: MIT */
#include "img/crypto/luks_header.h"

#include "base/bytes.h"
#include "img/crypto/kdf.h"

#include <string.h>

/* Where the fields lie. */
enum {
	AT_VERSION = 6,
	AT_CIPHER = 8,
	AT_MODE = 40,
	AT_HASH = 72,
	AT_PAYLOAD = 104,
	AT_KEY_BYTES = 108,
	AT_DIGEST = 112,
	AT_SALT = 132,
	AT_ITERATIONS = 164,
	AT_UUID = 168,
	AT_SLOTS = 208,
	SLOT_BYTES = 48,
	SLOT_AT_ITERATIONS = 4,
	SLOT_AT_SALT = 8,
	SLOT_AT_SECTOR = 40,
	SLOT_AT_STRIPES = 44,
};

#define SLOT_ACTIVE   0x00ac71f3u
#define SLOT_INACTIVE 0x0000deadu

static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

int luks_header_probe(const uint8_t *head, size_t len)
{
	return len >= AT_CIPHER && !memcmp(head, magic, sizeof(magic)) &&
			       load_be16(head + AT_VERSION) == 1
		       ? 100
		       : 0;
}

uint64_t luks_material_sectors(uint32_t key_bytes)
{
	return div_up((uint64_t)key_bytes * LUKS_STRIPES, SECTOR_BYTES);
}

uint64_t luks_slot_sectors(uint32_t key_bytes)
{
	return round_up(luks_material_sectors(key_bytes), LUKS_KEYS_SECTOR);
}

uint64_t luks_payload_bytes(uint32_t key_bytes)
{
	return (LUKS_KEYS_SECTOR + LUKS_SLOTS * luks_slot_sectors(key_bytes)) * SECTOR_BYTES;
}

/* ---- parsing ---- */

static int get_name(char *out, const uint8_t *p, const char *what, struct err *e)
{
	if (!memchr(p, '\0', LUKS_NAME_BYTES))
		return err_set(e, -EUCLEAN, "LUKS header %s is not NUL terminated", what);
	memcpy(out, p, LUKS_NAME_BYTES);
	return 0;
}

static int get_slot(struct luks_slot *s, const uint8_t *p, unsigned i, struct err *e)
{
	uint32_t state = load_be32(p);

	s->active = state == SLOT_ACTIVE;
	s->iterations = load_be32(p + SLOT_AT_ITERATIONS);
	memcpy(s->salt, p + SLOT_AT_SALT, LUKS_SALT_BYTES);
	s->sector = load_be32(p + SLOT_AT_SECTOR);
	s->stripes = load_be32(p + SLOT_AT_STRIPES);
	if (s->stripes != LUKS_STRIPES)
		return err_set(e, -EUCLEAN, "Keyslot %u is corrupted (stripes %u != %d)", i,
			       s->stripes, LUKS_STRIPES);
	if (state != SLOT_ACTIVE && state != SLOT_INACTIVE)
		return err_set(e, -EUCLEAN, "Keyslot %u state (active/disable) is corrupted",
			       i);
	if (s->active && !s->iterations)
		return err_set(e, -EUCLEAN, "Keyslot %u iteration count is zero", i);
	return 0;
}

static int check_slot(const struct luks_header *h, unsigned i, struct err *e)
{
	uint64_t len = luks_material_sectors(h->key_bytes), begin = h->slots[i].sector;

	if (begin < div_up(LUKS_HEADER_BYTES, SECTOR_BYTES))
		return err_set(e, -EUCLEAN, "Keyslot %u is overlapping with the LUKS header",
			       i);
	if (begin + len > h->payload_sector)
		return err_set(e, -EUCLEAN,
			       "Keyslot %u is overlapping with the encrypted payload", i);
	for (unsigned j = i + 1; j < LUKS_SLOTS; j++) {
		uint64_t other = h->slots[j].sector;

		if (begin < other + len && other < begin + len)
			return err_set(e, -EUCLEAN,
				       "Keyslots %u and %u are overlapping in the header", i,
				       j);
	}
	return 0;
}

static int check(const struct luks_header *h, const uint8_t *slots, struct err *e)
{
	struct luks_slot ignored;

	if (h->payload_sector < div_up(LUKS_HEADER_BYTES, SECTOR_BYTES))
		return err_set(e, -EUCLEAN, "LUKS payload is overlapping with the header");
	if (!h->iterations)
		return err_set(e, -EUCLEAN, "LUKS key iteration count is zero");
	/* one slot after the other, as others name what is wrong first */
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		int r = get_slot(&ignored, slots + (size_t)i * SLOT_BYTES, i, e);

		if (r == 0)
			r = check_slot(h, i, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int luks_header_parse(struct luks_header *h, const uint8_t *buf, size_t len, struct err *e)
{
	const uint8_t *slots = buf + AT_SLOTS;
	int r;

	if (len < AT_CIPHER || memcmp(buf, magic, sizeof(magic)))
		return err_set(e, -EINVAL, "Volume is not in LUKS format");
	if (load_be16(buf + AT_VERSION) != 1)
		return err_set(e, -ENOTSUP, "LUKS version %u is not supported",
			       load_be16(buf + AT_VERSION));
	if (len < LUKS_HEADER_BYTES)
		return err_set(e, -ENODATA, "LUKS header is cut short at %zu bytes", len);
	memset(h, 0, sizeof(*h));
	r = get_name(h->cipher, buf + AT_CIPHER, "cipher name", e);
	if (r == 0)
		r = get_name(h->mode, buf + AT_MODE, "cipher mode", e);
	if (r == 0)
		r = get_name(h->hash, buf + AT_HASH, "hash spec", e);
	if (r < 0)
		return r;
	h->payload_sector = load_be32(buf + AT_PAYLOAD);
	h->key_bytes = load_be32(buf + AT_KEY_BYTES);
	memcpy(h->digest, buf + AT_DIGEST, LUKS_DIGEST_BYTES);
	memcpy(h->salt, buf + AT_SALT, LUKS_SALT_BYTES);
	h->iterations = load_be32(buf + AT_ITERATIONS);
	memcpy(h->uuid, buf + AT_UUID, LUKS_UUID_BYTES);
	for (unsigned i = 0; i < LUKS_SLOTS; i++)
		(void)get_slot(&h->slots[i], slots + (size_t)i * SLOT_BYTES, i, NULL);
	return check(h, slots, e);
}

void luks_header_write(const struct luks_header *h, uint8_t buf[LUKS_HEADER_BYTES])
{
	memset(buf, 0, LUKS_HEADER_BYTES);
	memcpy(buf, magic, sizeof(magic));
	store_be16(buf + AT_VERSION, 1);
	memcpy(buf + AT_CIPHER, h->cipher, LUKS_NAME_BYTES);
	memcpy(buf + AT_MODE, h->mode, LUKS_NAME_BYTES);
	memcpy(buf + AT_HASH, h->hash, LUKS_NAME_BYTES);
	store_be32(buf + AT_PAYLOAD, h->payload_sector);
	store_be32(buf + AT_KEY_BYTES, h->key_bytes);
	memcpy(buf + AT_DIGEST, h->digest, LUKS_DIGEST_BYTES);
	memcpy(buf + AT_SALT, h->salt, LUKS_SALT_BYTES);
	store_be32(buf + AT_ITERATIONS, h->iterations);
	memcpy(buf + AT_UUID, h->uuid, LUKS_UUID_BYTES);
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		const struct luks_slot *s = &h->slots[i];
		uint8_t *p = buf + AT_SLOTS + (size_t)i * SLOT_BYTES;

		store_be32(p, s->active ? SLOT_ACTIVE : SLOT_INACTIVE);
		store_be32(p + SLOT_AT_ITERATIONS, s->iterations);
		memcpy(p + SLOT_AT_SALT, s->salt, LUKS_SALT_BYTES);
		store_be32(p + SLOT_AT_SECTOR, s->sector);
		store_be32(p + SLOT_AT_STRIPES, s->stripes);
	}
}

/* ---- names ---- */

/* One of @words (ends with NULL), or -1. */
static int word(const char *const *words, const char *s, size_t len)
{
	for (int i = 0; words[i]; i++)
		if (strlen(words[i]) == len && !memcmp(words[i], s, len))
			return i;
	return -1;
}

/* "MODE-IVGEN" or "MODE-IVGEN:HASH". */
static int parse_mode(const struct luks_header *h, struct sectors_spec *s, struct err *e)
{
	const char *dash = strchr(h->mode, '-'), *iv, *colon;
	int mode, ivgen;

	if (!dash)
		return err_set(e, -EUCLEAN, "Unexpected cipher mode string format '%s'",
			       h->mode);
	iv = dash + 1;
	colon = strchr(iv, ':');
	mode = word(cipher_modes, h->mode, (size_t)(dash - h->mode));
	ivgen = word(sectors_ivgens, iv, colon ? (size_t)(colon - iv) : strlen(iv));
	if (mode < 0)
		return err_set(e, -ENOTSUP, "Cipher mode '%.*s' is not supported",
			       (int)(dash - h->mode), h->mode);
	if (ivgen < 0)
		return err_set(e, -ENOTSUP, "IV generator '%s' is not supported", iv);
	s->mode = (enum cipher_mode)mode;
	s->ivgen = (enum sectors_ivgen)ivgen;
	s->iv_hash = colon ? kdf_hash(colon + 1) : NULL;
	if (colon && !s->iv_hash)
		return err_set(e, -ENOTSUP, "Hash algorithm '%s' is not supported", colon + 1);
	if (s->ivgen == IVGEN_ESSIV && !s->iv_hash)
		return err_set(e, -EUCLEAN, "Missing IV generator hash specification");
	return 0;
}

int luks_header_spec(const struct luks_header *h, struct luks_spec *s, struct err *e)
{
	uint32_t each = h->key_bytes;
	int r;

	memset(s, 0, sizeof(*s));
	r = parse_mode(h, &s->sectors, e);
	if (r < 0)
		return r;
	if (s->sectors.mode == CIPHER_XTS) {
		if (each % 2)
			return err_set(e, -EUCLEAN,
				       "XTS cipher key length should be a multiple of 2");
		each /= 2;
	}
	if (!cipher_is_luks_name(h->cipher))
		return err_set(e, -ENOTSUP, "Algorithm '%s' not supported", h->cipher);
	s->sectors.cipher = cipher_find_luks(h->cipher, each);
	if (!s->sectors.cipher)
		return err_set(e, -ENOTSUP, "Algorithm '%s' with key size %u not supported",
			       h->cipher, each);
	s->hash = kdf_hash(h->hash);
	if (!s->hash)
		return err_set(e, -ENOTSUP, "Hash algorithm '%s' is not supported", h->hash);
	return sectors_check(&s->sectors, e);
}
