/* SPDX-License-Identifier: MIT */
/* One module, for the steps that need it: loaded now, listed for the next boot. */
#ifndef TUNE_STEPS_STEP_MODULE_H
#define TUNE_STEPS_STEP_MODULE_H

#include "modules/module.h"
#include "tune/steps/step.h"

/* A kernel that has no such module is a note. */
int step_module(const struct stepping *s, const struct modules *m, const char *name,
		const char *reason, struct err *e) MUST_CHECK;

#endif
