/* SPDX-License-Identifier: MIT */
/*
 * Configuration files in QEMU's form (-readconfig): groups, each as one option of the command
 * line.
 *
 *	[device "net0"]
 *	  driver = "virtio-net-pci"
 *	  netdev = "n0"
 */
#ifndef EMU_OPTIONS_FILE_H
#define EMU_OPTIONS_FILE_H

#include "base/err.h"

/* One group: the option's name and its value, "FIRST,key=value,...,id=ID". */
struct options_file_user {
	/* Which key's value stands at the front without the key; NULL: none. */
	const char *(*first)(void *arg, const char *option);
	int (*option)(void *arg, const char *option, const char *value, struct err *e);
	void *arg;
};

/* @text is hostile.  -EINVAL naming the line, or what option() returned. */
int options_file_parse(const char *text, const struct options_file_user *u, struct err *e)
	MUST_CHECK;

#endif
