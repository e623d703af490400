/* SPDX-License-Identifier: MIT */
#include "hugepages/mount.h"

#include "tests/unit/hugepages/tree.h"

static void options_in_one_form(void **state)
{
	static const struct {
		const char *text, *again; /* NULL: refused */
	} table[] = {
		{ "pagesize=2M,mode=1770,gid=36", "pagesize=2M,mode=1770,gid=36" },
		{ "rw,relatime,gid=36,mode=01770,pagesize=2048k",
		  "pagesize=2M,mode=1770,gid=36" },
		{ "rw,seclabel,relatime,pagesize=1024M", "pagesize=1G" },
		{ "uid=0,gid=0,mode=755", "defaults" },
		{ "defaults", "defaults" },
		{ "", "defaults" },
		{ "size=4G,uid=7,min_size=50%", "uid=7,size=4G,min_size=50%" },
		/* the kernel masks what is no mode of its own */
		{ "mode=17770", "mode=1770" },
		{ "gid=qemu", NULL },
		{ "gid=", NULL },
		{ "gid=-1", NULL },
		{ "gid=4294967296", NULL },
		{ "mode=9", NULL },
		{ "pagesize=2048", NULL },
		{ "pagesize=3M", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct hugemount_opts o;
		struct err e = { 0 };
		int r = hugemount_options_parse(table[i].text, &o, &e);
		char *again;

		if ((r == 0) != (table[i].again != NULL))
			fail_msg("'%s': %d %s", table[i].text, r, e.msg);
		if (r == 0) {
			again = hugemount_options(&o, NULL);
			assert_string_equal(again, table[i].again);
			free(again);
		} else {
			assert_int_equal(e.code, -EINVAL);
		}
		free(o.rest);
	}
}

static void the_same_options(void **state)
{
	struct hugemount_opts a, b;

	assert_int_equal(hugemount_options_parse("gid=36,mode=1770", &a, NULL), 0);
	assert_int_equal(hugemount_options_parse("pagesize=2M,mode=1770,gid=36", &b, NULL), 0);
	assert_true(hugemount_options_same(&a, &b, 2 * MIB));
	assert_false(hugemount_options_same(&a, &b, GIB));
	b.gid = 34;
	assert_false(hugemount_options_same(&a, &b, 2 * MIB));
	free(a.rest);
	free(b.rest);
}

static void lines_of_fstab(void **state)
{
	struct hugemount_opts o = { .page = GIB, .mode = 01770, .gid = 36 };
	char *line = hugemount_fstab_line("/dev/huge pages", &o, NULL);

	assert_string_equal(
		line,
		"hugetlbfs /dev/huge\\040pages hugetlbfs pagesize=1G,mode=1770,gid=36 0 0");
	free(line);
}

static void is_it_one(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };

	world_record(&w->t, 0);
	tree_file(&w->t, "/.hostkit-record",
		  "arch = x86_64\nstatfs /dev/hugepages = 0x958458f6 0x200000\n"
		  "statfs /mnt = 0xef53 0x1000\n");
	tree_dir(&w->t, "/dev/hugepages");
	tree_dir(&w->t, "/mnt");
	tree_file(&w->t, "/dev/plain", "a guest's memory");
	world_open(w);
	assert_int_equal(hugemount_check(w->h, "/dev/hugepages", 0, &e), 0);
	assert_int_equal(hugemount_check(w->h, "/dev/hugepages", 2 * MIB, &e), 0);
	assert_int_equal(hugemount_check(w->h, "/dev/hugepages", GIB, &e), -EMEDIUMTYPE);
	assert_true(strstr(e.msg, "2M, not of 1G") != NULL);
	assert_int_equal(hugemount_check(w->h, "/mnt", 0, &e), -ENODEV);
	assert_int_equal(hugemount_check(w->h, "/dev/plain", 0, &e), -ENOTDIR);
	assert_true(strstr(e.msg, "plain file") != NULL);
	assert_int_equal(hugemount_check(w->h, "/nowhere", 0, &e), -ENOENT);
}

static void what_is_mounted(void **state)
{
	struct world *w = *state;
	AUTO_HUGEMOUNTS struct hugemounts m = { 0 };
	const struct hugemount *v;

	world_record(&w->t, 0);
	tree_file(&w->t, "/.hostkit-record",
		  "arch = x86_64\nstatfs /dev/hugepages = 0x958458f6 0x200000\n"
		  "node /dev/hugepages = d 0 0 1770 0 36\n");
	tree_dir(&w->t, "/dev/hugepages");
	tree_file(&w->t, "/proc/self/mountinfo",
		  "20 1 0:20 / / rw - ext4 /dev/vda rw\n"
		  "30 20 0:30 / /dev/hugepages rw,relatime - hugetlbfs hugetlbfs "
		  "rw,pagesize=2M,size=4G\n"
		  "31 20 0:31 / /huge rw - hugetlbfs none rw,pagesize=1024M,gid=5\n"
		  "32 20 0:31 / /over rw - hugetlbfs none rw\n"
		  "33 32 0:32 / /over rw - tmpfs none rw\n");
	world_open(w);
	assert_int_equal(hugemounts_read(w->h, &m, NULL), 0);
	assert_int_equal(m.n, 2);
	v = hugemounts_find(&m, "/dev/hugepages");
	assert_true(v->verified);
	assert_int_equal(v->opts.page, 2 * MIB);
	assert_int_equal(v->opts.mode, 01770);
	assert_int_equal(v->opts.gid, 36);
	assert_string_equal(v->opts.rest, "size=4G");
	v = hugemounts_find(&m, "/huge");
	assert_false(v->verified);
	assert_int_equal(v->opts.page, GIB);
	assert_int_equal(v->opts.gid, 5);
	assert_null(hugemounts_find(&m, "/over"));
}

static void only_the_live_host_mounts(void **state)
{
	struct world *w = *state;
	struct hugemount_opts o = { .mode = 01770 };
	struct err e = { 0 };

	world_record(&w->t, 0);
	world_open(w);
	assert_int_equal(hugemount_mount(w->h, "/dev/hugepages", &o, &e), -ENOTSUP);
	assert_int_equal(hugemount_umount(w->h, "/dev/hugepages", &e), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_in_one_form), cmocka_unit_test(the_same_options),
		cmocka_unit_test(lines_of_fstab),      world_test(is_it_one),
		world_test(what_is_mounted),           world_test(only_the_live_host_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
