/* SPDX-License-Identifier: MIT */
/* Applying and reverting on a recorded host, whose kernel is plain files. */
#include "tests/lib/tree.h"
#include "tests/lib/treesum.h"
#include "tests/unit/unit.h"
#include "tune/drift.h"
#include "tune/journal_write.h"
#include "tune/lock.h"
#include "tune/revert.h"

#define SWAP "/proc/sys/vm/swappiness"
#define BOOT "/proc/sys/kernel/random/boot_id"
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define THP  "/sys/kernel/mm/transparent_hugepage/enabled"

struct world {
	struct tree t;
	struct host *h;
	struct lock l;
	struct journal j;
	struct plan p;
	atomic_bool stop;
	struct task_result out;
	char told[4096]; /* "done file /etc/a\n" ... */
	int stop_after;  /* changes; 0: never */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = { 0 };

	tree_must(w);
	tree_make(&w->t);
	tree_dir(&w->t, "/var/lib");
	tree_file(&w->t, "/.hostkit-record", "euid = 0\n");
	tree_file(&w->t, SWAP, "60\n");
	tree_file(&w->t, BOOT, "first\n");
	tree_file(&w->t, THP, "always [madvise] never\n");
	tree_file(&w->t, "/etc/a", "a\n");
	*state = w;
	w->j.fd = -1;
	return host_open(w->t.root, &w->h, &e);
}

static int teardown(void **state)
{
	struct world *w = *state;

	plan_free(&w->p);
	journal_free(&w->j);
	host_close(w->h);
	tree_remove(&w->t);
	free(w);
	return 0;
}

static void told(void *ctx, const struct change *c, enum outcome o, const struct err *e)
{
	struct world *w = ctx;
	size_t n = strlen(w->told);

	if (o == OUT_FAILED || o == OUT_REFUSED || o == OUT_KEPT)
		assert_true(e && e->msg[0]);
	snprintf(w->told + n, sizeof(w->told) - n, "%s %s %s\n", outcome_name(o), c->kind->name,
		 c->target);
	if (w->stop_after && !--w->stop_after)
		atomic_store(&w->stop, true);
}

static struct task_opts options(struct world *w)
{
	w->told[0] = '\0';
	return (struct task_opts){
		.profile = "test", .stop = &w->stop, .told = told, .ctx = w
	};
}

static void want(struct world *w, const struct change_kind *k, const char *step,
		 const char *target, const char *value)
{
	struct err e = { 0 };

	if (plan_amend(&w->p, w->h, k, step, target, value, WHEN_NOW, &e, "a test") < 0)
		fail_msg("%s", e.msg);
}

static void begin(struct world *w)
{
	struct err e = { 0 };

	journal_free(&w->j);
	assert_int_equal(lock_take(w->h, false, &w->l, &e), 0);
	assert_int_equal(journal_read(w->h, &w->j, &e), 0);
	assert_int_equal(drift_mark(w->h, &w->j, &w->p, &e), 0);
	if (w->j.exists || w->p.n)
		assert_int_equal(journal_open(w->h, &w->j, w->l.made, w->l.n_made, &e), 0);
}

static void apply_with(struct world *w, struct task_opts o, bool boot)
{
	struct err e = { 0 };

	begin(w);
	assert_int_equal(boot ? apply_at_boot(w->h, &w->p, &w->j, &o, &w->out, &e)
			      : apply_plan(w->h, &w->p, &w->j, &o, &w->out, &e),
			 0);
	lock_release(w->h, &w->l);
	plan_free(&w->p);
	/* as the next vtune finds it */
	journal_free(&w->j);
	assert_int_equal(journal_read(w->h, &w->j, &e), 0);
}

static void apply(struct world *w)
{
	apply_with(w, options(w), false);
}

static void revert(struct world *w, unsigned to, bool force, bool dry)
{
	const struct revert_opts r = { .to = to, .dry_run = dry };
	struct task_opts o = options(w);
	struct err e = { 0 };

	o.force = force;
	begin(w);
	assert_int_equal(revert_run(w->h, &w->j, &r, &o, &w->out, &e), 0);
	lock_release(w->h, &w->l);
}

static void holds(struct world *w, const char *path, const char *text)
{
	struct err e = { 0 };
	char *have = NULL;

	if (host_read(w->h, path, &have, NULL, &e) < 0)
		have = NULL;
	if (!text != !have || (text && strcmp(text, have) != 0))
		fail_msg("%s holds '%s', not '%s'", path, have ? have : "(none)",
			 text ? text : "(none)");
	free(have);
}

/* ---- tests ---- */

static void there_and_back(void **state)
{
	struct world *w = *state;
	char *before = treesum(w->t.root), *after;

	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	want(w, &kind_file, "s", "/etc/d/b", "b\n");
	want(w, &kind_file, "s", "/etc/a", NULL);
	apply(w);
	assert_string_equal(w->told, "done sysctl vm.swappiness\ndone dir /etc/d\n"
				     "done file /etc/d/b\ndone file /etc/a\n");
	holds(w, SWAP, "10\n");
	/* again: nothing */
	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	want(w, &kind_file, "s", "/etc/a", NULL);
	assert_int_equal(w->p.n, 0);
	revert(w, 0, false, false);
	assert_true(w->out.finished);
	after = treesum(w->t.root);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void stops_at_the_first_failure(void **state)
{
	struct world *w = *state;
	struct task_opts o = options(w);

	/* a recorded host installs nothing */
	want(w, &kind_file, "one", "/etc/b", "b\n");
	tree_file(&w->t, "/lib/apk/db/installed", "P:busybox\n");
	o.in_root = true; /* then it fails instead of being left to the user */
	want(w, &kind_package, "two", "qemu", "installed");
	want(w, &kind_file, "two", "/etc/c", "c\n");
	want(w, &kind_file, "three", "/etc/d", "d\n");
	apply_with(w, o, false);
	assert_string_equal(w->told, "done file /etc/b\nfailed package qemu\n"
				     "skipped file /etc/c\nskipped file /etc/d\n");
	holds(w, "/etc/d", NULL);

	want(w, &kind_package, "two", "qemu", "installed");
	want(w, &kind_file, "two", "/etc/c", "c\n");
	want(w, &kind_file, "three", "/etc/d", "d\n");
	o = options(w);
	o.in_root = o.keep_going = true;
	apply_with(w, o, false);
	assert_string_equal(w->told, "failed package qemu\nskipped file /etc/c\n"
				     "done file /etc/d\n");
	revert(w, 0, false, false);
	assert_true(w->out.finished);
	holds(w, "/etc/b", NULL);
}

static void stops_when_asked(void **state)
{
	struct world *w = *state;

	want(w, &kind_file, "one", "/etc/b", "b\n");
	want(w, &kind_file, "one", "/etc/c", "c\n");
	want(w, &kind_regen, "one", "initramfs", "made");
	w->stop_after = 1;
	apply(w);
	assert_true(w->out.stopped);
	assert_string_equal(w->told, "done file /etc/b\nskipped file /etc/c\n"
				     "skipped regen initramfs\n");
	/* what was to be made anew is still due */
	struct err e = { 0 };
	assert_int_equal(drift_due(w->h, &w->j, &w->p, &e), 0);
	assert_int_equal(w->p.n, 1);
	assert_ptr_equal(w->p.v[0].kind, &kind_regen);
	atomic_store(&w->stop, false);
	apply(w);
	assert_string_equal(w->told, "noted regen initramfs\n");
	assert_int_equal(drift_due(w->h, &w->j, &w->p, &e), 0);
	assert_int_equal(w->p.n, 0);
}

static void others_are_not_trampled(void **state)
{
	struct world *w = *state;
	struct task_opts o;

	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	want(w, &kind_file, "s", "/etc/a", "a\nours\n");
	apply(w);
	tree_file(&w->t, SWAP, "33\n");
	tree_file(&w->t, "/etc/a", "theirs\na\nours\n");
	/* theirs in the file stays: that is no reason to leave it alone */
	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	want(w, &kind_file, "s", "/etc/a", "theirs\na\nours\nmore\n");
	apply(w);
	assert_string_equal(w->told, "foreign sysctl vm.swappiness\ndone file /etc/a\n");
	holds(w, SWAP, "33\n");
	revert(w, 0, false, true);
	holds(w, "/etc/a", "theirs\na\nours\nmore\n");
	assert_int_equal(w->out.count[OUT_MERGED], 1);
	revert(w, 0, false, false);
	assert_false(w->out.finished);
	assert_int_equal(w->out.count[OUT_REFUSED], 1);
	holds(w, "/etc/a", "theirs\na\n");
	holds(w, SWAP, "33\n");
	/* by force */
	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	o = options(w);
	o.force = true;
	apply_with(w, o, false);
	holds(w, SWAP, "10\n");
	revert(w, 0, true, false);
	assert_true(w->out.finished);
	holds(w, SWAP, "60\n");
}

static void a_boot_forgets(void **state)
{
	struct world *w = *state;
	size_t end;

	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	apply(w);
	for (int i = 0; i < 3; i++) {
		/* the machine is started again, with a value of its own */
		tree_file(&w->t, SWAP, "100\n");
		tree_file(&w->t, BOOT, i % 2 ? "other\n" : "again\n");
		want(w, &kind_sysctl, "s", "vm.swappiness", "10");
		end = w->j.end;
		apply_with(w, options(w), true);
		assert_string_equal(w->told, "done sysctl vm.swappiness\n");
		holds(w, SWAP, "10\n");
		assert_int_equal(w->j.n, 1);
		assert_int_equal(w->j.n_applies, 1);
		/* however often: one record at the end */
		if (i)
			assert_int_equal(w->j.end, end);
	}
	/* in this boot it is known who changed it */
	tree_file(&w->t, SWAP, "33\n");
	want(w, &kind_sysctl, "s", "vm.swappiness", "10");
	apply_with(w, options(w), true);
	assert_string_equal(w->told, "foreign sysctl vm.swappiness\n");
	/* and what a boot forgot is as before already */
	tree_file(&w->t, BOOT, "later\n");
	revert(w, 0, false, false);
	assert_true(w->out.finished);
	assert_string_equal(w->told, "already sysctl vm.swappiness\n");
	holds(w, SWAP, "33\n");
}

static void back_to_an_apply(void **state)
{
	struct world *w = *state;

	want(w, &kind_file, "s", "/etc/a", "1\n");
	apply(w);
	want(w, &kind_file, "s", "/etc/a", "2\n");
	want(w, &kind_file, "t", "/etc/b", "b\n");
	apply(w);
	want(w, &kind_file, "s", "/etc/a", "3\n");
	apply(w);
	assert_int_equal(w->out.apply, 3);
	revert(w, 1, false, false);
	assert_true(w->out.finished);
	holds(w, "/etc/a", "1\n");
	holds(w, "/etc/b", NULL);
	want(w, &kind_file, "s", "/etc/a", "4\n");
	apply(w);
	assert_int_equal(w->out.apply, 2);
	revert(w, 0, false, false);
	holds(w, "/etc/a", "a\n");
}

static void folders_of_others_stay(void **state)
{
	struct world *w = *state;

	want(w, &kind_file, "s", "/etc/d/e/b", "b\n");
	apply(w);
	tree_file(&w->t, "/etc/d/theirs", "x\n");
	revert(w, 0, false, false);
	assert_true(w->out.finished);
	assert_string_equal(w->told, "done file /etc/d/e/b\ndone dir /etc/d/e\n"
				     "kept dir /etc/d\n");
	holds(w, "/etc/d/theirs", "x\n");
}

/* A short pool is an error that says how many came, and what came can be taken back. */
static void a_number_in_between(void **state)
{
	struct world *w = *state;
	const struct change c = { .kind = &kind_sysfs,
				  .target = (char *)(uintptr_t)POOL,
				  .old_val = (char *)(uintptr_t) "0",
				  .value = (char *)(uintptr_t) "512" };

	(void)w;
	assert_true(kind_sysfs.partial(&c, "37"));
	assert_true(kind_sysfs.partial(&c, "0"));
	assert_false(kind_sysfs.partial(&c, "513"));
	assert_false(kind_sysfs.partial(&c, NULL));
	assert_false(kind_sysfs.partial(&c, "x"));
}

static void attributes_follow_their_file(void **state)
{
	struct world *w = *state;
	char attr[48];

	snprintf(attr, sizeof(attr), "0600 %u:%u", getuid(), getgid());
	want(w, &kind_file, "s", "/etc/new", "x\n");
	want(w, &kind_attr, "s", "/etc/new", attr);
	apply(w);
	assert_string_equal(w->told, "done file /etc/new\ndone attr /etc/new\n");
	assert_int_equal(w->j.n, 2);
	assert_non_null(w->j.v[1].c.old_val);
	revert(w, 0, false, false);
	assert_true(w->out.finished);
	holds(w, "/etc/new", NULL);
}

static void the_chosen_word(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	char *v = NULL;

	assert_int_equal(kind_sysfs.current(w->h, THP, &v, &e), 0);
	assert_string_equal(v, "madvise");
	free(v);
	assert_int_equal(kind_sysfs.current(w->h, "/etc/a", &v, &e), -EINVAL);
	assert_int_equal(kind_sysfs.current(w->h, "/sys/../etc/a", &v, &e), -EINVAL);
	assert_int_equal(kind_sysctl.current(w->h, "vm.swappiness", &v, &e), 0);
	assert_string_equal(v, "60");
	free(v);
	assert_int_equal(kind_sysctl.current(w->h, "../../etc/a", &v, &e), -EINVAL);
	assert_int_equal(kind_sysctl.current(w->h, "vm..x", &v, &e), -EINVAL);
	assert_int_equal(kind_sysctl.current(w->h, "vm.nothing", &v, &e), -ENOENT);
	assert_true(kind_same(&kind_sysctl, "4 4\t1 7", "4\t4\t1\t7"));
	assert_false(kind_same(&kind_sysctl, "44", "4 4"));
	assert_false(kind_same(&kind_sysctl, "", "4"));
	assert_false(kind_same(&kind_sysctl, NULL, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_at_the_first_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_when_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_not_trampled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_boot_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(back_to_an_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(folders_of_others_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(a_number_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_follow_their_file, setup, teardown),
		cmocka_unit_test_setup_teardown(the_chosen_word, setup, teardown),
	};

	return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
