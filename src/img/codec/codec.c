/* SPDX-License-Identifier: MIT */
#include "img/codec/codec.h"

#include "base/mem.h"
#include "img/codec/codec_ops.h"

#include <pthread.h>
#include <stdlib.h>

int codec_new(enum codec_kind k, enum codec_level level, struct codec **out, struct err *e)
{
	switch (k) {
	case CODEC_DEFLATE:
		return deflate_new(level, out, e);
	case CODEC_ZSTD:
		return zstd_new(level, out, e);
	case CODEC_ZLIB:
		return zlib_new(level, out, e);
	}
	return err_set(e, -ENOTSUP, "unknown compression %d", (int)k);
}

void codec_free(struct codec *c)
{
	if (c)
		c->ops->free(c);
}

void codec_begin(struct codec *c, size_t n)
{
	if (c->ops->begin)
		c->ops->begin(c, n);
}

long codec_compress(struct codec *c, void *out, size_t room, const void *in, size_t len,
		    struct err *e)
{
	return c->ops->compress(c, out, room, in, len, e);
}

int codec_expand(struct codec *c, void *out, size_t len, const void *in, size_t in_len,
		 struct err *e)
{
	return c->ops->expand(c, out, len, in, in_len, e);
}

struct codec_pool {
	enum codec_kind kind;
	enum codec_level level;
	pthread_mutex_t lock; /* guards free */
	struct codec *free;
};

int codec_pool_new(enum codec_kind k, enum codec_level level, struct codec_pool **out,
		   struct err *e)
{
	struct codec_pool *p = mem_zalloc(1, sizeof(*p), e);

	if (!p)
		return -ENOMEM;
	p->kind = k;
	p->level = level;
	pthread_mutex_init(&p->lock, NULL);
	*out = p;
	return 0;
}

int codec_pool_get(struct codec_pool *p, struct codec **out, struct err *e)
{
	struct codec *c;

	pthread_mutex_lock(&p->lock);
	c = p->free;
	if (c)
		p->free = c->next;
	pthread_mutex_unlock(&p->lock);
	if (!c)
		return codec_new(p->kind, p->level, out, e);
	*out = c;
	return 0;
}

void codec_pool_put(struct codec_pool *p, struct codec *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&p->lock);
	c->next = p->free;
	p->free = c;
	pthread_mutex_unlock(&p->lock);
}

void codec_pool_free(struct codec_pool *p)
{
	if (!p)
		return;
	while (p->free) {
		struct codec *c = p->free;

		p->free = c->next;
		codec_free(c);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}
