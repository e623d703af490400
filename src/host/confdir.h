/* SPDX-License-Identifier: MIT */
/*
 * Folders of configuration that belong together, as modprobe.d, sysctl.d and modules-load.d
 * do: of files of the same name the one in the first folder counts, and all that are left
 * are read in the order of their names, whichever folder they are in.
 */
#ifndef HOST_CONFDIR_H
#define HOST_CONFDIR_H

#include "base/err.h"
#include "host/host.h"

#include <stddef.h>

struct confdir {
	char **path; /* in the order they are read */
	size_t n;
	char **masked; /* files that another of their name hides */
	size_t n_masked;
};

/* @dirs in the order of precedence, ends with NULL; folders that are the same one by links
 * count once; names end with @suffix.  A link to /dev/null hides the others of its
 * name and is itself empty. */
int confdir_list(const struct host *h, const char *const *dirs, const char *suffix,
		 struct confdir *out, struct err *e) MUST_CHECK;
/* Reads one of them: as host_read(), but a link to /dev/null is empty below any root. */
int confdir_file(const struct host *h, const char *path, char **text, size_t *len,
		 struct err *e) MUST_CHECK;
void confdir_free(struct confdir *c);

#endif
