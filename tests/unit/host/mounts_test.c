/* SPDX-License-Identifier: MIT */
#include "host/mounts.h"

#include "base/mem.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static const char info[] =
	"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"22 21 0:5 / /dev rw,nosuid shared:2 master:1 - devtmpfs udev rw,size=4k\n"
	"30 22 0:30 / /dev/hugepages rw,relatime - hugetlbfs hugetlbfs rw,gid=36,mode=1770,"
	"pagesize=2M\n"
	"31 21 0:31 / /mnt/a\\040b rw - hugetlbfs  rw,pagesize=1024M\n"
	"32 21 0:32 /sub /srv/x rw - tmpfs none rw\n"
	"33 32 0:33 / /srv/x rw - hugetlbfs none rw,pagesize=2M\n"
	"34 33 0:34 / /srv/x ro - tmpfs top rw\n";

static void fields(void **state)
{
	struct mounts m;
	size_t len;

	assert_int_equal(mounts_parse(info, strlen(info), &m, NULL), 0);
	assert_int_equal(m.n, 7);
	assert_int_equal(m.v[1].id, 22);
	assert_int_equal(m.v[1].parent, 21);
	assert_int_equal(m.v[1].minor, 5);
	assert_string_equal(m.v[1].options, "rw,nosuid");
	assert_string_equal(m.v[1].type, "devtmpfs");
	assert_string_equal(m.v[3].target, "/mnt/a b");
	assert_string_equal(m.v[3].source, "");
	assert_string_equal(m.v[4].root, "/sub");
	assert_string_equal(mounts_option(m.v[0].super, "rw", &len), "");
	assert_int_equal(len, 0);
	assert_memory_equal(mounts_option(m.v[2].super, "gid", &len), "36,", 3);
	assert_int_equal(len, 2);
	assert_null(mounts_option(m.v[2].super, "gi", &len));
	mounts_free(&m);
}

static void what_is_seen(void **state)
{
	struct mounts m;

	assert_int_equal(mounts_parse(info, strlen(info), &m, NULL), 0);
	assert_ptr_equal(mounts_at(&m, "/"), &m.v[0]);
	assert_ptr_equal(mounts_at(&m, "/dev/hugepages"), &m.v[2]);
	assert_ptr_equal(mounts_at(&m, "/srv/x"), &m.v[6]);
	assert_null(mounts_at(&m, "/srv"));
	assert_null(mounts_at(&m, "/dev/huge"));
	mounts_free(&m);
}

static void a_folder_above_covers(void **state)
{
	static const char covered[] = "1 0 8:1 / / rw - ext4 a rw\n"
				      "2 1 0:5 / /dev rw - tmpfs a rw\n"
				      "3 2 0:6 / /dev/hugepages rw - hugetlbfs a rw\n"
				      "4 2 0:7 / /dev rw - tmpfs b rw\n";
	struct mounts m;

	assert_int_equal(mounts_parse(covered, strlen(covered), &m, NULL), 0);
	assert_null(mounts_at(&m, "/dev/hugepages"));
	assert_ptr_equal(mounts_at(&m, "/dev"), &m.v[3]);
	mounts_free(&m);
}

static void a_loop_of_parents_ends(void **state)
{
	static const char loop[] = "1 0 8:1 / / rw - ext4 a rw\n"
				   "2 1 0:5 / / rw - tmpfs a rw\n"
				   "1 2 0:5 / / rw - tmpfs a rw\n";
	struct mounts m;

	assert_int_equal(mounts_parse(loop, strlen(loop), &m, NULL), 0);
	assert_null(mounts_at(&m, "/x"));
	mounts_free(&m);
}

static void lines_that_are_none(void **state)
{
	static const char *const bad[] = {
		"x 1 8:1 / / rw - ext4 a rw\n",
		"1 1 8 / / rw - ext4 a rw\n",
		"1 1 8:1 / / rw ext4 a rw\n",
		"1 1 8:1 / / rw - ext4 a\n",
		"1 1 8:1 / / rw -\n",
		"1234567890 1 8:1 / / rw - ext4 a rw\n",
		"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mounts m;
		struct err e = { 0 };

		assert_int_equal(mounts_parse(bad[i], strlen(bad[i]), &m, &e), -EINVAL);
		assert_string_equal(e.msg, "line 1 is not one of mountinfo");
	}
}

static void escapes(void **state)
{
	char s[] = "\\040a\\011\\134\\8\\04\\000\\0400";

	mounts_unescape(s);
	assert_string_equal(s, " a\t\\\\8\\04\\000 0");
}

static void page_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} t[] = {
		{ "2M", 2u << 20 },
		{ "2048k", 2u << 20 },
		{ "2048kk", 2u << 20 },
		{ "1G", 1u << 30 },
		{ "2097152", 2u << 20 },
		{ "0x200000", 2u << 20 },
		{ "1024M", 1u << 30 },
		{ "", 0 },
		{ "M", 0 },
		{ "-2M", 0 },
		{ "99999999999999999999", 0 },
		{ "99999999999G", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(huge_page_size(t[i].text, strlen(t[i].text)), t[i].want);
}

static void huge_mounts(void **state)
{
	struct huge_mounts huge;
	struct mounts m;
	struct host *h;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/.hostkit-record",
		  "statfs /dev/hugepages = 0x958458f6 0x200000\n"
		  "node /dev/hugepages = d 0 0 01770 0 36\n"
		  "statfs /srv/x = 0x1021994 4096\n");
	tree_file(&t, "/proc/self/mountinfo", info);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(mounts_read(h, &m, NULL), 0);
	assert_int_equal(huge_mounts_read(h, &m, &huge, NULL), 0);
	/* the one at /srv/x is covered by a tmpfs */
	assert_int_equal(huge.n, 2);
	assert_string_equal(huge.v[0].target, "/dev/hugepages");
	assert_true(huge.v[0].verified);
	assert_int_equal(huge.v[0].page, 2u << 20);
	assert_int_equal(huge.v[0].mode, 01770);
	assert_int_equal(huge.v[0].gid, 36);
	assert_string_equal(huge.v[1].target, "/mnt/a b");
	assert_false(huge.v[1].verified);
	assert_int_equal(huge.v[1].page, 1u << 30);
	assert_int_equal(huge.v[1].mode, 0755);
	huge_mounts_free(&huge);
	mounts_free(&m);
	host_close(h);
	tree_remove(&t);
}

static void this_machine(void **state)
{
	AUTO_HOST struct host *h = NULL;
	struct mounts m;
	const struct mount *proc;

	assert_int_equal(host_open(NULL, &h, NULL), 0);
	assert_int_equal(mounts_read(h, &m, NULL), 0);
	proc = mounts_at(&m, "/proc");
	assert_non_null(proc);
	assert_string_equal(proc->type, "proc");
	mounts_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(what_is_seen),
		cmocka_unit_test(a_folder_above_covers),
		cmocka_unit_test(a_loop_of_parents_ends),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(escapes),
		cmocka_unit_test(page_sizes),
		cmocka_unit_test(huge_mounts),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
