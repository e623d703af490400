/* SPDX-License-Identifier: MIT */
/*
 * Failing disks.  Each scenario is run once for every call it makes to the file under
 * the image, and that call fails: once (EIO), or from there on for good (a dead disk,
 * a full disk).  The operation has to say so, with the cause in its message; what other
 * operations were acknowledged has to be readable from the file afterwards, and the
 * image has to check with leaks at worst.
 */
#include "tests/unit/img/qcow2_world.h"
#include "tests/unit/unit.h"

enum { FAILED_MAX = 64 };

struct scenario {
	const char *name;
	struct world_kind kind;
	const char *ops; /* as in qcow2_crash_test.c */
};

static const struct scenario scenarios[] = {
	{ "allocate", { "", 3, 16, 4096, false, false, false }, "wwfwwwf" },
	{ "grow tables", { "", 3, 64, 512, false, false, false }, "wwwwf" },
	{ "allocate v2", { "", 2, 16, 4096, false, false, false }, "wwfwzwfd" },
	{ "lazy", { "", 3, 16, 4096, true, false, false }, "wwfwzf" },
	{ "subclusters", { "", 3, 16, 16384, false, true, false }, "wwfwzwdw" },
	{ "compressed", { "", 3, 16, 4096, false, false, true }, "ccwfcw" },
	{ "snapshots", { "", 3, 16, 4096, false, false, false }, "wwfswwfawxw" },
	{ "resize", { "", 3, 16, 512, false, false, false }, "wwfgwhw" },
	{ "amend", { "", 3, 16, 4096, false, false, false }, "wzrw2w3w" },
	{ "make empty", { "", 3, 16, 4096, false, false, false }, "wwew" },
	{ "empty in parts", { "", 3, 16, 512, false, false, false }, "wwwfpwpwew" },
	{ "bitmaps", { "", 3, 16, 512, false, false, false }, "bwfbwbwbfbwb" },
	{ "empty in parts, snapshots", { "", 3, 16, 512, false, false, false }, "wwfswpwpw" },
};

enum mode { ONCE, DEAD, FULL };
static const char *const mode_names[] = { "fails once", "is dead", "is full" };

struct run {
	const struct scenario *s;
	enum mode mode;
	uint64_t call;
	struct world w;
	struct membytes start;
	uint32_t settled[SECTORS]; /* number of the last operation that certainly wrote here */
	struct {
		struct claim c;
		uint32_t when;
	} failed[FAILED_MAX];
	size_t failed_n;
	char last[256]; /* the last failure, for messages */
};

static enum op_kind op_of(char c)
{
	static const char letters[] = "wzdcfsaxgh23repb";

	return (enum op_kind)(strchr(letters, c) - letters);
}

static void one_op(struct run *t, uint32_t when, char letter)
{
	static uint32_t before[SECTORS];
	size_t claims = t->w.claims_n;
	struct err e = { 0 };
	int r;

	memcpy(before, t->w.content, sizeof(before));
	r = world_do(&t->w, op_of(letter), &e);
	if (r == 0) {
		for (size_t k = claims; k < t->w.claims_n; k++)
			for (uint32_t i = 0; i < t->w.claims[k].n; i++)
				t->settled[t->w.claims[k].first + i] = when;
		return;
	}
	if (!e.msg[0] || e.code != r)
		fail_msg("%s: call %llu %s: operation %c returns %d and says nothing",
			 t->s->name, (unsigned long long)t->call, mode_names[t->mode], letter,
			 r);
	snprintf(t->last, sizeof(t->last), "operation %u (%c): %.200s", when, letter, e.msg);
	for (size_t k = claims; k < t->w.claims_n && t->failed_n < FAILED_MAX; k++) {
		t->failed[t->failed_n].c = t->w.claims[k];
		t->failed[t->failed_n++].when = when;
	}
}

static bool allowed(const struct run *t, uint32_t i, uint32_t id)
{
	if (id == t->w.content[i])
		return true;
	for (size_t k = 0; k < t->failed_n; k++) {
		const struct claim *c = &t->failed[k].c;

		if (t->failed[k].when > t->settled[i] && i >= c->first && i < c->first + c->n &&
		    id == (c->whole ? c->whole[i] : c->id))
			return true;
	}
	return false;
}

static void save_line(void *arg, const char *line)
{
	char *first = arg;

	if (!first[0])
		snprintf(first, 256, "%s", line);
}

static void judge_check(const struct run *t, struct blk *b)
{
	char first[256] = "";
	struct img_check c = { .report = save_line, .arg = first };
	struct err e = { 0 };
	int r = img_format_qcow2.check(b, &c, &e);

	if (r < 0 || c.corruptions || c.check_errors)
		fail_msg("%s: call %llu %s: check says %d, %llu corruptions: %s%s", t->s->name,
			 (unsigned long long)t->call, mode_names[t->mode], r,
			 (unsigned long long)c.corruptions, first, e.msg);
}

/* What the file holds now, opened by somebody else. */
static void judge(const struct run *t)
{
	static uint32_t have[SECTORS];
	struct membytes m = { 0 };
	struct err e = { 0 };
	struct blk *file, *b;

	membytes_size(&m, t->start.len);
	memcpy(m.p, t->start.p, t->start.len);
	for (size_t i = 0; i < t->w.log.n; i++)
		memlog_apply(&m, &t->w.log.v[i]);
	file = memblk_new(m.p, m.len);
	if (img_format_qcow2.open(file, NULL, BLK_WRITE, &b, &e) < 0)
		fail_msg("%s: call %llu %s: open: %s", t->s->name, (unsigned long long)t->call,
			 mode_names[t->mode], e.msg);
	judge_check(t, b);
	if (world_read(b, have, &e) < 0)
		fail_msg("%s: call %llu %s: read: %s", t->s->name, (unsigned long long)t->call,
			 mode_names[t->mode], e.msg);
	/* A disk that takes nothing more cannot hold what was not flushed to it. */
	for (uint32_t i = 0; i < SECTORS && t->mode == ONCE; i++)
		if (!allowed(t, i, have[i]))
			fail_msg("%s: call %llu %s: sector %u holds %u, not %u, after %s",
				 t->s->name, (unsigned long long)t->call, mode_names[t->mode],
				 i, have[i], t->w.content[i], t->last);
	assert_int_equal(blk_close(b, NULL), 0);
	free(m.p);
}

/* Runs the scenario with call number t->call failing.  False: it made fewer calls. */
static bool run_once(struct run *t)
{
	struct err e = { 0 };
	bool reached;

	memset(t->settled, 0, sizeof(t->settled));
	t->failed_n = 0;
	if (world_start(&t->w, &t->s->kind, 11, &e) < 0 || blk_flush(t->w.b, &e) < 0)
		fail_msg("%s: %s", t->s->name, e.msg);
	memset(&t->start, 0, sizeof(t->start));
	membytes_size(&t->start, t->w.mem->m.len);
	memcpy(t->start.p, t->w.mem->m.p, t->start.len);
	world_record(&t->w);
	t->w.mem->calls = 0;
	t->w.mem->fail_at = t->call;
	t->w.mem->fail_after = t->mode != ONCE;
	t->w.mem->fail_writes = t->mode == FULL;
	t->w.mem->fail_code = t->mode == FULL ? -ENOSPC : -EIO;
	for (uint32_t i = 0; t->s->ops[i]; i++)
		one_op(t, i + 1, t->s->ops[i]);
	reached = t->w.mem->calls >= t->call;
	/* A failure while closing loses what was never flushed, as a crash would. */
	if (t->mode == ONCE)
		t->w.mem->fail_at = 0;
	if (blk_close(t->w.b, &e) < 0 && t->mode == ONCE)
		fail_msg("%s: call %llu %s: close: %s", t->s->name, (unsigned long long)t->call,
			 mode_names[t->mode], e.msg);
	t->w.b = NULL;
	judge(t);
	world_end(&t->w);
	free(t->start.p);
	return reached;
}

static void run_scenario(void **arg)
{
	static struct run t;
	uint64_t calls = 0;

	t.s = *arg;
	for (t.mode = ONCE; t.mode <= FULL; t.mode++)
		for (t.call = 1; run_once(&t); t.call++)
			calls++;
	print_message("# %s: %llu failing calls\n", t.s->name, (unsigned long long)calls);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(scenarios)];

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		tests[i] = (struct CMUnitTest){ scenarios[i].name, run_scenario, NULL, NULL,
						(void *)(uintptr_t)&scenarios[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
