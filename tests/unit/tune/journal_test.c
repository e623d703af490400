/* SPDX-License-Identifier: MIT */
#include "base/below.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"
#include "tune/journal_write.h"
#include "tune/lock.h"

#include <sys/wait.h>

static struct tree tree;
static struct host *h;

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	tree_make(&tree);
	tree_dir(&tree, "/var/lib");
	return host_open(tree.root, &h, &e);
}

static int teardown(void **state)
{
	(void)state;
	host_close(h);
	tree_remove(&tree);
	return 0;
}

static struct change change(const char *target, const char *old, const char *value)
{
	return (struct change){
		.kind = &kind_file,
		.step = "a.step",
		.target = (char *)(uintptr_t)target,
		.old_val = (char *)(uintptr_t)old,
		.value = (char *)(uintptr_t)value,
		.old_meta = (char *)(uintptr_t)(old ? "0600 0:0" : NULL),
		.when = WHEN_REBOOT,
	};
}

/* Two applies; the second is half done and half taken back. */
static void fill(struct journal *j)
{
	struct change a = change("/etc/a", NULL, "one\n"), b = change("/etc/b", "old", NULL);
	struct change c = change("/etc/\xe9", "latin \xe9\n", "a \"quoted\"\n\\");
	struct err e = { 0 };
	unsigned n, seq[3];

	assert_int_equal(journal_open(h, j, NULL, 0, &e), 0);
	assert_int_equal(journal_begin(h, j, "kvm-host", &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(journal_change(j, n, &a, &seq[0], &e), 0);
	assert_int_equal(journal_done(j, seq[0], &e), 0);
	assert_int_equal(journal_begin(h, j, "kvm-host", &n, &e), 0);
	assert_int_equal(n, 2);
	c.target = a.target; /* paths that are no UTF-8 no step makes; contents may be */
	assert_int_equal(journal_change(j, n, &c, &seq[1], &e), 0);
	assert_int_equal(journal_done(j, seq[1], &e), 0);
	assert_int_equal(journal_change(j, n, &b, &seq[2], &e), 0);
	assert_int_equal(journal_undo(j, seq[1], &e), 0);
	assert_int_equal(journal_undone(j, seq[1], &e), 0);
	assert_int_equal(journal_boot(h, j, &e), 0);
}

static char *text_of(size_t *len)
{
	struct err e = { 0 };
	char *text;

	assert_int_equal(below_read(host_root_fd(h), JOURNAL_FILE, JOURNAL_MAX, &text, len, &e),
			 0);
	return text;
}

static int start(struct journal *j)
{
	struct lock l;
	struct err e = { 0 };

	assert_int_equal(lock_take(h, false, &l, &e), 0);
	fill(j);
	lock_release(h, &l);
	return 0;
}

static void comes_back(void **state)
{
	AUTO_JOURNAL struct journal w = { .fd = -1 };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	struct err e = { 0 };

	(void)state;
	start(&w);
	assert_int_equal(journal_read(h, &j, &e), 0);
	assert_true(j.exists);
	assert_false(j.torn);
	assert_int_equal(j.n_applies, 2);
	assert_string_equal(j.applies[1].profile, "kvm-host");
	assert_int_equal(j.n, 3);
	assert_string_equal(j.v[1].c.old_val, "latin \xe9\n");
	assert_string_equal(j.v[1].c.value, "a \"quoted\"\n\\");
	assert_string_equal(j.v[1].c.old_meta, "0600 0:0");
	assert_int_equal(j.v[1].c.when, WHEN_REBOOT);
	assert_null(j.v[0].c.old_val);
	assert_null(j.v[2].c.value);
	assert_true(j.v[0].done && !j.v[0].undone);
	assert_true(j.v[1].undone);
	assert_true(!j.v[2].done && journal_in_flight(&j.v[2]));
	assert_ptr_equal(journal_last(&j, &kind_file, "/etc/a"), &j.v[0]);
	/* what is in memory while writing is the same */
	assert_int_equal(w.n, j.n);
	assert_int_equal(w.end, j.end);
	assert_int_equal(w.boot_at, j.boot_at);
	assert_true(j.boot_at < j.end);
}

/* Cut anywhere: the records before the cut, and torn unless the cut is between two. */
static void every_truncation(void **state)
{
	AUTO_JOURNAL struct journal w = { .fd = -1 };
	struct err e = { 0 };
	size_t len, whole = 0, records = 0;
	char *text;

	(void)state;
	start(&w);
	text = text_of(&len);
	for (size_t n = 0; n <= len; n++) {
		struct journal j;

		if (n && text[n - 1] == '\n') {
			whole = n;
			records++;
		}
		assert_int_equal(journal_parse(text, n, &j, &e), 0);
		assert_int_equal(j.end, whole);
		assert_int_equal(j.torn, n != whole);
		assert_int_equal(j.exists, records > 0);
		journal_free(&j);
		/* a block of zeros at the end is a crash as well */
		if (n > whole) {
			char saved = text[n - 1];

			text[n - 1] = '\0';
			assert_int_equal(journal_parse(text, n, &j, &e), 0);
			assert_true(j.torn);
			journal_free(&j);
			text[n - 1] = saved;
		}
	}
	assert_int_equal(records, 11);
	free(text);
}

/* After a tear the next writer goes on behind the last whole record. */
static void goes_on_after_a_tear(void **state)
{
	AUTO_JOURNAL struct journal w = { .fd = -1 };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	AUTO_JOURNAL struct journal again = { .fd = -1 };
	struct err e = { 0 };
	unsigned n;
	size_t len;
	char *text;

	(void)state;
	start(&w);
	text = text_of(&len);
	tree_bytes(&tree, JOURNAL_FILE, text, len - 7);
	free(text);
	assert_int_equal(journal_read(h, &j, &e), 0);
	assert_true(j.torn);
	assert_int_equal(journal_open(h, &j, NULL, 0, &e), 0);
	assert_int_equal(journal_begin(h, &j, "other", &n, &e), 0);
	assert_int_equal(n, 3);
	assert_int_equal(journal_read(h, &again, &e), 0);
	assert_false(again.torn);
	assert_int_equal(again.n_applies, 3);
	assert_int_equal(again.n, 3);
}

#define HEAD  "{\"rec\":\"journal\",\"version\":1,\"made\":[]}\n"
#define APPLY "{\"rec\":\"apply\",\"n\":1,\"time\":\"t\",\"boot\":\"\",\"profile\":\"p\"}\n"
#define CHANGE                                                                        \
	"{\"rec\":\"change\",\"seq\":1,\"apply\":1,\"step\":\"s\",\"kind\":\"file\"," \
	"\"target\":\"/x\",\"when\":\"now\",\"pid\":1}\n"
#define DONE "{\"rec\":\"done\",\"seq\":1}\n"

static void refuse(const char *text, int code, const char *word)
{
	struct err e = { 0 };
	struct journal j;

	assert_int_equal(journal_parse(text, strlen(text), &j, &e), code);
	if (!strstr(e.msg, word))
		fail_msg("'%s' does not say '%s'", e.msg, word);
}

static void damage_is_refused_with_its_line(void **state)
{
	struct err e = { 0 };
	struct journal j;

	(void)state;
	assert_int_equal(journal_parse(HEAD APPLY CHANGE DONE, strlen(HEAD APPLY CHANGE DONE),
				       &j, &e),
			 0);
	assert_int_equal(j.n, 1);
	journal_free(&j);
	refuse(HEAD "nonsense\n" APPLY, -EUCLEAN, "line 2: ");
	refuse(HEAD "[1]\n" APPLY, -EUCLEAN, "line 2: ");
	refuse(HEAD APPLY DONE, -EUCLEAN, "line 3: ");
	refuse(HEAD HEAD, -EUCLEAN, "line 2: ");
	refuse(APPLY, -EUCLEAN, "line 1: ");
	refuse(HEAD CHANGE, -EUCLEAN, "line 2: ");
	refuse(HEAD APPLY APPLY, -EUCLEAN, "line 3: ");
	refuse(HEAD APPLY CHANGE CHANGE, -EUCLEAN, "line 4: ");
	refuse(HEAD "{\"rec\":\"what\"}\n", -EUCLEAN, "line 2: ");
	refuse("{\"rec\":\"journal\",\"version\":2}\n", -ENOTSUP, "version 2");
	refuse(HEAD APPLY "{\"rec\":\"change\",\"seq\":1,\"apply\":1,\"step\":\"s\",\"kind\":"
			  "\"shell\",\"target\":\"x\",\"when\":\"now\",\"pid\":1}\n",
	       -EUCLEAN, "line 3: a kind");
	refuse(HEAD APPLY "{\"rec\":\"change\",\"seq\":1,\"apply\":1,\"step\":\"s\",\"kind\":"
			  "\"file\",\"target\":\"x\",\"when\":\"now\",\"pid\":1,"
			  "\"old_hex\":\"4100\"}\n",
	       -EUCLEAN, "line 3: a value");
}

static void forgets_and_goes(void **state)
{
	AUTO_JOURNAL struct journal w = { .fd = -1 };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	struct err e = { 0 };

	(void)state;
	start(&w);
	assert_int_equal(journal_forget(&w, 1, &e), 0);
	assert_int_equal(journal_read(h, &j, &e), 0);
	assert_int_equal(j.n_applies, 1);
	assert_int_equal(j.n, 1);
	assert_int_equal(journal_remove(h, &w, &e), 0);
	assert_int_equal(access(tree_path(&tree, JOURNAL_DIR), F_OK), -1);
	assert_int_equal(access(tree_path(&tree, "/var/lib"), F_OK), 0);
}

/* The folders that were made for it go with it. */
static void takes_its_folders_along(void **state)
{
	AUTO_JOURNAL struct journal w = { .fd = -1 };
	AUTO_JOURNAL struct journal j = { .fd = -1 };
	struct err e = { 0 };
	struct lock l;

	(void)state;
	assert_int_equal(rmdir(tree_path(&tree, "/var/lib")), 0);
	assert_int_equal(rmdir(tree_path(&tree, "/var")), 0);
	assert_int_equal(lock_take(h, false, &l, &e), 0);
	assert_int_equal(l.n_made, 2);
	assert_int_equal(journal_open(h, &w, l.made, l.n_made, &e), 0);
	lock_release(h, &l);
	assert_int_equal(journal_read(h, &j, &e), 0);
	assert_int_equal(j.n_made, 2);
	assert_int_equal(journal_remove(h, &j, &e), 0);
	assert_int_equal(access(tree_path(&tree, "/var"), F_OK), -1);
}

static void one_at_a_time(void **state)
{
	struct lock l, other;
	struct err e = { 0 };
	pid_t pid;
	int s;

	(void)state;
	assert_int_equal(lock_take(h, false, &l, &e), 0);
	assert_int_equal(lock_take(h, false, &other, &e), -EBUSY);
	/* who has it */
	char me[32];
	snprintf(me, sizeof(me), "process %ld (", (long)getpid());
	assert_non_null(strstr(e.msg, me));
	pid = fork();
	if (pid == 0) {
		/* gets it once it is free, although its folder has gone meanwhile */
		struct lock mine;
		int r;

		close(l.fd); /* a lock is shared with who inherits it */
		r = lock_take(h, true, &mine, NULL);

		if (r == 0)
			lock_release(h, &mine);
		_exit(r == 0 ? 0 : 1);
	}
	usleep(50000);
	assert_int_equal(waitpid(pid, &s, WNOHANG), 0);
	lock_release(h, &l);
	assert_int_equal(waitpid(pid, &s, 0), pid);
	assert_int_equal(s, 0);
	assert_int_equal(access(tree_path(&tree, JOURNAL_DIR), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(every_truncation, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_a_tear, setup, teardown),
		cmocka_unit_test(damage_is_refused_with_its_line),
		cmocka_unit_test_setup_teardown(forgets_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_its_folders_along, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
