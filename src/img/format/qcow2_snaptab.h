/* SPDX-License-Identifier: MIT */
/*
 * The snapshot table as bytes: parsing and writing without I/O, so that both can be
 * tested and fuzzed on arrays.  An entry is 40 fixed bytes, extra data, id and name; each
 * starts at a multiple of 8 bytes from the start of the table.
 */
#ifndef IMG_FORMAT_QCOW2_SNAPTAB_H
#define IMG_FORMAT_QCOW2_SNAPTAB_H

#include "img/format/qcow2.h"

enum {
	QCOW2_SNAP_FIXED = 40,    /* bytes of an entry before its extra data */
	QCOW2_SNAP_EXTRA = 24,    /* extra data we know: VM state size, disk size, icount */
	QCOW2_SNAP_EXTRA_V3 = 16, /* what version 3 demands of it */
	QCOW2_SNAP_EXTRA_MAX = 1024,
	QCOW2_SNAPTAB_MAX = 64 << 20,
};

/* How a table that breaks the limits is read for repair, and what was mended. */
struct qcow2_snaptab_fix {
	/* One mended thing, as text. */
	void (*report)(void *arg, const char *line);
	void *arg;
	bool whole;         /* the bytes are all there are: what they cut short is dropped */
	uint32_t dropped;   /* entries at the end, of a table too large or cut short */
	uint32_t shortened; /* entries whose extra data was cut */
};

/*
 * Parses @n entries from the @len bytes at @buf.  With @fix NULL, what breaks a limit is
 * -EFBIG; otherwise it is cut off, told and counted, and *out may have fewer entries (*got).
 * *used is how many bytes the entries take.  A snapshot without a disk size gets
 * @disk_size.  -ENODATA: the bytes end before the table does.
 */
int qcow2_snaptab_parse(const uint8_t *buf, size_t len, uint32_t n, uint64_t disk_size,
			struct qcow2_snaptab_fix *fix, struct qcow2_snapshot **out,
			uint32_t *got, uint64_t *used, struct err *e) MUST_CHECK;

/* Bytes that the table takes, at most QCOW2_SNAPTAB_MAX or -EFBIG; -E2BIG for an id or
 * name of more than 65535 bytes. */
int qcow2_snaptab_size(const struct qcow2_snapshot *v, uint32_t n, uint64_t *out, struct err *e)
	MUST_CHECK;
/* Writes the table into @buf, which holds the size said above. */
void qcow2_snaptab_write(const struct qcow2_snapshot *v, uint32_t n, uint8_t *buf);

#endif
