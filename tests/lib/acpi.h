/* SPDX-License-Identifier: MIT */
/* Tables put together for tests: little-endian fields one after another. */
#ifndef TESTS_LIB_ACPI_H
#define TESTS_LIB_ACPI_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct table {
	uint8_t b[4096];
	size_t len;
};

static inline void put(struct table *t, uint64_t v, unsigned bytes)
{
	if (t->len + bytes > sizeof(t->b))
		abort();
	for (unsigned i = 0; i < bytes; i++)
		t->b[t->len++] = (uint8_t)(i < 8 ? v >> 8 * i : 0);
}

static inline void table_begin(struct table *t, const char *sig)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->b, sig, 4);
	memcpy(t->b + 10, "HOSTKT", 6);
	t->len = 36;
}

/* Length and checksum. */
static inline void table_end(struct table *t)
{
	uint8_t sum = 0;

	t->b[9] = 0;
	for (unsigned i = 0; i < 4; i++)
		t->b[4 + i] = (uint8_t)(t->len >> 8 * i);
	for (size_t i = 0; i < t->len; i++)
		sum = (uint8_t)(sum + t->b[i]);
	t->b[9] = (uint8_t)-sum;
}

/* Each shorter table of the same beginning, in memory of its exact size; @parse must come
 * back with 0 or an error. */
#define table_cut_everywhere(t, parse, type, release)                        \
	for (size_t cut_ = 36; cut_ < (t)->len; cut_++) {                    \
		uint8_t *copy_ = malloc(cut_);                               \
		struct err cut_err_ = { 0 };                                 \
		type got_;                                                   \
		int cut_r_;                                                  \
		assert_non_null(copy_);                                      \
		memcpy(copy_, (t)->b, cut_);                                 \
		assert_int_equal(parse(copy_, cut_, &got_, NULL), -ENODATA); \
		for (unsigned i_ = 0; i_ < 4; i_++)                          \
			copy_[4 + i_] = (uint8_t)(cut_ >> 8 * i_);           \
		cut_r_ = parse(copy_, cut_, &got_, &cut_err_);               \
		assert_true(cut_r_ == 0 || (cut_r_ < 0 && cut_err_.msg[0])); \
		if (cut_r_ == 0)                                             \
			release(&got_);                                      \
		free(copy_);                                                 \
	}

#endif
