/* SPDX-License-Identifier: MIT */
/*
 * Making one option of a module what it should be at its next load, with as little of other
 * people's files changed as that takes.  A value that keeps the module from loading is mended
 * where it stands, for no later line takes it back; so is one of /etc/modprobe.d that wins over
 * ours.  All else goes into a file of our own, one a module.
 */
#ifndef TUNE_STEPS_OPTIONS_H
#define TUNE_STEPS_OPTIONS_H

#include "host/modprobe_conf.h"
#include "modules/module.h"
#include "tune/steps/step.h"

enum option_fit { OPTION_FITS, OPTION_DIFFERS, OPTION_BREAKS };

struct option_want {
	const char *module, *param;
	const char *value; /* NULL: only mend what breaks, with @mended */
	const char *mended;
	bool by_default; /* without any option it is so already */
	enum option_fit (*judge)(const struct option_want *w, const char *value);
	enum change_when when;
	const char *reason;
};

int option_make(const struct stepping *s, const struct modprobe_conf *c,
		const struct option_want *w, struct err *e) MUST_CHECK;

/* Where a change from plan->v[@from] on is one of modprobe.d, and @module is loaded by the
 * initramfs, that has to be made anew: it holds a copy. */
int option_initramfs(const struct stepping *s, size_t from, const struct modules *m,
		     const char *module, struct err *e) MUST_CHECK;

/* Judges of "nested" and of numbers that are wanted at least w->value large. */
enum option_fit option_judge_flag(const struct option_want *w, const char *value);
enum option_fit option_judge_least(const struct option_want *w, const char *value);

#endif
