/* SPDX-License-Identifier: MIT */
#include "host/fstab.h"

#include "base/mem.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

#if __has_include(<libmount.h>)
#include <libmount.h>
#define HAVE_MOUNT 1
#endif

static const char table[] =
	"# /etc/fstab\n"
	"\n"
	"UUID=1-2\t/\text4\terrors=remount-ro,x=1\t0\t1\n"
	"  # indented\n"
	"/dev/sr0   /media/a\\040b  udf,iso9660  ro,noauto 0 0 # a drive\n"
	"tmpfs /tmp/ tmpfs\n"
	"short line\n"
	"bad /x ext4 rw one\n"
	"bad /y ext4 rw 0 2x\n"
	"none none swap sw 0\n"
	"hugetlbfs /dev/hugepages hugetlbfs mode=1770,gid=36,pagesize=2048k 0 0\r\n"
	"proc\t/proc  proc defaults";

static void entries_and_faults(void **state)
{
	const struct fstab_entry *t;
	struct fstab f;

	assert_int_equal(fstab_parse(table, strlen(table), &f, NULL), 0);
	assert_int_equal(f.n, 6);
	assert_int_equal(f.n_faults, 3);
	assert_int_equal(f.faults[0].line, 7);
	assert_int_equal(f.faults[1].line, 8);
	assert_int_equal(f.faults[2].line, 9);
	assert_string_equal(f.v[0].source, "UUID=1-2");
	assert_int_equal(f.v[0].pass, 1);
	assert_string_equal(f.v[1].target, "/media/a b");
	assert_string_equal(f.v[2].options, "");
	t = fstab_find(&f, "/dev/hugepages/", "hugetlbfs");
	assert_non_null(t);
	assert_int_equal(t->line, 11);
	assert_memory_equal(table + t->opts_off, "mode=1770", 9);
	assert_int_equal(t->opts_len, strlen("mode=1770,gid=36,pagesize=2048k"));
	assert_non_null(fstab_find(&f, "/tmp", NULL));
	assert_null(fstab_find(&f, "/tmp", "ext4"));
	assert_null(fstab_find(&f, "/tm", NULL));
	fstab_free(&f);
}

#ifdef HAVE_MOUNT
static int pass_over(struct libmnt_table *tb, const char *file, int line)
{
	return 1;
}

static void libmount_agrees(void **state)
{
	static const char *const more[] = {
		table,
		"",
		"a /b c d 1 2 # e\na /b c d 1 2e\r\na /b c d \t\n\ta\t/b\tc\td\t01\t2 3\n",
		"a /\\134b\\011c d e\n a#b /c d #no\n#x /y z\n",
		"x /y z rw 0 0\r\n\r\nx /y z rw 0\r",
	};
	struct tree t;

	tree_make(&t);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		struct libmnt_table *tb = mnt_new_table();
		struct libmnt_iter *it = mnt_new_iter(MNT_ITER_FORWARD);
		struct libmnt_fs *fs;
		struct fstab f;
		size_t n = 0;

		tree_file(&t, "/fstab", more[i]);
		mnt_table_set_parser_errcb(tb, pass_over);
		assert_int_equal(mnt_table_parse_file(tb, tree_path(&t, "/fstab")), 0);
		assert_int_equal(fstab_parse(more[i], strlen(more[i]), &f, NULL), 0);
		while (mnt_table_next_fs(tb, it, &fs) == 0) {
			assert_true(n < f.n);
			assert_string_equal(f.v[n].source, mnt_fs_get_source(fs));
			assert_string_equal(f.v[n].target, mnt_fs_get_target(fs));
			assert_string_equal(f.v[n].type, mnt_fs_get_fstype(fs));
			assert_string_equal(f.v[n].options, mnt_fs_get_options(fs)
								    ? mnt_fs_get_options(fs)
								    : "");
			assert_int_equal(f.v[n].freq, mnt_fs_get_freq(fs));
			assert_int_equal(f.v[n].pass, mnt_fs_get_passno(fs));
			n++;
		}
		assert_int_equal(n, f.n);
		fstab_free(&f);
		mnt_free_iter(it);
		mnt_unref_table(tb);
	}
	tree_remove(&t);
}
#else
static void libmount_agrees(void **state)
{
	print_message("# built without libmount\n");
	skip();
}
#endif

static void options_by_meaning(void **state)
{
	static const struct {
		const char *type, *a, *b;
		bool same;
	} t[] = {
		{ "hugetlbfs", "pagesize=2M,gid=36", "gid=36,pagesize=2048k", true },
		{ "hugetlbfs", "pagesize=2M", "pagesize=2097152", true },
		{ "hugetlbfs", "pagesize=2M", "pagesize=1G", false },
		{ "hugetlbfs", "pagesize=2M", "pagesize=two", false },
		{ "hugetlbfs", "mode=1770", "mode=01770", true },
		{ "hugetlbfs", "mode=1770", "mode=17770", true },
		{ "hugetlbfs", "mode=1770", "mode=770", false },
		{ "hugetlbfs", "size=50%", "size=50", false },
		{ "tmpfs", "size=1M", "size=1024k", false },
		{ "ext4", "defaults,ro", "ro", true },
		{ "ext4", "a=1,a=2", "a=2", true },
		{ "ext4", "a=1,a=2", "a=1", false },
		{ "ext4", "a", "a=", true },
		{ "ext4", "", "defaults", true },
		{ "ext4", ",,ro,", "ro", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(fstab_same_options(t[i].type, t[i].a, t[i].b), t[i].same);
	assert_true(fstab_has_options("ext4", "noatime,ro", "ro"));
	assert_false(fstab_has_options("ext4", "ro", "noatime,ro"));
}

static const struct fstab_want huge = { "hugetlbfs", "/dev/hugepages",
					"hugetlbfs", "mode=1770,gid=36,pagesize=2M",
					0,           0 };

#define LINE "hugetlbfs /dev/hugepages hugetlbfs mode=1770,gid=36,pagesize=2M 0 0"

static void sets_one_line(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: nothing to do */
	} t[] = {
		{ "", LINE "\n" },
		{ "# x\n/dev/a\t/\text4 rw 0 1 # c",
		  "# x\n/dev/a\t/\text4 rw 0 1 # c\n" LINE "\n" },
		{ "a /b c d\r\n", "a /b c d\r\n" LINE "\r\n" },
		{ LINE "\n", NULL },
		/* the same said otherwise, and more */
		{ "none\t/dev/hugepages/  hugetlbfs pagesize=2048k,noatime,gid=36,mode=01770",
		  NULL },
		/* only the options change, in their places */
		{ "a\n# hugetlbfs\nh  /dev/hugepages\thugetlbfs   noatime,gid=34,mode=1770\t0 0 # "
		  "mine\nb",
		  "a\n# hugetlbfs\nh  /dev/hugepages\thugetlbfs   "
		  "noatime,gid=36,mode=1770,pagesize=2M\t0 0 # mine\nb" },
		{ "h /dev/hugepages hugetlbfs defaults 0 0\r\n",
		  "h /dev/hugepages hugetlbfs mode=1770,gid=36,pagesize=2M 0 0\r\n" },
		{ "h /dev/hugepages hugetlbfs",
		  "h /dev/hugepages hugetlbfs mode=1770,gid=36,pagesize=2M" },
		/* another page size at another place, and comments, are nobody's business */
		{ "#" LINE "\nh /dev/huge1G hugetlbfs pagesize=1G 0 0\n",
		  "#" LINE "\nh /dev/huge1G hugetlbfs pagesize=1G 0 0\n" LINE "\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *out = NULL, *again = NULL;
		struct err e = { 0 };
		size_t len;
		int r = fstab_set(t[i].text, strlen(t[i].text), &huge, &out, &len, &e);

		assert_int_equal(r, t[i].want != NULL);
		if (!t[i].want) {
			assert_null(out);
			continue;
		}
		assert_string_equal(out, t[i].want);
		assert_int_equal(fstab_set(out, len, &huge, &again, &len, &e), 0);
		assert_null(again);
	}
}

static void refuses(void **state)
{
	static const struct {
		struct fstab_want want;
		int code;
	} t[] = {
		{ { "h", "/x", "hugetlbfs", "a b", 0, 0 }, -EINVAL },
		{ { "h", "/x", "hugetlbfs", "", 0, 0 }, -EINVAL },
		{ { "h", "/x\n/y", "hugetlbfs", "rw", 0, 0 }, -EINVAL },
		{ { "", "/x", "hugetlbfs", "rw", 0, 0 }, -EINVAL },
		{ { "h", "/tmp", "hugetlbfs", "rw", 0, 0 }, -EEXIST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct err e = { 0 };
		size_t len;
		char *out;

		assert_int_equal(fstab_set(table, strlen(table), &t[i].want, &out, &len, &e),
				 t[i].code);
		assert_true(e.msg[0]);
		assert_null(out);
	}
}

static void writes_blanks_as_octal(void **state)
{
	struct fstab_want w = { "#a", "/my disk\\", "ext4", "rw", 1, 2 };
	AUTO_FREE char *out = NULL;
	struct fstab f;
	size_t len;

	assert_int_equal(fstab_set("", 0, &w, &out, &len, NULL), 1);
	assert_string_equal(out, "\\043a /my\\040disk\\134 ext4 rw 1 2\n");
	assert_int_equal(fstab_parse(out, len, &f, NULL), 0);
	assert_string_equal(f.v[0].source, "#a");
	assert_string_equal(f.v[0].target, "/my disk\\");
	fstab_free(&f);
}

static void removes_its_lines_alone(void **state)
{
	AUTO_FREE char *set = NULL, *out = NULL, *none = NULL;
	size_t len;

	assert_int_equal(fstab_remove(table, strlen(table), "/dev/hugepages", "hugetlbfs", &out,
				      &len, NULL),
			 1);
	assert_null(strstr(out, "hugetlbfs"));
	assert_int_equal(len,
			 strlen(table) - strlen("hugetlbfs /dev/hugepages hugetlbfs "
						"mode=1770,gid=36,pagesize=2048k 0 0\r\n"));
	assert_int_equal(fstab_remove(out, len, "/dev/hugepages", "hugetlbfs", &none, &len,
				      NULL),
			 0);
	assert_null(none);
	/* what set adds, remove takes away again */
	assert_int_equal(fstab_set("a /b c d\n", 9, &huge, &set, &len, NULL), 1);
	mem_freep(&out);
	assert_int_equal(fstab_remove(set, len, "/dev/hugepages", "hugetlbfs", &out, &len,
				      NULL),
			 1);
	assert_string_equal(out, "a /b c d\n");
}

static void a_host_without_one(void **state)
{
	struct fstab f;
	struct host *h;
	struct tree t;

	tree_make(&t);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(fstab_read(h, &f, NULL), 0);
	assert_int_equal(f.n, 0);
	tree_file(&t, "/etc/fstab", table);
	assert_int_equal(fstab_read(h, &f, NULL), 0);
	assert_int_equal(f.n, 6);
	fstab_free(&f);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_and_faults),
		cmocka_unit_test(libmount_agrees),
		cmocka_unit_test(options_by_meaning),
		cmocka_unit_test(sets_one_line),
		cmocka_unit_test(refuses),
		cmocka_unit_test(writes_blanks_as_octal),
		cmocka_unit_test(removes_its_lines_alone),
		cmocka_unit_test(a_host_without_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
