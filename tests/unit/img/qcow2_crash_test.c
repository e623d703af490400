/* SPDX-License-Identifier: MIT */
/*
 * Crash safety.  Operations run on an image in memory that records every write and sync.
 * Then the disk is rebuilt as a crash could have left it: after every prefix of the
 * record, and with any subset of what was not yet synced.  Each such image has to
 * open, to check with leaks at worst (an image with the dirty bit: after it was opened
 * for writing, which repairs it), and to hold every sector that was acknowledged by a flush.
 * Samples are shown to qemu-img as well.
 *
 * Version 2 has no dirty bit.  While a snapshot is made or deleted there, reference counts
 * and COPIED flags, which lie in different places, cannot change in one step.  A flag that does
 * not fit is tolerated in version 2 only, and only as long as no byte is lost by it.
 */
#include "tests/unit/img/qcow2_world.h"
#include "tests/unit/unit.h"

#include <unistd.h>
enum { SUBSETS = 3, OUTSIDE_EVERY = 7 };

struct scenario {
	const char *name;
	unsigned kind;   /* of kinds[] */
	const char *ops; /* one letter each, see op_of() */
};

static const struct world_kind kinds[] = {
	{ "v3 64k", 3, 16, 65536, false, false, false },
	{ "v3 4k", 3, 16, 4096, false, false, false },
	{ "v3 512", 3, 64, 512, false, false, false },
	{ "v2 4k", 2, 16, 4096, false, false, false },
	{ "v3 lazy", 3, 16, 4096, true, false, false },
	{ "v3 subclusters", 3, 16, 16384, false, true, false },
	{ "v3 1-bit refcounts", 3, 1, 4096, false, false, true },
	{ "v2 512", 2, 16, 512, false, false, false },
	{ "v3 512 lazy", 3, 16, 512, true, false, false },
};

/* w write, z zero, d discard, c compressed, f flush, s/a/x snapshot create/apply/delete,
 * g grow, h shrink, 2/3 amend compat, r amend refcount_bits, e make empty, p empty a part, b bitmaps */
static const struct scenario scenarios[] = {
	{ "allocate", 0, "wwfwwwfwwf" },
	{ "allocate small", 1, "wwwfwwwwfwwwwf" },
	{ "grow tables", 2, "wwwwwwfwwwwwwfwwwwf" },
	{ "allocate v2", 3, "wwfwzwfwdwf" },
	{ "lazy", 4, "wwfwzwfdwwf" },
	{ "subclusters", 5, "wwfwzwfdwwfwwf" },
	{ "zero and discard", 1, "wwwfzdzfwzdwfzzf" },
	{ "compressed", 1, "ccwfcwcfwwcf" },
	{ "compressed zstd, 1 bit", 6, "ccwfcwcfwzcf" },
	{ "lazy, never flushed", 8, "wwwwwwwwwwwwwwww" },
	{ "lazy, evictions between flushes", 8, "wwwwwwfzwwdwwwwfwwwwwww" },
	{ "snapshots", 1, "wwwfswwfwwfafwwfxfwf" },
	{ "snapshots v2", 3, "wwwfswwfafwwfxfwf" },
	{ "snapshots lazy", 4, "wwwfswwfafwwfxfwf" },
	{ "snapshots of compressed", 1, "ccwfscwfwafxfwf" },
	{ "snapshots with subclusters", 5, "wwfswwfafwfxf" },
	{ "grow and shrink", 2, "wwfgfwwfhfwwf" },
	{ "grow and shrink v2", 3, "wwfgfwwfhfwf" },
	{ "compat", 1, "wzwf2fwwf3fzwf" },
	{ "refcount width", 1, "wwwfrfwwf" },
	{ "make empty", 1, "wwwfefwwf" },
	{ "empty in parts", 2, "wwwwfpwfpwwfef" },
	{ "empty in parts, never flushed", 2, "wwwwpwpwwe" },
	{ "empty in parts v2", 7, "wwwfpwwfpwf" },
	{ "empty in parts lazy", 8, "wwwwfpfpfef" },
	{ "empty in parts, compressed", 2, "cccfcpccfpcf" },
	{ "bitmaps", 1, "bwfbwfbwbwfb" },
	{ "bitmaps lazy, small", 8, "wbwwfbwgwbfwbwfbwb" },
	{ "empty in parts, snapshots", 2, "wwwwfswwfpwfpwfxpwf" },
};

static enum op_kind op_of(char c)
{
	static const char letters[] = "wzdcfsaxgh23repb";

	return (enum op_kind)(strchr(letters, c) - letters);
}

struct judge {
	const struct scenario *s;
	const struct world *w;
	size_t at;
	unsigned states, outside;
};

struct lines {
	char first[256];
	unsigned flags; /* COPIED flags that do not fit the reference count */
};

static void take_line(void *arg, const char *line)
{
	struct lines *l = arg;

	if (strstr(line, "OFLAG_COPIED"))
		l->flags++;
	else if (!l->first[0] && strncmp(line, "Leaked", 6))
		snprintf(l->first, sizeof(l->first), "%s", line);
}

static void judge_check(const struct judge *j, struct blk *b, const char *when)
{
	struct lines l = { 0 };
	struct img_check c = { .report = take_line, .arg = &l };
	struct err e = { 0 };
	int r = img_format_qcow2.check(b, &c, &e);

	if (to_qcow2(b)->h.version == 2)
		c.corruptions -= l.flags;
	if (r < 0 || c.corruptions || c.check_errors)
		fail_msg("%s: cut at %zu of %zu, %s: check says %d, %llu corruptions, %llu "
			 "errors: %s%s",
			 j->s->name, j->at, j->w->log.n, when, r,
			 (unsigned long long)c.corruptions, (unsigned long long)c.check_errors,
			 l.first, e.msg);
}

/* Is @id something that sector @i may hold? */
static bool allowed(const struct judge *j, const struct mark *m, uint32_t i, uint32_t id)
{
	if (id == m->content[i])
		return true;
	for (size_t k = 0; k < j->w->claims_n; k++) {
		const struct claim *c = &j->w->claims[k];

		if (c->from < m->at || c->from > j->at)
			continue;
		if (i < c->first || i >= c->first + c->n)
			continue;
		if (id == (c->whole ? c->whole[i] : c->id))
			return true;
	}
	return false;
}

static void judge_content(const struct judge *j, struct blk *b)
{
	const struct mark *m = j->w->marks;
	static uint32_t have[SECTORS];
	struct err e = { 0 };

	for (size_t k = 0; k < j->w->marks_n && j->w->marks[k].at <= j->at; k++)
		m = &j->w->marks[k];
	if (world_read(b, have, &e) < 0)
		fail_msg("%s: cut at %zu: read: %s", j->s->name, j->at, e.msg);
	for (uint32_t i = 0; i < SECTORS; i++)
		if (!allowed(j, m, i, have[i]))
			fail_msg(
				"%s: cut at %zu of %zu: sector %u holds %u, was %u when synced",
				j->s->name, j->at, j->w->log.n, i, have[i], m->content[i]);
}

/* qemu-img's opinion, where it is installed. */
static void judge_outside(struct judge *j, const struct membytes *m, bool dirty)
{
	char path[] = "/tmp/hostkit-crash.XXXXXX", line[256];
	int fd, rc;

	if (j->states % OUTSIDE_EVERY || system("command -v qemu-img >/dev/null 2>&1") != 0)
		return;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(membytes_save(m, path), 0);
	if (dirty) { /* opening for writing repairs it */
		snprintf(line, sizeof(line), "qemu-io -f qcow2 -c quit %s >/dev/null 2>&1",
			 path);
		assert_int_equal(system(line), 0);
	}
	snprintf(line, sizeof(line), "qemu-img check -q -f qcow2 %s >/dev/null 2>&1", path);
	rc = system(line);
	rc = rc < 0 ? rc : rc >> 8;
	unlink(path);
	if (rc != 0 && rc != 3 && kinds[j->s->kind].compat != 2)
		fail_msg("%s: cut at %zu of %zu: qemu-img check exits %d", j->s->name, j->at,
			 j->w->log.n, rc);
	j->outside++;
}

static void judge_state(struct judge *j, const struct membytes *m)
{
	struct blk *file = memblk_new(m->p, m->len), *b = NULL;
	struct err e = { 0 };
	bool dirty;

	j->states++;
	if (img_format_qcow2.open(file, NULL, BLK_CHECK, &b, &e) < 0)
		fail_msg("%s: cut at %zu of %zu: open: %s", j->s->name, j->at, j->w->log.n,
			 e.msg);
	dirty = to_qcow2(b)->h.incompat & QCOW2_INCOMPAT_DIRTY;
	if (!dirty)
		judge_check(j, b, "as found");
	assert_int_equal(blk_close(b, NULL), 0);

	file = memblk_new(m->p, m->len);
	if (img_format_qcow2.open(file, NULL, BLK_WRITE, &b, &e) < 0)
		fail_msg("%s: cut at %zu of %zu: open for writing: %s", j->s->name, j->at,
			 j->w->log.n, e.msg);
	judge_content(j, b);
	judge_check(j, b, "opened for writing");
	assert_int_equal(blk_close(b, NULL), 0);
	judge_outside(j, m, dirty);
}

/* True if @op made the file longer than it was when last synced.  File systems that delay
 * allocation lose such writes together, and keep those into what was there. */
static bool grew(const struct memop *op, uint64_t synced)
{
	return op->kind == MEMOP_WRITE && op->off + op->len > synced;
}

/* Every prefix, random subsets of what follows the last sync, and all but the growth. */
static void replay(struct judge *j, const struct membytes *start, struct world *w)
{
	struct membytes synced = { 0 }, state = { 0 };
	size_t sync = 0;

	membytes_size(&synced, start->len);
	memcpy(synced.p, start->p, start->len);
	for (size_t i = 0; i <= w->log.n; i++) {
		j->at = i;
		for (int k = 0; k <= SUBSETS + 1; k++) {
			if (k && i - sync < 2)
				break;
			membytes_size(&state, 0);
			membytes_size(&state, synced.len);
			memcpy(state.p, synced.p, synced.len);
			for (size_t n = sync; n < i; n++)
				if (k > SUBSETS ? !grew(&w->log.v[n], synced.len)
						: !k || world_random(w, 2))
					memlog_apply(&state, &w->log.v[n]);
			judge_state(j, &state);
		}
		if (i < w->log.n && w->log.v[i].kind == MEMOP_SYNC) {
			for (; sync <= i; sync++)
				memlog_apply(&synced, &w->log.v[sync]);
		}
	}
	free(synced.p);
	free(state.p);
}

static void run_scenario(void **arg)
{
	const struct scenario *s = *arg;
	struct err e = { 0 };
	struct judge j = { .s = s };
	static struct world w;
	struct membytes start = { 0 };

	if (world_start(&w, &kinds[s->kind], 7, &e) < 0)
		fail_msg("%s: %s", s->name, e.msg);
	/* The start is an image at rest. */
	if (blk_flush(w.b, &e) < 0)
		fail_msg("%s: %s", s->name, e.msg);
	membytes_size(&start, w.mem->m.len);
	memcpy(start.p, w.mem->m.p, start.len);
	world_record(&w);
	for (const char *p = s->ops; *p; p++)
		if (world_do(&w, op_of(*p), &e) < 0)
			fail_msg("%s: operation %td (%c): %s", s->name, p - s->ops, *p, e.msg);
	j.w = &w;
	replay(&j, &start, &w);
	print_message("# %s: %u crashes of %zu writes and syncs, %u shown to qemu-img\n",
		      s->name, j.states, w.log.n, j.outside);
	free(start.p);
	world_end(&w);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(scenarios)];

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		tests[i] = (struct CMUnitTest){ scenarios[i].name, run_scenario, NULL, NULL,
						(void *)(uintptr_t)&scenarios[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
