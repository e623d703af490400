/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_crypt.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

/* What is encrypted and written at a time. */
enum { PIECE = 256 * 1024 };

static const char *const methods[] = { "none", "aes", "luks" };

/* ---- opening ---- */

/* AES-128-CBC; the password is the key, cut or filled up with zeroes. */
static int aes_sectors(const char *password, struct sectors **out, struct err *e)
{
	const struct sectors_spec spec = {
		.cipher = cipher_find("aes-128"),
		.mode = CIPHER_CBC,
		.ivgen = IVGEN_PLAIN64,
	};
	uint8_t key[16] = { 0 };
	size_t len = strlen(password);
	int r;

	memcpy(key, password, len < sizeof(key) ? len : sizeof(key));
	r = sectors_new(&spec, key, out, e);
	mem_wipe(key, sizeof(key));
	return r;
}

static struct luks_area area_of(const struct qcow2 *s)
{
	return (struct luks_area){
		.file = s->blk.child,
		.base = s->h.crypto_offset,
		.len = s->h.crypto_len,
	};
}

static int unlock(struct qcow2 *s, struct qcow2_crypt *c, const char *id, struct err *e)
{
	const struct luks_area a = area_of(s);
	uint8_t key[CIPHER_KEY_MAX];
	int r;

	if (!id)
		return err_set(e, -EINVAL,
			       "Parameter 'encrypt.key-secret' is required for cipher");
	r = secret_text(s->blk.child->secrets, id, &c->password, e);
	if (r < 0)
		return r;
	s->blk.key_opt = "encrypt.key-secret";
	s->blk.key_id = mem_strdup(id, e);
	if (!s->blk.key_id)
		return -ENOMEM;
	if (s->h.crypt == QCOW2_CRYPT_AES)
		return aes_sectors(c->password, &c->sectors, e);
	r = luks_unlock(&a, &c->h, &c->spec, c->password, key, NULL, e);
	if (r == 0)
		r = sectors_new(&c->spec.sectors, key, &c->sectors, e);
	mem_wipe(key, sizeof(key));
	return r;
}

static int check_format(const struct qcow2 *s, const char *format, struct err *e)
{
	if (!format)
		return 0;
	if (s->h.crypt == QCOW2_CRYPT_NONE)
		return err_set(
			e, -EINVAL,
			"No encryption in image header, but options specified format '%s'",
			format);
	if (strcmp(format, methods[s->h.crypt]))
		return err_set(e, -EINVAL,
			       "Header reported '%s' encryption format but options specify "
			       "'%s'",
			       methods[s->h.crypt], format);
	return 0;
}

static int load(struct qcow2 *s, struct qcow2_crypt *c, const char *id, struct err *e)
{
	const struct luks_area a = area_of(s);
	int r = 0;

	c->by_place = s->h.crypt == QCOW2_CRYPT_LUKS;
	if (c->by_place && !s->h.has_crypto)
		return err_set(e, -EUCLEAN, "Missing CRYPTO header for crypt method %u",
			       s->h.crypt);
	if (c->by_place)
		r = luks_read(&a, &c->h, &c->spec, e);
	if (r == 0 && !(s->blk.flags & BLK_NOIO))
		r = unlock(s, c, id, e);
	return r;
}

int qcow2_crypt_open(struct qcow2 *s, struct optset *opts, struct err *e)
{
	int r = check_format(s, optset_get(opts, "encrypt.format"), e);
	struct qcow2_crypt *c;
	const char *id;

	if (r < 0 || s->h.crypt == QCOW2_CRYPT_NONE)
		return r;
	id = optset_get(opts, "encrypt.key-secret");
	c = mem_zalloc(1, sizeof(*c), e);
	if (!c)
		return -ENOMEM;
	r = load(s, c, id, e);
	if (r < 0) {
		qcow2_crypt_free(c);
		return r;
	}
	s->crypt = c;
	s->blk.align = SECTOR_BYTES;
	return 0;
}

void qcow2_crypt_free(struct qcow2_crypt *c)
{
	if (c)
		sectors_free(c->sectors);
	free(c);
}

/* ---- guest bytes ---- */

static uint64_t number(const struct qcow2 *s, uint64_t host, uint64_t guest)
{
	return (s->crypt->by_place ? host : guest) / SECTOR_BYTES;
}

static int no_key(const struct qcow2 *s, struct err *e)
{
	return err_set(e, -EPERM, "'%s' was opened for its header, without a key",
		       s->blk.filename);
}

/* A file may end before the last cluster does, or where preallocated clusters begin. */
static int read_file(struct qcow2 *s, uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	struct blk *f = qcow2_data(s);
	uint64_t size = atomic_load(&f->size);
	size_t have = off < size ? (size_t)min_u64(len, size - off) : 0;

	memset(buf + have, 0, len - have);
	return have ? blk_pread(f, buf, have, off, e) : 0;
}

int qcow2_data_read(struct qcow2 *s, void *buf, size_t len, uint64_t host, uint64_t guest,
		    struct err *e)
{
	uint8_t *p = buf;

	if (!s->crypt)
		return read_file(s, p, len, host, e);
	if (!s->crypt->sectors)
		return no_key(s, e);
	while (len) {
		size_t n = len < PIECE ? len : PIECE;
		int r = read_file(s, p, n, host, e);

		if (r < 0)
			return r;
		sectors_decrypt(s->crypt->sectors, number(s, host, guest), p, p, n);
		p += n;
		host += n;
		guest += n;
		len -= n;
	}
	return 0;
}

static int write_encrypted(struct qcow2 *s, const uint8_t *p, size_t len, uint64_t host,
			   uint64_t guest, struct err *e)
{
	AUTO_FREE uint8_t *bounce = mem_aligned(4096, len < PIECE ? len : PIECE, e);

	if (!bounce)
		return -ENOMEM;
	while (len) {
		size_t n = len < PIECE ? len : PIECE;
		int r;

		sectors_encrypt(s->crypt->sectors, number(s, host, guest), bounce, p, n);
		r = blk_pwrite(qcow2_data(s), bounce, n, host, e);
		if (r < 0)
			return r;
		p += n;
		host += n;
		guest += n;
		len -= n;
	}
	return 0;
}

int qcow2_data_write(struct qcow2 *s, const void *buf, size_t len, uint64_t host,
		     uint64_t guest, struct err *e)
{
	if (!s->crypt)
		return blk_pwrite(qcow2_data(s), buf, len, host, e);
	if (!s->crypt->sectors)
		return no_key(s, e);
	return write_encrypted(s, buf, len, host, guest, e);
}

/* ---- key slots, info ---- */

static bool asks_for(const struct optset *set)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (!strncmp(set->v[i].key, "encrypt.", 8))
			return true;
	return false;
}

int qcow2_crypt_amend(struct qcow2 *s, struct optset *set, bool force, struct err *e)
{
	const struct luks_area a = area_of(s);
	struct qcow2_crypt *c = s->crypt;
	int r;

	if (!asks_for(set))
		return 0;
	if (!c)
		return err_set(e, -ENOTSUP,
			       "Can't amend encryption options - encryption not present");
	if (s->h.crypt != QCOW2_CRYPT_LUKS)
		return err_set(e, -ENOTSUP, "Only LUKS encryption options can be amended");
	r = qcow2_may_change(s, e);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&s->io);
	r = luks_amend(&a, &c->h, &c->spec, set, "encrypt.", s->blk.secrets, c->password, force,
		       e);
	pthread_rwlock_unlock(&s->io);
	return r;
}

void qcow2_crypt_detail(const struct qcow2 *s, struct detail *in)
{
	if (s->h.crypt == QCOW2_CRYPT_LUKS)
		luks_detail(&s->crypt->h, &s->crypt->spec, in);
	detail_text(in, "format", methods[s->h.crypt]);
}

/* ---- new images ---- */

static int parse_aes(const struct img_create *c, struct err *e)
{
	const char *id = optset_get(c->own, "encrypt.key-secret"), *ignored;

	for (size_t i = 0; i < c->own->n; i++) {
		const char *key = c->own->v[i].key;

		if (!strncmp(key, "encrypt.", 8) && strcmp(key, "encrypt.format") &&
		    strcmp(key, "encrypt.key-secret"))
			return err_set(e, -EINVAL, "Parameter '%s' is unexpected", key);
	}
	if (!id)
		return err_set(e, -EINVAL,
			       "Parameter 'encrypt.key-secret' is required for cipher");
	return secret_text(c->secrets, id, &ignored, e);
}

int qcow2_encrypt_parse(const struct img_create *c, struct qcow2_encrypt *out, struct err *e)
{
	const char *format = c->own ? optset_get(c->own, "encrypt.format") : NULL;
	bool old = false;
	int r = img_create_bool(c->own, "encryption", &old, e);

	out->method = QCOW2_CRYPT_NONE;
	if (r < 0)
		return r;
	if (old && format)
		return err_set(e, -EINVAL,
			       "'encrypt.format' and its alias 'encryption' can't be used at "
			       "the same time");
	if (!old && !format)
		return asks_for(c->own)
			       ? err_set(e, -EINVAL, "Parameter 'encrypt.format' is missing")
			       : 0;
	if (old || !strcmp(format, "aes")) {
		out->method = QCOW2_CRYPT_AES;
		return parse_aes(c, e);
	}
	if (strcmp(format, "luks"))
		return err_set(e, -EINVAL, "Parameter 'format' does not accept value '%s'",
			       format);
	out->method = QCOW2_CRYPT_LUKS;
	return luks_create_parse(&out->luks, c->own, "encrypt.", c->secrets, e);
}
