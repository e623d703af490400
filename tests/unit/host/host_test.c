/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/io.h"
#include "host/record.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

#include <fcntl.h>

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	tree_make(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*state);
	free(*state);
	return 0;
}

static struct host *open_tree(const struct tree *t)
{
	struct host *h = NULL;

	assert_int_equal(host_open(t->root, &h, NULL), 0);
	return h;
}

static void this_machine(void **state)
{
	AUTO_HOST struct host *h = NULL;
	uint64_t type, bsize;
	char line[64];

	assert_int_equal(host_open(NULL, &h, NULL), 0);
	assert_int_equal(host_kind(h), HOST_LIVE);
	assert_true(host_is_live(h) && host_has_kernel(h));
	assert_string_equal(host_root(h), "/");
	assert_int_equal(host_euid(h), geteuid());
	assert_null(host_record(h));
	assert_true(host_arch(h)[0] != '\0');
	assert_int_equal(host_read_line(h, "/proc/self/comm", line, sizeof(line), NULL), 0);
	assert_non_null(strstr(line, "host_test"));
	assert_int_equal(host_statfs(h, "/proc", &type, &bsize, NULL), 0);
	assert_true(type == 0x9fa0);
}

static void an_image(void **state)
{
	static const unsigned char arm[20] = { 0x7f, 'E', 'L', 'F', 2, 1, [18] = 183 };
	static const unsigned char s390[20] = { 0x7f, 'E', 'L', 'F', 2, 2, [19] = 22 };
	const struct tree *t = *state;
	uint64_t type, bsize;
	struct host *h;

	h = open_tree(t);
	assert_string_equal(host_arch(h), "");
	host_close(h);
	tree_bytes(t, "/bin/sh", arm, sizeof(arm));
	h = open_tree(t);
	assert_int_equal(host_kind(h), HOST_IMAGE);
	assert_false(host_is_live(h) || host_has_kernel(h));
	assert_string_equal(host_arch(h), "aarch64");
	assert_string_equal(host_root(h), t->root);
	assert_int_equal(host_statfs(h, "/", &type, &bsize, NULL), -ENOTSUP);
	host_close(h);
	/* the other byte order; busybox is asked first, through a link from the root */
	tree_bytes(t, "/usr/bin/busybox", s390, sizeof(s390));
	tree_link(t, "/bin/busybox", "/usr/bin/busybox");
	h = open_tree(t);
	assert_string_equal(host_arch(h), "s390x");
	host_close(h);
}

static void a_record(void **state)
{
	const struct tree *t = *state;
	uint64_t type = 0, bsize = 0;
	struct host_stat st;
	struct err e = { 0 };
	struct host *h;
	char *text = NULL;

	tree_file(t, "/.hostkit-record",
		  "arch = riscv64\neuid = 1000\nnode /dev/kvm = c 10 232 0660 0 34\n"
		  "node /dev/bad = x 1\nstatfs /dev/hugepages = 0x958458f6 0x200000\n"
		  "access /sys/secret = EACCES\n");
	tree_file(t, "/sys/secret", "");
	h = open_tree(t);
	assert_int_equal(host_kind(h), HOST_RECORD);
	assert_true(host_has_kernel(h) && !host_is_live(h) && host_record(h));
	assert_string_equal(host_arch(h), "riscv64");
	assert_int_equal(host_euid(h), 1000);
	assert_int_equal(host_stat(h, "/dev/kvm", &st, NULL), 0);
	assert_true(st.node == NODE_CHAR && st.major == 10 && st.minor == 232 &&
		    st.mode == 0660 && st.uid == 0 && st.gid == 34);
	assert_int_equal(host_stat(h, "/dev/bad", &st, &e), -EINVAL);
	assert_int_equal(host_stat(h, "/dev/none", &st, &e), -ENOENT);
	assert_int_equal(host_statfs(h, "/dev/hugepages", &type, &bsize, NULL), 0);
	assert_true(type == 0x958458f6 && bsize == 0x200000);
	assert_int_equal(host_statfs(h, "/", &type, &bsize, NULL), -ENODATA);
	assert_int_equal(host_read(h, "/sys/secret", &text, NULL, &e), -EACCES);
	assert_null(text);
	host_close(h);

	tree_file(t, "/.hostkit-record", "nonsense\n");
	h = NULL;
	assert_int_equal(host_open(t->root, &h, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "line 1"));
	assert_null(h);
}

static void reading(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = open_tree(t);
	struct err e = { 0 };
	char line[8], *text;
	uint64_t v;
	size_t len;

	tree_bytes(t, "/raw", "a\0b\n", 4);
	assert_int_equal(host_read(h, "/raw", &text, &len, NULL), 0);
	assert_true(len == 4 && !memcmp(text, "a\0b\n", 5));
	free(text);
	tree_file(t, "/line", "abc \t\r\nsecond\n");
	assert_int_equal(host_read_line(h, "/line", line, sizeof(line), NULL), 0);
	assert_string_equal(line, "abc");
	tree_file(t, "/long", "0123456789\n");
	assert_int_equal(host_read_line(h, "/long", line, sizeof(line), NULL), 0);
	assert_string_equal(line, "0123456");
	tree_file(t, "/empty", "");
	assert_int_equal(host_read_line(h, "/empty", line, sizeof(line), NULL), 0);
	assert_string_equal(line, "");

	tree_file(t, "/n", "0x10\n");
	assert_int_equal(host_read_u64(h, "/n", &v, NULL), 0);
	assert_int_equal(v, 16);
	tree_file(t, "/n", "18446744073709551615");
	assert_int_equal(host_read_u64(h, "/n", &v, NULL), 0);
	assert_true(v == UINT64_MAX);
	/* values of attributes begin with zeros at times, and are decimal all the same */
	tree_file(t, "/n", "0010\n");
	assert_int_equal(host_read_u64(h, "/n", &v, NULL), 0);
	assert_int_equal(v, 10);
	static const char *const bad[] = {
		"", "-1", "1 2", "x", "18446744073709551616", " -1"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_file(t, "/n", bad[i]);
		assert_int_equal(host_read_u64(h, "/n", &v, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "/n: '"));
	}
	assert_int_equal(host_read_u64(h, "/none", &v, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/none"));
}

static void kinds_of_nodes(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = open_tree(t);
	struct host_stat st;
	char to[16];

	tree_file(t, "/dir/file", "12345");
	tree_link(t, "/link", "/dir/file");
	tree_link(t, "/dead", "/nowhere");
	assert_int_equal(chmod(tree_path(t, "/dir/file"), 02751), 0);
	assert_int_equal(host_stat(h, "/link", &st, NULL), 0);
	assert_true(st.node == NODE_FILE && st.size == 5 && st.mode == 02751 && st.mtime > 0);
	assert_int_equal(host_stat(h, "/dir", &st, NULL), 0);
	assert_int_equal(st.node, NODE_DIR);
	assert_true(host_exists(h, "/link"));
	assert_false(host_exists(h, "/dead"));
	assert_int_equal(host_readlink(h, "/dead", to, sizeof(to), NULL), 0);
	assert_string_equal(to, "/nowhere");
	assert_int_equal(host_readlink(h, "/dir", to, sizeof(to), NULL), -EINVAL);
	assert_int_equal(host_readlink(h, "/none", to, sizeof(to), NULL), -ENOENT);
	/* cut, never past the end */
	assert_int_equal(host_readlink(h, "/dead", to, 4, NULL), 0);
	assert_string_equal(to, "/no");
}

static void lists_are_sorted_by_value(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = open_tree(t);
	AUTO_LIST struct host_list l = { 0 };

	tree_dir(t, "/node10");
	tree_dir(t, "/node2");
	tree_file(t, "/a", "");
	tree_file(t, "/.hidden", "");
	assert_int_equal(host_list(h, "/", &l, NULL), 0);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.v[0], ".hidden");
	assert_string_equal(l.v[1], "a");
	assert_string_equal(l.v[2], "node2");
	assert_string_equal(l.v[3], "node10");
	host_list_free(&l);
	assert_int_equal(host_list(h, "/a", &l, NULL), -ENOTDIR);
	assert_int_equal(host_list(h, "/none", &l, NULL), -ENOENT);
	assert_true(l.n == 0 && !l.v);
}

static void not_out_of_the_root(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = open_tree(t);

	tree_link(t, "/etc", "../../../../../../etc");
	tree_link(t, "/proc", "/proc");
	assert_false(host_exists(h, "/etc/passwd"));
	assert_false(host_exists(h, "/../../../../etc/passwd"));
	assert_false(host_exists(h, "/proc/self"));
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine),
		in_tree(an_image),
		in_tree(a_record),
		in_tree(reading),
		in_tree(kinds_of_nodes),
		in_tree(lists_are_sorted_by_value),
		in_tree(not_out_of_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
