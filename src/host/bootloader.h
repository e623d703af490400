/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel's command line of the next boot is kept, and what has to be run after a
 * change of it.  How a text is changed is in boot_text.h.
 */
#ifndef HOST_BOOTLOADER_H
#define HOST_BOOTLOADER_H

#include "base/err.h"
#include "host/boot_text.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

enum boot_kind {
	BOOT_NONE,         /* none that is known here */
	BOOT_GRUB,         /* /etc/default/grub and grub.d */
	BOOT_SYSLINUX,     /* Alpine's /etc/update-extlinux.conf */
	BOOT_EXTLINUX,     /* extlinux.conf itself: U-Boot, syslinux by hand */
	BOOT_UBOOT_MENU,   /* Debian's /etc/default/u-boot, from which extlinux.conf is made */
	BOOT_LIMINE,       /* limine.conf */
	BOOT_RPI,          /* Raspberry Pi: cmdline.txt */
	BOOT_SYSTEMD_BOOT, /* /etc/kernel/cmdline and loader/entries */
	BOOT_PROXMOX,      /* proxmox-boot-tool, with GRUB or systemd-boot */
	BOOT_DISKLESS,     /* Alpine that runs from memory: all is on its read-only medium */
};

/* What makes the loader's own files anew. */
struct boot_regen {
	const char *id;      /* "update-grub"; "none": nothing is needed */
	const char *argv[6]; /* ends with NULL; empty for "none" */
};

struct boot_place {
	char *path;
	enum boot_syntax syntax;
	/* A change of the command line is a boot_edit() of each place that has this. */
	bool edit;
	char *cmdline; /* what it says, by single blanks; NULL: @fault says why it is not known */
	char fault[200]; /* "line 3: the value is made by a command" */
};

struct bootloader {
	enum boot_kind kind;
	const char *name; /* "GRUB", "syslinux" */
	const struct boot_regen *regen;
	struct boot_place *places; /* in the order they are read */
	size_t n;
	char *cmdline;  /* of the next boot as far as these files say it, or NULL: not known */
	bool writable;  /* some place can be edited */
	char note[200]; /* what the administrator has to know or do beside, or "" */
};

/* Finding none is no error: BOOT_NONE.  Files that cannot be read are. */
int bootloader_read(const struct host *h, struct bootloader *out, struct err *e) MUST_CHECK;
void bootloader_free(struct bootloader *b);
const char *bootloader_name(enum boot_kind kind);

#endif
