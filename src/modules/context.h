/* SPDX-License-Identifier: MIT */
/* What a struct modules is made of: for this room's own files. */
#ifndef MODULES_CONTEXT_H
#define MODULES_CONTEXT_H

#include "modules/modlist.h"
#include "modules/module.h"

#include <libkmod.h>

struct modules {
	const struct host *h;
	char release[66];
	bool lists; /* modules.dep is there */
	struct modlist loadable, builtin;
};

/* A libkmod context that says nothing on stderr; of the machine this runs on if @live, else
 * one that looks at no folder at all.  kmod_unref(). */
int modules_kmod(bool live, struct kmod_ctx **out, struct err *e) MUST_CHECK;
/* The folder of the lists in the host: "/lib/modules/6.12.8-0-lts". */
void modules_dir(const struct modules *m, char out[96]);

#endif
