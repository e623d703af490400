/* SPDX-License-Identifier: MIT */
/* Message digests, by the names that sha256sum and its kin made usual. */
#ifndef IMG_DIGEST_H
#define IMG_DIGEST_H

#include "base/err.h"

#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_MAX = 64 }; /* bytes */

/* Of no use once the digest was taken; may be copied at any time. */
struct digest {
	const struct nettle_hash *hash;
	union {
		struct md5_ctx md5;
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
	} state;
};

/* "md5", "sha1", "sha256", "sha384" or "sha512"; -EINVAL names them. */
int digest_init(struct digest *d, const char *name, struct err *e) MUST_CHECK;
const char *digest_name(const struct digest *d);
/* Bytes of the result. */
size_t digest_size(const struct digest *d);
void digest_add(struct digest *d, const void *buf, size_t len);
/* Writes digest_size() bytes, and begins anew. */
void digest_take(struct digest *d, uint8_t *out);
/* Of one buffer, with a state of its own. */
void digest_of(const struct digest *kind, const void *buf, size_t len, uint8_t *out);

#endif
