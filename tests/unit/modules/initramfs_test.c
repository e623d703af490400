/* SPDX-License-Identifier: MIT */
#include "modules/initramfs.h"

#include "tests/unit/modules/tree.h"

#include <string.h>

/* The command that makes the initramfs which loads @module anew, or NULL. */
static const char *maker(const struct world *w, const char *module)
{
	AUTO_MODULE struct module mod = { 0 };
	const struct initramfs_tool *tool;

	assert_int_equal(module_get(w->m, module, &mod, NULL), 0);
	tool = initramfs_loads(w->h, &mod);
	return tool ? tool->command : NULL;
}

static void expect(const struct world *w, const char *module, const char *command)
{
	const char *is = maker(w, module);

	if (command)
		assert_string_equal(is ? is : "none", command);
	else
		assert_null(is);
}

static void program(const struct world *w, const char *path)
{
	tree_file(&w->t, path, "#!/bin/sh\n");
	assert_int_equal(chmod(tree_path(&w->t, path), 0755), 0);
}

static void alpine(void **state)
{
	struct world *w = *state;

	world_lists(&w->t);
	world_open(w);
	expect(w, "tun", NULL);
	tree_file(&w->t, "/etc/mkinitfs/mkinitfs.conf", "features=\"base net ../x\"\n");
	tree_file(&w->t, "/etc/mkinitfs/features.d/net.modules",
		  "# network\nkernel/drivers/net/*.ko*\n");
	tree_file(&w->t, "/etc/mkinitfs/features.d/vhost.modules", "kernel/drivers/vhost\n");
	expect(w, "tun", "mkinitfs");
	/* a feature that is not asked for */
	expect(w, "vhost", NULL);
	tree_file(&w->t, "/etc/mkinitfs/mkinitfs.conf", "features=\"base vhost\"\n");
	expect(w, "vhost", "mkinitfs");
}

static void debian(void **state)
{
	struct world *w = *state;

	world_lists(&w->t);
	world_open(w);
	tree_file(&w->t, "/etc/initramfs-tools/modules", "# x\nvhost\n");
	expect(w, "vhost", "update-initramfs -u -k all");
	expect(w, "tun", NULL);
	/* dracut took its place and left the file where it was */
	program(w, "/usr/sbin/update-initramfs");
	program(w, "/usr/bin/dracut");
	expect(w, "vhost", NULL);
	assert_string_equal(initramfs_tool(w->h)->program, "dracut");
	program(w, "/usr/sbin/mkinitramfs");
	expect(w, "vhost", "update-initramfs -u -k all");
}

static void dracut(void **state)
{
	struct world *w = *state;

	world_lists(&w->t);
	world_open(w);
	program(w, "/usr/bin/dracut");
	expect(w, "kvm_intel", NULL);
	tree_file(&w->t, "/usr/lib/dracut/dracut.conf.d/01-dist.conf",
		  "add_drivers+=\" tun \"\n");
	expect(w, "tun", "dracut --force --regenerate-all");
	expect(w, "kvm_intel", NULL);
	tree_file(&w->t, "/etc/dracut.conf.d/10-kvm.conf",
		  "# for guests\nforce_drivers+=\" vhost kvm-intel \"\n");
	expect(w, "kvm_intel", "dracut --force --regenerate-all");
	/* the same name in /etc takes the place of the distribution's */
	tree_file(&w->t, "/etc/dracut.conf.d/01-dist.conf", "hostonly=yes\n");
	expect(w, "tun", NULL);
}

static void mkinitcpio(void **state)
{
	struct world *w = *state;

	world_lists(&w->t);
	world_open(w);
	tree_file(&w->t, "/etc/mkinitcpio.conf",
		  "# MODULES=(tun)\nMODULES=(vhost\n  kvm_intel # VT-x\n)\nHOOKS=(base tun)\n");
	expect(w, "kvm_intel", "mkinitcpio -P");
	expect(w, "tun", NULL);
	tree_file(&w->t, "/etc/mkinitcpio.conf.d/mine.conf", "MODULES+=(tun?)\n");
	expect(w, "tun", "mkinitcpio -P");
	tree_file(&w->t, "/etc/mkinitcpio.conf.d/zz.conf", "MODULES=()\n");
	expect(w, "kvm_intel", NULL);
}

static void shell_lists(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{ "m=\"a tun b\"\n", true },
		{ "m='tun'", true },
		{ "m=tun;x=1\n", true },
		{ "m+=\" tun \"\nm+=\" b \"\n", true },
		{ "m=\"tun\"\nm=\"b\"\n", false },
		{ "m=(a 'tun' b)\n", true },
		{ "m=(a\n# tun\nb)\n", false },
		{ "m=\"a\\\n tun\"\n", true },
		{ "m=\"tunnel xtun tun.x\"\n", false },
		{ "xm=tun\nmx=tun\nm =tun\n", false },
		/* a text of another variable that looks like ours */
		{ "x=\"\nm=tun\n\"\n", false },
		{ "  m=\"tun", true },
		{ "m=", false },
		{ "m+", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool has = false;

		initramfs_conf_read(rows[i].text, strlen(rows[i].text), "m", "tun", &has);
		assert_int_equal(has, rows[i].has);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(alpine),
		world_test(debian),
		world_test(dracut),
		world_test(mkinitcpio),
		cmocka_unit_test(shell_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
