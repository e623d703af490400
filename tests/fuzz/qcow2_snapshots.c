/* SPDX-License-Identifier: MIT */
/*
 * The snapshot table: two bytes of count, then the table.  What parses is written again and
 * parses to the same; with mending allowed, the limits hold afterwards.
 */
#include "img/format/qcow2_snaptab.h"
#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

enum { DISK_SIZE = 1 << 20 };

static void must_be_same(const struct qcow2_snapshot *a, const struct qcow2_snapshot *b)
{
	must(a->l1_offset == b->l1_offset && a->l1_entries == b->l1_entries);
	must(strcmp(a->info.id, b->info.id) == 0 && strcmp(a->info.name, b->info.name) == 0);
	must(a->info.vm_state_size == b->info.vm_state_size);
	must(a->info.disk_size == b->info.disk_size && a->info.icount == b->info.icount);
	must(a->info.date_sec == b->info.date_sec && a->info.date_nsec == b->info.date_nsec);
	must(a->info.vm_clock_nsec == b->info.vm_clock_nsec);
}

static void must_survive_writing(const struct qcow2_snapshot *v, uint32_t n)
{
	struct err e = { 0 };
	struct qcow2_snapshot *again;
	uint64_t size, used;
	uint32_t got;
	uint8_t *buf;

	must(qcow2_snaptab_size(v, n, &size, &e) == 0);
	must(size <= QCOW2_SNAPTAB_MAX);
	buf = malloc(size ? size : 1);
	must(buf != NULL);
	qcow2_snaptab_write(v, n, buf);
	must(qcow2_snaptab_parse(buf, size, n, DISK_SIZE, NULL, &again, &got, &used, &e) == 0);
	must(got == n && used == size);
	for (uint32_t i = 0; i < n; i++)
		must_be_same(&v[i], &again[i]);
	qcow2_snapshots_free(again, got);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct qcow2_snaptab_fix fix = { .whole = true };
	struct qcow2_snapshot *v = NULL;
	struct err e = { 0 };
	uint64_t used = 0;
	uint32_t n, got = 0;
	int r;

	if (len < 2)
		return 0;
	n = (uint32_t)(data[0] << 8 | data[1]);
	data += 2;
	len -= 2;
	r = qcow2_snaptab_parse(data, len, n, DISK_SIZE, NULL, &v, &got, &used, &e);
	must(r == 0 || (r < 0 && r == e.code && e.msg[0]));
	if (r == 0) {
		must(got == n && used <= len);
		must_survive_writing(v, got);
		qcow2_snapshots_free(v, got);
	}

	memset(&e, 0, sizeof(e));
	v = NULL;
	r = qcow2_snaptab_parse(data, len, n, DISK_SIZE, &fix, &v, &got, &used, &e);
	if (r == 0) {
		must(got + fix.dropped == n && used <= len);
		must_survive_writing(v, got);
		qcow2_snapshots_free(v, got);
	}
	return 0;
}
