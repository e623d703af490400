/* SPDX-License-Identifier: MIT */
/* Attributes that offer words and mark the one that holds: "always [madvise] never". */
#ifndef HOST_CHOICE_H
#define HOST_CHOICE_H

#include "host/host.h"

struct choice {
	char active[48]; /* "" if none is marked */
	char all[256];   /* all words, single blanks between, without the brackets */
};

/* -EINVAL: no word, or more than one is marked. */
int choice_parse(const char *text, size_t len, struct choice *out, struct err *e) MUST_CHECK;
int choice_read(const struct host *h, const char *path, struct choice *out, struct err *e)
	MUST_CHECK;
bool choice_offers(const struct choice *c, const char *word);

#endif
