/* SPDX-License-Identifier: MIT */
/*
 * Writes a host down, so that what hostcheck says of it can be looked into elsewhere and
 * tests can keep it: see host.h, "a record".  Only what checks read is taken; nothing that
 * tells who somebody is or lets anyone in: no shadow files (that they are there is kept), no
 * serial numbers, no hardware addresses.  Account names and command lines are kept, for
 * checks are about them: look at it before you give it away.
 */
#ifndef HOST_RECORDER_H
#define HOST_RECORDER_H

#include "host/host.h"

/* @dir must not exist or be empty.  What cannot be read for lack of rights is written down
 * as such.  -EEXIST: something is in @dir; -ENOTSUP: @h is an image. */
int host_record_write(const struct host *h, const char *dir, struct err *e) MUST_CHECK;

#endif
