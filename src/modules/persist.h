/* SPDX-License-Identifier: MIT */
/*
 * Modules that are loaded at boot, and their options: where this distribution keeps the
 * list, and what it would look like with one more.  Nothing here writes; the texts are
 * for a plan (tune) or for `vmod persist`.
 */
#ifndef MODULES_PERSIST_H
#define MODULES_PERSIST_H

#include "base/err.h"
#include "modules/module.h"

#include <stdbool.h>
#include <stddef.h>

enum persist_form {
	PERSIST_LINES, /* a name a line, '#' begins a comment: /etc/modules, modules-load.d */
	PERSIST_CONFD, /* modules="tun vhost_net": /etc/conf.d/modules of OpenRC */
};

struct persist_place {
	const char *path; /* constant */
	enum persist_form form;
	/* What reads it, for the user: "the init script modules"; constant. */
	const char *reader;
};

/* Where this distribution's own list is: /etc/modules of Alpine and Debian,
 * /etc/conf.d/modules of Gentoo, /etc/modules-load.d/hostkit.conf elsewhere. */
int persist_place(const struct host *h, struct persist_place *out, struct err *e) MUST_CHECK;

/* Pure: @old (NULL: no file) with @module added unless it stands there: 1 and *fresh, which
 * the caller frees, or 0 with *fresh NULL.  Everybody's bytes stay as they are.  -EUCLEAN: a
 * quote is left open, so nothing can be added. */
int persist_add(const char *old, enum persist_form form, const char *module, char **fresh,
		struct err *e) MUST_CHECK;
/* Pure: whether a list names @module: as the whole first word of a line that is no comment. */
bool persist_has(const char *text, enum persist_form form, const char *module);

/*
 * The file that has @module loaded at boot, whichever of the places that the distribution reads
 * it is: 1 and its path in @path, or 0.  @size at least 64.
 */
int persist_find(const struct host *h, const char *module, char *path, size_t size,
		 struct err *e) MUST_CHECK;

/* Our own file of options of one module: "/etc/modprobe.d/hostkit-kvm_intel.conf". */
#define PERSIST_PATH_MAX 96
int persist_options_path(const char *module, char out[PERSIST_PATH_MAX], struct err *e)
	MUST_CHECK;

struct persist_option {
	const char *name, *value;
};

/* Pure: @old (NULL: no file) with the options set, others that it gave kept: as
 * persist_add(). */
int persist_options(const char *old, const char *module, const struct persist_option *v,
		    size_t n, char **fresh, struct err *e) MUST_CHECK;
/*
 * Pure: a file that somebody else wrote, with one value exchanged and every other byte as it is:
 * @param is @value wherever the command that begins in line @line (from 1) sets it.  For values
 * that keep a module from loading, or that win over our own file, which is the better place for
 * everything else.  As persist_add(); -EINVAL: there is no such line.
 */
int persist_mend(const char *old, unsigned line, const char *param, const char *value,
		 char **fresh, struct err *e) MUST_CHECK;

#endif
