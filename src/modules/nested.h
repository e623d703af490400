/* SPDX-License-Identifier: MIT */
/*
 * What it takes to have nested virtualization on or off: nothing, a file in modprobe.d, a
 * reload of the module.  Decided here, done by the caller.  On and off by default has
 * changed over the years (on since Linux 4.20), so what runs and what is configured are
 * compared with the wish, and only what differs is written.
 */
#ifndef MODULES_NESTED_H
#define MODULES_NESTED_H

#include "base/err.h"
#include "modules/kvm_vendor.h"
#include "modules/module.h"

#include <stdbool.h>

struct nested_plan {
	struct kvm_vendor kvm;
	char module[MODULE_NAME_MAX + 1];
	/* What modprobe.d gives today: "1", or "" for nothing; and where. */
	char configured[16];
	char from[128];
	bool write;  /* our file in modprobe.d is to say so */
	bool reload; /* and the module is loaded with the other value */
};

/*
 * -ENODEV: there is no kvm module for this processor, or it has no such parameter.  -EEXIST: a
 * file that is not ours sets the opposite; the message names file and line.  -ENOTSUP: the
 * module is part of the kernel, whose command line sets it; the message has the word.
 */
int nested_plan(const struct modules *m, bool on, struct nested_plan *out, struct err *e)
	MUST_CHECK;
/* The module it is about, and what modprobe.d says of it: without a wish. */
int nested_look(const struct modules *m, struct nested_plan *out, struct err *e) MUST_CHECK;

#endif
