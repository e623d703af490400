/* SPDX-License-Identifier: MIT */
/* test-timeout: 300 */
/*
 * vtune killed at every system call that changes something (with HOSTKIT_LONG: at every one),
 * while it applies a plan with all kinds of files and while it reverts it.  After each the
 * tree holds old or new files, and revert gives back the tree byte for byte.
 */
#include "tests/lib/tree.h"
#include "tests/lib/treesum.h"
#include "tests/unit/unit.h"
#include "tune/journal_write.h"
#include "tune/lock.h"
#include "tune/revert.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char fstab[] = "# what is mounted\n/dev/sda1 / ext4 defaults 0 1\n";
static const char fstab_mid[] = "# what is mounted\n/dev/sda1 / ext4 defaults 0 1\nswap\n";
static const char fstab_new[] =
	"# what is mounted\n/dev/sda1 / ext4 defaults 0 1\nswap\nhugetlbfs /srv/huge\n";

/* ---- the tree and the plan ---- */

static void build(struct tree *t)
{
	/* in memory, where syncing costs nothing */
	snprintf(t->root, sizeof(t->root), "%s/tune_crash.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	tree_must(mkdtemp(t->root));
	tree_file(t, "/etc/fstab", fstab);
	tree_must(!chmod(tree_path(t, "/etc/fstab"), 0640));
	(void)!setxattr(tree_path(t, "/etc/fstab"), "user.note", "hello", 5, 0);
	tree_file(t, "/etc/old.conf", "old = yes\n");
	tree_must(!chmod(tree_path(t, "/etc/old.conf"), 0600));
	(void)!setxattr(tree_path(t, "/etc/old.conf"), "user.note", "a b", 3, 0);
	tree_file(t, "/usr/share/real.conf", "latin \xe9\n");
	tree_link(t, "/etc/via.conf", "/usr/share/real.conf");
	tree_link(t, "/etc/localtime", "/usr/share/UTC");
	tree_file(t, "/usr/lib/helper", "#!/bin/sh\n");
	tree_must(!chmod(tree_path(t, "/usr/lib/helper"), 0755));
	tree_dir(t, "/var/lib");
}

static void add(struct plan *p, const struct host *h, const struct change_kind *k,
		const char *step, const char *target, const char *value)
{
	struct err e = { 0 };

	if (plan_amend(p, h, k, step, target, value, WHEN_NOW, &e, "a test") < 0) {
		fprintf(stderr, "# %s: %s\n", target, e.msg);
		abort();
	}
}

static void make_plan(struct plan *p, const struct host *h)
{
	char attr[48];

	add(p, h, &kind_file, "one", "/etc/fstab", fstab_mid);
	add(p, h, &kind_file, "two", "/etc/fstab", fstab_new);
	add(p, h, &kind_file, "one", "/etc/old.conf", NULL);
	add(p, h, &kind_file, "one", "/etc/via.conf", "latin \xe9\nmore\n");
	add(p, h, &kind_file, "one", "/etc/modprobe.d/hostkit.conf", "options kvm\n");
	snprintf(attr, sizeof(attr), "0640 %u:%u", getuid(), getuid() ? getgid() : 36);
	add(p, h, &kind_attr, "one", "/etc/modprobe.d/hostkit.conf", attr);
	snprintf(attr, sizeof(attr), "4755 %u:%u", getuid(), getuid() ? getgid() : 36);
	add(p, h, &kind_attr, "two", "/usr/lib/helper", attr);
	add(p, h, &kind_link, "two", "/etc/runlevels/boot/hostkit", "/etc/init.d/hostkit");
	add(p, h, &kind_link, "two", "/etc/localtime", "/usr/share/CET");
	add(p, h, &kind_dir, "two", "/srv/huge", "dir");
	add(p, h, &kind_regen, "two", "bootloader", "made");
}

/* ---- what is killed ---- */

static int apply(const char *root)
{
	const struct task_opts o = { .profile = "test" };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	struct task_result out = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct plan p = { 0 };
	struct err e = { 0 };
	struct lock l;
	int r = host_open(root, &h, &e);

	if (r == 0)
		r = lock_take(h, false, &l, &e);
	if (r == 0) {
		r = journal_read(h, &j, &e);
		make_plan(&p, h);
		if (r == 0 && p.n)
			r = journal_open(h, &j, l.made, l.n_made, &e);
		if (r == 0 && p.n)
			r = apply_plan(h, &p, &j, &o, &out, &e);
		lock_release(h, &l);
	}
	plan_free(&p);
	if (r < 0 || out.count[OUT_FAILED])
		fprintf(stderr, "# apply: %s\n", e.msg);
	return r < 0 || out.count[OUT_FAILED];
}

static int revert(const char *root)
{
	const struct task_opts o = { .profile = "test" };
	const struct revert_opts how = { 0 };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	struct task_result out = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	struct lock l;
	int r = host_open(root, &h, &e);

	if (r == 0)
		r = lock_take(h, false, &l, &e);
	if (r == 0) {
		r = journal_read(h, &j, &e);
		if (r == 0 && !j.exists)
			r = journal_remove(h, &j, &e);
		else if (r == 0)
			r = journal_open(h, &j, NULL, 0, &e);
		if (r == 0 && j.exists)
			r = revert_run(h, &j, &how, &o, &out, &e);
		lock_release(h, &l);
	}
	if (r < 0 || out.count[OUT_FAILED] || out.count[OUT_REFUSED])
		fprintf(stderr, "# revert: %s\n", e.msg);
	return r < 0 || out.count[OUT_FAILED] || out.count[OUT_REFUSED];
}

/* ---- killing ---- */

/* Calls after which the disk is the same whatever they answer. */
static bool only_reads(uint64_t nr)
{
	static const long reads[] = {
		SYS_read,    SYS_pread64, SYS_close,     SYS_fstat,      SYS_lseek,
		SYS_mmap,    SYS_munmap,  SYS_brk,       SYS_newfstatat, SYS_readlinkat,
		SYS_geteuid, SYS_getegid, SYS_getpid,    SYS_getdents64, SYS_flistxattr,
		SYS_statx,   SYS_fsync,   SYS_fdatasync, SYS_fgetxattr,  SYS_flock,
		SYS_getuid,  SYS_getgid,  SYS_mremap,    SYS_mprotect,   SYS_madvise,
	};

	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if ((uint64_t)reads[i] == nr)
			return true;
	return false;
}

/* Runs @work in a process that is killed before its call number @at (0: never).  Returns how
 * many calls it came to; *@ended: it came to its end. */
static long run_killed(int (*work)(const char *), const char *root, long at, bool all,
		       bool *ended)
{
	pid_t pid = fork();
	long n = 0;
	int s;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(98);
		raise(SIGSTOP);
		_exit(work(root));
	}
	tree_must(pid > 0 && waitpid(pid, &s, 0) == pid);
	*ended = false;
	if (!WIFSTOPPED(s))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0) {
		struct __ptrace_syscall_info info = { 0 };

		tree_must(waitpid(pid, &s, 0) == pid);
		if (!WIFSTOPPED(s))
			break;
		if (WSTOPSIG(s) != (SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY || (!all && only_reads(info.entry.nr)))
			continue;
		if (++n == at) {
			kill(pid, SIGKILL);
			tree_must(waitpid(pid, &s, 0) == pid);
			return n;
		}
	}
	*ended = WIFEXITED(s) && WEXITSTATUS(s) == 0;
	return n;
}

static bool every_call(void)
{
	return getenv("HOSTKIT_LONG") != NULL;
}

/* ---- what must hold ---- */

static char *slurp(const struct tree *t, const char *path)
{
	FILE *f = fopen(tree_path(t, path), "r");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = calloc(1, 4096);
	tree_must(text);
	n = fread(text, 1, 4095, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* NULL in the list: it may be missing. */
static void is_one_of(const struct tree *t, long at, const char *path, const char *const *v,
		      size_t n)
{
	char *text = slurp(t, path);
	bool fine = false;

	for (size_t i = 0; i < n; i++)
		fine = fine || (text && v[i] ? !strcmp(text, v[i]) : !text && !v[i]);
	if (!fine)
		fail_msg("killed at %ld: %s is neither old nor new: '%s'", at, path,
			 text ? text : "(none)");
	free(text);
}

static void files_are_whole(const struct tree *t, long at)
{
	const char *const v1[] = { fstab, fstab_mid, fstab_new };
	const char *const v2[] = { "old = yes\n", NULL };
	const char *const v3[] = { "latin \xe9\n", "latin \xe9\nmore\n" };
	const char *const v4[] = { "options kvm\n", NULL };

	is_one_of(t, at, "/etc/fstab", v1, 3);
	is_one_of(t, at, "/etc/old.conf", v2, 2);
	is_one_of(t, at, "/usr/share/real.conf", v3, 2);
	is_one_of(t, at, "/etc/modprobe.d/hostkit.conf", v4, 2);
}

static void same_tree(const struct tree *t, const char *want, long at, const char *when)
{
	char *have = treesum(t->root);

	/* the root's own name is not part of it */
	if (strcmp(want, have) != 0)
		fail_msg("killed at %ld, %s:\nwanted\n%s\nhave\n%s", at, when, want, have);
	free(have);
}

/* The tree as applied, without its journal. */
static void drop_journal(const struct tree *t)
{
	unlink(tree_path(t, "/var/lib/hostkit/journal"));
	rmdir(tree_path(t, "/var/lib/hostkit"));
}

static char *applied_tree(void)
{
	struct tree t;
	char *sum;

	build(&t);
	assert_int_equal(apply(t.root), 0);
	drop_journal(&t);
	sum = treesum(t.root);
	tree_remove(&t);
	return sum;
}

static char *plain_tree(void)
{
	struct tree t;
	char *sum;

	build(&t);
	sum = treesum(t.root);
	tree_remove(&t);
	return sum;
}

/* ---- tests ---- */

static void no_crash(void **state)
{
	char *plain = plain_tree(), *applied = applied_tree();
	struct tree t;

	(void)state;
	assert_string_not_equal(plain, applied);
	build(&t);
	assert_int_equal(apply(t.root), 0);
	assert_int_equal(revert(t.root), 0);
	same_tree(&t, plain, 0, "reverted");
	tree_remove(&t);
	free(plain);
	free(applied);
}

static void apply_killed(void **state)
{
	char *plain = plain_tree(), *applied = applied_tree();
	bool ended = false;
	long at;

	(void)state;
	for (at = 1; !ended; at++) {
		struct tree t;

		build(&t);
		if (run_killed(apply, t.root, at, every_call(), &ended) < 0) {
			print_message("# this system lets no process trace another\n");
			tree_remove(&t);
			free(plain);
			free(applied);
			skip();
		}
		files_are_whole(&t, at);
		if (at % 2 == 0) {
			/* or the user tries again */
			assert_int_equal(apply(t.root), 0);
			files_are_whole(&t, at);
		}
		assert_int_equal(revert(t.root), 0);
		same_tree(&t, plain, at, "reverted");
		tree_remove(&t);
	}
	print_message("# killed at %ld calls\n", at - 2);
	assert_true(at > 100);
	free(plain);
	free(applied);
}

static void revert_killed(void **state)
{
	char *plain = plain_tree();
	bool ended = false;
	long at;

	(void)state;
	for (at = 1; !ended; at++) {
		struct tree t;

		build(&t);
		assert_int_equal(apply(t.root), 0);
		if (run_killed(revert, t.root, at, every_call(), &ended) < 0) {
			print_message("# this system lets no process trace another\n");
			tree_remove(&t);
			free(plain);
			skip();
		}
		files_are_whole(&t, at);
		assert_int_equal(revert(t.root), 0);
		same_tree(&t, plain, at, "reverted");
		tree_remove(&t);
	}
	print_message("# killed at %ld calls\n", at - 2);
	assert_true(at > 100);
	free(plain);
}

/* What a killed apply left, another one finishes: the tree is as if nothing had been. */
static void apply_goes_on(void **state)
{
	char *applied = applied_tree();
	bool ended = false;

	(void)state;
	for (long at = 3; !ended; at += 7) {
		struct tree t;

		build(&t);
		if (run_killed(apply, t.root, at, every_call(), &ended) < 0) {
			print_message("# this system lets no process trace another\n");
			tree_remove(&t);
			free(applied);
			skip();
		}
		assert_int_equal(apply(t.root), 0);
		drop_journal(&t);
		same_tree(&t, applied, at, "applied");
		tree_remove(&t);
	}
	free(applied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_crash),
		cmocka_unit_test(apply_killed),
		cmocka_unit_test(revert_killed),
		cmocka_unit_test(apply_goes_on),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
