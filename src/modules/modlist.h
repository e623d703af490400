/* SPDX-License-Identifier: MIT */
/*
 * The lists that depmod writes beside the modules: modules.dep ("kernel/a.ko.gz:
 * kernel/b.ko.gz", paths below the list's folder, what is to be loaded first stands last)
 * and modules.builtin (a path a line).  Read as text and not through libkmod's index
 * files, which are mapped and followed unchecked: a list may come from somebody
 * else's image.  Pure.
 */
#ifndef MODULES_MODLIST_H
#define MODULES_MODLIST_H

#include "base/err.h"
#include "modules/module.h"

#include <stddef.h>

struct modlist_row {
	char name[MODULE_NAME_MAX + 1]; /* with underscores */
	const char *path;               /* as it stands in the list */
	const char *deps;               /* paths parted by blanks, or "" */
};

struct modlist {
	char *text; /* what the rows point into */
	struct modlist_row *v;
	size_t n; /* by name, each once: the first in the list counts */
};

/* Lines that name no module are passed over.  -ENOMEM. */
int modlist_parse(const char *text, size_t len, struct modlist *out, struct err *e) MUST_CHECK;
void modlist_free(struct modlist *l);
/* @name with underscores; NULL: not listed. */
const struct modlist_row *modlist_find(const struct modlist *l, const char *name);
/* "kvm_intel" of "kernel/arch/x86/kvm/kvm-intel.ko.xz"; -EINVAL: no name of a module. */
int modlist_name(const char *path, size_t len, char out[MODULE_NAME_MAX + 1]) MUST_CHECK;

#endif
