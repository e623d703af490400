/* SPDX-License-Identifier: MIT */
#include "img/proto/null.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct null {
	struct blk blk; /* first */
	uint64_t latency_ns;
	bool zeroes; /* the map says so, too */
};

static void delay(const struct blk *b)
{
	uint64_t ns = ((const struct null *)b)->latency_ns;
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000) };

	while (ns && clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

static int null_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	memset(buf, 0, len);
	delay(b);
	return 0;
}

static int null_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	delay(b);
	return 0;
}

static int null_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	delay(b);
	return 0;
}

static int null_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		       struct err *e)
{
	bool zeroes = ((const struct null *)b)->zeroes;

	*out = (struct blk_extent){
		.len = max,
		.flags = BLK_EXT_DATA * !zeroes | BLK_EXT_ZERO * zeroes | BLK_EXT_ALLOCATED |
			 BLK_EXT_OFFSET,
		.file = b,
		.host_off = off,
	};
	return 0;
}

static int null_flush(struct blk *b, struct err *e)
{
	delay(b);
	return 0;
}

static int null_close(struct blk *b, struct err *e)
{
	blk_fini(b);
	free(b);
	return 0;
}

#define NULL_OPS(driver)                                                                      \
	{                                                                                     \
		.name = driver, .parallel = true, .pread = null_pread, .pwrite = null_pwrite, \
		.zero = null_zero, .extent = null_extent, .flush = null_flush,                \
		.close = null_close,                                                          \
	}

static const struct blk_ops co_ops = NULL_OPS("null-co");
static const struct blk_ops aio_ops = NULL_OPS("null-aio");

static int null_open(const struct proto_open *o, struct blk **out, struct err *e)
{
	bool aio = !strcmp(o->driver, "null-aio");
	uint64_t size = 1ull << 30;
	struct null *n;
	int r;

	if (o->name && strcmp(o->name, aio ? "null-aio://" : "null-co://"))
		return err_set(e, -EINVAL,
			       "The only allowed filename for this driver is '%s://'",
			       o->driver);
	n = mem_zalloc(1, sizeof(*n), e);
	if (!n)
		return -ENOMEM;
	r = optset_size(o->opts, "size", &size, e);
	if (r == 0 && size > INT64_MAX)
		r = err_set(e, -EINVAL, "size %llu is out of range", (unsigned long long)size);
	if (r == 0)
		r = optset_u64(o->opts, "latency-ns", &n->latency_ns, e);
	if (r == 0 && n->latency_ns > INT64_MAX)
		r = err_set(e, -EINVAL, "latency-ns is invalid");
	if (r == 0)
		r = optset_bool(o->opts, "read-zeroes", &n->zeroes, e);
	if (r == 0)
		r = blk_init(&n->blk, aio ? &aio_ops : &co_ops,
			     aio ? "null-aio://" : "null-co://", o->flags, e);
	if (r < 0) {
		free(n);
		return r;
	}
	n->blk.size = size;
	n->blk.grows = n->blk.fixed = true;
	n->blk.log = o->log;
	*out = &n->blk;
	return 0;
}

static const char *const names[] = { "null-co", "null-aio", NULL };

const struct img_protocol proto_null = { .names = names, .open = null_open };
