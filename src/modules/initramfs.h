/* SPDX-License-Identifier: MIT */
/*
 * The initramfs: which program makes it here, and whether it loads a module.  One that it loads
 * has its options there too, as they were when it was made.
 */
#ifndef MODULES_INITRAMFS_H
#define MODULES_INITRAMFS_H

#include "host/host.h"
#include "modules/module.h"

#include <stdbool.h>
#include <stddef.h>

struct initramfs_tool {
	const char *program;
	const char *command;       /* for people: "update-initramfs -u -k all" */
	const char *const argv[5]; /* makes those of all kernels anew */
	const char *sign;          /* program that tells it from others of its name, or NULL */
	bool (*loads)(const struct host *h, const struct module *mod);
};

/* The one whose program the host has; NULL: none. */
const struct initramfs_tool *initramfs_tool(const struct host *h);
/* The one by whose configuration @mod is loaded from the initramfs; NULL: no sign of it. */
const struct initramfs_tool *initramfs_loads(const struct host *h, const struct module *mod);

/*
 * Pure: assignments to @name in a file that a shell reads (dracut.conf, mkinitcpio.conf):
 * NAME="a b", NAME+=" c ", NAME=(a 'b' c), which may go over lines.  *@has becomes whether
 * @module is among the words; NAME= forgets what was there before.
 */
void initramfs_conf_read(const char *text, size_t len, const char *name, const char *module,
			 bool *has);

#endif
