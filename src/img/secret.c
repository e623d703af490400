/* SPDX-License-Identifier: MIT */
#include "img/secret.h"

#include "base/io.h"
#include "base/mem.h"
#include "img/tls_creds.h"

#include <fcntl.h>
#include <nettle/aes.h>
#include <nettle/base64.h>
#include <nettle/cbc.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 32, IV_BYTES = 16 };

/* Bytes on their way into a set. */
struct bytes {
	uint8_t *p;
	size_t len;
};

static void bytes_drop(struct bytes *b)
{
	if (b->p)
		mem_wipe(b->p, b->len);
	free(b->p);
	*b = (struct bytes){ NULL, 0 };
}

/* Room for @len bytes and a NUL. */
static int bytes_make(struct bytes *b, size_t len, struct err *e)
{
	b->p = mem_zalloc(len + 1, 1, e);
	b->len = b->p ? len : 0;
	return b->p ? 0 : -ENOMEM;
}

static int read_file(const char *path, struct bytes *out, struct err *e)
{
	AUTO_CLOSE int fd = io_open(path, O_RDONLY, 0, e);
	size_t got = 0;
	int r;

	if (fd < 0)
		return err_wrap(e, fd, "Unable to read %s", path);
	r = bytes_make(out, SECRET_MAX + 1, e);
	if (r == 0)
		r = io_read_upto(fd, out->p, SECRET_MAX + 1, &got, e);
	if (r < 0)
		return err_wrap(e, r, "Unable to read %s", path);
	if (got > SECRET_MAX)
		return err_set(e, -EFBIG, "Unable to read %s: a secret has at most %d bytes",
			       path, SECRET_MAX);
	out->len = got;
	return 0;
}

/* ---- what the bytes stand for ---- */

static int from_base64(const uint8_t *text, size_t len, struct bytes *out, struct err *e)
{
	static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/=\n";
	struct base64_decode_ctx ctx;
	size_t n = BASE64_DECODE_LENGTH(len);
	int r;

	for (size_t i = 0; i < len; i++)
		if (!text[i] || !strchr(known, text[i]))
			return err_set(e, -EINVAL, "Base64 data contains invalid characters");
	r = bytes_make(out, n, e);
	if (r < 0)
		return r;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &n, out->p, len, (const char *)text) ||
	    !base64_decode_final(&ctx))
		r = err_set(e, -EINVAL, "Base64 data is cut short or has too much padding");
	else
		out->len = n;
	mem_wipe(&ctx, sizeof(ctx));
	return r;
}

/* Takes the PKCS #7 padding off. */
static int unpad(struct bytes *b, struct err *e)
{
	unsigned pad = b->len ? b->p[b->len - 1] : 0;

	if (!pad || pad > IV_BYTES || pad > b->len)
		return err_set(e, -EINVAL,
			       "Incorrect number of padding bytes (%u) found on decrypted data",
			       pad);
	b->len -= pad;
	mem_wipe(b->p + b->len, pad);
	return 0;
}

static int get_iv(const char *text, uint8_t *iv, struct err *e)
{
	struct bytes b = { NULL, 0 };
	int r;

	if (!text)
		return err_set(e, -EINVAL, "IV is required to decrypt secret");
	r = from_base64((const uint8_t *)text, strlen(text), &b, e);
	if (r == 0 && b.len != IV_BYTES)
		r = err_set(e, -EINVAL, "IV should be %d bytes in length not %zu", IV_BYTES,
			    b.len);
	if (r == 0)
		memcpy(iv, b.p, IV_BYTES);
	bytes_drop(&b);
	return r;
}

static int decrypt(const struct secret *key, const char *iv_text, struct bytes *b,
		   struct err *e)
{
	struct CBC_CTX(struct aes256_ctx, AES_BLOCK_SIZE) cbc;
	int r;

	if (key->len != KEY_BYTES)
		return err_set(e, -EINVAL, "Key should be %d bytes in length", KEY_BYTES);
	r = get_iv(iv_text, cbc.iv, e);
	if (r < 0)
		return r;
	if (b->len % AES_BLOCK_SIZE)
		return err_set(e, -EINVAL, "Length %zu must be a multiple of block size %d",
			       b->len, AES_BLOCK_SIZE);
	aes256_set_decrypt_key(&cbc.ctx, key->data);
	CBC_DECRYPT(&cbc, aes256_decrypt, b->len, b->p, b->p);
	mem_wipe(&cbc, sizeof(cbc));
	return unpad(b, e);
}

/* ---- the set ---- */

static bool well_formed(const char *id)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char others[] = "0123456789-._";

	if (!*id || !strchr(letters, *id))
		return false;
	for (; *id; id++)
		if (!strchr(letters, *id) && !strchr(others, *id))
			return false;
	return true;
}

static const struct secret *look_up(const struct secret_set *s, const char *id)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!strcmp(s->v[i].id, id))
			return &s->v[i];
	return NULL;
}

static int check_def(struct secret_set *s, struct optset *def, bool *base64, struct err *e)
{
	const char *id = optset_get(def, "id"), *format = optset_get(def, "format");

	(void)optset_get(def, "data");
	(void)optset_get(def, "file");
	(void)optset_get(def, "keyid");
	(void)optset_get(def, "iv");
	if (!id)
		return err_set(e, -EINVAL, "Parameter 'id' is missing");
	*base64 = format && !strcmp(format, "base64");
	if (format && !*base64 && strcmp(format, "raw"))
		return err_set(e, -EINVAL, "Parameter 'format' does not accept value '%s'",
			       format);
	if (optset_unused(def))
		return err_set(e, -EINVAL, "Parameter '%s' is unexpected", optset_unused(def));
	if (!well_formed(id))
		return err_set(e, -EINVAL,
			       "Parameter 'id' expects an identifier\n"
			       "Identifiers consist of letters, digits, '-', '.', '_', "
			       "starting with a letter.");
	if (look_up(s, id))
		return err_set(e, -EEXIST,
			       "attempt to add duplicate property '%s' to object (type "
			       "'container')",
			       id);
	return 0;
}

static int get_bytes(struct optset *def, struct bytes *out, struct err *e)
{
	const char *data = optset_get(def, "data"), *file = optset_get(def, "file");
	int r;

	if (data && file)
		return err_set(e, -EINVAL, "'file' and 'data' are mutually exclusive");
	if (!data && !file)
		return err_set(e, -EINVAL, "Either 'file' or 'data' must be provided");
	if (file)
		return read_file(file, out, e);
	if (strlen(data) > SECRET_MAX)
		return err_set(e, -EFBIG, "a secret has at most %d bytes", SECRET_MAX);
	r = bytes_make(out, strlen(data), e);
	if (r == 0)
		memcpy(out->p, data, out->len);
	return r;
}

static int load(struct secret_set *s, struct optset *def, bool base64, struct bytes *out,
		struct err *e)
{
	const char *keyid = optset_get(def, "keyid");
	const struct secret *key = NULL;
	struct bytes raw = { NULL, 0 };
	int r = get_bytes(def, &raw, e);

	if (r == 0 && keyid) {
		key = secret_find(s, keyid, e);
		r = key ? 0 : -EINVAL;
	}
	if (r == 0 && base64) {
		r = from_base64(raw.p, raw.len, out, e);
		bytes_drop(&raw);
	} else {
		*out = raw;
	}
	return r == 0 && key ? decrypt(key, optset_get(def, "iv"), out, e) : r;
}

static void wipe_values(struct optset *def)
{
	for (size_t i = 0; i < def->n; i++)
		if (!strcmp(def->v[i].key, "data"))
			mem_wipe(def->v[i].val, strlen(def->v[i].val));
}

int secret_add(struct secret_set *s, struct optset *def, struct err *e)
{
	struct bytes b = { NULL, 0 };
	bool base64 = false;
	char *id = NULL;
	void *v = s->v;
	int r = check_def(s, def, &base64, e);

	if (r == 0)
		r = load(s, def, base64, &b, e);
	if (r == 0) {
		id = mem_strdup(optset_get(def, "id"), e);
		r = id ? mem_grow(&v, s->n + 1, sizeof(*s->v), e) : -ENOMEM;
	}
	wipe_values(def);
	if (r < 0) {
		bytes_drop(&b);
		free(id);
		return r;
	}
	s->v = v;
	b.p[b.len] = '\0';
	s->v[s->n++] = (struct secret){ .id = id, .data = b.p, .len = b.len };
	return 0;
}

const struct secret *secret_find(const struct secret_set *s, const char *id, struct err *e)
{
	const struct secret *found = look_up(s, id);

	if (!found)
		err_set(e, -EINVAL, "No secret with id '%s'", id);
	return found;
}

/* How many bytes the character at @p takes, 0 if it is not UTF-8; a NUL stands behind all. */
static size_t utf8_char(const uint8_t *p)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : 4;
	uint32_t c = p[0] & (n == 1 ? 0x7f : 0x7f >> n);

	if (!p[0] || (n == 4 && p[0] >> 3 != 30))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

int secret_text(const struct secret_set *s, const char *id, const char **out, struct err *e)
{
	const struct secret *found = secret_find(s, id, e);

	if (!found)
		return -EINVAL;
	for (size_t i = 0; i < found->len;) {
		size_t n = utf8_char(found->data + i);

		if (!n)
			return err_set(e, -EINVAL, "Data from secret %s is not valid UTF-8",
				       id);
		i += n;
	}
	*out = (const char *)found->data;
	return 0;
}

void secret_set_free(struct secret_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		mem_wipe(s->v[i].data, s->v[i].len);
		free(s->v[i].data);
		free(s->v[i].id);
	}
	free(s->v);
	tls_creds_free(s);
	*s = (struct secret_set){ 0 };
}
