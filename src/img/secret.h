/* SPDX-License-Identifier: MIT */
/*
 * Secrets: passwords and keys that options name by an id, so that they need not stand in a
 * command line or in an image's name ("encrypt.key-secret=ID", "password-secret=ID").
 *
 * A set belongs to whoever fills it and must outlive the nodes opened with it.  Reading it
 * from several threads at once is fine, adding is not.  The bytes are wiped when the set is
 * freed and never appear in a message.
 */
#ifndef IMG_SECRET_H
#define IMG_SECRET_H

#include "base/optset.h"

#include <stddef.h>
#include <stdint.h>

enum { SECRET_MAX = 65536 }; /* bytes of one secret, as given */

struct secret {
	char *id;
	uint8_t *data; /* a NUL stands behind the last byte */
	size_t len;
};

struct tls_creds;

struct secret_set {
	struct secret *v;
	size_t n;
	struct tls_creds *creds; /* see tls_creds.h */
	size_t creds_n;
};

/*
 * Adds the secret that @def describes as QEMU's objects of this name do: id, then data or
 * file, format (raw, base64), and keyid with iv where it is encrypted (AES-256-CBC) by
 * another secret of the set.  Values in @def are wiped.  -EEXIST: the id is taken.
 */
int secret_add(struct secret_set *s, struct optset *def, struct err *e) MUST_CHECK;

/* The secret @id; it belongs to the set.  NULL, and -EINVAL in @e: there is none.  @s may be
 * NULL: nobody gave any. */
const struct secret *secret_find(const struct secret_set *s, const char *id, struct err *e)
	MUST_CHECK;
/* The same as a text.  -EINVAL: not UTF-8, or with a NUL inside. */
int secret_text(const struct secret_set *s, const char *id, const char **out, struct err *e)
	MUST_CHECK;

void secret_set_free(struct secret_set *s);

#endif
