/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line: argv to a struct machine_config.  Parsed and refused in one place, so
 * that nothing is accepted and then ignored: what is not supported is named with the reason.
 *
 * Each room has a group of options, a table in a file of its own (options_ROOM.c); the parser,
 * help, configuration files and completion know no more than those tables.
 */
#ifndef EMU_OPTIONS_H
#define EMU_OPTIONS_H

#include "base/err.h"
#include "emu/config.h"
#include "emu/devices.h"

#include <stdbool.h>

/* Requests for text instead of a machine. */
enum options_ask {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_LIST,
	OPTIONS_LIST_KEYS,
	OPTIONS_LIST_STATES,
	OPTIONS_MACHINES,
	OPTIONS_CPUS,
	OPTIONS_DEVICES,
	OPTIONS_ACCELS,
	OPTIONS_LOGS,
	OPTIONS_DEVICE, /* the keys of one device: *@about */
	OPTIONS_KEYS,   /* the kinds, or keys, of the option @about, or those of its @kind */
};

/* One form of an option that has several: -netdev user,... */
struct option_kind {
	const char *name, *help;
	const struct device_key *keys; /* beside the option's own; NULL: none */
};

struct parse;
typedef int option_fn(struct parse *p, const char *value, struct err *e);

struct option_row {
	const char *name, *arg; /* NULL: none */
	const char *refused;    /* why it is not supported; NULL: it is */
	option_fn *fn;
	const char *first;               /* key of a value at the start that has none */
	const struct device_key *keys;   /* NULL: the value is no list of keys */
	const struct option_kind *kinds; /* what @first may be; the last has no name */
	bool open; /* other keys are for a lower room, which refuses them itself */
	bool own;  /* the function checks them all, since there are other spellings */
	enum options_ask help; /* what "help" asks for; 0: the kinds or else the keys */
};

/* What text was asked for; what it names are constants. */
struct options_answer {
	enum options_ask ask;
	const char *about;
	const struct option_kind *kind; /* NULL: all */
};

struct option_group {
	const char *name;
	const struct option_row *rows; /* the last has no name */
};

/* Fills @c, which options_free() frees also after a failure (-EINVAL: wrong; -ENOTSUP: known to
 * QEMU, not supported here).  @now: seconds since 1970. */
int options_parse(int argc, char **argv, int64_t now, struct machine_config *c,
		  struct options_answer *a, struct err *e) MUST_CHECK;
void options_free(struct machine_config *c);

/* Row @i of all groups, for completion and tests; NULL past the last. */
const struct option_row *options_row(unsigned i);
const struct option_row *options_find(const char *name);

#endif
