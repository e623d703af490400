/* SPDX-License-Identifier: MIT */
/*
 * "key=value,key=value" option strings, as -o, --image-opts and -l take them.
 * ",," stands for one comma in a value.  A key without '=' has the value
 * "on" ("off" for "nokey").  Later settings of a key win, order is kept.
 */
#ifndef BASE_OPTSET_H
#define BASE_OPTSET_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opt {
	char *key, *val;
	bool used; /* set by the optset_get family: what nobody asked for is unknown */
};

struct optset {
	struct opt *v;
	size_t n;
};

#define OPTSET_INIT     \
	{               \
		NULL, 0 \
	}

/* Adds what @text holds to @o.  @first, if not NULL, is the key of a leading
 * value written without one ("a.img,format=raw"). */
int optset_parse(struct optset *o, const char *text, const char *first, struct err *e)
	MUST_CHECK;
int optset_set(struct optset *o, const char *key, const char *val, struct err *e) MUST_CHECK;
/* True if @text asks for help ("help" or "?" as an option of its own). */
bool optset_wants_help(const char *text);

/* The value, or NULL; belongs to @o. */
const char *optset_get(struct optset *o, const char *key);
/* These leave *@out alone when the key is absent.  -EINVAL names key and value. */
int optset_bool(struct optset *o, const char *key, bool *out, struct err *e) MUST_CHECK;
int optset_size(struct optset *o, const char *key, uint64_t *out, struct err *e) MUST_CHECK;
int optset_u64(struct optset *o, const char *key, uint64_t *out, struct err *e) MUST_CHECK;
/* The first key that no get asked for, or NULL. */
const char *optset_unused(const struct optset *o);
void optset_free(struct optset *o);

#endif
