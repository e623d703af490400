/* SPDX-License-Identifier: MIT */
/*
 * Compacting, interrupted.  An image in memory is compacted while every write and sync is
 * recorded; then the disk is rebuilt as a crash could have left it, after every prefix of the
 * record and with any subset of what was not yet synced.  Each such state is an image with
 * leaks at worst, disk and snapshot read the bytes they did, and compacting it anew leaves
 * nothing wrong.
 */
#include "base/bytes.h"
#include "img/compact.h"
#include "tests/unit/img/qcow2_world.h"
#include "tests/unit/unit.h"

enum { SUBSETS = 3 };

struct scenario {
	const char *name;
	struct world_kind kind;
	const char *ops; /* w write, 0 write zeroes, z zero, d discard, c compressed, f flush,
			  * s/x snapshot create/delete, b bitmaps, l a leak */
};

static const struct scenario scenarios[] = {
	{ "v3 4k", { "", 3, 16, 4096, false, false, false }, "wwww0wfdwz0wf" },
	{ "v3 64k", { "", 3, 16, 65536, false, false, false }, "www0wfdw0wf" },
	{ "v3 512", { "", 3, 64, 512, false, false, false }, "wwwwww0wfdwzd0wwf" },
	{ "v2 4k", { "", 2, 16, 4096, false, false, false }, "wwww0wfdww0wf" },
	{ "lazy", { "", 3, 16, 4096, true, false, false }, "wwww0wfdwz0wf" },
	{ "subclusters", { "", 3, 16, 16384, false, true, false }, "wwww0wfdwz0wf" },
	{ "1 bit, zstd", { "", 3, 1, 4096, false, false, true }, "wcww0cwfdwz0cwf" },
	{ "compressed", { "", 3, 16, 4096, false, false, false }, "wwwwwfcccccfddddddddf" },
	{ "snapshot", { "", 3, 16, 4096, false, false, false }, "www0wsfdw0wdwf" },
	{ "snapshot of compressed",
	  { "", 3, 16, 4096, false, false, false },
	  "cwcc0csfdwcdcwf" },
	{ "snapshot deleted", { "", 3, 16, 4096, false, false, false }, "wwwsfww0wfxwf" },
	{ "snapshot v2", { "", 2, 16, 4096, false, false, false }, "www0wsfdw0wdwf" },
	{ "snapshot 512", { "", 3, 16, 512, false, false, false }, "wwww0wsfdw0wwdwf" },
	{ "snapshot, subclusters", { "", 3, 16, 16384, false, true, false }, "www0wsfdw0wdwf" },
	{ "bitmaps", { "", 3, 16, 4096, false, false, false }, "wbww0wfbwwbdwwf" },
};

struct truth {
	uint32_t disk[SECTORS], snap[SECTORS];
	bool has_snap;
};

static struct blk *open_bytes(const struct membytes *m, unsigned flags, const char *what)
{
	struct blk *file = memblk_new(m->p, m->len), *b = NULL;
	struct err e = { 0 };

	file->flags |= BLK_UNMAP;
	if (img_format_qcow2.open(file, NULL, flags, &b, &e) < 0)
		fail_msg("%s: open: %s", what, e.msg);
	return b;
}

static void read_all(const struct membytes *m, struct truth *t, const char *what)
{
	struct blk *b = open_bytes(m, 0, what);
	struct err e = { 0 };

	if (world_read(b, t->disk, &e) < 0)
		fail_msg("%s: read: %s", what, e.msg);
	t->has_snap = to_qcow2(b)->snapshots_n != 0;
	if (t->has_snap) {
		if (img_format_qcow2.snapshot_load(b, "s", &e) < 0 ||
		    world_read(b, t->snap, &e) < 0)
			fail_msg("%s: snapshot: %s", what, e.msg);
	}
	blk_close(b, NULL);
}

static void must_hold(const struct membytes *m, const struct truth *want, const char *what)
{
	static struct truth have;

	read_all(m, &have, what);
	assert_int_equal(have.has_snap, want->has_snap);
	for (uint32_t i = 0; i < SECTORS; i++) {
		if (have.disk[i] != want->disk[i])
			fail_msg("%s: sector %u holds %u, not %u", what, i, have.disk[i],
				 want->disk[i]);
		if (want->has_snap && have.snap[i] != want->snap[i])
			fail_msg("%s: sector %u of the snapshot holds %u, not %u", what, i,
				 have.snap[i], want->snap[i]);
	}
}

static void first_line(void *arg, const char *line)
{
	char *text = arg;

	if (!*text && strncmp(line, "Leaked", 6) != 0)
		snprintf(text, 256, "%s", line);
}

static void must_check(const struct membytes *m, bool leaks, const char *what)
{
	struct blk *b = open_bytes(m, BLK_CHECK, what);
	char text[256] = "";
	struct img_check c = { .report = first_line, .arg = text };
	struct err e = { 0 };
	bool dirty = to_qcow2(b)->h.incompat & QCOW2_INCOMPAT_DIRTY;

	if (img_format_qcow2.check(b, &c, &e) < 0)
		fail_msg("%s: check: %s", what, e.msg);
	/* whose refcounts nobody relies on */
	if (!(dirty && leaks) && (c.corruptions || c.check_errors || (c.leaks && !leaks)))
		fail_msg("%s: %llu corruptions, %llu leaks, %llu errors: %s", what,
			 (unsigned long long)c.corruptions, (unsigned long long)c.leaks,
			 (unsigned long long)c.check_errors, text);
	blk_close(b, NULL);
}

/* Compacts @m; @log, if not NULL, is of what that does before it closes. */
static void compact(struct membytes *m, struct memlog *log, const char *what)
{
	struct blk *b = open_bytes(m, BLK_WRITE | BLK_UNMAP, what);
	struct memblk *mem = memblk(b->child);
	struct img_compact c = { 0 };
	struct err e = { 0 };

	mem->log = log;
	if (img_compact(b, &c, &e) < 0)
		fail_msg("%s: compact: %s", what, e.msg);
	/* as blk_close() does it, but for the bytes that are wanted yet */
	if (blk_flush(b, &e) < 0 || b->ops->close(b, &e) < 0)
		fail_msg("%s: close: %s", what, e.msg);
	mem->log = NULL;
	membytes_size(m, 0);
	membytes_size(m, mem->m.len);
	memcpy(m->p, mem->m.p, m->len);
	blk_close(&mem->blk, NULL);
}

static void copy_bytes(struct membytes *to, const struct membytes *from)
{
	membytes_size(to, 0);
	membytes_size(to, from->len);
	memcpy(to->p, from->p, from->len);
}

static void judge(struct membytes *m, const struct truth *t, const char *what)
{
	must_check(m, true, what);
	must_hold(m, t, what);
	compact(m, NULL, what);
	must_check(m, false, what);
	must_hold(m, t, what);
}

static unsigned replay(struct world *w, const struct membytes *start, const struct memlog *log,
		       const struct truth *t, const char *name)
{
	struct membytes synced = { 0 }, state = { 0 };
	unsigned states = 0;
	size_t sync = 0;
	char what[128];

	copy_bytes(&synced, start);
	for (size_t i = 0; i <= log->n; i++) {
		for (int k = 0; k <= SUBSETS; k++) {
			if (k && i - sync < 2)
				break;
			copy_bytes(&state, &synced);
			for (size_t n = sync; n < i; n++)
				if (!k || world_random(w, 2))
					memlog_apply(&state, &log->v[n]);
			snprintf(what, sizeof(what), "%s, cut at %zu of %zu (%d)", name, i,
				 log->n, k);
			judge(&state, t, what);
			states++;
		}
		if (i < log->n && log->v[i].kind == MEMOP_SYNC)
			for (; sync <= i; sync++)
				memlog_apply(&synced, &log->v[sync]);
	}
	free(synced.p);
	free(state.p);
	return states;
}

static void write_zeroes(struct world *w)
{
	uint32_t unit = w->b->cluster_size / SECTOR, n = unit * 2;
	uint32_t first = world_random(w, (uint32_t)(w->b->size / SECTOR) - n) / unit * unit;
	uint8_t *buf = calloc(n, SECTOR);
	struct err e = { 0 };

	assert_non_null(buf);
	if (blk_pwrite(w->b, buf, (size_t)n * SECTOR, (uint64_t)first * SECTOR, &e) < 0)
		fail_msg("%s", e.msg);
	free(buf);
}

static void one_op(struct world *w, char op)
{
	static const char letters[] = "wzdcfsaxgh23repb";
	struct err e = { 0 };

	if (op == '0')
		write_zeroes(w);
	else if (world_do(w, (enum op_kind)(strchr(letters, op) - letters), &e) < 0)
		fail_msg("%c: %s", op, e.msg);
}

static void interrupted(void **arg)
{
	const struct scenario *s = *arg;
	struct membytes start = { 0 }, done = { 0 };
	struct memlog log = { 0 };
	static struct truth t;
	static struct world w;
	struct err e = { 0 };
	struct memblk *mem;
	unsigned states;

	if (world_start(&w, &s->kind, 5, &e) < 0)
		fail_msg("%s", e.msg);
	for (const char *p = s->ops; *p; p++)
		one_op(&w, *p);
	mem = w.mem;
	if (blk_flush(w.b, &e) < 0 || w.b->ops->close(w.b, &e) < 0)
		fail_msg("%s: %s", s->name, e.msg);
	w.b = NULL;
	copy_bytes(&start, &mem->m);
	blk_close(&mem->blk, NULL);
	read_all(&start, &t, s->name);

	copy_bytes(&done, &start);
	compact(&done, &log, s->name);
	assert_true(done.len < start.len);
	must_check(&done, false, s->name);
	must_hold(&done, &t, s->name);
	states = replay(&w, &start, &log, &t, s->name);
	print_message("# %s: %llu to %llu bytes, %u states of %zu writes and syncs\n", s->name,
		      (unsigned long long)start.len, (unsigned long long)done.len, states,
		      log.n);
	memlog_free(&log);
	free(start.p);
	free(done.p);
	world_end(&w);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(scenarios)];

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		tests[i] = (struct CMUnitTest){ scenarios[i].name, interrupted, NULL, NULL,
						(void *)(uintptr_t)&scenarios[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
