/* SPDX-License-Identifier: MIT */
#include "host/modprobe_conf.h"
#include "modules/load.h"
#include "tests/unit/modules/tree.h"

#include <sys/stat.h>

static enum module_state state_of(const struct world *w, const char *name)
{
	AUTO_MODULE struct module mod = { 0 };

	assert_int_equal(module_get(w->m, name, &mod, NULL), 0);
	return mod.state;
}

static void states_of_a_running_host(void **state)
{
	struct world *w = *state;

	world_record(&w->t);
	world_module(&w->t, "kvm", "live\n", "1\n");
	tree_dir(&w->t, "/sys/module/kvm/holders/kvm_intel");
	world_module(&w->t, "kvm_intel", "live\n", "0\n");
	world_module(&w->t, "vhost", "going\n", "-1\n");
	world_module(&w->t, "irqbypass", "coming\n", "0\n");
	/* built in, with parameters; not in any list */
	tree_dir(&w->t, "/sys/module/printk/parameters");
	/* between making the folder and filling it */
	tree_dir(&w->t, "/sys/module/kvm_amd");
	world_open(w);
	assert_string_equal(modules_release(w->m), RELEASE);
	assert_true(modules_have_lists(w->m));
	assert_int_equal(state_of(w, "kvm"), MODULE_LIVE);
	assert_int_equal(state_of(w, "kvm-intel"), MODULE_LIVE);
	assert_int_equal(state_of(w, "vhost"), MODULE_GOING);
	assert_int_equal(state_of(w, "irqbypass"), MODULE_COMING);
	assert_int_equal(state_of(w, "kvm_amd"), MODULE_COMING);
	assert_int_equal(state_of(w, "printk"), MODULE_BUILTIN);
	assert_int_equal(state_of(w, "halt"), MODULE_BUILTIN);
	assert_int_equal(state_of(w, "msr-dev"), MODULE_BUILTIN);
	assert_int_equal(state_of(w, "tun"), MODULE_ABSENT);
	assert_int_equal(state_of(w, "tunnel4"), MODULE_UNKNOWN);
}

static void who_uses_it_and_what_it_needs(void **state)
{
	struct world *w = *state;
	AUTO_MODULE struct module mod = { 0 };

	world_record(&w->t);
	world_module(&w->t, "kvm", "live\n", "3\n");
	tree_dir(&w->t, "/sys/module/kvm/holders/kvm_intel");
	world_open(w);
	assert_int_equal(module_get(w->m, "kvm", &mod, NULL), 0);
	assert_int_equal(mod.refcnt, 3);
	assert_int_equal(mod.n_holders, 1);
	assert_string_equal(mod.holders[0], "kvm_intel");
	assert_int_equal(mod.n_needs, 1);
	assert_string_equal(mod.needs[0], "irqbypass");
	assert_string_equal(mod.path, MODDIR "/kernel/arch/x86/kvm/kvm.ko");
	module_free(&mod);
	assert_int_equal(module_get(w->m, "kvm-amd", &mod, NULL), 0);
	assert_string_equal(mod.name, "kvm_amd");
	assert_int_equal(mod.refcnt, -1);
	assert_int_equal(mod.n_needs, 2);
	assert_string_equal(mod.needs[1], "irqbypass");
}

static void an_image_has_no_running_modules(void **state)
{
	struct world *w = *state;

	world_lists(&w->t);
	/* left over from a copy of a running system */
	world_module(&w->t, "tun", "live\n", "0\n");
	tree_file(&w->t, "/lib/modules/5.10.0-1-test/modules.dep", "kernel/old.ko:\n");
	world_open(w);
	assert_int_equal(host_kind(w->h), HOST_IMAGE);
	assert_string_equal(modules_release(w->m), RELEASE);
	assert_int_equal(state_of(w, "tun"), MODULE_ABSENT);
	assert_int_equal(state_of(w, "halt"), MODULE_BUILTIN);
	assert_int_equal(state_of(w, "old"), MODULE_UNKNOWN);
}

static void an_image_without_kernel(void **state)
{
	struct world *w = *state;

	tree_dir(&w->t, "/etc");
	world_open(w);
	assert_string_equal(modules_release(w->m), "");
	assert_false(modules_have_lists(w->m));
	assert_int_equal(state_of(w, "tun"), MODULE_UNKNOWN);
}

static void names_that_are_none(void **state)
{
	static const char *const bad[] = { "",
					   "../tun",
					   "tun/..",
					   "t n",
					   "a.b",
					   "\033[2J",
					   "tun\n",
					   "123456789012345678901234567890123456789012345678901"
					   "234567" };
	struct world *w = *state;

	world_record(&w->t);
	world_open(w);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct module mod;
		struct err e = { 0 };

		if (module_get(w->m, bad[i], &mod, &e) != -EINVAL || e.code != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_true(modprobe_same_name("kvm-intel", "kvm_intel"));
	assert_false(modprobe_same_name("kvm-intel", "kvm_inte"));
	assert_false(modprobe_same_name("kvm", "kvm_intel"));
}

/* A tree from somebody else: nothing of it hangs, or leads out of it. */
static void hostile_trees(void **state)
{
	struct world *w = *state;

	world_record(&w->t);
	assert_int_equal(unlink(tree_path(&w->t, MODDIR "/modules.builtin")), 0);
	assert_int_equal(mkfifo(tree_path(&w->t, MODDIR "/modules.builtin"), 0600), 0);
	world_module(&w->t, "tun", "live\n", "99999999999999999999\n");
	tree_dir(&w->t, "/sys/module/vhost/initstate");
	world_open(w);
	assert_int_equal(state_of(w, "tun"), MODULE_LIVE);
	assert_int_equal(state_of(w, "halt"), MODULE_UNKNOWN);
	{
		struct module mod;
		struct err e = { 0 };

		assert_int_equal(module_get(w->m, "vhost", &mod, &e), -EISDIR);
		assert_true(strstr(e.msg, "initstate") != NULL);
	}
}

static void a_release_is_no_path(void **state)
{
	struct world *w = *state;

	world_record(&w->t);
	tree_file(&w->t, "/proc/sys/kernel/osrelease", "../../etc\n");
	tree_file(&w->t, "/etc/modules.dep", "kernel/evil.ko:\n");
	world_open(w);
	assert_false(modules_have_lists(w->m));
	assert_int_equal(state_of(w, "evil"), MODULE_UNKNOWN);
}

static void only_the_live_host_changes(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };

	world_record(&w->t);
	world_open(w);
	assert_int_equal(module_load(w->m, "tun", &e), -ENOTSUP);
	assert_int_equal(module_unload(w->m, "tun", &e), -ENOTSUP);
}

static void what_keeps_a_module(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };

	world_record(&w->t);
	world_module(&w->t, "vhost", "live\n", "1\n");
	tree_dir(&w->t, "/sys/module/vhost/holders/vhost_net");
	world_module(&w->t, "tun", "live\n", "2\n");
	world_module(&w->t, "kvm", "live\n", "7\n");
	world_module(&w->t, "irqbypass", "live\n", "0\n");
	tree_file(&w->t, "/proc/4711/comm", "qemu-system-x86\n");
	tree_dir(&w->t, "/proc/4711/fd");
	tree_link(&w->t, "/proc/4711/fd/9", "/dev/net/tun");
	tree_file(&w->t, "/proc/4712/comm", "sh\n");
	tree_dir(&w->t, "/proc/4712/fd");
	tree_link(&w->t, "/proc/4712/fd/0", "/dev/null");
	world_open(w);
	assert_int_equal(module_unused(w->m, "vhost", &e), -EBUSY);
	assert_true(strstr(e.msg, "vhost_net") != NULL);
	assert_int_equal(module_unused(w->m, "tun", &e), -EBUSY);
	assert_true(strstr(e.msg, "qemu-system-x86 (4711)") != NULL);
	assert_null(strstr(e.msg, "4712"));
	assert_int_equal(module_unused(w->m, "kvm", &e), -EBUSY);
	assert_true(strstr(e.msg, "7") != NULL);
	assert_int_equal(module_unused(w->m, "irqbypass", &e), 0);
	/* not loaded: nobody uses it */
	assert_int_equal(module_unused(w->m, "kvm_amd", &e), 0);
	assert_int_equal(module_unused(w->m, "halt", &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(states_of_a_running_host),
		world_test(who_uses_it_and_what_it_needs),
		world_test(an_image_has_no_running_modules),
		world_test(an_image_without_kernel),
		world_test(names_that_are_none),
		world_test(hostile_trees),
		world_test(a_release_is_no_path),
		world_test(only_the_live_host_changes),
		world_test(what_keeps_a_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
