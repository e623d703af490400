/* SPDX-License-Identifier: MIT */
/* What each kind reads, makes and takes back in a tree, and what it refuses. */
#include "tests/lib/tree.h"
#include "tests/lib/treesum.h"
#include "tests/unit/unit.h"
#include "tune/kind.h"
#include "tune/kinds/paths.h"

static struct tree tree;
static struct host *h;

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	tree_make(&tree);
	tree_file(&tree, "/etc/a", "a\n");
	return host_open(tree.root, &h, &e);
}

static int teardown(void **state)
{
	(void)state;
	host_close(h);
	tree_remove(&tree);
	return 0;
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* The value of @target, "(none)" or the error's number; one buffer. */
static const char *now(const struct change_kind *k, const char *target)
{
	static char buf[512];
	struct err e = { 0 };
	char *v = NULL;
	int r = k->current(h, target, &v, &e);

	if (r < 0 && r != -ENOENT)
		snprintf(buf, sizeof(buf), "%d", r);
	else
		snprintf(buf, sizeof(buf), "%s", v ? v : "(none)");
	free(v);
	return buf;
}

/* From @from to @to and back: the tree is as before. */
static void round_trip(const struct change_kind *k, const char *target, const char *to)
{
	struct change c = { .kind = k, .step = "s", .target = text(target), .value = text(to) };
	char *before = treesum(tree.root), *after;
	struct err e = { 0 };

	if (k->current(h, target, &c.old_val, &e) < 0)
		c.old_val = NULL;
	if (k->meta && c.old_val)
		assert_int_equal(k->meta(h, target, &c.old_meta, &e), 0);
	if (k->apply(h, &c, &e) < 0)
		fail_msg("%s %s: %s", k->name, target, e.msg);
	assert_string_equal(now(k, target), to ? to : "(none)");
	if (k->revert(h, &c, &e) < 0)
		fail_msg("%s %s: %s", k->name, target, e.msg);
	after = treesum(tree.root);
	assert_string_equal(before, after);
	free(before);
	free(after);
	free(c.old_val);
	free(c.old_meta);
}

static void files(void **state)
{
	char big[300];

	(void)state;
	memset(big, 'x', sizeof(big));
	tree_must(!chmod(tree_path(&tree, "/etc/a"), 0640));
	(void)!setxattr(tree_path(&tree, "/etc/a"), "user.big", big, sizeof(big), 0);
	tree_link(&tree, "/etc/via", "a");
	tree_link(&tree, "/etc/dangling", "/etc/not-yet");
	round_trip(&kind_file, "/etc/a", "b\n");
	round_trip(&kind_file, "/etc/a", NULL);
	round_trip(&kind_file, "/etc/new", "n\n");
	round_trip(&kind_file, "/etc/via", "through a link\n");
	/* what is made is what it leads to; the link stays */
	round_trip(&kind_file, "/etc/dangling", "n\n");
	tree_bytes(&tree, "/etc/binary", "a\0b", 3);
	assert_string_equal(now(&kind_file, "/etc/binary"), "-22");
	assert_string_equal(now(&kind_file, "/etc"), "-22");
	assert_string_equal(now(&kind_file, "etc/a"), "-22");
	assert_string_equal(now(&kind_file, "/etc/../etc/a"), "-22");
}

static void attributes(void **state)
{
	char want[PATHS_ATTR_SIZE];
	struct below_new n;

	(void)state;
	paths_attr_print(want, 06755, getuid(), getgid());
	round_trip(&kind_attr, "/etc/a", want);
	round_trip(&kind_attr, "/etc", want);
	assert_int_equal(paths_attr_parse("0640 0:36", &n, NULL), 0);
	assert_true(n.mode == 0640 && n.uid == 0 && n.gid == 36);
	assert_int_equal(paths_attr_parse("0640 0:36 ", &n, NULL), -EINVAL);
	assert_int_equal(paths_attr_parse("9 0:36", &n, NULL), -EINVAL);
	assert_int_equal(paths_attr_parse("017777 0:0", &n, NULL), -EINVAL);
	assert_int_equal(paths_attr_parse("0640 0:4294967296", &n, NULL), -EINVAL);
	assert_int_equal(paths_attr_parse("0640 -1:0", &n, NULL), -EINVAL);
}

static void half_made_attributes(void **state)
{
	const struct change c = { .kind = &kind_attr,
				  .old_val = text("4755 0:0"),
				  .value = text("0640 0:36") };

	(void)state;
	assert_true(kind_attr.partial(&c, "0755 0:36")); /* chown took the set-ID bit */
	assert_true(kind_attr.partial(&c, "4755 0:36"));
	assert_false(kind_attr.partial(&c, "0600 0:36"));
	assert_false(kind_attr.partial(&c, "0640 0:37"));
	assert_false(kind_attr.partial(&c, NULL));
}

static void links_and_folders(void **state)
{
	struct err e = { 0 };
	struct change c = { .kind = &kind_dir, .target = text("/d"), .value = text("dir") };

	(void)state;
	tree_link(&tree, "/etc/l", "a");
	round_trip(&kind_link, "/etc/l", "/elsewhere");
	round_trip(&kind_link, "/etc/l", NULL);
	round_trip(&kind_link, "/etc/new", "/elsewhere");
	assert_string_equal(now(&kind_link, "/etc/a"), "-17");
	round_trip(&kind_dir, "/d", "dir");
	tree_dir(&tree, "/had");
	tree_must(!chmod(tree_path(&tree, "/had"), 0711));
	round_trip(&kind_dir, "/had", NULL);
	assert_string_equal(now(&kind_dir, "/etc/a"), "-20");
	/* of others by now */
	assert_int_equal(kind_dir.apply(h, &c, &e), 0);
	tree_file(&tree, "/d/x", "x");
	assert_int_equal(kind_dir.revert(h, &c, &e), -EBUSY);
}

static void packages(void **state)
{
	struct change c = { .kind = &kind_package,
			    .target = text("qemu"),
			    .value = text("installed") };
	struct err e = { 0 };

	(void)state;
	assert_string_equal(now(&kind_package, "qemu"), "-95");
	tree_file(&tree, "/lib/apk/db/installed",
		  "C:Q1\nP:busybox\nV:1\n\nP:qemu-img\nV:2\n\nP:tail");
	assert_string_equal(now(&kind_package, "qemu"), "(none)");
	assert_string_equal(now(&kind_package, "qemu-img"), "installed");
	assert_string_equal(now(&kind_package, "tail"), "installed");
	tree_file(&tree, "/var/lib/dpkg/status",
		  "Package: one\nStatus: deinstall ok config-files\n\n"
		  "Package: two\nStatus: install ok installed\n\nPackage: three\n");
	assert_string_equal(now(&kind_package, "one"), "(none)");
	assert_string_equal(now(&kind_package, "two"), "installed");
	assert_string_equal(now(&kind_package, "three"), "(none)");
	assert_string_equal(now(&kind_package, "--force"), "-22");
	assert_string_equal(now(&kind_package, "a b"), "-22");
	/* an image's programs are run only where that was asked for */
	assert_int_equal(kind_package.apply(h, &c, &e), -ENOTSUP);
}

static void accounts(void **state)
{
	struct change c = { .kind = &kind_account,
			    .target = text("group:new"),
			    .value = text("40") };
	struct err e = { 0 };

	(void)state;
	tree_file(&tree, "/etc/passwd",
		  "root:x:0:0:root:/root:/bin/sh\nqemu:x:36:34::/:/sbin/nologin\n");
	tree_file(&tree, "/etc/group", "root:x:0:\nkvm:x:34:qemu,alice\n");
	assert_string_equal(now(&kind_account, "group:kvm"), "34");
	assert_string_equal(now(&kind_account, "group:kv"), "(none)");
	assert_string_equal(now(&kind_account, "user:qemu"), "36:34:/:/sbin/nologin");
	assert_string_equal(now(&kind_account, "member:kvm:alice"), "yes");
	assert_string_equal(now(&kind_account, "member:kvm:bob"), "(none)");
	assert_string_equal(now(&kind_account, "member:kvm"), "-22");
	assert_string_equal(now(&kind_account, "user:-d"), "-22");
	assert_string_equal(now(&kind_account, "user:a b"), "-22");
	assert_string_equal(now(&kind_account, "shell:x"), "-22");
	/* never by this machine's tools for another root */
	assert_int_equal(kind_account.apply(h, &c, &e), -ENOTSUP);
}

static void what_only_a_running_host_has(void **state)
{
	static const struct {
		const struct change_kind *k;
		const char *target, *value;
	} v[] = {
		{ &kind_module, "tun", "loaded" },
		{ &kind_mount, "/dev/hugepages", "hugetlbfs pagesize=2M" },
		{ &kind_driver, "0000:00:01.0", "vfio-pci" },
	};
	struct plan p = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct change c = { .kind = v[i].k,
				    .step = "s",
				    .target = text(v[i].target),
				    .value = text(v[i].value) };
		struct err e = { 0 };

		assert_true(v[i].k->live && v[i].k->fleeting);
		assert_true(v[i].k->apply(h, &c, &e) < 0);
		assert_true(e.msg[0] != '\0');
		/* and no image plans it */
		assert_int_equal(plan_add(&p, h, v[i].k, "s", v[i].target, v[i].value, WHEN_NOW,
					  &e, "why"),
				 0);
	}
	assert_int_equal(p.n, 0);
	assert_true(kind_same(&kind_mount, "hugetlbfs pagesize=2M,mode=1770,gid=36",
			      "hugetlbfs gid=36,mode=1770,pagesize=2048k"));
	assert_true(kind_same(&kind_mount, "hugetlbfs gid=36", "hugetlbfs pagesize=2M,gid=36"));
	assert_false(
		kind_same(&kind_mount, "hugetlbfs gid=36", "hugetlbfs pagesize=2M,gid=37"));
	assert_string_equal(now(&kind_driver, "0000:00:01.8"), "-22");
	assert_string_equal(now(&kind_driver, "../../x"), "-22");
}

static void plans(void **state)
{
	struct plan p = { 0 };
	struct err e = { 0 };
	char *v = NULL;

	(void)state;
	assert_int_equal(plan_add(&p, h, &kind_file, "s", "/etc/a", "a\n", WHEN_NOW, &e, "x"),
			 0);
	assert_int_equal(plan_add(&p, h, &kind_file, "s", "/x/y/z", "1\n", WHEN_NOW, &e, "x"),
			 1);
	/* the folders on the way are announced too */
	assert_int_equal(p.n, 3);
	assert_string_equal(p.v[0].target, "/x");
	assert_string_equal(p.v[1].target, "/x/y");
	assert_int_equal(plan_add(&p, h, &kind_file, "s", "/x/y/z", "1\n", WHEN_NOW, &e, "x"),
			 0);
	assert_int_equal(plan_add(&p, h, &kind_file, "t", "/x/y/z", "2\n", WHEN_NOW, &e, "x"),
			 -EEXIST);
	assert_int_equal(plan_amend(&p, h, &kind_file, "t", "/x/y/z", "1\n2\n", WHEN_NOW, &e,
				    "x"),
			 1);
	assert_int_equal(p.n, 4);
	assert_string_equal(p.v[3].old_val, "1\n");
	assert_string_equal(plan_find(&p, &kind_file, "/x/y/z")->value, "1\n2\n");
	assert_int_equal(plan_value(&p, h, &kind_file, "/x/y/z", &v, &e), 0);
	assert_string_equal(v, "1\n2\n");
	free(v);
	assert_int_equal(plan_value(&p, h, &kind_file, "/etc/a", &v, &e), 0);
	assert_string_equal(v, "a\n");
	free(v);
	plan_drop(&p, 0);
	assert_string_equal(p.v[0].target, "/x/y");
	plan_cut(&p, 1);
	assert_int_equal(p.n, 1);
	plan_free(&p);
	for (const struct change_kind *const *k = tune_kinds; *k; k++)
		assert_ptr_equal(kind_find((*k)->name), *k);
	assert_null(kind_find("shell"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes, setup, teardown),
		cmocka_unit_test(half_made_attributes),
		cmocka_unit_test_setup_teardown(links_and_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(packages, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_only_a_running_host_has, setup, teardown),
		cmocka_unit_test_setup_teardown(plans, setup, teardown),
	};

	return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
