/* SPDX-License-Identifier: MIT */
/* Takes out of a text what nobody else should see. */
#ifndef HOST_RECORDER_CLEAN_H
#define HOST_RECORDER_CLEAN_H

#include "base/err.h"

#include <stddef.h>

enum clean_how {
	CLEAN_SECRETS, /* values of what is named like a password */
	CLEAN_PASSWD,  /* passwd(5): password hash, and the field with the person's name */
	CLEAN_GROUP,   /* group(5): password hash */
	CLEAN_STATUS,  /* /proc/self/status: only the ids stay */
	CLEAN_ROUTES,  /* /proc/net/route, ipv6_route: only routes to everywhere, no gateway */
};

/* A new text, NUL-terminated, to free(). */
int clean_text(const char *text, size_t len, enum clean_how how, char **out, size_t *out_len,
	       struct err *e) MUST_CHECK;

#endif
