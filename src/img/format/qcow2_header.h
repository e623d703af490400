/* SPDX-License-Identifier: MIT */
/*
 * The qcow2 header and its extensions as plain values.  Parsing and writing do
 * no I/O, so they can be fuzzed and tested on arrays.  docs/formats/qcow2.md
 * describes every field.
 */
#ifndef IMG_FORMAT_QCOW2_HEADER_H
#define IMG_FORMAT_QCOW2_HEADER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QCOW2_MAGIC = 0x514649fb,
	QCOW2_V2_LENGTH = 72,
	QCOW2_V3_LENGTH = 112, /* what we write: with the compression type byte */
	QCOW2_CLUSTER_BITS_MIN = 9,
	QCOW2_CLUSTER_BITS_MAX = 21,
	QCOW2_L1_BYTES_MAX = 32 << 20,
	QCOW2_REFTABLE_BYTES_MAX = 8 << 20,
	QCOW2_SNAPSHOTS_MAX = 65536,
	QCOW2_BITMAPS_MAX = 65535,
	QCOW2_BITMAP_DIR_MAX = QCOW2_BITMAPS_MAX * (24 + 1024), /* bytes */
	QCOW2_BACKING_NAME_MAX = 1023,
	QCOW2_BACKING_FMT_MAX = 15,
	QCOW2_EXTL2_CLUSTER_BITS_MIN = 14,
};

enum qcow2_incompat {
	QCOW2_INCOMPAT_DIRTY = 1,
	QCOW2_INCOMPAT_CORRUPT = 2,
	QCOW2_INCOMPAT_DATA_FILE = 4,
	QCOW2_INCOMPAT_COMPRESSION = 8,
	QCOW2_INCOMPAT_EXTL2 = 16,
	QCOW2_INCOMPAT_KNOWN = 31,
};
enum { QCOW2_COMPAT_LAZY = 1 };
enum { QCOW2_AUTOCLEAR_BITMAPS = 1, QCOW2_AUTOCLEAR_RAW_DATA = 2 };
enum qcow2_compression { QCOW2_ZLIB = 0, QCOW2_ZSTD = 1 };

/* A header extension not understood here: kept byte for byte. */
struct qcow2_ext {
	uint32_t type, len;
	uint8_t *data; /* owned */
};

struct qcow2_header {
	uint32_t version, cluster_bits;
	uint64_t backing_offset; /* 0: none */
	uint32_t backing_len;
	uint64_t size;
	uint32_t crypt; /* 0 none, 1 AES, 2 LUKS */
	uint32_t l1_entries;
	uint64_t l1_offset;
	uint64_t reftable_offset;
	uint32_t reftable_clusters;
	uint32_t snapshots_n;
	uint64_t snapshots_offset;
	uint64_t incompat, compat, autoclear;
	uint32_t refcount_order, length;
	uint8_t compression; /* enum qcow2_compression */
	uint8_t *extra;      /* owned; header bytes after those known here, kept */
	uint32_t extra_len;

	/* from the extensions; strings are owned, NULL if absent */
	char *backing_file, *backing_fmt, *data_file;
	/* The bitmaps extension counts only while its autoclear bit is set; without the bit
	 * some other program changed the image, and bitmaps_stale says so. */
	bool has_bitmaps, bitmaps_stale;
	uint32_t bitmaps_n;
	uint64_t bitmap_dir_size, bitmap_dir_offset;
	bool has_crypto;
	uint64_t crypto_offset, crypto_len;
	struct qcow2_ext *unknown; /* not feature names: ours are written anew */
	size_t unknown_n;
};

/*
 * Parses the fixed fields from the first @len bytes (112 are enough) and checks
 * each against the format's limits.  Does not look at the extensions, but for the
 * names of unknown features if @buf reaches that far.  Allocates nothing.
 * Two things are left to whoever opens the image: reftable_clusters may be 0 (only
 * repair can do with that), and crypt may name a method we cannot decrypt.
 * -EINVAL: no qcow2 magic.  -EUCLEAN: contradicts itself or the limits.
 * -ENOTSUP: valid, but a version or feature unknown here.  -ENODATA: cut short.
 */
int qcow2_header_parse(struct qcow2_header *h, const uint8_t *buf, size_t len, struct err *e)
	MUST_CHECK;
/*
 * Checks where the refcount table and the snapshot table are said to lie.  Apart from the
 * rest because an image with these in disorder can be opened for repair.  -EUCLEAN.
 */
int qcow2_header_check_tables(const struct qcow2_header *h, struct err *e) MUST_CHECK;
/*
 * Parses extensions and the backing file name from @buf, the first
 * min(cluster size, file size) bytes of the image.  Call after qcow2_header_parse; on
 * failure qcow2_header_free() frees what was taken until then.
 */
int qcow2_header_parse_ext(struct qcow2_header *h, const uint8_t *buf, size_t len,
			   struct err *e) MUST_CHECK;
/*
 * Writes header, extensions, feature names (version 3, clusters above 4 KiB) and backing
 * name into @buf of one cluster, zeroes the rest, and updates backing_offset, backing_len
 * and length to match.  Version 2 gets none of version 3's fields.  -ENOSPC: they do not fit
 * (long backing name, small cluster); -EINVAL: backing name over 1023 bytes.
 */
int qcow2_header_write(struct qcow2_header *h, uint8_t *buf, size_t len, struct err *e)
	MUST_CHECK;
void qcow2_header_free(struct qcow2_header *h);

#endif
