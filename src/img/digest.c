/* SPDX-License-Identifier: MIT */
#include "img/digest.h"

#include <string.h>

int digest_init(struct digest *d, const char *name, struct err *e)
{
	static const struct nettle_hash *const known[] = {
		&nettle_md5, &nettle_sha1, &nettle_sha256, &nettle_sha384, &nettle_sha512,
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i]->name, name)) {
			d->hash = known[i];
			d->hash->init(&d->state);
			return 0;
		}
	return err_set(e, -EINVAL,
		       "there is no digest '%s': md5, sha1, sha256, sha384 or sha512", name);
}

const char *digest_name(const struct digest *d)
{
	return d->hash->name;
}

size_t digest_size(const struct digest *d)
{
	return d->hash->digest_size;
}

void digest_add(struct digest *d, const void *buf, size_t len)
{
	d->hash->update(&d->state, len, buf);
}

void digest_take(struct digest *d, uint8_t *out)
{
	d->hash->digest(&d->state, d->hash->digest_size, out);
}

void digest_of(const struct digest *kind, const void *buf, size_t len, uint8_t *out)
{
	struct digest d = { .hash = kind->hash };

	d.hash->init(&d.state);
	digest_add(&d, buf, len);
	digest_take(&d, out);
}
