/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_snaptab.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the fixed fields of an entry lie, and the known ones of its extra data. */
enum {
	OFF_L1_OFFSET = 0,
	OFF_L1_ENTRIES = 8,
	OFF_ID_LEN = 12,
	OFF_NAME_LEN = 14,
	OFF_DATE_SEC = 16,
	OFF_DATE_NSEC = 20,
	OFF_VM_CLOCK = 24,
	OFF_VM_STATE = 32,
	OFF_EXTRA_LEN = 36,
	EXTRA_VM_STATE = 0,
	EXTRA_DISK_SIZE = 8,
	EXTRA_ICOUNT = 16,
};

struct reader {
	const uint8_t *buf;
	size_t len, at;
};

/* The next @n bytes, or NULL if there are fewer. */
static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->buf + r->at;

	if (n > r->len - r->at)
		return NULL;
	r->at += n;
	return p;
}

static void mended(const struct qcow2_snaptab_fix *fix, const char *line)
{
	if (fix->report)
		fix->report(fix->arg, line);
}

static char *copy_text(const uint8_t *p, size_t len, struct err *e)
{
	char *s = mem_zalloc(len + 1, 1, e);

	if (s)
		memcpy(s, p, len);
	return s;
}

static int cut_extra(struct qcow2_snaptab_fix *fix, uint32_t i, uint32_t len, struct err *e)
{
	char line[128];

	if (!fix)
		return err_set(e, -EFBIG, "Too much extra metadata in snapshot table entry %u",
			       i);
	snprintf(line, sizeof(line),
		 "Discarding too much extra metadata in snapshot table entry %u (%u > %u)", i,
		 len, (unsigned)QCOW2_SNAP_EXTRA_MAX);
	mended(fix, line);
	fix->shortened++;
	return 0;
}

/* @p holds sn->extra_size bytes, or the first QCOW2_SNAP_EXTRA_MAX of them. */
static int parse_extra(struct qcow2_snapshot *sn, const uint8_t *p, uint64_t disk_size,
		       struct err *e)
{
	sn->info.disk_size = disk_size;
	sn->info.icount = UINT64_MAX;
	if (sn->extra_size >= EXTRA_VM_STATE + 8)
		sn->info.vm_state_size = load_be64(p + EXTRA_VM_STATE);
	if (sn->extra_size >= EXTRA_DISK_SIZE + 8)
		sn->info.disk_size = load_be64(p + EXTRA_DISK_SIZE);
	if (sn->extra_size >= EXTRA_ICOUNT + 8)
		sn->info.icount = load_be64(p + EXTRA_ICOUNT);
	if (sn->extra_size <= QCOW2_SNAP_EXTRA)
		return 0;
	sn->extra_len = sn->extra_size - QCOW2_SNAP_EXTRA;
	sn->extra = mem_zalloc(sn->extra_len, 1, e);
	if (!sn->extra)
		return -ENOMEM;
	memcpy(sn->extra, p + QCOW2_SNAP_EXTRA, sn->extra_len);
	return 0;
}

static int parse_entry(struct reader *r, uint32_t i, uint64_t disk_size,
		       struct qcow2_snaptab_fix *fix, struct qcow2_snapshot *sn, struct err *e)
{
	const uint8_t *p = NULL, *extra, *id, *name;
	size_t pad = (size_t)(round_up(r->at, 8) - r->at);
	int ret;

	if (take(r, pad))
		p = take(r, QCOW2_SNAP_FIXED);
	if (!p)
		return err_set(e, -ENODATA, "snapshot table is cut short in entry %u", i);
	sn->l1_offset = load_be64(p + OFF_L1_OFFSET);
	sn->l1_entries = load_be32(p + OFF_L1_ENTRIES);
	sn->info.date_sec = load_be32(p + OFF_DATE_SEC);
	sn->info.date_nsec = load_be32(p + OFF_DATE_NSEC);
	sn->info.vm_clock_nsec = load_be64(p + OFF_VM_CLOCK);
	sn->info.vm_state_size = load_be32(p + OFF_VM_STATE);
	sn->extra_size = load_be32(p + OFF_EXTRA_LEN);

	uint32_t extra_len = sn->extra_size;
	uint16_t id_len = load_be16(p + OFF_ID_LEN), name_len = load_be16(p + OFF_NAME_LEN);

	if (extra_len > QCOW2_SNAP_EXTRA_MAX) {
		ret = cut_extra(fix, i, extra_len, e);
		if (ret < 0)
			return ret;
		sn->extra_size = QCOW2_SNAP_EXTRA_MAX;
	}
	extra = take(r, extra_len);
	id = extra ? take(r, id_len) : NULL;
	name = id ? take(r, name_len) : NULL;
	if (!name)
		return err_set(e, -ENODATA, "snapshot table is cut short in entry %u", i);
	ret = parse_extra(sn, extra, disk_size, e);
	if (ret < 0)
		return ret;
	sn->info.id = copy_text(id, id_len, e);
	sn->info.name = sn->info.id ? copy_text(name, name_len, e) : NULL;
	return sn->info.name ? 0 : -ENOMEM;
}

/* What the entry takes once it is written again. */
static uint64_t entry_size(const struct qcow2_snapshot *sn, size_t id_len, size_t name_len)
{
	return QCOW2_SNAP_FIXED + QCOW2_SNAP_EXTRA + (uint64_t)sn->extra_len + id_len +
	       name_len;
}

static void drop_entry(struct qcow2_snapshot *sn)
{
	free(sn->info.id);
	free(sn->info.name);
	free(sn->extra);
	*sn = (struct qcow2_snapshot){ 0 };
}

void qcow2_snapshots_free(struct qcow2_snapshot *v, uint32_t n)
{
	for (uint32_t i = 0; v && i < n; i++)
		drop_entry(&v[i]);
	free(v);
}

static void drop_rest(struct qcow2_snaptab_fix *fix, uint32_t left, const char *why)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "Discarding %u overhanging snapshots (snapshot table is %s)", left, why);
	mended(fix, line);
	fix->dropped += left;
}

/* What the table takes once it is written again, after entry @i; 0: too much. */
static uint64_t table_size(uint64_t before, const struct qcow2_snapshot *sn)
{
	uint64_t n = round_up(before, 8) +
		     entry_size(sn, strlen(sn->info.id), strlen(sn->info.name));

	return n <= QCOW2_SNAPTAB_MAX ? n : 0;
}

int qcow2_snaptab_parse(const uint8_t *buf, size_t len, uint32_t n, uint64_t disk_size,
			struct qcow2_snaptab_fix *fix, struct qcow2_snapshot **out,
			uint32_t *got, uint64_t *used, struct err *e)
{
	struct reader rd = { buf, len, 0 };
	struct qcow2_snapshot *v;
	uint64_t table = 0;
	uint32_t i;

	if (n > QCOW2_SNAPSHOTS_MAX)
		return err_set(e, -EFBIG, "snapshot table has %u entries", n);
	/* before memory is taken for a count that the bytes cannot hold */
	if ((uint64_t)n * QCOW2_SNAP_FIXED > len && !(fix && fix->whole))
		return err_set(e, -ENODATA, "snapshot table of %u entries has only %zu bytes",
			       n, len);
	v = mem_zalloc(min_u64(n, len / QCOW2_SNAP_FIXED + 1), sizeof(*v), e);
	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		size_t start = rd.at;
		struct err why = { 0 };
		int r = parse_entry(&rd, i, disk_size, fix, &v[i], &why);

		if (r == 0)
			table = table_size(table, &v[i]);
		if (r == 0 && table && rd.at <= INT32_MAX)
			continue;
		if (r == 0 && !fix)
			r = err_set(&why, -EFBIG, "Snapshot table is too big");
		if (r < 0 && !(r == -ENODATA && fix && fix->whole)) {
			qcow2_snapshots_free(v, i + 1);
			return err_set(e, r, "%s", why.msg);
		}
		drop_rest(fix, n - i, r < 0 ? "cut short" : "too big");
		drop_entry(&v[i]);
		rd.at = start;
		break;
	}
	*out = v;
	*got = i;
	*used = rd.at;
	return 0;
}

int qcow2_snaptab_size(const struct qcow2_snapshot *v, uint32_t n, uint64_t *out, struct err *e)
{
	uint64_t table = 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t id = strlen(v[i].info.id), name = strlen(v[i].info.name);

		if (id > UINT16_MAX || name > UINT16_MAX)
			return err_set(e, -E2BIG, "a snapshot name of %zu bytes is too long",
				       id > name ? id : name);
		table = table_size(table, &v[i]);
		if (!table)
			return err_set(e, -EFBIG, "snapshot table would be over %u MiB",
				       QCOW2_SNAPTAB_MAX >> 20);
	}
	*out = table;
	return 0;
}

static size_t write_entry(const struct qcow2_snapshot *sn, uint8_t *p)
{
	const struct img_snapshot *in = &sn->info;
	size_t id = strlen(in->id), name = strlen(in->name), at = QCOW2_SNAP_FIXED;

	store_be64(p + OFF_L1_OFFSET, sn->l1_offset);
	store_be32(p + OFF_L1_ENTRIES, sn->l1_entries);
	store_be16(p + OFF_ID_LEN, (uint16_t)id);
	store_be16(p + OFF_NAME_LEN, (uint16_t)name);
	store_be32(p + OFF_DATE_SEC, in->date_sec);
	store_be32(p + OFF_DATE_NSEC, in->date_nsec);
	store_be64(p + OFF_VM_CLOCK, in->vm_clock_nsec);
	/* a state that 32 bits cannot say: old readers shall see a disk-only snapshot */
	store_be32(p + OFF_VM_STATE,
		   in->vm_state_size <= UINT32_MAX ? (uint32_t)in->vm_state_size : 0);
	store_be32(p + OFF_EXTRA_LEN, QCOW2_SNAP_EXTRA + sn->extra_len);
	store_be64(p + at + EXTRA_VM_STATE, in->vm_state_size);
	store_be64(p + at + EXTRA_DISK_SIZE, in->disk_size);
	store_be64(p + at + EXTRA_ICOUNT, in->icount);
	at += QCOW2_SNAP_EXTRA;
	if (sn->extra_len)
		memcpy(p + at, sn->extra, sn->extra_len);
	at += sn->extra_len;
	memcpy(p + at, in->id, id);
	memcpy(p + at + id, in->name, name);
	return at + id + name;
}

void qcow2_snaptab_write(const struct qcow2_snapshot *v, uint32_t n, uint8_t *buf)
{
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t start = (size_t)round_up(at, 8);

		memset(buf + at, 0, start - at);
		at = start + write_entry(&v[i], buf + start);
	}
}
