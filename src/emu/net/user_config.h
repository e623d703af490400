/* SPDX-License-Identifier: MIT */
/* The keys of -netdev user, as libslirp wants them. */
#ifndef EMU_NET_USER_CONFIG_H
#define EMU_NET_USER_CONFIG_H

#include "base/optset.h"

#include <slirp/libslirp.h>

#define USER_SEARCHES 16

struct user_config {
	SlirpConfig slirp;
	const char *search[USER_SEARCHES + 1]; /* dnssearch, which slirp points to */
};

/* Strings stay those of @o.  -EINVAL names key and value. */
int user_config_read(struct user_config *c, struct optset *o, struct err *e) MUST_CHECK;

#endif
