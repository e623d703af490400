/* SPDX-License-Identifier: MIT */
#include "host/bootloader.h"

#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

/* Files of a root, "path", "text" in turn; ends with NULL. */
static void look(struct tree *t, const char *const *files, struct bootloader *b)
{
	struct host *h;

	tree_make(t);
	for (; *files; files += 2)
		tree_file(t, files[0], files[1]);
	assert_int_equal(host_open(t->root, &h, NULL), 0);
	assert_int_equal(bootloader_read(h, b, NULL), 0);
	host_close(h);
	tree_remove(t);
}

static void each_loader(void **state)
{
	static const struct {
		const char *files[12];
		enum boot_kind kind;
		const char *regen, *edit, *cmdline; /* edit: the first place to change */
	} t[] = {
		{ { NULL }, BOOT_NONE, "none", NULL, NULL },
		{ { "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n",
		    "/usr/sbin/update-grub", "", NULL },
		  BOOT_GRUB,
		  "update-grub",
		  "/etc/default/grub",
		  "quiet" },
		{ { "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\n",
		    "/etc/update-extlinux.conf", "default_kernel_opts=b\n", NULL },
		  BOOT_GRUB,
		  "grub-mkconfig",
		  "/etc/default/grub",
		  "a" },
		{ { "/etc/default/grub", "X=1\n", "/usr/bin/grub2-mkconfig", "", NULL },
		  BOOT_GRUB,
		  "grub2-mkconfig",
		  "/etc/default/grub",
		  "" },
		/* Debian's folder: what sets anew decides, what adds does not */
		{ { "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\n",
		    "/usr/sbin/update-grub", "", "/etc/default/grub.d/10-cloud.cfg",
		    "GRUB_CMDLINE_LINUX_DEFAULT=\"b\"\n", "/etc/default/grub.d/20-more.cfg",
		    "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT c\"\n",
		    "/etc/default/grub.d/readme", "x", NULL },
		  BOOT_GRUB,
		  "update-grub",
		  "/etc/default/grub.d/10-cloud.cfg",
		  "b c" },
		{ { "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"$(x)\"\n", NULL },
		  BOOT_GRUB,
		  "grub-mkconfig",
		  "/etc/default/grub",
		  NULL },
		{ { "/etc/update-extlinux.conf", "default_kernel_opts=\"quiet\"\n",
		    "/boot/extlinux.conf", "label x\n append y\n", NULL },
		  BOOT_SYSLINUX,
		  "update-extlinux",
		  "/etc/update-extlinux.conf",
		  "quiet" },
		{ { "/boot/extlinux/extlinux.conf", "label x\n append y\n", NULL },
		  BOOT_EXTLINUX,
		  "none",
		  "/boot/extlinux/extlinux.conf",
		  "y" },
		{ { "/boot/extlinux/extlinux.conf", "label x\n append y\n",
		    "/usr/sbin/u-boot-update", "", "/etc/default/u-boot",
		    "U_BOOT_PARAMETERS=\"ro\"\n", NULL },
		  BOOT_UBOOT_MENU,
		  "u-boot-update",
		  "/etc/default/u-boot",
		  "ro" },
		{ { "/boot/limine.conf", "/A\nprotocol: linux\ncmdline: a\n",
		    "/etc/default/grub", "", NULL },
		  BOOT_LIMINE,
		  "none",
		  "/boot/limine.conf",
		  "a" },
		{ { "/boot/firmware/cmdline.txt", "console=tty1\n", "/boot/firmware/config.txt",
		    "", NULL },
		  BOOT_RPI,
		  "none",
		  "/boot/firmware/cmdline.txt",
		  "console=tty1" },
		{ { "/etc/kernel/cmdline", "root=a ro\n", "/boot/loader/entries/x-6.1.conf",
		    "title x\noptions root=a ro\n", "/etc/default/grub", "", NULL },
		  BOOT_SYSTEMD_BOOT,
		  "none",
		  "/etc/kernel/cmdline",
		  "root=a ro" },
		{ { "/boot/efi/loader/entries/x.conf", "title x\noptions b\n", NULL },
		  BOOT_SYSTEMD_BOOT,
		  "none",
		  "/boot/efi/loader/entries/x.conf",
		  "b" },
		{ { "/etc/kernel/cmdline", "a\n", "/usr/bin/bootctl", "", NULL },
		  BOOT_SYSTEMD_BOOT,
		  "kernel-install",
		  "/etc/kernel/cmdline",
		  "a" },
		/* a left-over of kernel-install beside GRUB */
		{ { "/etc/kernel/cmdline", "a\n", "/usr/bin/bootctl", "", "/boot/grub/grub.cfg",
		    "", "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=b\n", NULL },
		  BOOT_GRUB,
		  "grub-mkconfig",
		  "/etc/default/grub",
		  "b" },
		{ { "/etc/kernel/proxmox-boot-uuids", "1-2\n", "/etc/kernel/cmdline", "a\n",
		    NULL },
		  BOOT_PROXMOX,
		  "proxmox-boot-tool",
		  "/etc/kernel/cmdline",
		  "a" },
		{ { "/etc/kernel/proxmox-boot-uuids", "1-2\n", "/etc/default/grub",
		    "GRUB_CMDLINE_LINUX=b\n", NULL },
		  BOOT_PROXMOX,
		  "proxmox-boot-tool",
		  "/etc/default/grub",
		  "b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *edit = NULL;
		struct bootloader b;
		struct tree root;

		look(&root, t[i].files, &b);
		assert_int_equal(b.kind, t[i].kind);
		assert_string_equal(b.name, bootloader_name(t[i].kind));
		assert_string_equal(b.regen->id, t[i].regen);
		assert_int_equal(b.regen->argv[0] != NULL, strcmp(t[i].regen, "none") != 0);
		for (size_t k = b.n; k > 0; k--)
			if (b.places[k - 1].edit)
				edit = b.places[k - 1].path;
		assert_int_equal(b.writable, edit != NULL);
		if (t[i].edit)
			assert_string_equal(edit, t[i].edit);
		else
			assert_null(edit);
		if (t[i].cmdline)
			assert_string_equal(b.cmdline, t[i].cmdline);
		else
			assert_null(b.cmdline);
		bootloader_free(&b);
	}
}

static void faults_are_told(void **state)
{
	static const char *const files[] = { "/etc/default/grub",
					     "X=1\nGRUB_CMDLINE_LINUX=\"$(x)\"\n", NULL };
	struct bootloader b;
	struct tree t;

	look(&t, files, &b);
	assert_null(b.places[0].cmdline);
	assert_non_null(strstr(b.places[0].fault, "line 2"));
	bootloader_free(&b);
}

static void from_memory(void **state)
{
	static const char *const files[] = { "/.hostkit-record",
					     "arch = x86_64\nstatfs / = 0x01021994 4096\n",
					     "/etc/alpine-release",
					     "3.22.0\n",
					     "/etc/default/grub",
					     "",
					     NULL };
	struct bootloader b;
	struct tree t;

	look(&t, files, &b);
	assert_int_equal(b.kind, BOOT_DISKLESS);
	assert_false(b.writable);
	assert_true(b.note[0]);
	bootloader_free(&b);
}

static void both_of_systemd_boot(void **state)
{
	static const char *const files[] = { "/etc/kernel/cmdline",
					     "a\n",
					     "/boot/loader/entries/x.conf",
					     "options a\n",
					     "/boot/loader/entries/y.conf",
					     "efi /shell.efi\n",
					     NULL };
	struct bootloader b;
	struct tree t;

	look(&t, files, &b);
	assert_int_equal(b.n, 3);
	assert_true(b.places[0].edit && b.places[1].edit);
	/* a shell has no kernel command line */
	assert_false(b.places[2].edit);
	bootloader_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loader),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(from_memory),
		cmocka_unit_test(both_of_systemd_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
