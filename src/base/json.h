/* SPDX-License-Identifier: MIT */
/*
 * JSON text as QEMU's tools print it, byte for byte: programs compare it with
 * stored output.  Four spaces per level, one member per line, members of an
 * object in the order of QEMU's hash table, everything outside printable
 * ASCII escaped.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"

#include <jansson.h>

/*
 * A new string without a newline at its end; NULL and -ENOMEM in @e.  Strings need not
 * be UTF-8 (json_string_nocheck() takes file names as they are): what is
 * not becomes \uFFFD.
 */
char *json_text(const json_t *v, struct err *e) MUST_CHECK;

/* Which of two members of an object comes first: below 0, @a; 0: the one put in last. */
int json_key_cmp(const char *a, const char *b);

#endif
