/* SPDX-License-Identifier: MIT */
/* Sends requests to an image, so many at a time, and takes the time. */
#include "base/mem.h"
#include "base/now.h"
#include "base/threads.h"
#include "img/cmd_common.h"
#include "img/cmds.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_COUNT = 1,
	OPT_DEPTH,
	OPT_BUFSIZE,
	OPT_STEP,
	OPT_OFFSET,
	OPT_WRITE,
	OPT_PATTERN,
	OPT_FLUSH,
	OPT_NO_DRAIN,
	OPT_AIO,
	OPT_NATIVE,
	OPT_CACHE
};

/* A request in flight is a thread. */
enum { DEPTH_MAX = 1024 };

const struct cli_opt cmd_bench_opts[] = {
	CMD_OPT_HELP,
	{ "count", 'c', "N", OPT_COUNT },
	{ "depth", 'd', "N", OPT_DEPTH },
	{ "buffer-size", 's', "SIZE", OPT_BUFSIZE },
	{ "step-size", 'S', "SIZE", OPT_STEP },
	{ "offset", 'o', "OFFSET", OPT_OFFSET },
	{ "write", 'w', NULL, OPT_WRITE },
	{ "pattern", 0, "BYTE", OPT_PATTERN },
	{ "flush-interval", 0, "N", OPT_FLUSH },
	{ "no-drain", 0, NULL, OPT_NO_DRAIN },
	{ "aio", 'i', "ENGINE", OPT_AIO },
	{ "native", 'n', NULL, OPT_NATIVE },
	{ "cache", 't', "MODE", OPT_CACHE },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_SHARE,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct bench {
	struct cmd_opts o;
	uint64_t count, depth, bufsize, step, offset, pattern, flush;
	bool write, no_drain;
	const char *cache;

	/* while it runs */
	struct blk *b;
	uint8_t *buf; /* depth buffers; when writing all are the first */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	uint64_t next; /* request to be sent next */
	uint64_t in_flight;
	bool flushing;
	bool failed;
};

static int number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	if (cmd_number(text, min, max, out))
		return 0;
	cmd_error("Invalid %s specified", what);
	return CMD_EXIT(1);
}

static int size(const char *what, const char *text, uint64_t max, uint64_t *out)
{
	return cmd_size(what, text, 0, max, out) < 0 ? CMD_EXIT(1) : 0;
}

static int aio_engine(const char *name)
{
	if (!strcmp(name, "threads"))
		return 0;
	if (!strcmp(name, "native") || !strcmp(name, "io_uring"))
		cmd_error("aio engine '%s' is not supported: requests are sent by threads",
			  name);
	else
		cmd_error("Invalid aio option: %s", name);
	return CMD_EXIT(1);
}

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct bench *c = ctx;

	switch (id) {
	case OPT_COUNT:
		return number("request count", value, 0, INT_MAX, &c->count);
	case OPT_DEPTH:
		return number("queue depth", value, 0, INT_MAX, &c->depth);
	case OPT_BUFSIZE:
		return size("buffer size", value, INT_MAX, &c->bufsize);
	case OPT_STEP:
		return size("step_size", value, INT_MAX, &c->step);
	case OPT_OFFSET:
		return size("offset", value, INT64_MAX, &c->offset);
	case OPT_PATTERN:
		return number("pattern byte", value, 0, 255, &c->pattern);
	case OPT_FLUSH:
		return number("flush interval", value, 0, INT_MAX, &c->flush);
	case OPT_WRITE:
		c->write = true;
		break;
	case OPT_NO_DRAIN:
		c->no_drain = true;
		break;
	case OPT_AIO:
		return aio_engine(value);
	case OPT_NATIVE:
		return aio_engine("native");
	default:
		c->cache = value;
	}
	return 0;
}

/*
 * Takes the number of the next request; false when there are no more.  *flush: a flush
 * follows it.  While another thread flushes nobody starts a request, unless told to.
 */
static bool take(struct bench *c, uint64_t *i, bool *flush)
{
	bool some;

	pthread_mutex_lock(&c->lock);
	while (c->flushing && !c->no_drain)
		pthread_cond_wait(&c->idle, &c->lock);
	some = c->next < c->count && !c->failed;
	if (some) {
		*i = c->next++;
		*flush = c->flush && c->next % c->flush == 0;
		c->in_flight++;
		if (*flush && !c->no_drain)
			c->flushing = true;
	}
	pthread_mutex_unlock(&c->lock);
	return some;
}

/* The request is done.  Who has to flush waits until it is alone in flight. */
static void done(struct bench *c, bool flush)
{
	pthread_mutex_lock(&c->lock);
	c->in_flight--;
	pthread_cond_broadcast(&c->idle);
	while (flush && !c->no_drain && c->in_flight)
		pthread_cond_wait(&c->idle, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void flushed(struct bench *c, bool failed)
{
	pthread_mutex_lock(&c->lock);
	c->flushing = false;
	c->failed |= failed;
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
}

static int worker(void *arg, unsigned w, struct err *e)
{
	struct bench *c = arg;
	uint8_t *buf = c->write ? c->buf : c->buf + (size_t)w * c->bufsize;
	uint64_t i;
	bool flush;
	int r = 0;

	while (r == 0 && take(c, &i, &flush)) {
		uint64_t at = c->offset;

		/* as far as a step is a whole one: each request wraps by itself */
		if (i && c->b->size)
			at = (c->offset % c->b->size + i * (c->step % c->b->size)) % c->b->size;
		if (c->write)
			r = blk_pwrite(c->b, buf, c->bufsize, at, e);
		else
			r = blk_pread(c->b, buf, c->bufsize, at, e);
		done(c, flush && r == 0);
		if (flush && r == 0)
			r = blk_flush(c->b, e);
		if (flush || r < 0)
			flushed(c, r < 0);
	}
	return r;
}

static int prepare(struct bench *c)
{
	struct err e = { 0 };
	size_t buffers = c->write ? 1 : (size_t)c->depth, len;

	if (__builtin_mul_overflow(buffers, (size_t)c->bufsize, &len) || len > SIZE_MAX / 2)
		err_set(&e, -ENOMEM, "%llu buffers of %llu bytes", (unsigned long long)c->depth,
			(unsigned long long)c->bufsize);
	else
		c->buf = mem_aligned(4096, len ? len : 1, &e);
	if (!c->buf)
		return cmd_fail(&e, "Could not allocate buffers: ");
	memset(c->buf, (int)c->pattern, len);
	return 0;
}

/* qemu-img's says it all the same. */
static bool is_quiet(const struct bench *c)
{
	return c->o.quiet && !cmd_is_qemu_img();
}

static int run(struct bench *c)
{
	unsigned n = (unsigned)(c->depth < c->count ? c->depth : c->count);
	struct err e = { 0 };
	int64_t start;
	int r = 0;

	if (!is_quiet(c)) {
		printf("Sending %llu %s requests, %llu bytes each, %llu in parallel (starting "
		       "at offset %llu, step size %llu)\n",
		       (unsigned long long)c->count, c->write ? "write" : "read",
		       (unsigned long long)c->bufsize, (unsigned long long)c->depth,
		       (unsigned long long)c->offset, (unsigned long long)c->step);
		if (c->flush)
			printf("Sending flush every %llu requests\n",
			       (unsigned long long)c->flush);
		fflush(stdout);
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->idle, NULL);
	start = now_ns();
	if (n)
		r = threads_run(n, worker, c, &e);
	if (r == 0 && !is_quiet(c))
		printf("Run completed in %3.3f seconds.\n", (double)(now_ns() - start) / 1e9);
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->lock);
	return r < 0 ? cmd_fail(&e, "Failed request: ") : 0;
}

/* 0 or the exit status. */
static int check_options(const struct bench *c)
{
	if (!c->write && c->flush)
		cmd_error("--flush-interval is only available in write tests");
	else if (c->flush && c->flush < c->depth)
		cmd_error("Flush interval can't be smaller than depth");
	else if (c->depth < 1 || c->depth > DEPTH_MAX)
		cmd_error("Invalid queue depth specified. Must be between 1 and %d.",
			  DEPTH_MAX);
	else
		return 0;
	return 1;
}

int cmd_bench(int argc, char **argv)
{
	struct bench c = { .count = 75000, .depth = 64, .bufsize = 4096 };
	unsigned flags = 0;
	int n = 0, r;

	r = cmd_parse(cmd_bench_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (check_options(&c))
		return 1;
	if (cmd_cache_mode(c.cache, NULL, &flags)) {
		cmd_error("Invalid cache mode");
		return 1;
	}
	if (!c.step)
		c.step = c.bufsize;
	if (cmd_open(&c.o, argv[1], c.o.fmt, flags | (c.write ? BLK_WRITE : 0), &c.b) < 0)
		return 1;
	r = prepare(&c);
	if (!r)
		r = run(&c);
	free(c.buf);
	return cmd_close(&c.b, argv[1]) ? 1 : r;
}
