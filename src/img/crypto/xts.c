/* SPDX-License-Identifier: MIT */
/* Which AES-XTS there is.  xts_x86_64.c has the instructions of x86. */
#include "img/crypto/xts.h"

#include "base/mem.h"
#include "img/crypto/xts_x86_64.h"

#include <stdlib.h>

#ifdef __x86_64__

struct xts_aes {
	struct xts_x86 keys;
};

int xts_aes_new(const uint8_t *key, size_t key_bytes, struct xts_aes **out, struct err *e)
{
	struct xts_aes *x;

	*out = NULL;
	if (!xts_x86_can(key_bytes))
		return 0;
	x = mem_aligned(64, sizeof(*x), e);
	if (!x)
		return -ENOMEM;
	xts_x86_set_keys(&x->keys, key, key_bytes);
	*out = x;
	return 0;
}

void xts_aes_free(struct xts_aes *x)
{
	if (x)
		mem_wipe(x, sizeof(*x));
	free(x);
}

void xts_aes_run(const struct xts_aes *x, bool encrypt, const uint8_t *iv, uint8_t *dst,
		 const uint8_t *src, size_t len)
{
	xts_x86_run(&x->keys, encrypt, iv, dst, src, len);
}

#else

int xts_aes_new(const uint8_t *key, size_t key_bytes, struct xts_aes **out, struct err *e)
{
	(void)key;
	(void)key_bytes;
	(void)e;
	*out = NULL;
	return 0;
}

void xts_aes_free(struct xts_aes *x)
{
	(void)x;
}

void xts_aes_run(const struct xts_aes *x, bool encrypt, const uint8_t *iv, uint8_t *dst,
		 const uint8_t *src, size_t len)
{
	(void)x;
	(void)encrypt;
	(void)iv;
	(void)dst;
	(void)src;
	(void)len;
}

#endif
