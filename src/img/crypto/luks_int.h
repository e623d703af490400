/* SPDX-License-Identifier: MIT */
/* What luks.c and luks_amend.c share. */
#ifndef IMG_CRYPTO_LUKS_INT_H
#define IMG_CRYPTO_LUKS_INT_H

#include "img/crypto/luks.h"

/* Writes the master key for @password to the place of slot @i of @h and fills the slot in
 * memory: it is active.  The header on the disk does not know of it yet. */
int luks_slot_fill(const struct luks_area *a, struct luks_header *h, const struct luks_spec *s,
		   unsigned i, const char *password, uint64_t iter_ms, const uint8_t *key,
		   struct err *e) MUST_CHECK;

/* Does slot @i of @h hold the master key under @password?  1: yes, it is in @key; 0: no. */
int luks_slot_try(const struct luks_area *a, const struct luks_header *h,
		  const struct luks_spec *s, unsigned i, const char *password, uint8_t *key,
		  struct err *e) MUST_CHECK;

int luks_store_header(const struct luks_area *a, const struct luks_header *h, struct err *e)
	MUST_CHECK;

/* "iter-time" of @set.  -EINVAL: no number, or too large. */
int luks_iter_time(struct optset *set, const char *prefix, uint64_t *ms, struct err *e)
	MUST_CHECK;

/* optset_get for PREFIX@key. */
const char *luks_opt(struct optset *set, const char *prefix, const char *key);

#endif
