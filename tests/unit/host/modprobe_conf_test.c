/* SPDX-License-Identifier: MIT */
#include "host/modprobe_conf.h"

#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void commands_and_faults(void **state)
{
	static const char text[] = "# comment\n"
				   "options kvm-intel nested=1 \\\n  ept=Y\n"
				   "blacklist\tnouveau trailing words\n"
				   "\n"
				   "install usb-storage /bin/false # no comment\n"
				   "alias net-pf-10 off\r\n"
				   "softdep a pre: b post: c\n"
				   "  # not a comment\n"
				   "options kvm\n"
				   "include other\n"
				   "remove x\\y /bin/true";
	struct modprobe_conf c = { 0 };
	const struct modprobe_line *l;

	assert_int_equal(modprobe_conf_parse(&c, "a.conf", text, strlen(text), NULL), 0);
	assert_int_equal(c.n, 6);
	assert_string_equal(c.v[0].module, "kvm_intel");
	assert_string_equal(c.v[0].rest, "nested=1   ept=Y");
	assert_int_equal(c.v[0].line, 2);
	l = modprobe_conf_find(&c, MODPROBE_BLACKLIST, "nouveau");
	assert_non_null(l);
	assert_int_equal(l->line, 4);
	assert_string_equal(l->rest, "");
	l = modprobe_conf_find(&c, MODPROBE_INSTALL, "usb_storage");
	assert_string_equal(l->rest, "/bin/false # no comment");
	l = modprobe_conf_find(&c, MODPROBE_ALIAS, "net-pf-10");
	assert_string_equal(l->module, "net-pf-10");
	assert_string_equal(l->rest, "off");
	/* a backslash that joins no lines is gone */
	assert_non_null(modprobe_conf_find(&c, MODPROBE_REMOVE, "xy"));
	assert_int_equal(c.n_faults, 3);
	assert_int_equal(c.faults[0].line, 9);
	assert_int_equal(c.faults[1].line, 10);
	assert_int_equal(c.faults[2].line, 11);
	modprobe_conf_free(&c);
}

static void options_that_disagree(void **state)
{
	static const char a[] = "options kvm_amd nested=1 npt=1\noptions vhost name=\"a b\"\n";
	static const char b[] = "options kvm-amd nested=Y avic\noptions kvm nested=0\n";
	static const char words[] = "quiet kvm_amd.npt=1 kvm-amd.avic=1 module_blacklist=a,b-c "
				    "modprobe.blacklist=d x.=1 .y=2 -- kvm_amd.nested=0";
	struct modprobe_conf c = { 0 };
	struct modprobe_options o;

	assert_int_equal(modprobe_conf_parse(&c, "a", a, strlen(a), NULL), 0);
	assert_int_equal(modprobe_conf_parse(&c, "b", b, strlen(b), NULL), 0);
	assert_int_equal(modprobe_conf_cmdline(&c, words, strlen(words), NULL), 0);
	assert_int_equal(modprobe_options(&c, "kvm-amd", &o, NULL), 0);
	assert_int_equal(o.n, 6);
	assert_string_equal(o.v[0].param, "nested");
	assert_true(o.v[0].conflict && !o.v[0].final);
	assert_string_equal(o.v[2].value, "Y");
	assert_true(o.v[2].conflict && o.v[2].final);
	assert_string_equal(o.v[1].param, "npt");
	assert_false(o.v[1].conflict);
	assert_false(o.v[1].final);
	assert_string_equal(o.v[4].from->file, "/proc/cmdline");
	assert_true(o.v[4].final && !o.v[4].conflict);
	/* "avic" alone and avic=1 may differ */
	assert_null(o.v[3].value);
	assert_true(o.v[3].conflict && o.v[5].conflict);
	modprobe_options_free(&o);
	assert_int_equal(modprobe_options(&c, "vhost", &o, NULL), 0);
	assert_int_equal(o.n, 1);
	assert_string_equal(o.v[0].value, "\"a b\"");
	modprobe_options_free(&o);
	assert_int_equal(modprobe_options(&c, NULL, &o, NULL), 0);
	assert_int_equal(o.n, 8);
	modprobe_options_free(&o);
	assert_non_null(modprobe_conf_find(&c, MODPROBE_BLACKLIST, "b_c"));
	assert_non_null(modprobe_conf_find(&c, MODPROBE_BLACKLIST, "d"));
	modprobe_conf_free(&c);
}

static void names(void **state)
{
	assert_true(modprobe_same_name("kvm-intel", "kvm_intel"));
	assert_false(modprobe_same_name("kvm", "kvm_intel"));
	assert_false(modprobe_same_name("kvm_intel", "kvm"));
}

static void a_file_in_etc_masks(void **state)
{
	struct modprobe_conf c;
	struct host *h;
	struct tree t;

	tree_make(&t);
	tree_link(&t, "/lib", "usr/lib");
	tree_file(&t, "/usr/lib/modprobe.d/kvm.conf", "options kvm_intel nested=0\n");
	tree_file(&t, "/usr/lib/modprobe.d/a.conf", "blacklist a\n");
	tree_file(&t, "/usr/lib/modprobe.d/gone.conf", "blacklist gone\n");
	tree_link(&t, "/etc/modprobe.d/gone.conf", "/dev/null");
	tree_file(&t, "/etc/modprobe.d/kvm.conf", "options kvm_intel nested=1\n");
	tree_file(&t, "/etc/modprobe.d/readme.txt", "options kvm_intel nested=2\n");
	tree_file(&t, "/proc/cmdline", "kvm_intel.ept=1\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(modprobe_conf_read(h, &c, NULL), 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.v[0].file, "/usr/lib/modprobe.d/a.conf");
	assert_string_equal(c.v[1].rest, "nested=1");
	modprobe_conf_free(&c);
	host_close(h);
	/* with a kernel its command line comes last */
	tree_file(&t, "/.hostkit-record", "arch = x86_64\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(modprobe_conf_read(h, &c, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.v[2].rest, "ept=1");
	modprobe_conf_free(&c);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_faults),
		cmocka_unit_test(options_that_disagree),
		cmocka_unit_test(names),
		cmocka_unit_test(a_file_in_etc_masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
