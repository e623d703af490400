/* SPDX-License-Identifier: MIT */
/*
 * Repair, interrupted.  A damaged image is repaired in memory while every write and sync is
 * recorded; then the disk is rebuilt as a crash could have left it, after every prefix of
 * the record and with any subset of what was not yet synced.  In each such state guest and
 * snapshot read the bytes they should, and another repair leaves nothing wrong.
 */
#include "base/bytes.h"
#include "tests/unit/img/qcow2_world.h"
#include "tests/unit/unit.h"

enum { SUBSETS = 4 };

struct repair {
	const char *name;
	unsigned kind;
	void (*hurt)(struct membytes *m);
};

static const struct world_kind kinds[] = {
	{ "v3 4k", 3, 16, 4096, false, false, false },
	{ "v2 4k", 2, 16, 4096, false, false, false },
	{ "v3 512", 3, 64, 512, false, false, false },
	{ "v3 subclusters", 3, 16, 16384, false, true, false },
};

static uint64_t at64(const struct membytes *m, uint64_t off)
{
	assert_true(off + 8 <= m->len);
	return load_be64(m->p + off);
}

static uint64_t reftable(const struct membytes *m)
{
	return at64(m, 48);
}

static uint8_t *refblock(const struct membytes *m)
{
	return m->p + at64(m, reftable(m));
}

static uint64_t cluster_size(const struct membytes *m)
{
	return 1ull << load_be32(m->p + 20);
}

/* The active L2 table that comes first. */
static uint64_t first_l2(const struct membytes *m)
{
	uint64_t l1 = at64(m, 40);

	for (uint64_t i = 0;; i += 8)
		if (at64(m, l1 + i) & QCOW2_OFFSET_MASK)
			return at64(m, l1 + i) & QCOW2_OFFSET_MASK;
}

static void refcounts_zero(struct membytes *m)
{
	memset(refblock(m), 0, cluster_size(m));
}

static void refcounts_wild(struct membytes *m)
{
	uint8_t *p = refblock(m);

	for (uint64_t i = 0; i < cluster_size(m); i++)
		if (i % 3 == 0)
			p[i] ^= (uint8_t)(i * 37 & 0x07);
}

static void refcounts_high(struct membytes *m)
{
	memset(refblock(m), 0x11, cluster_size(m));
}

static void block_lost(struct membytes *m)
{
	store_be64(m->p + reftable(m), 0);
}

static void block_outside(struct membytes *m)
{
	store_be64(m->p + reftable(m), 1ull << 40);
}

static void block_unaligned(struct membytes *m)
{
	store_be64(m->p + reftable(m), at64(m, reftable(m)) | 2);
}

static void block_is_l2(struct membytes *m)
{
	store_be64(m->p + reftable(m), first_l2(m));
}

static void table_lost(struct membytes *m)
{
	store_be64(m->p + 48, 1ull << 40);
}

static void table_nowhere(struct membytes *m)
{
	store_be64(m->p + 48, 0);
	store_be32(m->p + 56, 0);
}

static void flags_wild(struct membytes *m)
{
	uint64_t l2 = first_l2(m);

	for (uint64_t i = 0; i < cluster_size(m); i += 16)
		if (at64(m, l2 + i) & QCOW2_OFFSET_MASK &&
		    !(at64(m, l2 + i) & QCOW2_OFLAG_COMPRESSED))
			m->p[l2 + i] ^= 0x80;
	m->p[at64(m, 40)] ^= 0x80;
}

static void snapshot_extra(struct membytes *m)
{
	uint8_t *p = m->p + at64(m, 64);

	/* id and name move to where the extra data was */
	store_be32(p + 36, 0);
	memmove(p + 40, p + 64, 16);
}

static void all_of_it(struct membytes *m)
{
	snapshot_extra(m);
	flags_wild(m);
	refcounts_wild(m);
}

static const struct repair repairs[] = {
	{ "refcounts zero", 0, refcounts_zero },
	{ "refcounts wild", 0, refcounts_wild },
	{ "refcounts high", 0, refcounts_high },
	{ "refcounts wild, v2", 1, refcounts_wild },
	{ "refcounts wild, 512", 2, refcounts_wild },
	{ "refcounts high, 512", 2, refcounts_high },
	{ "block lost", 0, block_lost },
	{ "block lost, 512", 2, block_lost },
	{ "block outside", 0, block_outside },
	{ "block unaligned", 0, block_unaligned },
	{ "block is an L2 table", 1, block_is_l2 },
	{ "table lost", 0, table_lost },
	{ "table lost, 512", 2, table_lost },
	{ "table nowhere", 0, table_nowhere },
	{ "flags wild", 0, flags_wild },
	{ "flags wild, subclusters", 3, flags_wild },
	{ "snapshot table", 0, snapshot_extra },
	{ "all of it", 0, all_of_it },
};

static struct blk *open_bytes(const struct membytes *m, unsigned flags, const char *what)
{
	struct blk *file = memblk_new(m->p, m->len), *b = NULL;
	struct err e = { 0 };

	if (img_format_qcow2.open(file, NULL, flags, &b, &e) < 0)
		fail_msg("%s: open: %s", what, e.msg);
	return b;
}

static void must_hold(struct blk *b, const uint32_t *want, const char *what)
{
	static uint32_t have[SECTORS];
	struct err e = { 0 };

	if (world_read(b, have, &e) < 0)
		fail_msg("%s: read: %s", what, e.msg);
	for (uint32_t i = 0; i < SECTORS; i++)
		if (have[i] != want[i])
			fail_msg("%s: sector %u holds %u, not %u", what, i, have[i], want[i]);
}

static void keep_line(void *arg, const char *line)
{
	if (strncmp(line, "Repairing", 9) != 0)
		snprintf(arg, 256, "%s", line);
}

static void must_mend(struct blk *b, const char *what)
{
	char last[256] = "";
	struct img_check c = { .repair = IMG_FIX_LEAKS | IMG_FIX_ERRORS }, after = { 0 };
	struct err e = { 0 };

	if (img_format_qcow2.check(b, &c, &e) < 0)
		fail_msg("%s: repair: %s", what, e.msg);
	after.report = keep_line;
	after.arg = last;
	if (img_format_qcow2.check(b, &after, &e) < 0)
		fail_msg("%s: check: %s", what, e.msg);
	if (after.corruptions || after.leaks || after.check_errors)
		fail_msg("%s: %llu corruptions, %llu leaks, %llu errors: %s", what,
			 (unsigned long long)after.corruptions, (unsigned long long)after.leaks,
			 (unsigned long long)after.check_errors, last);
}

static void judge(const struct world *w, const struct membytes *m, const char *what)
{
	struct blk *b = open_bytes(m, BLK_CHECK, what);
	struct err e = { 0 };

	/* as a guest would find it, were it not for the damage */
	must_hold(b, w->content, what);
	blk_close(b, NULL);

	b = open_bytes(m, BLK_CHECK | BLK_WRITE, what);
	must_mend(b, what);
	must_hold(b, w->content, what);
	assert_int_equal(blk_flush(b, &e), 0);
	struct membytes *now = &memblk(b->child)->m;
	struct blk *again = open_bytes(now, 0, what);

	must_hold(again, w->content, what);
	if (img_format_qcow2.snapshot_load(again, "s", &e) < 0)
		fail_msg("%s: snapshot: %s", what, e.msg);
	must_hold(again, w->snap, what);
	blk_close(again, NULL);
	blk_close(b, NULL);
}

static unsigned replay(struct world *w, const struct membytes *start, const struct memlog *log,
		       const char *name)
{
	struct membytes synced = { 0 }, state = { 0 };
	unsigned states = 0;
	size_t sync = 0;
	char what[128];

	membytes_size(&synced, start->len);
	memcpy(synced.p, start->p, start->len);
	for (size_t i = 0; i <= log->n; i++) {
		for (int k = 0; k <= SUBSETS; k++) {
			if (k && i - sync < 2)
				break;
			membytes_size(&state, 0);
			membytes_size(&state, synced.len);
			memcpy(state.p, synced.p, synced.len);
			for (size_t n = sync; n < i; n++)
				if (!k || world_random(w, 2))
					memlog_apply(&state, &log->v[n]);
			snprintf(what, sizeof(what), "%s, cut at %zu of %zu", name, i, log->n);
			judge(w, &state, what);
			states++;
		}
		if (i < log->n && log->v[i].kind == MEMOP_SYNC) {
			for (; sync <= i; sync++)
				memlog_apply(&synced, &log->v[sync]);
		}
	}
	free(synced.p);
	free(state.p);
	return states;
}

/* An image with data, zeroes, compressed clusters and a snapshot "s", at rest. */
static void make_image(struct world *w, unsigned kind, struct membytes *out)
{
	static const enum op_kind ops[] = { OP_WRITE, OP_WRITE,       OP_COMPRESS,
					    OP_WRITE, OP_SNAP_CREATE, OP_WRITE,
					    OP_ZERO,  OP_WRITE,       OP_FLUSH };
	struct err e = { 0 };

	if (world_start(w, &kinds[kind], 11, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (world_do(w, ops[i], &e) < 0)
			fail_msg("operation %zu: %s", i, e.msg);
	membytes_size(out, w->mem->m.len);
	memcpy(out->p, w->mem->m.p, out->len);
}

static void interrupted_repair(void **arg)
{
	const struct repair *t = *arg;
	struct membytes start = { 0 };
	struct memlog log = { 0 };
	static struct world w;
	struct blk *b;
	unsigned states;

	make_image(&w, t->kind, &start);
	t->hurt(&start);
	b = open_bytes(&start, BLK_CHECK | BLK_WRITE, t->name);
	memblk(b->child)->log = &log;
	must_mend(b, t->name);
	memblk(b->child)->log = NULL;
	assert_true(log.n > 1);
	blk_close(b, NULL);
	states = replay(&w, &start, &log, t->name);
	print_message("# %s: %u states of %zu writes and syncs\n", t->name, states, log.n);
	memlog_free(&log);
	free(start.p);
	world_end(&w);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(repairs)];

	for (size_t i = 0; i < ARRAY_SIZE(repairs); i++)
		tests[i] = (struct CMUnitTest){ repairs[i].name, interrupted_repair, NULL, NULL,
						(void *)(uintptr_t)&repairs[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
