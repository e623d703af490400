/* SPDX-License-Identifier: MIT */
/*
 * What a module says of itself: the strings of its section .modinfo ("parmtype=nested:int"), by
 * libkmod, which unpacks .ko.gz, .ko.xz and .ko.zst; for built in modules those that the
 * kernel's build left in modules.builtin.modinfo ("kvm.parmtype=halt_poll_ns:uint").
 */
#ifndef MODULES_MODINFO_H
#define MODULES_MODINFO_H

#include "base/err.h"
#include "modules/module.h"

#include <stddef.h>

struct modinfo_pair {
	char *key, *value;
};

struct modinfo {
	struct modinfo_pair *v; /* in the module's order */
	size_t n;
};

/* -ENODATA: it has no file, or none of the kernel's builtin modules were described. */
int modinfo_read(const struct modules *m, const struct module *mod, struct modinfo *out,
		 struct err *e) MUST_CHECK;
/* Pure: those of module @name out of modules.builtin.modinfo, whose strings end with zero
 * bytes. */
int modinfo_parse_builtin(const char *text, size_t len, const char *name, struct modinfo *out,
			  struct err *e) MUST_CHECK;
void modinfo_free(struct modinfo *i);

#endif
