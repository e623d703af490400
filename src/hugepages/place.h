/* SPDX-License-Identifier: MIT */
/* Which node holds which guest: for hugesize_plan(). */
#ifndef HUGEPAGES_PLACE_H
#define HUGEPAGES_PLACE_H

#include "hugepages/size.h"

/*
 * Fills in host.nodes[].pages and spread, from guests[].pages and the nodes' room.  What no
 * node has room for goes to the first, so that the sum is always right.
 */
int place_guests(struct hugesize *s, struct err *e) MUST_CHECK;

#endif
