/* SPDX-License-Identifier: MIT */
/*
 * New images.  All metadata is computed and written front to back in large pieces; the
 * header comes last, after a sync, so that a crash leaves a file that is no image rather
 * than a broken one.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_emit.h"

#include <stdlib.h>
#include <string.h>

const struct img_create_opt qcow2_create_opts[] = {
	{ "encryption", "bool (on/off)",
	  "Encrypt with format aes; encrypt.format=aes is the same", false, NULL },
	{ "encrypt.format", "str", "Encrypt the image: luks, or aes, which is weak", false,
	  NULL },
	{ "encrypt.key-secret", "str", "Secret that opens the image, by its id", false, NULL },
	{ "encrypt.cipher-alg", "str",
	  "Cipher: aes, serpent, twofish (-128, -192, -256), cast5-128", false, NULL },
	{ "encrypt.cipher-mode", "str", "How it is used: xts, cbc, ctr, ecb", false, NULL },
	{ "encrypt.ivgen-alg", "str", "Vectors of sectors: plain64, plain, essiv", false,
	  NULL },
	{ "encrypt.ivgen-hash-alg", "str", "Hash for essiv", false, NULL },
	{ "encrypt.hash-alg", "str", "Hash for passwords", false, NULL },
	{ "encrypt.iter-time", "num", "Milliseconds that trying a password shall take", true,
	  NULL },
	{ "cluster_size", "size", "qcow2 cluster size", false, "65536" },
	{ "extended_l2", "bool (on/off)", "Extended L2 tables", false, "off" },
	{ "preallocation", "str",
	  "Preallocation mode (allowed values: off, metadata, falloc, full)", false, NULL },
	{ "compression_type", "str", "Compression method used for image cluster compression",
	  false, "zlib" },
	{ "compression_level", "str",
	  "How compressed clusters are written: fast, or small (not stored in the image)",
	  false, NULL },
	{ "size", "size", "Virtual disk size", true, NULL },
	{ "compat", "str", "Compatibility level (v2 [0.10] or v3 [1.1])", true, NULL },
	{ "backing_file", "str", "File name of a base image", true, NULL },
	{ "backing_fmt", "str", "Image format of the base image", true, NULL },
	{ "data_file", "str", "File name of an external data file", true, NULL },
	{ "data_file_raw", "bool (on/off)",
	  "The external data file must stay valid as a raw image", true, NULL },
	{ "lazy_refcounts", "bool (on/off)", "Postpone refcount updates", true, "off" },
	{ "refcount_bits", "num", "Width of a reference count entry in bits", true, "16" },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_create_opt qcow2_amend_opts[] = {
	{ "encrypt.state", "str", "What becomes of the slots: active, inactive", true, NULL },
	{ "encrypt.keyslot", "num", "Which slot", true, NULL },
	{ "encrypt.old-secret", "str", "The slots that this secret opens", true, NULL },
	{ "encrypt.new-secret", "str", "Secret for the slot that becomes active", true, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

/* All but the header cluster. */
static int emit_body(struct blk *file, const struct qcow2_layout *y, bool zeroes,
		     struct progress *p, struct err *e)
{
	uint64_t cs = 1ull << y->cluster_bits, zero = zeroes ? QCOW2_OFLAG_ZERO : 0;
	AUTO_FREE uint8_t *buf = mem_aligned(4096, EMIT_BYTES, e);
	struct emit m = {
		.file = file,
		.buf = buf,
		.cluster = cs,
		.off = cs,
		/* An L1 table at the end of the file is not padded. */
		.end = y->l2 || y->crypto_len ? y->data_off : y->l1_off + y->l1_entries * 8,
		.progress = p,
	};
	int r;

	if (!buf)
		return -ENOMEM;
	r = emit_table(&m, y->refblocks, y->reftable_clusters, y->refblock_off, cs, 8, e);
	if (r == 0)
		r = emit_refblocks(&m, y, e);
	if (r == 0)
		r = emit_table(&m, y->l2 ? y->l1_entries : 0, y->l1_clusters,
			       QCOW2_OFLAG_COPIED | y->l2_off, cs, 8, e);
	/* slots that are not in use read as zeroes */
	if (r == 0)
		r = emit_table(&m, 0, y->crypto_clusters, 0, cs, 8, e);
	if (r == 0 && y->l2)
		r = emit_table(&m, y->guest_clusters, y->l2_tables,
			       QCOW2_OFLAG_COPIED | zero | (y->data ? y->data_off : 0), cs,
			       y->extended_l2 ? 16 : 8, e);
	return r < 0 ? r : emit_flush(&m, e);
}

static int check_cluster_size(const struct img_create *c, struct err *e)
{
	if (c->extended_l2 && c->compat < 3)
		return err_set(
			e, -EINVAL,
			"Extended L2 entries are only supported with compatibility level "
			"1.1 and above (use version=v3 or greater)");
	if (c->cluster_size < 1 << QCOW2_CLUSTER_BITS_MIN ||
	    c->cluster_size > 1 << QCOW2_CLUSTER_BITS_MAX ||
	    c->cluster_size & (c->cluster_size - 1))
		return err_set(e, -EINVAL,
			       "Cluster size must be a power of two between %d and %dk",
			       1 << QCOW2_CLUSTER_BITS_MIN, 1 << (QCOW2_CLUSTER_BITS_MAX - 10));
	if (c->extended_l2 && c->cluster_size < 1 << QCOW2_EXTL2_CLUSTER_BITS_MIN)
		return err_set(
			e, -EINVAL,
			"Extended L2 entries are only supported with cluster sizes of at "
			"least %d bytes",
			1 << QCOW2_EXTL2_CLUSTER_BITS_MIN);
	return 0;
}

static int check_refcount_bits(const struct img_create *c, struct err *e)
{
	if (c->refcount_bits < 1 || c->refcount_bits > 64 ||
	    c->refcount_bits & (c->refcount_bits - 1))
		return err_set(
			e, -EINVAL,
			"Refcount width must be a power of two and may not exceed 64 bits");
	if (c->compat < 3 && c->refcount_bits != 16)
		return err_set(e, -EINVAL,
			       "Different refcount widths than 16 bits require compatibility "
			       "level 1.1 or above (use version=v3 or greater)");
	return 0;
}

static int check_data_file(const struct img_create *c, const struct blk *data, struct err *e)
{
	if (c->data_file_raw && !c->data_file)
		return err_set(e, -EINVAL, "data-file-raw requires data-file");
	if (c->data_file_raw && c->backing_file)
		return err_set(
			e, -EINVAL,
			"Backing file and data-file-raw cannot be used at the same time");
	if (c->data_file && c->compat < 3)
		return err_set(
			e, -EINVAL,
			"External data files are only supported with compatibility level "
			"1.1 and above (use version=v3 or greater)");
	if (!c->data_file != !data)
		return err_set(e, -EINVAL,
			       "the data file is named but not open, or the reverse");
	return 0;
}

/* In the order in which qemu-img looks, for a command with two mistakes. */
static int check_options(const struct img_create *c, struct err *e)
{
	int r = check_cluster_size(c, e);

	if (r < 0)
		return r;
	if (c->backing_file && c->prealloc != PREALLOC_OFF && !c->extended_l2)
		return err_set(
			e, -EINVAL,
			"Backing file and preallocation can only be used at the same time "
			"if extended_l2 is on");
	if (c->backing_fmt && !c->backing_file)
		return err_set(e, -EINVAL,
			       "Backing format cannot be used without backing file");
	if (c->lazy_refcounts && c->compat < 3)
		return err_set(e, -EINVAL,
			       "Lazy refcounts only supported with compatibility level 1.1 and "
			       "above (use version=v3 or greater)");
	return check_refcount_bits(c, e);
}

static int check_compression(const struct img_create *c, struct err *e)
{
	if (c->compression_zstd && c->compat < 3)
		return err_set(e, -EINVAL,
			       "Non-zlib compression type is only supported with compatibility "
			       "level 1.1 and above (use version=v3 or greater)");
	return 0;
}

int qcow2_create_header(const struct img_create *c, const struct qcow2_layout *y, uint8_t *buf,
			struct err *e)
{
	AUTO_FREE char *backing = c->backing_file ? mem_strdup(c->backing_file, e) : NULL;
	AUTO_FREE char *fmt = c->backing_fmt ? mem_strdup(c->backing_fmt, e) : NULL;
	AUTO_FREE char *data = c->data_file ? mem_strdup(c->data_file, e) : NULL;
	struct qcow2_header h = {
		.version = c->compat,
		.cluster_bits = y->cluster_bits,
		.size = y->size,
		.l1_entries = (uint32_t)y->l1_entries,
		.l1_offset = y->l1_entries ? y->l1_off : 0,
		.reftable_offset = y->reftable_off,
		.reftable_clusters = (uint32_t)y->reftable_clusters,
		.refcount_order = y->refcount_order,
		.incompat = (c->data_file ? QCOW2_INCOMPAT_DATA_FILE : 0) |
			    (c->compression_zstd ? QCOW2_INCOMPAT_COMPRESSION : 0) |
			    (c->extended_l2 ? QCOW2_INCOMPAT_EXTL2 : 0),
		.compat = c->lazy_refcounts ? QCOW2_COMPAT_LAZY : 0,
		.autoclear = c->data_file_raw ? QCOW2_AUTOCLEAR_RAW_DATA : 0,
		.compression = c->compression_zstd ? QCOW2_ZSTD : QCOW2_ZLIB,
		.crypt = y->crypt,
		.has_crypto = y->crypto_len != 0,
		.crypto_offset = y->crypto_off,
		.crypto_len = y->crypto_len,
		.backing_file = backing,
		.backing_fmt = fmt,
		.data_file = data,
	};

	if (!backing != !c->backing_file || !fmt != !c->backing_fmt || !data != !c->data_file)
		return -ENOMEM;
	if (fmt && strlen(fmt) > QCOW2_BACKING_FMT_MAX)
		return err_set(e, -EINVAL, "backing format name '%s' is too long", fmt);
	return qcow2_header_write(&h, buf, 1ull << y->cluster_bits, e);
}

/* Writes zero bytes, so that blocks are there and hold nothing old. */
static int write_zeroes(struct blk *b, uint64_t off, uint64_t end, struct progress *p,
			struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(4096, EMIT_BYTES, e);

	if (!buf)
		return -ENOMEM;
	memset(buf, 0, EMIT_BYTES);
	while (off < end) {
		size_t n = min_u64(EMIT_BYTES, end - off);
		int r = blk_pwrite(b, buf, n, off, e);

		if (r < 0)
			return r;
		off += n;
		progress_add(p, n);
	}
	return 0;
}

/* Makes @b @size bytes long with guest bytes from @from on, preallocated as @mode says. */
static int extend(struct blk *b, uint64_t from, uint64_t size, enum blk_prealloc mode,
		  struct progress *p, struct err *e)
{
	enum blk_prealloc below = mode == PREALLOC_FALLOC ? PREALLOC_FALLOC : PREALLOC_OFF;
	int r = 0;

	/* A device is large enough or is not; it cannot be resized. */
	if (b->size < size || below != PREALLOC_OFF)
		r = blk_resize(b, size, below, e);
	if (r == 0 && mode == PREALLOC_FULL)
		r = write_zeroes(b, from, size, p, e);
	return r;
}

/* What a device holds at its start must not pass for the header of what comes. */
static int wipe_header(struct blk *file, uint64_t cluster_size, struct err *e)
{
	int r = 0;

	if (file->size)
		r = blk_zero(file, 0, min_u64(file->size, cluster_size), 0, e);
	return r < 0 ? r : file->size ? blk_flush(file, e) : 0;
}

static int write_image(struct blk *file, struct blk *data, const struct img_create *c,
		       const struct qcow2_layout *y, const struct qcow2_encrypt *k,
		       const uint8_t *header, struct progress *p, struct err *e)
{
	const struct luks_area a = { .file = file,
				     .base = y->crypto_off,
				     .len = y->crypto_len };
	/* preallocated clusters hold nothing that could be decrypted */
	bool zeroes = y->crypt && c->compat >= 3 && !y->extended_l2;
	uint64_t cs = 1ull << y->cluster_bits;
	uint64_t guest =
		c->prealloc == PREALLOC_FULL ? y->guest_clusters << y->cluster_bits : 0;
	int r = wipe_header(file, cs, e);

	progress_total(p, (y->l2 ? y->data_off : y->l1_off) + guest);
	if (r == 0 && data)
		r = extend(data, 0, y->size, c->prealloc, p, e);
	else if (r == 0 && y->data)
		r = extend(file, y->data_off, y->end, c->prealloc, p, e);
	if (r == 0)
		r = emit_body(file, y, zeroes, p, e);
	if (r == 0 && y->crypto_len)
		r = luks_create(&k->luks, &a, e);
	if (r == 0)
		r = blk_flush(file, e);
	if (r == 0)
		r = blk_pwrite(file, header, cs, 0, e);
	return r;
}

int qcow2_create_plan(const struct img_create *c, const struct blk *data,
		      struct qcow2_layout *y, struct err *e)
{
	int r = check_options(c, e);

	if (r == 0)
		r = check_data_file(c, data, e);
	if (r == 0)
		r = check_compression(c, e);
	if (r < 0)
		return r;
	y->extended_l2 = c->extended_l2;
	y->cluster_bits = (unsigned)__builtin_ctzll(c->cluster_size);
	y->refcount_order = (unsigned)__builtin_ctz(c->refcount_bits);
	y->size = c->size > INT64_MAX ? c->size : round_up(c->size, 512);
	r = qcow2_layout_plan(y, e);
	if (r == 0 && y->reftable_clusters << y->cluster_bits > QCOW2_REFTABLE_BYTES_MAX)
		r = qcow2_layout_too_large(e);
	return r;
}

int qcow2_create(struct blk *file, struct blk *data, const struct img_create *c,
		 struct progress *p, struct err *e)
{
	/* A raw data file is described whole, whoever writes to it. */
	bool l2 = c->prealloc != PREALLOC_OFF || c->data_file_raw;
	struct qcow2_layout y = { .l2 = l2, .data = l2 && !data };
	struct qcow2_encrypt k;
	uint8_t *header;
	int r = qcow2_encrypt_parse(c, &k, e);

	if (r < 0)
		return r;
	y.crypt = k.method;
	y.crypto_len = k.method == QCOW2_CRYPT_LUKS ? luks_create_bytes(&k.luks) : 0;
	r = qcow2_create_plan(c, data, &y, e);
	if (r < 0)
		return r;
	header = mem_aligned(4096, c->cluster_size, e);
	if (!header)
		return -ENOMEM;
	r = qcow2_create_header(c, &y, header, e);
	if (r == 0)
		r = write_image(file, data, c, &y, &k, header, p, e);
	free(header);
	return r;
}
