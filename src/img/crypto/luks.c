/* SPDX-License-Identifier: MIT */
#include "img/crypto/luks.h"

#include "base/mem.h"
#include "base/random.h"
#include "img/crypto/kdf.h"
#include "img/crypto/luks_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- key material ---- */

static size_t material_bytes(const struct luks_header *h)
{
	return (size_t)luks_material_sectors(h->key_bytes) * SECTOR_BYTES;
}

/* Key material is wiped wherever it was in memory. */
static void drop_material(uint8_t *p, size_t len)
{
	if (p)
		mem_wipe(p, len);
	free(p);
}

/* The sectors of slot @i, numbered from its own beginning, under the key made of @password. */
static int slot_sectors(const struct luks_header *h, const struct luks_spec *s, unsigned i,
			const char *password, struct sectors **out, struct err *e)
{
	const struct luks_slot *slot = &h->slots[i];
	uint8_t key[CIPHER_KEY_MAX];
	int r;

	kdf_pbkdf2(s->hash, password, strlen(password), slot->salt, LUKS_SALT_BYTES,
		   slot->iterations, key, h->key_bytes);
	r = sectors_new(&s->sectors, key, out, e);
	mem_wipe(key, sizeof(key));
	return r;
}

static bool is_master_key(const struct luks_header *h, const struct luks_spec *s,
			  const uint8_t *key)
{
	uint8_t digest[LUKS_DIGEST_BYTES];

	kdf_pbkdf2(s->hash, key, h->key_bytes, h->salt, LUKS_SALT_BYTES, h->iterations, digest,
		   sizeof(digest));
	return !memcmp(digest, h->digest, sizeof(digest));
}

int luks_slot_try(const struct luks_area *a, const struct luks_header *h,
		  const struct luks_spec *s, unsigned i, const char *password, uint8_t *key,
		  struct err *e)
{
	size_t len = material_bytes(h);
	struct sectors *crypt = NULL;
	uint8_t *buf;
	int r;

	if (!h->slots[i].active)
		return 0;
	buf = mem_aligned(SECTOR_BYTES, len, e);
	if (!buf)
		return -ENOMEM;
	r = blk_pread(a->file, buf, len, a->base + (uint64_t)h->slots[i].sector * SECTOR_BYTES,
		      e);
	if (r == 0)
		r = slot_sectors(h, s, i, password, &crypt, e);
	if (r == 0) {
		sectors_decrypt(crypt, 0, buf, buf, len);
		kdf_merge(s->hash, buf, h->key_bytes, LUKS_STRIPES, key);
		r = is_master_key(h, s, key);
	}
	sectors_free(crypt);
	drop_material(buf, len);
	if (r != 1)
		mem_wipe(key, h->key_bytes);
	return r;
}

int luks_unlock(const struct luks_area *a, const struct luks_header *h,
		const struct luks_spec *s, const char *password, uint8_t key[CIPHER_KEY_MAX],
		unsigned *slot, struct err *e)
{
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		int r = luks_slot_try(a, h, s, i, password, key, e);

		if (r > 0 && slot)
			*slot = i;
		if (r)
			return r < 0 ? r : 0;
	}
	return err_set(e, -EACCES, "Invalid password, cannot unlock any keyslot");
}

/* How many iterations take @ms milliseconds for @len bytes of output, over @part. */
static int iterations(const struct luks_spec *s, size_t len, uint64_t ms, unsigned part,
		      uint32_t *out, struct err *e)
{
	uint64_t n = kdf_pbkdf2_speed(s->hash, len);

	if (__builtin_mul_overflow(n, ms, &n))
		return err_set(e, -ERANGE, "iter-time %llu is too large",
			       (unsigned long long)ms);
	n = n / 1000 / part;
	if (n > UINT32_MAX)
		return err_set(e, -ERANGE, "PBKDF iterations %llu larger than %u",
			       (unsigned long long)n, UINT32_MAX);
	*out = n < LUKS_ITERATIONS_MIN ? LUKS_ITERATIONS_MIN : (uint32_t)n;
	return 0;
}

int luks_slot_fill(const struct luks_area *a, struct luks_header *h, const struct luks_spec *s,
		   unsigned i, const char *password, uint64_t iter_ms, const uint8_t *key,
		   struct err *e)
{
	struct luks_slot slot = h->slots[i];
	size_t len = material_bytes(h);
	struct sectors *crypt = NULL;
	uint8_t *buf;
	int r = iterations(s, h->key_bytes, iter_ms, 1, &slot.iterations, e);

	if (r == 0)
		r = random_bytes(slot.salt, sizeof(slot.salt), e);
	if (r < 0)
		return r;
	buf = mem_zalloc(1, len, e);
	if (!buf)
		return -ENOMEM;
	slot.active = true;
	h->slots[i] = slot;
	r = kdf_split(s->hash, key, h->key_bytes, LUKS_STRIPES, buf, e);
	if (r == 0)
		r = slot_sectors(h, s, i, password, &crypt, e);
	if (r == 0) {
		sectors_encrypt(crypt, 0, buf, buf, len);
		r = blk_pwrite(a->file, buf, len,
			       a->base + (uint64_t)slot.sector * SECTOR_BYTES, e);
	}
	sectors_free(crypt);
	drop_material(buf, len);
	return r;
}

/* ---- the header ---- */

int luks_read(const struct luks_area *a, struct luks_header *h, struct luks_spec *s,
	      struct err *e)
{
	uint8_t buf[LUKS_HEADER_BYTES];
	size_t len = a->len < sizeof(buf) ? (size_t)a->len : sizeof(buf);
	int r = blk_pread(a->file, buf, len, a->base, e);

	if (r == 0)
		r = luks_header_parse(h, buf, len, e);
	if (r == 0)
		r = luks_header_spec(h, s, e);
	for (unsigned i = 0; r == 0 && i < LUKS_SLOTS; i++) {
		uint64_t end = h->slots[i].sector + luks_material_sectors(h->key_bytes);

		if (h->slots[i].active && end * SECTOR_BYTES > a->len)
			r = err_set(e, -ENODATA,
				    "Keyslot %u ends at %llu, past the end of the header at "
				    "%llu",
				    i, (unsigned long long)(end * SECTOR_BYTES),
				    (unsigned long long)a->len);
	}
	return r;
}

int luks_store_header(const struct luks_area *a, const struct luks_header *h, struct err *e)
{
	uint8_t buf[LUKS_HEADER_BYTES];

	luks_header_write(h, buf);
	return blk_pwrite(a->file, buf, sizeof(buf), a->base, e);
}

/* ---- new volumes ---- */

const char *luks_opt(struct optset *set, const char *prefix, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", prefix, key);
	return optset_get(set, name);
}

static int get_word(struct optset *set, const char *prefix, const char *key,
		    const char *const *words, int *out, struct err *e)
{
	const char *val = luks_opt(set, prefix, key);

	for (int i = 0; val && words[i]; i++) {
		if (strcmp(words[i], val))
			continue;
		*out = i;
		return 0;
	}
	return val ? err_set(e, -EINVAL, "Parameter '%s' does not accept value '%s'", key, val)
		   : 0;
}

static int get_hash(struct optset *set, const char *prefix, const char *key,
		    const struct nettle_hash **out, struct err *e)
{
	const char *val = luks_opt(set, prefix, key);
	const struct nettle_hash *h = val ? kdf_hash(val) : NULL;

	if (val && !h)
		return err_set(e, -EINVAL, "Parameter '%s' does not accept value '%s'", key,
			       val);
	if (h)
		*out = h;
	return 0;
}

static int get_cipher(struct optset *set, const char *prefix, const struct cipher_type **out,
		      const char **refused, struct err *e)
{
	const char *val = luks_opt(set, prefix, "cipher-alg");

	*out = cipher_find(val ? val : "aes-256");
	if (*out)
		return 0;
	/* known, but no LUKS header can name them */
	if (strcmp(val, "des") && strcmp(val, "3des"))
		return err_set(e, -EINVAL, "Parameter '%s' does not accept value '%s'",
			       "cipher-alg", val);
	*refused = val;
	return 0;
}

int luks_iter_time(struct optset *set, const char *prefix, uint64_t *ms, struct err *e)
{
	char name[64];

	snprintf(name, sizeof(name), "%siter-time", prefix);
	return optset_u64(set, name, ms, e);
}

int luks_create_parse(struct luks_create *c, struct optset *set, const char *prefix,
		      const struct secret_set *secrets, struct err *e)
{
	int mode = CIPHER_XTS, ivgen = IVGEN_PLAIN64;
	struct sectors_spec *s = &c->spec.sectors;
	const char *refused = NULL, *id;
	int r;

	memset(c, 0, sizeof(*c));
	c->iter_ms = 2000;
	c->spec.hash = kdf_hash("sha256");
	r = get_cipher(set, prefix, &s->cipher, &refused, e);
	if (r == 0)
		r = get_word(set, prefix, "cipher-mode", cipher_modes, &mode, e);
	if (r == 0)
		r = get_word(set, prefix, "ivgen-alg", sectors_ivgens, &ivgen, e);
	if (r == 0)
		r = get_hash(set, prefix, "ivgen-hash-alg", &s->iv_hash, e);
	if (r == 0)
		r = get_hash(set, prefix, "hash-alg", &c->spec.hash, e);
	if (r == 0)
		r = luks_iter_time(set, prefix, &c->iter_ms, e);
	if (r < 0)
		return r;
	s->mode = (enum cipher_mode)mode;
	s->ivgen = (enum sectors_ivgen)ivgen;
	if (s->ivgen == IVGEN_ESSIV && !s->iv_hash)
		s->iv_hash = kdf_hash("sha256");
	id = luks_opt(set, prefix, "key-secret");
	if (!id)
		return err_set(e, -EINVAL, "Parameter '%skey-secret' is required for cipher",
			       prefix);
	r = secret_text(secrets, id, &c->password, e);
	if (r == 0 && refused)
		r = err_set(e, -ENOTSUP, "Algorithm '%s' not supported", refused);
	return r < 0 ? r : sectors_check(s, e);
}

static uint32_t key_bytes(const struct luks_create *c)
{
	return (uint32_t)cipher_key_bytes(c->spec.sectors.cipher, c->spec.sectors.mode);
}

uint64_t luks_create_bytes(const struct luks_create *c)
{
	return luks_payload_bytes(key_bytes(c));
}

static void write_uuid(char *out, const uint8_t uuid[16])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid[i] >> 4];
		*out++ = digits[uuid[i] & 15];
	}
	*out = '\0';
}

static int fill_header(const struct luks_create *c, struct luks_header *h, const uint8_t *key,
		       struct err *e)
{
	const struct sectors_spec *s = &c->spec.sectors;
	bool hashed = s->iv_hash != NULL;
	uint8_t uuid[16];
	int r;

	memset(h, 0, sizeof(*h));
	snprintf(h->cipher, sizeof(h->cipher), "%s", s->cipher->luks);
	snprintf(h->mode, sizeof(h->mode), "%s-%s%s%s", cipher_modes[s->mode],
		 sectors_ivgens[s->ivgen], hashed ? ":" : "", hashed ? s->iv_hash->name : "");
	snprintf(h->hash, sizeof(h->hash), "%s", c->spec.hash->name);
	h->key_bytes = key_bytes(c);
	h->payload_sector = (uint32_t)(luks_create_bytes(c) / SECTOR_BYTES);
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		h->slots[i].sector =
			LUKS_KEYS_SECTOR + i * (uint32_t)luks_slot_sectors(h->key_bytes);
		h->slots[i].stripes = LUKS_STRIPES;
	}
	r = random_uuid(uuid, e);
	if (r == 0)
		r = random_bytes(h->salt, sizeof(h->salt), e);
	if (r == 0)
		r = iterations(&c->spec, sizeof(h->digest), c->iter_ms, LUKS_SLOTS,
			       &h->iterations, e);
	if (r < 0)
		return r;
	write_uuid(h->uuid, uuid);
	kdf_pbkdf2(c->spec.hash, key, h->key_bytes, h->salt, sizeof(h->salt), h->iterations,
		   h->digest, sizeof(h->digest));
	return 0;
}

int luks_create(const struct luks_create *c, const struct luks_area *a, struct err *e)
{
	uint8_t key[CIPHER_KEY_MAX];
	struct luks_header h;
	int r = random_bytes(key, sizeof(key), e);

	if (r == 0)
		r = fill_header(c, &h, key, e);
	if (r == 0)
		r = luks_slot_fill(a, &h, &c->spec, 0, c->password, c->iter_ms, key, e);
	if (r == 0)
		r = luks_store_header(a, &h, e);
	mem_wipe(key, sizeof(key));
	return r;
}

/* ---- info ---- */

void luks_detail(const struct luks_header *h, const struct luks_spec *s, struct detail *in)
{
	struct detail *slots;

	detail_text(in, "ivgen-alg", sectors_ivgens[s->sectors.ivgen]);
	if (s->sectors.ivgen == IVGEN_ESSIV)
		detail_text(in, "ivgen-hash-alg", s->sectors.iv_hash->name);
	detail_text(in, "hash-alg", s->hash->name);
	detail_text(in, "cipher-alg", s->sectors.cipher->name);
	detail_text(in, "cipher-mode", cipher_modes[s->sectors.mode]);
	detail_text(in, "uuid", h->uuid);
	detail_number(in, "payload-offset", (uint64_t)h->payload_sector * SECTOR_BYTES);
	detail_number(in, "master-key-iters", h->iterations);
	slots = detail_list(in, "slots");
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		struct detail *d = detail_group(slots, NULL);

		detail_bool(d, "active", h->slots[i].active);
		detail_number(d, "key-offset", (uint64_t)h->slots[i].sector * SECTOR_BYTES);
		if (!h->slots[i].active)
			continue;
		detail_number(d, "iters", h->slots[i].iterations);
		detail_number(d, "stripes", h->slots[i].stripes);
	}
}
