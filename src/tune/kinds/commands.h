/* SPDX-License-Identifier: MIT */
/* Kinds that act by running programs of the host's own. */
#ifndef TUNE_KINDS_COMMANDS_H
#define TUNE_KINDS_COMMANDS_H

#include "base/run.h"
#include "tune/kind.h"

/* Where a change's programs run: on the live host, or, if c->in_root allows it, inside an
 * image.  -ENOTSUP elsewhere. */
int commands_where(const struct host *h, const struct change *c, struct run *out, struct err *e)
	MUST_CHECK;
/* Runs argv, which ends with NULL. */
#define COMMANDS_RUN(h, c, e, ...) \
	commands_run((h), (c), (const char *const[]){ __VA_ARGS__, NULL }, (e))
int commands_run(const struct host *h, const struct change *c, const char *const argv[],
		 struct err *e) MUST_CHECK;
/* The host has this program. */
bool commands_have(const struct host *h, const char *program);

#endif
