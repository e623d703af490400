/* SPDX-License-Identifier: MIT */
/*
 * /etc/mdev.conf of busybox: "REGEX USER:GROUP MODE ..." a line, of which the first whose
 * expression is the whole name of the device counts; one that begins with '-' lets the reading
 * go on.
 */
#ifndef TUNE_MDEV_H
#define TUNE_MDEV_H

#include "base/err.h"

#include <stddef.h>

struct mdev_rule {
	const char *node;  /* "vhost-net": a plain name, also its own expression */
	const char *owner; /* "root:kvm" */
	const char *mode;  /* "0660" */
};

/* Puts @rule before the first line that would decide otherwise, or at the end.  Returns 1 with
 * the new text in *@out (free() it), 0 with NULL if what decides says the same. */
int mdev_set(const char *text, size_t len, const struct mdev_rule *rule, char **out,
	     size_t *out_len, struct err *e) MUST_CHECK;

#endif
