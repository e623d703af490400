/* SPDX-License-Identifier: MIT */
#include "host/limits.h"

#include "tests/unit/host/fixture.h"

static const char passwd[] = "root:x:0:0::/:\nalice:x:1000:1000::/:\nbob:x:1001:34::/:\n";
static const char group[] = "kvm:x:34:alice\n";

static void accounts(struct users *u)
{
	memset(u, 0, sizeof(*u));
	assert_int_equal(users_parse_passwd(passwd, sizeof(passwd) - 1, u, NULL), 0);
	assert_int_equal(users_parse_group(group, sizeof(group) - 1, u, NULL), 0);
}

/* What @text leaves for @user. */
static struct limit of(const char *text, const char *user)
{
	AUTO_USERS struct users u;
	struct limit_rows rows = { 0 };
	struct limit l;

	accounts(&u);
	assert_int_equal(limits_parse(text, strlen(text), &rows, NULL), 0);
	limits_for(&rows, &u, user, "memlock", &l);
	free(rows.v);
	return l;
}

static void rows(void **state)
{
	static const char text[] =
		"# all\n\n*  soft  memlock  64 # kB\n@kvm - memlock unlimited\n"
		"alice hard nofile 100\nbad line\nx odd memlock 1\n"
		"x - memlock one\nx - nice -5\nx - memlock 18014398509481984\n"
		"x - memlock 1 2\n";
	struct limit_rows r = { 0 };

	assert_int_equal(limits_parse(text, sizeof(text) - 1, &r, NULL), 0);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.bad_lines, 5);
	assert_true(r.v[0].value == 64 << 10 && r.v[0].type == 's');
	assert_true(r.v[1].value == LIMIT_UNLIMITED && r.v[1].type == '-');
	assert_string_equal(r.v[1].domain, "@kvm");
	/* not in KiB */
	assert_int_equal(r.v[2].value, 100);
	free(r.v);
}

static void the_nearest_line_counts(void **state)
{
	struct limit l = of("alice - memlock 3\n@kvm - memlock 2\n* - memlock 1\n", "alice");

	assert_true(l.has_soft && l.has_hard && l.soft == 3 << 10 && l.hard == 3 << 10);
	l = of("@kvm - memlock 2\n* - memlock 1\n", "bob");
	assert_int_equal(l.soft, 2 << 10);
	l = of("* - memlock 1\n* - memlock 7\n", "alice");
	assert_int_equal(l.soft, 7 << 10);
	l = of("@none - memlock 2\n", "alice");
	assert_true(!l.has_soft && !l.has_hard);
	/* root has to be named */
	l = of("* - memlock 1\n", "root");
	assert_false(l.has_soft);
	l = of("root - memlock 1\n", "root");
	assert_true(l.has_soft);
	l = of("* soft memlock unlimited\n* hard memlock 8\n", "alice");
	assert_true(l.soft == 8 << 10 && l.hard == 8 << 10);
	l = of("* hard memlock 8\n", "alice");
	assert_true(!l.has_soft && l.has_hard);
}

static void ranges(void **state)
{
	assert_true(of("1000: - memlock 1\n", "alice").has_soft);
	assert_true(of("1000:1000 - memlock 1\n", "alice").has_soft);
	assert_false(of("1001: - memlock 1\n", "alice").has_soft);
	assert_false(of("1:999 - memlock 1\n", "alice").has_soft);
	assert_true(of("@30:40 - memlock 1\n", "alice").has_soft);
	assert_true(of("@:34 - memlock 1\n", "bob").has_soft);
	assert_false(of("@35:40 - memlock 1\n", "bob").has_soft);
	assert_false(of(": - memlock 1\n", "bob").has_soft);
}

static void files_of_a_host(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	AUTO_USERS struct users u;
	struct limits_info info;

	accounts(&u);
	assert_int_equal(limits_memlock(h, &u, "alice", &info, NULL), 0);
	assert_true(!info.memlock.has_soft && !info.pam && !info.has_process);
	tree_file(t, "/etc/security/limits.conf", "@kvm - memlock 1\n");
	tree_file(t, "/etc/security/limits.d/20-a.conf", "@kvm - memlock 20\n");
	tree_file(t, "/etc/security/limits.d/9-b.conf", "@kvm - memlock 9\n");
	tree_file(t, "/etc/security/limits.d/99.off", "@kvm - memlock 99\n");
	tree_file(t, "/usr/lib/security/pam_limits.so", "");
	tree_file(t, "/etc/rc.conf", "#rc_ulimit=\"no\"\nrc_ulimit=\"-l unlimited\"\n");
	tree_file(
		t, "/proc/self/limits",
		"Limit                     Soft Limit           Hard Limit           Units\n"
		"Max locked memory         8388608              unlimited            bytes\n");
	assert_int_equal(limits_memlock(h, &u, "alice", &info, NULL), 0);
	assert_true(info.pam && info.has_process);
	assert_true(info.process_soft == 8388608 && info.process_hard == LIMIT_UNLIMITED);
	assert_string_equal(info.rc_ulimit, "-l unlimited");
	/* in the order of the C locale, where "20" comes before "9" */
	assert_int_equal(info.memlock.soft, 9 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(the_nearest_line_counts),
		cmocka_unit_test(ranges),
		in_tree(files_of_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
