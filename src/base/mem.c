/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void mem_freep(void *p)
{
	void *obj;

	/* p is the address of a pointer of any object type */
	memcpy(&obj, p, sizeof(obj));
	free(obj);
}

void *mem_zalloc(size_t n, size_t size, struct err *e)
{
	size_t bytes;
	void *p = NULL;

	/* an empty array is still a valid pointer */
	if (!__builtin_mul_overflow(n, size, &bytes) && bytes <= PTRDIFF_MAX)
		p = calloc(bytes ? bytes : 1, 1);
	if (!p)
		err_set(e, -ENOMEM, "out of memory for %zu objects of %zu bytes", n, size);
	return p;
}

void *mem_aligned(size_t align, size_t len, struct err *e)
{
	void *p = NULL;

	if (align < sizeof(void *))
		align = sizeof(void *);
	if (posix_memalign(&p, align, len ? len : 1)) {
		err_set(e, -ENOMEM, "out of memory for %zu bytes", len);
		return NULL;
	}
	return p;
}

int mem_grow(void **p, size_t n, size_t size, struct err *e)
{
	size_t bytes;
	void *q;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
		return err_set(e, -ENOMEM, "out of memory for %zu objects of %zu bytes", n,
			       size);
	q = realloc(*p, bytes ? bytes : 1);
	if (!q)
		return err_set(e, -ENOMEM, "out of memory for %zu bytes", bytes);
	*p = q;
	return 0;
}

void mem_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

char *mem_strdup(const char *s, struct err *e)
{
	size_t len = strlen(s) + 1;
	char *p = malloc(len);

	if (!p) {
		err_set(e, -ENOMEM, "out of memory for %zu bytes", len);
		return NULL;
	}
	return memcpy(p, s, len);
}
