/* SPDX-License-Identifier: MIT */
#include "img/format/luks.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/crypto/luks.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>

/* What is read, or encrypted and written, at a time: the processor's cache holds it. */
enum { PIECE = 256 * 1024 };

struct luks {
	struct blk blk; /* first */
	struct luks_header h;
	struct luks_spec spec;
	struct sectors *sectors; /* NULL: opened for its header alone */
	const char *password;    /* belongs to the secrets */
	uint64_t payload;        /* where the disk begins, bytes */
};

static struct luks *to_luks(struct blk *b)
{
	return (struct luks *)b;
}

static struct luks_area area_of(struct blk *b)
{
	return (struct luks_area){ .file = b->child, .base = 0, .len = b->child->size };
}

/* ---- the disk ---- */

static int no_key(const struct blk *b, struct err *e)
{
	return err_set(e, -EPERM, "'%s' was opened for its header, without a key", b->filename);
}

static int luks_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	const struct luks *l = to_luks(b);
	uint8_t *p = buf;

	if (!l->sectors)
		return no_key(b, e);
	while (len) {
		size_t n = len < PIECE ? len : PIECE;
		int r = blk_pread(b->child, p, n, l->payload + off, e);

		if (r < 0)
			return r;
		sectors_decrypt(l->sectors, off / SECTOR_BYTES, p, p, n);
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int luks_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	const struct luks *l = to_luks(b);
	const uint8_t *p = buf;
	AUTO_FREE uint8_t *bounce = mem_aligned(4096, len < PIECE ? len : PIECE, e);

	if (!bounce)
		return -ENOMEM;
	if (!l->sectors)
		return no_key(b, e);
	while (len) {
		size_t n = len < PIECE ? len : PIECE;
		int r;

		sectors_encrypt(l->sectors, off / SECTOR_BYTES, bounce, p, n);
		r = blk_pwrite(b->child, bounce, n, l->payload + off, e);
		if (r < 0)
			return r;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* What is new is not zero: nobody has encrypted zeroes there. */
static int luks_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
		       const struct blk_watch *w, struct err *e)
{
	const struct luks *l = to_luks(b);
	int r;

	if (size > INT64_MAX - l->payload - SECTOR_BYTES)
		return err_set(e, -EFBIG, "The requested file size is too large");
	r = blk_resize_watched(b->child, l->payload + size, p, w, e);
	if (r == 0)
		b->size = round_up(size, SECTOR_BYTES);
	return r;
}

static int luks_close(struct blk *b, struct err *e)
{
	sectors_free(to_luks(b)->sectors);
	blk_fini(b);
	free(b);
	return 0;
}

static const struct blk_ops luks_ops = {
	.name = "luks",
	.parallel = true,
	.pread = luks_pread,
	.pwrite = luks_pwrite,
	.resize = luks_resize,
	.close = luks_close,
};

/* ---- opening ---- */

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	return luks_header_probe(head, len);
}

static int unlock(struct luks *l, const char *id, const struct luks_area *a,
		  const struct secret_set *secrets, struct err *e)
{
	uint8_t key[CIPHER_KEY_MAX];
	int r;

	if (!id)
		return err_set(e, -EINVAL, "Parameter 'key-secret' is required for cipher");
	r = secret_text(secrets, id, &l->password, e);
	if (r == 0) {
		l->blk.key_opt = "key-secret";
		l->blk.key_id = mem_strdup(id, e);
		r = l->blk.key_id ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = luks_unlock(a, &l->h, &l->spec, l->password, key, NULL, e);
	if (r == 0)
		r = sectors_new(&l->spec.sectors, key, &l->sectors, e);
	mem_wipe(key, sizeof(key));
	return r;
}

static int load(struct luks *l, struct blk *file, const char *id, struct err *e)
{
	const struct luks_area a = { .file = file, .base = 0, .len = file->size };
	int r = luks_read(&a, &l->h, &l->spec, e);

	if (r < 0)
		return r;
	l->payload = (uint64_t)l->h.payload_sector * SECTOR_BYTES;
	if (l->payload > file->size)
		return err_set(e, -ENODATA,
			       "LUKS payload at %llu lies past the end of the file at %llu",
			       (unsigned long long)l->payload, (unsigned long long)file->size);
	l->blk.size = round_up(file->size - l->payload, SECTOR_BYTES);
	return l->blk.flags & BLK_NOIO ? 0 : unlock(l, id, &a, file->secrets, e);
}

static int luks_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		     struct err *e)
{
	struct luks *l = mem_zalloc(1, sizeof(*l), e);
	const char *id = optset_get(opts, "key-secret");
	int r;

	if (!l)
		return -ENOMEM;
	r = blk_init(&l->blk, &luks_ops, file->filename, flags, e);
	if (r < 0) {
		free(l);
		return r;
	}
	r = load(l, file, id, e);
	if (r < 0) {
		luks_close(&l->blk, NULL);
		return r;
	}
	l->blk.format = &img_format_luks;
	l->blk.child = file;
	l->blk.log = file->log;
	l->blk.align = file->align > SECTOR_BYTES && l->payload % file->align == 0
			       ? file->align
			       : SECTOR_BYTES;
	*out = &l->blk;
	return 0;
}

/* ---- the rest ---- */

static int luks_create_image(struct blk *file, struct blk *data, const struct img_create *c,
			     struct progress *p, struct err *e)
{
	const struct blk_watch w = { .progress = p };
	struct luks_create k;
	struct luks_area a = { .file = file, .base = 0 };
	int r = luks_create_parse(&k, c->own, "", c->secrets, e);

	if (r < 0)
		return r;
	a.len = luks_create_bytes(&k);
	if (c->size > INT64_MAX - a.len)
		return err_set(e, -EFBIG, "The requested file size is too large");
	if (file->fixed && a.len + c->size > file->size)
		return err_set(e, -ENOSPC, "Cannot grow device files");
	r = luks_create(&k, &a, e);
	return r < 0 || file->fixed
		       ? r
		       : blk_resize_watched(file, a.len + c->size, c->prealloc, &w, e);
}

static int luks_info(struct blk *b, struct img_info *out, struct err *e)
{
	const struct luks *l = to_luks(b);

	out->format = "luks";
	out->virtual_size = b->size;
	out->encrypted = true;
	out->specific = detail_new();
	luks_detail(&l->h, &l->spec, out->specific);
	out->actual_size = UINT64_MAX;
	if (detail_end(out->specific, e) < 0)
		return -ENOMEM;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

static int luks_amend_image(struct blk *b, struct optset *set, bool force, struct progress *p,
			    struct err *e)
{
	struct luks *l = to_luks(b);
	const struct luks_area a = area_of(b);

	return luks_amend(&a, &l->h, &l->spec, set, "", b->secrets, l->password, force, e);
}

static int luks_measure(const struct img_create *c, struct blk *src, struct img_measure *out,
			struct err *e)
{
	uint64_t size = src ? (uint64_t)src->size : c->size;
	struct luks_create k;
	int r = luks_create_parse(&k, c->own, "", c->secrets, e);

	if (r < 0)
		return r;
	/* what was never written is encrypted all the same */
	out->required = out->fully_allocated = luks_create_bytes(&k) + size;
	out->bitmaps = UINT64_MAX;
	return 0;
}

static const struct img_create_opt create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "key-secret", "str", "Secret that opens the first key slot, by its id", false, NULL },
	{ "cipher-alg", "str", "Cipher: aes, serpent, twofish (-128, -192, -256), cast5-128",
	  false, NULL },
	{ "cipher-mode", "str", "How it is used: xts, cbc, ctr, ecb", false, NULL },
	{ "ivgen-alg", "str", "Vectors of sectors: plain64, plain, essiv", false, NULL },
	{ "ivgen-hash-alg", "str", "Hash for essiv", false, NULL },
	{ "hash-alg", "str", "Hash for passwords", false, NULL },
	{ "iter-time", "num", "Milliseconds that trying a password shall take", true, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

static const struct img_create_opt amend_opts[] = {
	{ "state", "str", "What becomes of the slots: active, inactive", true, NULL },
	{ "keyslot", "num", "Which slot", true, NULL },
	{ "old-secret", "str", "The slots that this secret opens", true, NULL },
	{ "new-secret", "str", "Secret for the slot that becomes active", true, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_luks = {
	.name = "luks",
	.probe = probe,
	.open = luks_open,
	.create = luks_create_image,
	.create_opts = create_opts,
	.amend_opts = amend_opts,
	.info = luks_info,
	.amend = luks_amend_image,
	.measure = luks_measure,
};
