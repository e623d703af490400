/* SPDX-License-Identifier: MIT */
#include "host/cpuinfo.h"

#include "base/str.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void parse(const char *text, struct cpuinfo *c)
{
	assert_int_equal(cpuinfo_parse(text, strlen(text), c, NULL), 0);
}

static void an_intel_processor(void **state)
{
	AUTO_CPUINFO struct cpuinfo c;

	parse("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
	      "model\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\n"
	      "stepping\t: 4\nflags\t\t: fpu vmx ept nx pdpe1gb\n"
	      "vmx flags\t: vnmi ept vapic_reg vid unrestricted_guest\nbugs\t\t: l1tf\n",
	      &c);
	assert_int_equal(c.cpus, 1);
	assert_string_equal(c.vendor, "GenuineIntel");
	assert_string_equal(c.name, "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz");
	assert_int_equal(c.family, 6);
	assert_int_equal(c.model, 85);
	assert_int_equal(c.stepping, 4);
	assert_true(cpuinfo_has(&c, "vmx"));
	assert_false(cpuinfo_has(&c, "unrestricted_guest"));
	assert_false(cpuinfo_has(&c, "l1tf"));
	assert_true(c.has_vmx_line && words_has(&c.vmx, "unrestricted_guest"));
	assert_int_equal(c.some.n, 0);
}

static void processors_that_differ(void **state)
{
	AUTO_CPUINFO struct cpuinfo c;

	parse("processor : 0\nflags : a b c\n\nprocessor : 1\nflags : a b d\n\n"
	      "processor : 2\nflags : a b c\n",
	      &c);
	assert_int_equal(c.cpus, 3);
	assert_true(cpuinfo_has(&c, "a") && cpuinfo_has(&c, "b"));
	assert_false(cpuinfo_has(&c, "c") || cpuinfo_has(&c, "d"));
	assert_int_equal(c.some.n, 2);
	assert_true(words_has(&c.some, "c") && words_has(&c.some, "d"));
}

static void a_processor_without_the_line(void **state)
{
	AUTO_CPUINFO struct cpuinfo c;

	parse("processor : 0\nflags : vmx\nvmx flags : ept\n\nprocessor : 1\nflags : vmx\n",
	      &c);
	assert_true(cpuinfo_has(&c, "vmx"));
	assert_int_equal(c.vmx.n, 0);
	assert_true(c.has_vmx_line);
}

static void arm64(void **state)
{
	AUTO_CPUINFO struct cpuinfo c;

	parse("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm\n"
	      "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
	      "CPU part\t: 0xd0c\nCPU revision\t: 1\n\nprocessor\t: 1\nFeatures\t: fp asimd "
	      "evtstrm\nCPU implementer\t: 0x42\n",
	      &c);
	assert_int_equal(c.cpus, 2);
	assert_string_equal(c.vendor, "0x41");
	assert_int_equal(c.model, 0xd0c);
	assert_int_equal(c.stepping, 1);
	assert_int_equal(c.family, 0);
	assert_true(cpuinfo_has(&c, "asimd"));
}

/* Others read such a line in pieces of 1 KiB and lose what is behind. */
static void flags_far_behind(void **state)
{
	AUTO_CPUINFO struct cpuinfo c;
	struct str s = STR_INIT;
	char *text;

	str_add(&s, "processor : 0\nflags :");
	for (int i = 0; i < 2000; i++)
		str_addf(&s, " flag%d", i);
	str_add(&s, " svm\n");
	text = str_take(&s, NULL);
	assert_non_null(text);
	parse(text, &c);
	free(text);
	assert_true(cpuinfo_has(&c, "svm"));
	assert_true(cpuinfo_has(&c, "flag1999"));
	assert_int_equal(c.flags.n, 2001);
}

static void nothing_to_go_by(void **state)
{
	struct cpuinfo c;
	struct err e = { 0 };

	assert_int_equal(cpuinfo_parse("", 0, &c, &e), -EINVAL);
	assert_int_equal(cpuinfo_parse("flags : vmx\n", 12, &c, &e), -EINVAL);
	assert_string_equal(e.msg, "no processor is listed");
	assert_int_equal(c.flags.n, 0);
}

static void read_below_a_root(void **state)
{
	struct cpuinfo c;
	struct host *h;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/proc/cpuinfo", "processor : 0\nflags : svm\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	/* an image's /proc is nobody's */
	assert_int_equal(cpuinfo_read(h, &c, NULL), -ENOTSUP);
	host_close(h);
	tree_file(&t, "/.hostkit-record", "arch = x86_64\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(cpuinfo_read(h, &c, NULL), 0);
	assert_true(cpuinfo_has(&c, "svm"));
	cpuinfo_free(&c);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_intel_processor),
		cmocka_unit_test(processors_that_differ),
		cmocka_unit_test(a_processor_without_the_line),
		cmocka_unit_test(arm64),
		cmocka_unit_test(flags_far_behind),
		cmocka_unit_test(nothing_to_go_by),
		cmocka_unit_test(read_below_a_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
