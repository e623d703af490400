/* SPDX-License-Identifier: MIT */
/*
 * The kernel modules of a host: which there are, which of them run, who uses them.
 *
 * What runs is read from /sys/module, what could be loaded from the lists that depmod
 * keeps under /lib/modules, both below the host's root; nothing is asked of the kernel
 * that runs this program unless the host is that machine.  modules/load.h changes things.
 *
 * Names are taken with dashes or underscores and given back as /sys/module writes them,
 * with underscores.  A struct modules is a snapshot of the lists, not of /sys; it may be used
 * from several threads.
 */
#ifndef MODULES_MODULE_H
#define MODULES_MODULE_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

struct modules;

/* Linux's own limit: 64 less the size of a long. */
#define MODULE_NAME_MAX 56

enum module_state {
	MODULE_UNKNOWN, /* this kernel has no such module */
	MODULE_ABSENT,  /* can be loaded, and is not */
	MODULE_BUILTIN, /* part of the kernel itself */
	MODULE_LIVE,
	MODULE_COMING,
	MODULE_GOING,
};

struct module {
	char name[MODULE_NAME_MAX + 1];
	enum module_state state;
	char *path;     /* of its file in the host; NULL: builtin, or there is none */
	long refcnt;    /* -1: not loaded, or this kernel does not count */
	char **holders; /* modules that stand on it now */
	size_t n_holders;
	char **needs; /* modules it stands on, as modules.dep has them: the deepest last */
	size_t n_needs;
};

/*
 * Reads the lists of the kernel that runs on @h; of an image those of its newest kernel.
 * That there are none is no error: modules_release() or modules_have_lists() tell.
 * @h must live as long.
 */
int modules_open(const struct host *h, struct modules **out, struct err *e) MUST_CHECK;
void modules_close(struct modules *m);
void modules_closep(struct modules **m);
#define AUTO_MODULES CLEANUP(modules_closep)

const struct host *modules_host(const struct modules *m);
/* "6.12.8-0-lts"; "" where no kernel was found. */
const char *modules_release(const struct modules *m);
/* /lib/modules/RELEASE/modules.dep is there: without it, only what runs is known, and
 * MODULE_UNKNOWN may be wrong. */
bool modules_have_lists(const struct modules *m);

/*
 * What is known of module @name (on the live host also an alias, "char-major-10-200").  That it
 * does not exist is a state, no error.  -EINVAL: no module can be called so.  module_free().
 */
int module_get(const struct modules *m, const char *name, struct module *out, struct err *e)
	MUST_CHECK;
void module_free(struct module *mod);
#define AUTO_MODULE CLEANUP(module_free)

/* It works: live or builtin. */
bool module_runs(const struct module *mod);
/* "builtin", "live", "coming", "going", "absent", "unknown". */
const char *module_state_name(enum module_state s);
/* Writes @name with underscores; -EINVAL if no module can be called so. */
int module_name(const char *name, char out[MODULE_NAME_MAX + 1], struct err *e) MUST_CHECK;

#endif
