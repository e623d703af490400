/* SPDX-License-Identifier: MIT */
/*
 * LUKS1 volumes: what opens, makes and changes their header and key slots.  The header lies in
 * a part of a file: at its start for images of format luks, in clusters of its own for qcow2.
 *
 * Keys live in memory that is wiped.  Crash order: key material is on the disk before the
 * header says that it counts, and no longer counts before it is overwritten.
 */
#ifndef IMG_CRYPTO_LUKS_H
#define IMG_CRYPTO_LUKS_H

#include "base/optset.h"
#include "img/blk.h"
#include "img/crypto/luks_header.h"
#include "img/detail.h"
#include "img/secret.h"

struct luks_area {
	struct blk *file; /* not owned */
	uint64_t base;    /* bytes */
	uint64_t len;     /* what may be read and written from there on */
};

/* Reads and checks the header; -ENODATA: key material or payload lie past the area's end. */
int luks_read(const struct luks_area *a, struct luks_header *h, struct luks_spec *s,
	      struct err *e) MUST_CHECK;

/* The master key, by whichever slot @password opens; *slot says which (may be NULL).  -EACCES: none. */
int luks_unlock(const struct luks_area *a, const struct luks_header *h,
		const struct luks_spec *s, const char *password, uint8_t key[CIPHER_KEY_MAX],
		unsigned *slot, struct err *e) MUST_CHECK;

/* ---- new volumes ---- */

struct luks_create {
	struct luks_spec spec;
	const char *password; /* belongs to the secrets */
	uint64_t iter_ms;
};

/* Takes PREFIXkey-secret, PREFIXcipher-alg and so on out of @set, in qemu-img's words where
 * they are wrong. */
int luks_create_parse(struct luks_create *c, struct optset *set, const char *prefix,
		      const struct secret_set *secrets, struct err *e) MUST_CHECK;

/* Bytes of its header with all slots. */
uint64_t luks_create_bytes(const struct luks_create *c);

/* Writes header and key material, with one slot in use; all else in the area reads as zeroes
 * before.  Nothing is flushed. */
int luks_create(const struct luks_create *c, const struct luks_area *a, struct err *e)
	MUST_CHECK;

/* ---- changes ---- */

/* Does what PREFIXstate, keyslot, new-secret, old-secret and iter-time in @set ask for; @h is
 * brought up to date.  @password opens a slot.  @force: also what loses keys for good. */
int luks_amend(const struct luks_area *a, struct luks_header *h, const struct luks_spec *s,
	       struct optset *set, const char *prefix, const struct secret_set *secrets,
	       const char *password, bool force, struct err *e) MUST_CHECK;

/* Adds what info says of @h. */
void luks_detail(const struct luks_header *h, const struct luks_spec *s, struct detail *in);

#endif
