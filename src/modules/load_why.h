/* SPDX-License-Identifier: MIT */
/* Why a module was not loaded, in words: from the error that came back, and from what the
 * host shows.  Each returns a negative errno with @e set. */
#ifndef MODULES_LOAD_WHY_H
#define MODULES_LOAD_WHY_H

#include "base/err.h"
#include "host/modprobe_conf.h"
#include "modules/module.h"

/* modprobe.d has a line against it: "NAME@fmt (file, line 3)". */
int load_why_config(const struct modules *m, enum modprobe_cmd cmd, const char *name,
		    const char *said, struct err *e) MUST_CHECK;
/* The caller may not @verb ("load", "unload") it. */
int load_why_rights(const struct modules *m, const char *verb, const char *name, struct err *e)
	MUST_CHECK;
/* The kernel or libkmod gave @r. */
int load_why(const struct modules *m, const struct module *mod, int r, struct err *e)
	MUST_CHECK;
/* No error was reported, and it does not run. */
int load_why_not_there(const struct modules *m, const char *name, struct err *e) MUST_CHECK;
/* It is in none of the lists. */
int load_why_unknown(const struct modules *m, const char *name, struct err *e) MUST_CHECK;

#endif
