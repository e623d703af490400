/* SPDX-License-Identifier: MIT */
/*
 * Modules loaded at boot by name: /etc/modules, modules-load.d(5) and OpenRC's
 * /etc/conf.d/modules.  In the first two a line is a name and perhaps parameters; '#'
 * (and ';' at the beginning) starts a comment.
 */
#ifndef HOST_MODULES_LOAD_H
#define HOST_MODULES_LOAD_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

#define MODULES_LOAD_FILE "/etc/modules"

struct modules_load_entry {
	char *name; /* as written */
	char *args; /* "" mostly */
	const char *file;
	unsigned line;
	bool again; /* listed before */
};

struct modules_load {
	char **files;
	size_t n_files;
	struct modules_load_entry *v;
	size_t n;
};

/* Adds what one file lists. */
int modules_load_parse(struct modules_load *m, const char *file, const char *text, size_t len,
		       struct err *e) MUST_CHECK;
/* Adds modules="a b" (and modules_6_1="...", module_a_args="...") of OpenRC's file. */
int modules_load_parse_confd(struct modules_load *m, const char *file, const char *text,
			     size_t len, struct err *e) MUST_CHECK;
/* All lists below the root; missing ones are none. */
int modules_load_read(const struct host *h, struct modules_load *out, struct err *e) MUST_CHECK;
void modules_load_free(struct modules_load *m);
/* First entry for @module ('-' is '_'), or NULL. */
const struct modules_load_entry *modules_load_find(const struct modules_load *m,
						   const char *module);

/* The text of a list with @module (letters, digits, '-', '_') added at its end; 1 with
 * *@out new, 0 and NULL when it is listed there. */
int modules_load_add(const char *text, size_t len, const char *module, char **out,
		     size_t *out_len, struct err *e) MUST_CHECK;
/* Without the lines of @module; 1 or 0. */
int modules_load_remove(const char *text, size_t len, const char *module, char **out,
			size_t *out_len, struct err *e) MUST_CHECK;

#endif
