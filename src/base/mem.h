/* SPDX-License-Identifier: MIT */
/* Memory that frees itself at the end of a scope, and allocation that checks
 * its multiplication and reports through struct err. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/err.h"

#include <stddef.h>

void mem_freep(void *p);
#define AUTO_FREE CLEANUP(mem_freep)

/* Zeroed memory for @n objects of @size bytes; NULL and -ENOMEM in @e. */
void *mem_zalloc(size_t n, size_t size, struct err *e) MUST_CHECK;
/* Aligned to @align (a power of two), not cleared.  free() it. */
void *mem_aligned(size_t align, size_t len, struct err *e) MUST_CHECK;
/* Grows *@p to @n objects; on failure *@p is as it was.  0 or -ENOMEM. */
int mem_grow(void **p, size_t n, size_t size, struct err *e) MUST_CHECK;
/* Overwrites what must not stay in memory; no compiler leaves it out. */
void mem_wipe(void *p, size_t len);
char *mem_strdup(const char *s, struct err *e) MUST_CHECK;

#endif
