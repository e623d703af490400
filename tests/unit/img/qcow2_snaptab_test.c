/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_snaptab.h"

#include "base/bytes.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DISK = 7 << 20, ROOM = 1 << 16 };

/* Appends an entry; every number in it follows from @seed.  Returns the new length. */
static size_t entry(uint8_t *buf, size_t at, unsigned seed, size_t extra, const char *id,
		    const char *name)
{
	uint8_t *p;

	at = round_up(at, 8);
	p = buf + at;
	memset(p, 0, QCOW2_SNAP_FIXED);
	store_be64(p, (uint64_t)seed << 16);
	store_be32(p + 8, seed + 1);
	store_be16(p + 12, (uint16_t)strlen(id));
	store_be16(p + 14, (uint16_t)strlen(name));
	store_be32(p + 16, seed + 2);
	store_be32(p + 20, seed + 3);
	store_be64(p + 24, seed + 4);
	store_be32(p + 32, seed + 5);
	store_be32(p + 36, (uint32_t)extra);
	for (size_t i = 0; i < extra; i++)
		p[QCOW2_SNAP_FIXED + i] = (uint8_t)(seed + i);
	p += QCOW2_SNAP_FIXED + extra;
	memcpy(p, id, strlen(id));
	memcpy(p + strlen(id), name, strlen(name));
	return at + QCOW2_SNAP_FIXED + extra + strlen(id) + strlen(name);
}

/* A copy of exactly @len bytes, so that reading past them is seen. */
static int parse(const uint8_t *buf, size_t len, uint32_t n, struct qcow2_snaptab_fix *fix,
		 struct qcow2_snapshot **v, uint32_t *got, uint64_t *used)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct err e = { 0 };
	int r;

	assert_non_null(copy);
	memcpy(copy, buf, len);
	r = qcow2_snaptab_parse(copy, len, n, DISK, fix, v, got, used, &e);
	assert_int_equal(r, e.code);
	free(copy);
	return r;
}

static void fields_are_where_they_belong(void **state)
{
	static uint8_t buf[ROOM];
	struct qcow2_snapshot *v;
	uint64_t used;
	uint32_t got;
	size_t len = entry(buf, 0, 3, 24, "17", "before the upgrade");

	assert_int_equal(parse(buf, len, 1, NULL, &v, &got, &used), 0);
	assert_int_equal(got, 1);
	assert_int_equal(used, len);
	assert_int_equal(v->l1_offset, 3 << 16);
	assert_int_equal(v->l1_entries, 4);
	assert_string_equal(v->info.id, "17");
	assert_string_equal(v->info.name, "before the upgrade");
	assert_int_equal(v->info.date_sec, 5);
	assert_int_equal(v->info.date_nsec, 6);
	assert_int_equal(v->info.vm_clock_nsec, 7);
	assert_int_equal(v->info.vm_state_size, 0x030405060708090aull);
	assert_int_equal(v->info.disk_size, 0x0b0c0d0e0f101112ull);
	assert_int_equal(v->info.icount, 0x131415161718191aull);
	assert_int_equal(v->extra_size, 24);
	assert_int_equal(v->extra_len, 0);
	qcow2_snapshots_free(v, got);
}

static void missing_extra_data_has_defaults(void **state)
{
	static uint8_t buf[ROOM];

	for (size_t extra = 0; extra <= 40; extra++) {
		struct qcow2_snapshot *v;
		uint64_t used;
		uint32_t got;
		size_t len = entry(buf, 0, 9, extra, "1", "x");

		assert_int_equal(parse(buf, len, 1, NULL, &v, &got, &used), 0);
		assert_int_equal(v->extra_size, extra);
		if (extra < 8)
			assert_int_equal(v->info.vm_state_size, 14);
		if (extra < 16)
			assert_int_equal(v->info.disk_size, DISK);
		if (extra < 24)
			assert_true(v->info.icount == UINT64_MAX);
		assert_int_equal(v->extra_len, extra > 24 ? extra - 24 : 0);
		for (size_t i = 24; i < extra; i++)
			assert_int_equal(v->extra[i - 24], 9 + i);
		qcow2_snapshots_free(v, got);
	}
}

static size_t three(uint8_t *buf)
{
	size_t len = entry(buf, 0, 1, 16, "1", "first");

	len = entry(buf, len, 2, 0, "2", "");
	return entry(buf, len, 3, 31, "x3", "unknown extra data");
}

static void every_truncation_is_told(void **state)
{
	static uint8_t buf[ROOM];
	struct qcow2_snapshot *v;
	uint64_t used;
	uint32_t got;
	size_t len = three(buf);

	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(parse(buf, cut, 3, NULL, &v, &got, &used), -ENODATA);
	assert_int_equal(parse(buf, len, 3, NULL, &v, &got, &used), 0);
	assert_int_equal(used, len);
	qcow2_snapshots_free(v, got);
}

static void repair_keeps_what_a_truncation_left(void **state)
{
	static uint8_t buf[ROOM];
	size_t len = three(buf), one = entry(buf, 0, 1, 16, "1", "first");
	size_t two = round_up(one, 8) + QCOW2_SNAP_FIXED + 1;

	for (size_t cut = 0; cut <= len; cut++) {
		struct qcow2_snaptab_fix fix = { .whole = true };
		struct qcow2_snapshot *v;
		uint64_t used;
		uint32_t got;

		assert_int_equal(parse(buf, cut, 3, &fix, &v, &got, &used), 0);
		assert_int_equal(got, cut < one ? 0 : cut < two ? 1 : cut < len ? 2 : 3);
		assert_int_equal(fix.dropped, 3 - got);
		assert_true(used <= cut);
		qcow2_snapshots_free(v, got);
	}
}

static void lengths_beyond_the_table(void **state)
{
	static const struct {
		unsigned off, bytes;
		uint32_t v;
		int code;
	} bad[] = {
		{ 12, 2, 0xffff, -ENODATA }, /* id */
		{ 14, 2, 0xffff, -ENODATA }, /* name */
		{ 36, 4, 1024, -ENODATA },   /* extra data within the limit */
		{ 36, 4, 1025, -EFBIG },     /* and past it */
		{ 36, 4, UINT32_MAX, -EFBIG },
	};
	static uint8_t buf[ROOM];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct qcow2_snapshot *v;
		uint64_t used;
		uint32_t got;
		size_t len = entry(buf, 0, 1, 24, "1", "name");

		if (bad[i].bytes == 2)
			store_be16(buf + bad[i].off, (uint16_t)bad[i].v);
		else
			store_be32(buf + bad[i].off, bad[i].v);
		assert_int_equal(parse(buf, len, 1, NULL, &v, &got, &used), bad[i].code);
	}
}

static void counts_beyond_the_limits(void **state)
{
	static uint8_t buf[ROOM];
	struct qcow2_snapshot *v;
	uint64_t used;
	uint32_t got;
	size_t len = entry(buf, 0, 1, 24, "1", "name");

	assert_int_equal(parse(buf, len, 65537, NULL, &v, &got, &used), -EFBIG);
	assert_int_equal(parse(buf, len, 65536, NULL, &v, &got, &used), -ENODATA);
	assert_int_equal(parse(buf, len, 2, NULL, &v, &got, &used), -ENODATA);
	assert_int_equal(parse(buf, len, 0, NULL, &v, &got, &used), 0);
	assert_int_equal(got, 0);
	qcow2_snapshots_free(v, got);
}

static void remember(void *arg, const char *line)
{
	snprintf(arg, 128, "%s", line);
}

static void repair_cuts_extra_data(void **state)
{
	static uint8_t buf[ROOM];
	char line[128] = "";
	struct qcow2_snaptab_fix fix = { .report = remember, .arg = line, .whole = true };
	struct qcow2_snapshot *v;
	uint64_t used;
	uint32_t got;
	size_t len = entry(buf, 0, 1, 3000, "1", "long");

	len = entry(buf, len, 2, 24, "2", "next");
	assert_int_equal(parse(buf, len, 2, NULL, &v, &got, &used), -EFBIG);
	assert_int_equal(parse(buf, len, 2, &fix, &v, &got, &used), 0);
	assert_string_equal(line, "Discarding too much extra metadata in snapshot table entry "
				  "0 (3000 > 1024)");
	assert_int_equal(fix.shortened, 1);
	assert_int_equal(fix.dropped, 0);
	assert_int_equal(got, 2);
	assert_int_equal(used, len);
	assert_int_equal(v[0].extra_len, 1000);
	assert_string_equal(v[0].info.name, "long");
	assert_string_equal(v[1].info.name, "next");
	qcow2_snapshots_free(v, got);
}

/* Entries of nearly the largest size: the table reaches its limit before the count does. */
static void repair_cuts_a_table_too_large(void **state)
{
	enum { EACH = QCOW2_SNAP_FIXED + 24 + 2 * 60000, ENTRIES = 600 };
	uint8_t *buf = calloc(ENTRIES, EACH + 8);
	char *text = malloc(60001), line[128] = "";
	struct qcow2_snaptab_fix fix = { .report = remember, .arg = line, .whole = true };
	struct qcow2_snapshot *v;
	uint64_t used, size;
	uint32_t got;
	size_t len = 0;

	assert_true(buf && text);
	memset(text, 'n', 60000);
	text[60000] = '\0';
	for (unsigned i = 0; i < ENTRIES; i++)
		len = entry(buf, len, i, 24, text, text);
	assert_int_equal(parse(buf, len, ENTRIES, NULL, &v, &got, &used), -EFBIG);
	assert_int_equal(parse(buf, len, ENTRIES, &fix, &v, &got, &used), 0);
	assert_int_equal(got + fix.dropped, ENTRIES);
	assert_true(used <= QCOW2_SNAPTAB_MAX && used + EACH > QCOW2_SNAPTAB_MAX);
	assert_int_equal(qcow2_snaptab_size(v, got, &size, NULL), 0);
	assert_int_equal(size, used);
	assert_int_equal(strncmp(line, "Discarding ", 11), 0);
	qcow2_snapshots_free(v, got);
	free(text);
	free(buf);
}

static void what_is_written_reads_back(void **state)
{
	static uint8_t buf[ROOM], out[ROOM];
	struct qcow2_snapshot *v, *w;
	uint64_t used, size;
	uint32_t got, again;
	size_t len = three(buf);

	assert_int_equal(parse(buf, len, 3, NULL, &v, &got, &used), 0);
	assert_int_equal(qcow2_snaptab_size(v, got, &size, NULL), 0);
	memset(out, 0xee, sizeof(out));
	qcow2_snaptab_write(v, got, out);
	assert_int_equal(out[size], 0xee);
	assert_int_equal(parse(out, size, 3, NULL, &w, &again, &used), 0);
	assert_int_equal(used, size);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(v[i].l1_offset, w[i].l1_offset);
		assert_int_equal(v[i].l1_entries, w[i].l1_entries);
		assert_string_equal(v[i].info.id, w[i].info.id);
		assert_string_equal(v[i].info.name, w[i].info.name);
		assert_int_equal(v[i].info.vm_state_size, w[i].info.vm_state_size);
		assert_int_equal(v[i].info.disk_size, w[i].info.disk_size);
		assert_true(v[i].info.icount == w[i].info.icount);
		assert_int_equal(v[i].info.date_sec, w[i].info.date_sec);
		assert_int_equal(v[i].extra_len, w[i].extra_len);
		if (v[i].extra_len)
			assert_memory_equal(v[i].extra, w[i].extra, v[i].extra_len);
		/* version 3 has 16 bytes of it, and we have 24 */
		assert_true(w[i].extra_size >= QCOW2_SNAP_EXTRA);
	}
	qcow2_snapshots_free(v, got);
	qcow2_snapshots_free(w, again);
}

/* Old readers see no VM state where 32 bits cannot say how large it is. */
static void large_vm_state(void **state)
{
	char id[] = "1", name[] = "n";
	struct qcow2_snapshot sn = { .info = { .id = id, .name = name } };
	uint8_t out[128];

	sn.info.vm_state_size = UINT32_MAX;
	qcow2_snaptab_write(&sn, 1, out);
	assert_int_equal(load_be32(out + 32), UINT32_MAX);
	sn.info.vm_state_size = 5ull << 32;
	qcow2_snaptab_write(&sn, 1, out);
	assert_int_equal(load_be32(out + 32), 0);
	assert_int_equal(load_be64(out + 40), 5ull << 32);
}

static void names_that_do_not_fit(void **state)
{
	char *text = malloc(65537), id[] = "1";
	struct qcow2_snapshot sn = { .info = { .id = id, .name = text } };
	uint64_t size;

	assert_non_null(text);
	memset(text, 'n', 65536);
	text[65536] = '\0';
	assert_int_equal(qcow2_snaptab_size(&sn, 1, &size, NULL), -E2BIG);
	text[65535] = '\0';
	assert_int_equal(qcow2_snaptab_size(&sn, 1, &size, NULL), 0);
	assert_int_equal(size, 40 + 24 + 1 + 65535);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_where_they_belong),
		cmocka_unit_test(missing_extra_data_has_defaults),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(repair_keeps_what_a_truncation_left),
		cmocka_unit_test(lengths_beyond_the_table),
		cmocka_unit_test(counts_beyond_the_limits),
		cmocka_unit_test(repair_cuts_extra_data),
		cmocka_unit_test(repair_cuts_a_table_too_large),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(large_vm_state),
		cmocka_unit_test(names_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
