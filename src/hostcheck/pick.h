/* SPDX-License-Identifier: MIT */
/*
 * Which checks are asked: all, or those that --only names less those that --skip names.  A
 * name is a check's id or a group's.
 */
#ifndef HOSTCHECK_PICK_H
#define HOSTCHECK_PICK_H

#include "hostcheck/check.h"

#include <stddef.h>

struct pick {
	char **only, **skip; /* ids; owned */
	size_t n_only, n_skip;
};

/* Adds the ids of a comma list.  -EINVAL names an unknown one and those that are near. */
int pick_only(struct pick *p, const char *list, struct err *e) MUST_CHECK;
int pick_skip(struct pick *p, const char *list, struct err *e) MUST_CHECK;
bool pick_wants(const struct pick *p, const struct check_group *g, const struct check *c);
void pick_free(struct pick *p);

/* The error for an id nobody knows, with what may have been meant. */
int pick_unknown(const char *id, struct err *e);

#endif
