/* SPDX-License-Identifier: MIT */
#include "modules/kvm_vendor.h"

#include "modules/nested.h"
#include "tests/unit/modules/tree.h"

static void cpu(const struct tree *t, const char *vendor, const char *flags)
{
	char text[256];

	snprintf(text, sizeof(text), "processor\t: 0\nvendor_id\t: %s\nflags\t\t: fpu %s nx\n",
		 vendor, flags);
	tree_file(t, "/proc/cpuinfo", text);
}

static void by_capability(void **state)
{
	static const struct {
		const char *vendor, *flags, *module;
	} table[] = {
		{ "GenuineIntel", "vmx", "kvm_intel" },
		{ "AuthenticAMD", "svm", "kvm_amd" },
		{ "HygonGenuine", "svm", "kvm_amd" },
		{ "CentaurHauls", "vmx", "kvm_intel" },
		{ "GenuineIntel", "vmx_something svmx", NULL },
	};
	struct world *w = *state;

	world_record(&w->t);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct kvm_vendor k;

		cpu(&w->t, table[i].vendor, table[i].flags);
		if (!w->m)
			world_open(w);
		assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
		if (table[i].module)
			assert_string_equal(k.module, table[i].module);
		else
			assert_null(k.module);
	}
}

/* bool and int show the same thing in different ways. */
static void nested_as_the_kernel_has_it(void **state)
{
	static const struct {
		const char *text;
		enum kvm_nested nested;
	} table[] = {
		{ "Y\n", NESTED_ON },  { "1\n", NESTED_ON },     { "N\n", NESTED_OFF },
		{ "0\n", NESTED_OFF }, { "\n", NESTED_UNKNOWN }, { "?\n", NESTED_UNKNOWN },
	};
	struct world *w = *state;
	struct kvm_vendor k;

	world_record(&w->t);
	cpu(&w->t, "AuthenticAMD", "svm");
	world_open(w);
	assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
	assert_int_equal(k.state, MODULE_ABSENT);
	assert_int_equal(k.nested, NESTED_UNKNOWN);
	assert_string_equal(k.live, "");
	world_module(&w->t, "kvm_amd", "live\n", "0\n");
	assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
	assert_int_equal(k.nested, NESTED_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		tree_file(&w->t, "/sys/module/kvm_amd/parameters/nested", table[i].text);
		assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
		assert_int_equal(k.nested, table[i].nested);
		assert_string_equal(k.live, "kvm_amd");
	}
}

static void the_other_vendors_module(void **state)
{
	struct world *w = *state;
	struct kvm_vendor k;

	world_record(&w->t);
	cpu(&w->t, "GenuineIntel", "vmx");
	world_module(&w->t, "kvm_amd", "live\n", "0\n");
	world_open(w);
	assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
	assert_string_equal(k.module, "kvm_intel");
	assert_int_equal(k.state, MODULE_ABSENT);
	assert_string_equal(k.live, "kvm_amd");
}

static void arm_has_kvm_itself(void **state)
{
	struct world *w = *state;
	struct kvm_vendor k;

	world_record(&w->t);
	tree_file(&w->t, "/.hostkit-record", "arch = aarch64\n");
	/* builtin: a folder without a state */
	tree_dir(&w->t, "/sys/module/kvm/parameters");
	tree_file(&w->t, MODDIR "/modules.dep", "");
	world_open(w);
	assert_int_equal(kvm_vendor_get(w->m, &k, NULL), 0);
	assert_string_equal(k.module, "kvm");
	assert_int_equal(k.state, MODULE_BUILTIN);
	assert_int_equal(k.nested, NESTED_NONE);
}

static void an_image_has_no_processor(void **state)
{
	struct world *w = *state;
	struct kvm_vendor k;
	struct err e = { 0 };

	world_lists(&w->t);
	world_open(w);
	assert_int_equal(kvm_vendor_get(w->m, &k, &e), -ENOTSUP);
}

static void plan(struct world *w, bool on, bool write, bool reload)
{
	struct nested_plan p;
	struct err e = { 0 };

	if (nested_plan(w->m, on, &p, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.write, write);
	assert_int_equal(p.reload, reload);
}

static void only_what_differs_is_changed(void **state)
{
	struct world *w = *state;
	const char *ours = "/etc/modprobe.d/hostkit-kvm_amd.conf";

	world_record(&w->t);
	cpu(&w->t, "AuthenticAMD", "svm");
	world_open(w);
	/* not loaded, so nobody knows what it would be */
	plan(w, true, true, false);
	world_module(&w->t, "kvm_amd", "live\n", "0\n");
	tree_file(&w->t, "/sys/module/kvm_amd/parameters/nested", "1\n");
	plan(w, true, false, false);
	plan(w, false, true, true);
	tree_file(&w->t, ours, "options kvm_amd nested=0\n");
	plan(w, true, true, false);
	plan(w, false, false, true);
	/* right for the reader, wrong for an int: the module would not load */
	tree_file(&w->t, ours, "options kvm_amd nested=Y\n");
	plan(w, true, true, false);
	tree_file(&w->t, ours, "options kvm_amd nested=1\n");
	plan(w, true, false, false);
}

static void files_of_others_are_theirs(void **state)
{
	struct world *w = *state;
	struct nested_plan p;
	struct err e = { 0 };

	world_record(&w->t);
	cpu(&w->t, "GenuineIntel", "vmx");
	world_module(&w->t, "kvm_intel", "live\n", "0\n");
	tree_file(&w->t, "/sys/module/kvm_intel/parameters/nested", "N\n");
	tree_file(&w->t, "/etc/modprobe.d/zz.conf", "# mine\noptions kvm-intel nested=N\n");
	world_open(w);
	assert_int_equal(nested_plan(w->m, true, &p, &e), -EEXIST);
	assert_true(strstr(e.msg, "/etc/modprobe.d/zz.conf, line 2") != NULL);
	assert_int_equal(nested_look(w->m, &p, &e), 0);
	assert_string_equal(p.configured, "N");
	assert_int_equal(p.kvm.nested, NESTED_OFF);
}

static void builtin_modules_take_the_command_line(void **state)
{
	struct world *w = *state;
	struct nested_plan p;
	struct err e = { 0 };

	world_record(&w->t);
	cpu(&w->t, "GenuineIntel", "vmx");
	tree_file(&w->t, MODDIR "/modules.dep", "");
	tree_file(&w->t, "/sys/module/kvm_intel/parameters/nested", "N\n");
	world_open(w);
	assert_int_equal(nested_plan(w->m, true, &p, &e), -ENOTSUP);
	assert_true(strstr(e.msg, "kvm_intel.nested=1") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(by_capability),
		world_test(nested_as_the_kernel_has_it),
		world_test(the_other_vendors_module),
		world_test(arm_has_kvm_itself),
		world_test(an_image_has_no_processor),
		world_test(only_what_differs_is_changed),
		world_test(files_of_others_are_theirs),
		world_test(builtin_modules_take_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
