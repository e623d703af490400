/* SPDX-License-Identifier: MIT */
/* Hosts with modules, as small trees: a recorded one and its image. */
#ifndef TESTS_UNIT_MODULES_TREE_H
#define TESTS_UNIT_MODULES_TREE_H

#include "host/host.h"
#include "modules/module.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

#define RELEASE "6.1.0-9-test"
#define MODDIR  "/lib/modules/" RELEASE

struct world {
	struct tree t;
	struct host *h;
	struct modules *m;
};

/* What both have: lists of what could be loaded. */
static inline void world_lists(const struct tree *t)
{
	static const char infos[] =
		"halt.parmtype=force:bool\0halt.parm=force:Do it\0halt.parmtype=nr:int\0"
		"halt.license=GPL\0msr_dev.parmtype=x:uint\0"
		"halt.parmtype=list:array of byte";

	tree_file(t, MODDIR "/modules.dep",
		  "kernel/arch/x86/kvm/kvm.ko: kernel/virt/lib/irqbypass.ko\n"
		  "kernel/arch/x86/kvm/kvm-intel.ko.xz: kernel/arch/x86/kvm/kvm.ko "
		  "kernel/virt/lib/irqbypass.ko\n"
		  "kernel/arch/x86/kvm/kvm-amd.ko.xz: kernel/arch/x86/kvm/kvm.ko "
		  "kernel/virt/lib/irqbypass.ko\n"
		  "kernel/virt/lib/irqbypass.ko:\n"
		  "kernel/drivers/net/tun.ko:\n"
		  "kernel/drivers/vhost/vhost.ko:\n");
	tree_file(t, MODDIR "/modules.builtin",
		  "kernel/drivers/char/msr-dev.ko\nkernel/lib/halt.ko\n");
	tree_bytes(t, MODDIR "/modules.builtin.modinfo", infos, sizeof(infos) - 1);
}

static inline void world_module(const struct tree *t, const char *name, const char *state,
				const char *refs)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	tree_file(t, path, state);
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	tree_file(t, path, refs);
	snprintf(path, sizeof(path), "/sys/module/%s/holders", name);
	tree_dir(t, path);
}

static inline void world_record(const struct tree *t)
{
	tree_file(t, "/.hostkit-record", "arch = x86_64\neuid = 0\n");
	tree_file(t, "/proc/sys/kernel/osrelease", RELEASE "\n");
	tree_file(t, "/proc/cmdline", "quiet\n");
	tree_dir(t, "/sys/module");
	world_lists(t);
}

static inline void world_open(struct world *w)
{
	assert_int_equal(host_open(w->t.root, &w->h, NULL), 0);
	assert_int_equal(modules_open(w->h, &w->m, NULL), 0);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	tree_make(&w->t);
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	modules_close(w->m);
	host_close(w->h);
	tree_remove(&w->t);
	free(w);
	return 0;
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

#endif
