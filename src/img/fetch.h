/* SPDX-License-Identifier: MIT */
/*
 * Downloading a file whole.
 *
 * What has come lies in FILE.part beside the file that will be, with FILE.part.tag saying of which
 * version of what URL it is a part; so a download that was ended goes on where it was, unless
 * the file on the server has changed since.  Servers without ranges do as well.
 */
#ifndef IMG_FETCH_H
#define IMG_FETCH_H

#include "base/optset.h"
#include "base/progress.h"
#include "img/digest.h"
#include "img/secret.h"

#include <stdatomic.h>

struct img_fetch {
	const char *url, *file;
	struct optset *opts; /* as for opening an image there, without "file."; never NULL */
	const struct secret_set *secrets;
	const char *algorithm;         /* "sha256" ..., NULL: not verified */
	char want[2 * DIGEST_MAX + 1]; /* hex, lower case */
	struct progress *progress;
	const atomic_bool *stop; /* NULL: never */
	/* Gets all bytes in order, from the first on also where they were there before; NULL:
	 * nobody.  An error ends the download; what has come stays. */
	int (*sink)(void *arg, const void *buf, size_t n, struct err *e);
	void *arg;
	bool resumed; /* out: a part was there */
};

/*
 * Downloads to FILE.part, and verifies it.  -ESTALE: the part that was there is of another version
 * and is gone now: once again from the beginning.  -EBADMSG: the digest is another; the
 * part is gone.  -EBUSY: another process is at it.
 */
int img_fetch(struct img_fetch *f, struct err *e) MUST_CHECK;
/* The part becomes the file, stable on disk. */
int img_fetch_keep(const struct img_fetch *f, struct err *e) MUST_CHECK;
/* The part is not needed any more. */
void img_fetch_drop(const struct img_fetch *f);

/* The same file's digest by the list at @url (sha256sum's or BSD's): fills algorithm and want. */
int img_fetch_sums(struct img_fetch *f, const char *url, struct err *e) MUST_CHECK;

/* A digest as people write it, by its length sha256, sha384 or sha512.  -EINVAL. */
int fetch_digest(const char *hex, const char **algorithm, char out[2 * DIGEST_MAX + 1],
		 struct err *e) MUST_CHECK;
/* The digest of @name in the text of such a list: hex and its length, or NULL. */
const char *fetch_find_sum(const char *text, const char *name, size_t *len);

#endif
