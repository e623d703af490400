/* SPDX-License-Identifier: MIT */
#include "host/bootloader_find.h"

#include "base/mem.h"
#include "host/boot_field.h"
#include "host/diskless.h"
#include "host/os_release.h"

#include <stdio.h>
#include <string.h>

static const struct boot_regen none = { "none", { NULL } };
static const struct boot_regen update_grub = { "update-grub", { "update-grub", NULL } };
static const struct boot_regen grub_mkconfig = { "grub-mkconfig",
						 { "grub-mkconfig", "-o", "/boot/grub/grub.cfg",
						   NULL } };
static const struct boot_regen grub2_mkconfig = { "grub2-mkconfig",
						  { "grub2-mkconfig", "-o",
						    "/boot/grub2/grub.cfg", NULL } };
static const struct boot_regen update_extlinux = { "update-extlinux",
						   { "update-extlinux", NULL } };
static const struct boot_regen u_boot_update = { "u-boot-update", { "u-boot-update", NULL } };
static const struct boot_regen kernel_install = { "kernel-install",
						  { "kernel-install", "add-all", NULL } };
static const struct boot_regen proxmox = { "proxmox-boot-tool",
					   { "proxmox-boot-tool", "refresh", NULL } };

#define KERNEL_CMDLINE "/etc/kernel/cmdline"
#define GRUB           "/etc/default/grub"
#define GRUB_D         "/etc/default/grub.d"

static bool has_program(const struct host *h, const char *name)
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (host_exists(h, path))
			return true;
	}
	return false;
}

static const char *first_of(const struct host *h, const char *const *paths)
{
	for (; *paths; paths++)
		if (host_exists(h, *paths))
			return *paths;
	return NULL;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

/* ---- GRUB ---- */

/* Does the file set the variable anew, not only put something behind what it was? */
static bool overrides(const struct host *h, const char *path)
{
	static const char *const names[] = { "GRUB_CMDLINE_LINUX_DEFAULT", NULL };
	AUTO_FREE char *text = NULL;
	struct boot_fields f;
	bool yes = false;
	size_t len;

	if (host_read(h, path, &text, &len, NULL) < 0 ||
	    boot_shell_fields(text, len, names, &f, NULL) < 0)
		return false;
	for (size_t i = 0; i < f.n; i++) {
		AUTO_FREE char *value = NULL;

		if (boot_shell_value(text, &f.v[i], names[0], "\1", &value, NULL) < 0 ||
		    !strchr(value, '\1'))
			yes = true;
	}
	boot_fields_free(&f);
	return yes;
}

/* /etc/default/grub, then Debian's grub.d; edited is the last one that decides. */
static int add_grub(const struct host *h, struct bootloader *b, bool edit, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	size_t which = b->n;
	int r = bootloader_add(b, GRUB, BOOT_TEXT_GRUB, false, e);

	if (r == 0 && has_program(h, "update-grub") && host_list(h, GRUB_D, &l, NULL) < 0)
		l.n = 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		char path[320];

		if (!ends_with(l.v[i], ".cfg") || l.v[i][0] == '.')
			continue;
		snprintf(path, sizeof(path), GRUB_D "/%.255s", l.v[i]);
		r = bootloader_add(b, path, BOOT_TEXT_GRUB, false, e);
		if (r == 0 && overrides(h, path))
			which = b->n - 1;
	}
	if (r == 0)
		b->places[which].edit = edit;
	return r;
}

static const struct boot_regen *grub_regen(const struct host *h)
{
	if (has_program(h, "update-grub"))
		return &update_grub;
	if (has_program(h, "grub2-mkconfig") && !has_program(h, "grub-mkconfig"))
		return &grub2_mkconfig;
	return &grub_mkconfig;
}

static int try_grub(const struct host *h, struct bootloader *b, struct err *e)
{
	if (!host_exists(h, GRUB))
		return 0;
	b->kind = BOOT_GRUB;
	b->regen = grub_regen(h);
	return add_grub(h, b, true, e);
}

/* ---- others ---- */

static int try_proxmox(const struct host *h, struct bootloader *b, struct err *e)
{
	bool cmdline = host_exists(h, KERNEL_CMDLINE), grub = host_exists(h, GRUB);
	/* with UEFI it sets up systemd-boot, which reads /etc/kernel/cmdline */
	bool efi = cmdline && (host_exists(h, "/sys/firmware/efi") || !grub);
	int r = 0;

	if (!host_exists(h, "/etc/kernel/proxmox-boot-uuids"))
		return 0;
	b->kind = BOOT_PROXMOX;
	b->regen = &proxmox;
	if (efi)
		r = bootloader_add(b, KERNEL_CMDLINE, BOOT_TEXT_WORDS, true, e);
	else if (grub)
		r = add_grub(h, b, true, e);
	if (cmdline && grub)
		snprintf(b->note, sizeof(b->note),
			 "both " KERNEL_CMDLINE " and " GRUB " are there; "
			 "`proxmox-boot-tool status` tells which loader is used");
	return r;
}

static int try_limine(const struct host *h, struct bootloader *b, struct err *e)
{
	static const char *const paths[] = {
		"/boot/limine.conf",          "/boot/limine/limine.conf",
		"/boot/EFI/BOOT/limine.conf", "/boot/EFI/limine/limine.conf",
		"/boot/efi/limine.conf",      "/efi/limine.conf",
		"/boot/limine.cfg",           NULL
	};
	const char *path = first_of(h, paths);

	if (!path)
		return 0;
	b->kind = BOOT_LIMINE;
	b->regen = &none;
	/* then limine-entry-tool makes entries and takes words from there */
	if (host_exists(h, "/etc/default/limine"))
		snprintf(b->note, sizeof(b->note),
			 "/etc/default/limine may replace what is changed in %s", path);
	return bootloader_add(b, path, BOOT_TEXT_LIMINE, true, e);
}

static int try_rpi(const struct host *h, struct bootloader *b, struct err *e)
{
	static const char *const dirs[] = { "/boot/firmware", "/boot", "/media/mmcblk0p1" };
	char config[64], cmdline[64];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(config, sizeof(config), "%s/config.txt", dirs[i]);
		snprintf(cmdline, sizeof(cmdline), "%s/cmdline.txt", dirs[i]);
		if (!host_exists(h, config) || !host_exists(h, cmdline))
			continue;
		b->kind = BOOT_RPI;
		b->regen = &none;
		return bootloader_add(b, cmdline, BOOT_TEXT_LINE, true, e);
	}
	return 0;
}

/* Entries are changed too, so that the next boot has the words without a program being run;
 * a kernel that is installed later takes them from /etc/kernel/cmdline. */
static int try_systemd_boot(const struct host *h, struct bootloader *b, struct err *e)
{
	static const char *const dirs[] = { "/efi/loader/entries", "/boot/loader/entries",
					    "/boot/efi/loader/entries" };
	bool cmdline = host_exists(h, KERNEL_CMDLINE);
	size_t entries = 0;
	int r = 0;

	if (cmdline)
		r = bootloader_add(b, KERNEL_CMDLINE, BOOT_TEXT_WORDS, true, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs) && !entries; i++) {
		AUTO_LIST struct host_list l = { 0 };

		if (host_list(h, dirs[i], &l, NULL) < 0)
			continue;
		for (size_t k = 0; r == 0 && k < l.n; k++) {
			char path[320];

			if (!ends_with(l.v[k], ".conf"))
				continue;
			snprintf(path, sizeof(path), "%s/%.255s", dirs[i], l.v[k]);
			r = bootloader_add(b, path, BOOT_TEXT_ENTRY, true, e);
			entries++;
		}
	}
	if (r < 0 || (!entries && !(cmdline && has_program(h, "bootctl") &&
				    !host_exists(h, "/boot/grub/grub.cfg")))) {
		bootloader_free(b);
		return r;
	}
	b->kind = BOOT_SYSTEMD_BOOT;
	b->regen = entries ? &none : &kernel_install;
	return 0;
}

static int try_syslinux(const struct host *h, struct bootloader *b, struct err *e)
{
	if (!host_exists(h, "/etc/update-extlinux.conf"))
		return 0;
	b->kind = BOOT_SYSLINUX;
	b->regen = &update_extlinux;
	return bootloader_add(b, "/etc/update-extlinux.conf", BOOT_TEXT_SYSLINUX, true, e);
}

static int try_extlinux(const struct host *h, struct bootloader *b, struct err *e)
{
	static const char *const paths[] = { "/boot/extlinux/extlinux.conf",
					     "/boot/extlinux.conf",
					     "/boot/syslinux/syslinux.cfg", NULL };
	const char *path = first_of(h, paths);

	if (has_program(h, "u-boot-update") && host_exists(h, "/etc/default/u-boot")) {
		b->kind = BOOT_UBOOT_MENU;
		b->regen = &u_boot_update;
		return bootloader_add(b, "/etc/default/u-boot", BOOT_TEXT_UBOOT, true, e);
	}
	if (!path)
		return 0;
	b->kind = BOOT_EXTLINUX;
	b->regen = &none;
	return bootloader_add(b, path, BOOT_TEXT_EXTLINUX, true, e);
}

/* Its medium is mounted read-only and has a loader of its own. */
static int try_diskless(const struct host *h, struct bootloader *b, struct err *e)
{
	struct diskless d;

	(void)e;
	if (!host_has_kernel(h) || !host_exists(h, "/etc/alpine-release") ||
	    diskless_read(h, &d, NULL) < 0 || d.root_in_memory != TRI_YES)
		return 0;
	b->kind = BOOT_DISKLESS;
	b->regen = &none;
	snprintf(b->note, sizeof(b->note),
		 "the command line is on the boot medium: remount it writable and edit "
		 "boot/syslinux/syslinux.cfg, boot/grub/grub.cfg or cmdline.txt there");
	return 0;
}

int bootloader_find(const struct host *h, struct bootloader *out, struct err *e)
{
	/* the more special first: Proxmox has GRUB's files, and so have hosts that left GRUB */
	static int (*const all[])(const struct host *, struct bootloader *, struct err *) = {
		try_diskless,     try_proxmox, try_limine,   try_rpi,
		try_systemd_boot, try_grub,    try_syslinux, try_extlinux,
	};
	int r = 0;

	memset(out, 0, sizeof(*out));
	out->regen = &none;
	for (size_t i = 0; r == 0 && !out->kind && i < ARRAY_SIZE(all); i++)
		r = all[i](h, out, e);
	if (!out->regen)
		out->regen = &none;
	return r;
}
