/* SPDX-License-Identifier: MIT */
#include "base/below.h"

#include "base/io.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

struct place {
	struct tree t;
	int root;
};

static struct below_new fresh(uint32_t mode)
{
	return (struct below_new){ mode, geteuid(), getegid() };
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	tree_make(&p->t);
	p->root = below_root(p->t.root, NULL);
	*state = p;
	return p->root < 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	io_close(p->root);
	tree_remove(&p->t);
	free(p);
	return 0;
}

static void has(const struct place *p, const char *path, const char *want)
{
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(below_read(p->root, path, 1000, &text, &len, NULL), 0);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	free(text);
}

static unsigned names_in(const struct place *p, const char *path)
{
	DIR *d = opendir(tree_path(&p->t, path));
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static struct stat stat_of(const struct place *p, const char *path)
{
	struct stat st;

	assert_int_equal(lstat(tree_path(&p->t, path), &st), 0);
	return st;
}

static int replace(const struct place *p, const char *path, const char *text, struct err *e)
{
	struct below_new n = fresh(0640);

	return below_replace(p->root, path, text, strlen(text), &n, e);
}

static void a_root_that_is_none(void **state)
{
	struct place *p = *state;

	tree_file(&p->t, "/file", "");
	assert_int_equal(below_root(tree_path(&p->t, "/file"), NULL), -ENOTDIR);
	assert_int_equal(below_root(tree_path(&p->t, "/none"), NULL), -ENOENT);
}

static void links_stay_inside(void **state)
{
	struct place *p = *state;
	char *text = NULL;
	size_t len;

	tree_file(&p->t, "/etc/passwd", "inside\n");
	tree_link(&p->t, "/abs", "/etc/passwd");
	tree_link(&p->t, "/up", "../../../../../../etc/passwd");
	tree_link(&p->t, "/dir", "/etc");
	tree_link(&p->t, "/loop", "loop");
	tree_link(&p->t, "/self", "/proc/self/root/etc/passwd");
	has(p, "/abs", "inside\n");
	has(p, "abs", "inside\n");
	has(p, "/up", "inside\n");
	has(p, "/dir/passwd", "inside\n");
	has(p, "/../../../../../etc/passwd", "inside\n");
	has(p, "///etc//passwd", "inside\n");
	assert_int_equal(below_read(p->root, "/loop", 10, &text, &len, NULL), -ELOOP);
	assert_int_equal(below_read(p->root, "/self", 10, &text, &len, NULL), -ENOENT);
	assert_int_equal(below_read(p->root, "/etc/passwd", 3, &text, &len, NULL), -EFBIG);
	assert_int_equal(below_read(p->root, "/none", 3, &text, &len, NULL), -ENOENT);
	assert_null(text);
}

static void the_folder_of_a_path(void **state)
{
	struct place *p = *state;
	static const char *const none[] = { "/", "", "/etc/..", "/etc/.", ".." };
	char name[NAME_MAX + 1];
	int fd;

	tree_file(&p->t, "/a/b/file", "x");
	tree_link(&p->t, "/one", "/two");
	tree_link(&p->t, "/two", "a/b/file");
	tree_link(&p->t, "/a/rel", "../a/b/new");
	tree_link(&p->t, "/loop", "loop");
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		tree_dir(&p->t, "/etc");
		assert_int_equal(below_parent(p->root, none[i], name, NULL), -EINVAL);
	}
	assert_int_equal(below_parent(p->root, "/loop", name, NULL), -ELOOP);
	assert_int_equal(below_parent(p->root, "/nope/x", name, NULL), -ENOENT);

	fd = below_parent(p->root, "/one", name, NULL);
	assert_true(fd >= 0);
	assert_string_equal(name, "file");
	assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
	io_close(fd);
	/* where a link leads to nothing yet, the new file goes there */
	fd = below_parent(p->root, "/a/rel", name, NULL);
	assert_true(fd >= 0);
	assert_string_equal(name, "new");
	assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
	io_close(fd);
	fd = below_parent(p->root, "/a/b/", name, NULL);
	assert_true(fd >= 0);
	assert_string_equal(name, "b");
	io_close(fd);
}

static void names_that_are_too_long(void **state)
{
	struct place *p = *state;
	char name[NAME_MAX + 1], path[NAME_MAX + 8] = "/";

	memset(path + 1, 'a', NAME_MAX + 1);
	assert_int_equal(below_parent(p->root, path, name, NULL), -ENAMETOOLONG);
}

static void a_new_file(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(077);

	tree_dir(&p->t, "/etc");
	assert_int_equal(replace(p, "/etc/new", "text\n", NULL), 0);
	umask(mask);
	has(p, "/etc/new", "text\n");
	assert_int_equal(stat_of(p, "/etc/new").st_mode, S_IFREG | 0640);
	assert_int_equal(names_in(p, "/etc"), 1);
	assert_int_equal(replace(p, "/nowhere/new", "text\n", NULL), -ENOENT);
}

static void what_was_there_keeps_what_is_its(void **state)
{
	struct place *p = *state;
	char value[16];
	struct stat st;
	bool attr, root = geteuid() == 0;

	tree_file(&p->t, "/etc/conf", "old");
	tree_link(&p->t, "/link", "etc/conf");
	assert_int_equal(chmod(tree_path(&p->t, "/etc/conf"), 04711), 0);
	if (root) {
		assert_int_equal(chown(tree_path(&p->t, "/etc/conf"), 12, 34), 0);
		assert_int_equal(chmod(tree_path(&p->t, "/etc/conf"), 04711), 0);
	}
	attr = !setxattr(tree_path(&p->t, "/etc/conf"), "user.hostkit", "kept", 4, 0);
	assert_int_equal(replace(p, "/link", "new", NULL), 0);
	has(p, "/etc/conf", "new");
	assert_true(S_ISLNK(stat_of(p, "/link").st_mode));
	st = stat_of(p, "/etc/conf");
	assert_int_equal(st.st_mode, S_IFREG | 04711);
	if (root)
		assert_true(st.st_uid == 12 && st.st_gid == 34);
	if (attr) {
		assert_int_equal(getxattr(tree_path(&p->t, "/etc/conf"), "user.hostkit", value,
					  sizeof(value)),
				 4);
		assert_memory_equal(value, "kept", 4);
	} else {
		print_message("# no extended attributes here\n");
	}
	assert_int_equal(names_in(p, "/etc"), 1);
}

static void a_large_attribute_is_kept_too(void **state)
{
	struct place *p = *state;
	char big[3000], got[3000];

	memset(big, 'x', sizeof(big));
	tree_file(&p->t, "/conf", "old");
	if (setxattr(tree_path(&p->t, "/conf"), "user.big", big, sizeof(big), 0) < 0) {
		print_message("# no such attributes here\n");
		skip();
	}
	assert_int_equal(replace(p, "/conf", "new", NULL), 0);
	assert_int_equal(getxattr(tree_path(&p->t, "/conf"), "user.big", got, sizeof(got)),
			 sizeof(big));
	assert_memory_equal(big, got, sizeof(big));
}

static void others_names_for_it_keep_the_old(void **state)
{
	struct place *p = *state;
	char other[128];

	tree_file(&p->t, "/a", "old");
	snprintf(other, sizeof(other), "%s/b", p->t.root);
	assert_int_equal(link(tree_path(&p->t, "/a"), other), 0);
	assert_int_equal(replace(p, "/a", "new", NULL), 0);
	has(p, "/b", "old");
	has(p, "/a", "new");
}

static void a_failure_leaves_no_debris(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	tree_dir(&p->t, "/etc/dir");
	assert_true(replace(p, "/etc/dir", "text", &e) < 0);
	assert_non_null(strstr(e.msg, "/etc/dir"));
	assert_int_equal(mkfifo(tree_path(&p->t, "/etc/fifo"), 0600), 0);
	assert_int_equal(replace(p, "/etc/fifo", "text", &e), -EINVAL);
	assert_int_equal(names_in(p, "/etc"), 2);
	assert_true(S_ISFIFO(stat_of(p, "/etc/fifo").st_mode));
}

/* Somebody put a link where the new file is written first. */
static void a_trap_for_the_writer(void **state)
{
	struct place *p = *state;
	char trap[64];

	tree_file(&p->t, "/victim", "safe");
	tree_dir(&p->t, "/etc");
	snprintf(trap, sizeof(trap), "/etc/.hostkit.%ld.tmp", (long)getpid());
	tree_link(&p->t, trap, "../victim");
	assert_int_equal(replace(p, "/etc/conf", "text", NULL), 0);
	has(p, "/victim", "safe");
	has(p, "/etc/conf", "text");
	/* and one with another name for the victim */
	snprintf(trap, sizeof(trap), "%s/etc/.hostkit.%ld.tmp", p->t.root, (long)getpid());
	assert_int_equal(link(tree_path(&p->t, "/victim"), trap), 0);
	assert_int_equal(replace(p, "/etc/conf", "more", NULL), 0);
	has(p, "/victim", "safe");
	has(p, "/etc/conf", "more");
}

static void folders_on_the_way(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(077);
	int r;

	tree_dir(&p->t, "/real");
	tree_link(&p->t, "/link", "/real");
	tree_link(&p->t, "/later", "/real/made");
	r = below_mkdirs(p->root, "/link/a/b/../c", NULL);
	umask(mask);
	assert_int_equal(r, 0);
	assert_int_equal(stat_of(p, "/real/a/b").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of(p, "/real/a/c").st_mode, S_IFDIR | 0755);
	assert_int_equal(below_mkdirs(p->root, "/link/a/b", NULL), 0);
	assert_int_equal(below_mkdirs(p->root, "/", NULL), 0);
	assert_int_equal(below_mkdirs(p->root, "//x///y//", NULL), 0);
	assert_true(S_ISDIR(stat_of(p, "/x/y").st_mode));
	assert_int_equal(below_mkdirs(p->root, "/later/z", NULL), 0);
	assert_true(S_ISDIR(stat_of(p, "/real/made/z").st_mode));
	tree_file(&p->t, "/file", "");
	assert_int_equal(chmod(tree_path(&p->t, "/file"), 0600), 0);
	assert_int_equal(below_mkdirs(p->root, "/file/a", NULL), -ENOTDIR);
	assert_int_equal(below_mkdirs(p->root, "/file", NULL), -ENOTDIR);
	assert_int_equal(stat_of(p, "/file").st_mode, S_IFREG | 0600);
}

static void links_are_made_and_replaced(void **state)
{
	struct place *p = *state;
	char to[64] = "";

	tree_file(&p->t, "/file", "x");
	assert_int_equal(below_symlink(p->root, "/link", "file", NULL), 0);
	has(p, "/link", "x");
	assert_int_equal(below_symlink(p->root, "/link", "/else", NULL), 0);
	assert_int_equal(readlink(tree_path(&p->t, "/link"), to, sizeof(to) - 1), 5);
	assert_string_equal(to, "/else");
	assert_int_equal(names_in(p, ""), 2);
	/* a folder is not put away for a link */
	tree_dir(&p->t, "/dir");
	assert_true(below_symlink(p->root, "/dir", "x", NULL) < 0);
	assert_int_equal(names_in(p, ""), 3);
	assert_int_equal(below_symlink(p->root, "/no/link", "x", NULL), -ENOENT);
}

static void removing(void **state)
{
	struct place *p = *state;

	tree_file(&p->t, "/dir/file", "x");
	tree_link(&p->t, "/link", "dir/file");
	tree_link(&p->t, "/dlink", "dir");
	assert_int_equal(below_remove(p->root, "/link", 0, NULL), 0);
	has(p, "/dir/file", "x");
	assert_int_equal(below_remove(p->root, "/dir", 1, NULL), -ENOTEMPTY);
	assert_int_equal(below_remove(p->root, "/dlink", 1, NULL), -ENOTDIR);
	assert_int_equal(below_remove(p->root, "/dir", 0, NULL), -EISDIR);
	assert_int_equal(below_remove(p->root, "/dir/file", 0, NULL), 0);
	assert_int_equal(below_remove(p->root, "/dir", 1, NULL), 0);
	assert_int_equal(below_remove(p->root, "/dir", 1, NULL), -ENOENT);
}

static void removing_what_a_link_leads_to(void **state)
{
	struct place *p = *state;

	tree_file(&p->t, "/dir/file", "x");
	tree_link(&p->t, "/link", "dir/file");
	assert_int_equal(below_remove_file(p->root, "/link", NULL), 0);
	assert_int_equal(names_in(p, "/dir"), 0);
	assert_true(S_ISLNK(stat_of(p, "/link").st_mode));
	assert_int_equal(below_remove_file(p->root, "/link", NULL), -ENOENT);
}

static void owner_and_mode(void **state)
{
	struct place *p = *state;
	struct stat st;

	tree_file(&p->t, "/helper", "x");
	tree_link(&p->t, "/link", "helper");
	assert_int_equal(below_attr(p->root, "/link", -1, -1, 04710, NULL), 0);
	assert_int_equal(stat_of(p, "/helper").st_mode, S_IFREG | 04710);
	assert_true(S_ISLNK(stat_of(p, "/link").st_mode));
	if (geteuid() == 0) {
		/* changing the owner clears the bit, which is why the mode comes second */
		assert_int_equal(below_attr(p->root, "/helper", 0, 36, 04710, NULL), 0);
		st = stat_of(p, "/helper");
		assert_true(st.st_mode == (S_IFREG | 04710) && st.st_gid == 36);
		assert_int_equal(below_attr(p->root, "/helper", -1, 0, 0600, NULL), 0);
		assert_int_equal(stat_of(p, "/helper").st_gid, 0);
	}
	assert_int_equal(below_attr(p->root, "/none", -1, -1, 0600, NULL), -ENOENT);
}

#define in_place(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(a_root_that_is_none),
		in_place(links_stay_inside),
		in_place(the_folder_of_a_path),
		in_place(names_that_are_too_long),
		in_place(a_new_file),
		in_place(what_was_there_keeps_what_is_its),
		in_place(a_large_attribute_is_kept_too),
		in_place(others_names_for_it_keep_the_old),
		in_place(a_failure_leaves_no_debris),
		in_place(a_trap_for_the_writer),
		in_place(folders_on_the_way),
		in_place(links_are_made_and_replaced),
		in_place(removing),
		in_place(removing_what_a_link_leads_to),
		in_place(owner_and_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
