/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line: argv to a struct machine_config.  Parsed and refused in one place, so
 * that nothing is accepted and then ignored: what is not supported is named with the reason.
 */
#ifndef EMU_OPTIONS_H
#define EMU_OPTIONS_H

#include "base/err.h"
#include "emu/config.h"

#include <stdbool.h>

/* Requests for text instead of a machine. */
enum options_ask {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_LIST,
	OPTIONS_MACHINES,
	OPTIONS_CPUS,
	OPTIONS_DEVICES,
	OPTIONS_ACCELS,
	OPTIONS_DEVICE, /* the options of one device: *@about */
};

/* Fills @c, which options_free() frees also after a failure (-EINVAL: wrong; -ENOTSUP: known to
 * QEMU, not supported here).  @now: seconds since 1970. */
int options_parse(int argc, char **argv, int64_t now, struct machine_config *c,
		  enum options_ask *ask, const char **about, struct err *e) MUST_CHECK;
void options_free(struct machine_config *c);

/* One row of the table, for --help, completion and tests; NULL past the last. */
struct option_row {
	const char *name, *arg; /* NULL: none */
	const char *refused;    /* why it is not supported; NULL: it is */
};
const struct option_row *options_row(unsigned i);

#endif
