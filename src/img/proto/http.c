/* SPDX-License-Identifier: MIT */
#include "img/proto/http.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/curl_site.h"
#include "img/proto/readahead.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http {
	struct blk blk; /* first */
	struct curl_site *site;
	struct readahead *ra;
	CURL *h[HTTP_CONNECTIONS_MAX]; /* of each worker; the first was there before them */
};

static struct http *to_http(struct blk *b)
{
	return (struct http *)b;
}

static int http_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return readahead_read(to_http(b)->ra, buf, len, off, e);
}

static void release(struct http *h)
{
	readahead_free(h->ra);
	for (unsigned i = 0; h->site && i < HTTP_CONNECTIONS_MAX; i++)
		curl_site_drop(h->site, h->h[i]);
	curl_site_close(h->site);
	free(h);
}

static int http_close(struct blk *b, struct err *e)
{
	struct http *h = to_http(b);

	/* Its workers name the file in what they have to say. */
	readahead_free(h->ra);
	h->ra = NULL;
	blk_fini(b);
	release(h);
	return 0;
}

static const struct blk_ops http_ops = {
	.name = "http",
	.parallel = true,
	.pread = http_pread,
	.close = http_close,
};

/* ---- what the workers do ---- */

static int to_cache(void *arg, const void *buf, size_t n, struct err *e)
{
	readahead_put(arg, buf, n);
	return 0;
}

static int fetch(void *arg, unsigned worker, uint64_t off, uint64_t len,
		 struct readahead_job *j, struct err *e)
{
	struct http *h = arg;
	int r = curl_site_get(h->site, &h->h[worker], off, len, to_cache, j, e);

	return r < 0 ? err_wrap(e, r, "%s", h->blk.filename) : 0;
}

static bool stopping(void *arg)
{
	return readahead_stopping(((struct http *)arg)->ra);
}

/* ---- opening ---- */

struct first {
	uint8_t *buf;
	size_t len, cap;
};

static int to_first(void *arg, const void *buf, size_t n, struct err *e)
{
	struct first *f = arg;

	n = (size_t)min_u64(n, f->cap - f->len);
	memcpy(f->buf + f->len, buf, n);
	f->len += n;
	return 0;
}

/* The first bytes are needed in any case, and their answer tells all the rest. */
static int look(struct http *h, struct err *e)
{
	struct http_opts *o = &h->site->o;
	AUTO_FREE uint8_t *buf = mem_zalloc(1, o->readahead, e);
	struct first f = { .buf = buf, .cap = o->readahead };
	struct readahead_conf c = {
		.workers = o->connections,
		.least = o->readahead,
		.memory = o->memory,
		.fetch = fetch,
		.arg = h,
	};
	int r = buf ? curl_site_get(h->site, &h->h[0], 0, o->readahead, to_first, &f, e)
		    : -ENOMEM;

	if (r < 0)
		return r;
	c.size = h->site->file.total;
	r = readahead_new(&c, &h->ra, e);
	if (r < 0)
		return r;
	h->site->stopping = stopping;
	h->site->arg = h;
	return readahead_seed(h->ra, f.buf, f.len, e);
}

int http_open_with(const char *name, struct http_opts *opts, const struct proto_open *o,
		   struct blk **out, struct err *e)
{
	struct http *h = mem_zalloc(1, sizeof(*h), e);
	unsigned flags = o->flags;
	int r = h ? curl_site_open(opts, &h->site, e) : -ENOMEM;

	if (r == 0)
		r = proto_read_only(o->driver, &flags, e);
	if (r == 0) {
		r = look(h, e);
		if (r < 0)
			r = err_wrap(e, r, "Could not open '%s'", name);
	}
	if (r == 0)
		r = blk_init(&h->blk, &http_ops, name, flags, e);
	if (r < 0) {
		http_opts_free(opts);
		if (h)
			release(h);
		return r;
	}
	h->blk.size = h->site->file.total;
	h->blk.grows = h->blk.fixed = true;
	h->blk.log = o->log;
	*out = &h->blk;
	return 0;
}

static int check_url(const struct proto_open *o, const struct http_opts *h, struct err *e)
{
	size_t n = strlen(o->driver);

	if (!h->url)
		return err_set(e, -EINVAL, "curl block driver requires an 'url' option");
	if (strncasecmp(h->url, o->driver, n) || strncmp(h->url + n, "://", 3))
		return err_set(e, -EINVAL, "%s curl driver cannot handle the URL '%s'",
			       o->driver, h->url);
	return 0;
}

static int http_open(const struct proto_open *o, struct blk **out, struct err *e)
{
	struct http_opts h;
	AUTO_FREE char *name = NULL;
	int r;

	http_opts_init(&h);
	r = http_opts_take(&h, o->opts, o->secrets, e);
	if (r == 0 && o->name && h.url)
		r = err_set(e, -EINVAL, "The file name is given twice: '%s' and '%s'", o->name,
			    h.url);
	if (r == 0 && o->name) {
		h.url = mem_strdup(o->name, e);
		r = h.url ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = check_url(o, &h, e);
	if (r == 0) {
		name = mem_strdup(h.url, e);
		r = name ? 0 : -ENOMEM;
	}
	if (r < 0) {
		http_opts_free(&h);
		return r;
	}
	return http_open_with(name, &h, o, out, e);
}

static const char *const names[] = { "http", "https", "ftp", "ftps", NULL };

const struct img_protocol proto_http = { .names = names, .open = http_open };
