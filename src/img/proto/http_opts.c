/* SPDX-License-Identifier: MIT */
#include "img/proto/http_opts.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "img/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 64, FILE_MAX = 64 << 10 };

void http_opts_init(struct http_opts *h)
{
	*h = (struct http_opts){
		.readahead = 256 << 10,
		.memory = 96 << 20,
		.connections = 8,
		.timeout = 15,
		.sslverify = true,
	};
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void http_opts_free(struct http_opts *h)
{
	free(h->url);
	free(h->username);
	wipe(h->password);
	free(h->proxy);
	free(h->proxy_username);
	wipe(h->proxy_password);
	wipe(h->cookie);
	wipe(h->token);
	for (size_t i = 0; i < h->headers_n; i++)
		wipe(h->headers[i]);
	free(h->headers);
	free(h->cafile);
	free(h->netrc_file);
	free(h->sigv4);
	*h = (struct http_opts){ 0 };
}

int http_opts_header(struct http_opts *h, const char *line, struct err *e)
{
	size_t name = strcspn(line, ": \t\r\n");
	int r;

	/* What stands behind a line end would be a header of its own, or the end of all. */
	if (!name || line[name] != ':' || line[strcspn(line, "\r\n")])
		return err_set(e, -EINVAL, "a header must be one line 'Name: value'");
	if (h->headers_n == HEADERS_MAX)
		return err_set(e, -EINVAL, "more than %d headers", HEADERS_MAX);
	r = mem_grow((void **)&h->headers, h->headers_n + 1, sizeof(*h->headers), e);
	if (r < 0)
		return r;
	h->headers[h->headers_n] = mem_strdup(line, e);
	if (!h->headers[h->headers_n])
		return -ENOMEM;
	h->headers_n++;
	return 0;
}

/* ---- values ---- */

static int take_text(struct optset *o, const char *key, char **out, struct err *e)
{
	const char *val = optset_get(o, key);

	if (!val)
		return 0;
	wipe(*out);
	*out = mem_strdup(val, e);
	return *out ? 0 : -ENOMEM;
}

static int take_secret(struct optset *o, const struct secret_set *secrets, const char *key,
		       char **out, struct err *e)
{
	const char *id = optset_get(o, key), *text;
	int r;

	if (!id)
		return 0;
	r = secret_text(secrets, id, &text, e);
	if (r < 0)
		return r;
	wipe(*out);
	*out = mem_strdup(text, e);
	return *out ? 0 : -ENOMEM;
}

static int take_number(struct optset *o, const char *key, uint64_t min, uint64_t max,
		       uint64_t *out, struct err *e)
{
	uint64_t v = *out;
	int r = optset_size(o, key, &v, e);

	if (r == 0 && (v < min || v > max))
		return err_set(e, -EINVAL, "%s must be between %llu and %llu, not %s", key,
			       (unsigned long long)min, (unsigned long long)max,
			       optset_get(o, key));
	*out = v;
	return r;
}

/* A token is the first line of its file. */
static int take_token_file(struct http_opts *h, struct optset *o, struct err *e)
{
	const char *path = optset_get(o, "token-file");
	char *text;
	int r;

	if (!path)
		return 0;
	if (h->token)
		return err_set(e, -EINVAL, "token-file and token-secret exclude each other");
	r = io_read_file(path, FILE_MAX, &text, e);
	if (r < 0)
		return r;
	text[strcspn(text, "\r\n")] = '\0';
	h->token = text;
	return *text ? 0 : err_set(e, -EINVAL, "the token in '%s' is empty", path);
}

/* Lines of "Name: value"; empty ones and those that begin with # do not count. */
static int take_header_file(struct http_opts *h, struct optset *o, struct err *e)
{
	const char *path = optset_get(o, "header-file");
	char *text, *rest, *line;
	int r;

	if (!path)
		return 0;
	r = io_read_file(path, FILE_MAX, &text, e);
	if (r < 0)
		return r;
	rest = text;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		if (*line && *line != '#')
			r = http_opts_header(h, line, e);
	}
	wipe(text);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

/* "header", or a list of them: "header.0", "header.1" ... */
static int take_headers(struct http_opts *h, struct optset *o, struct err *e)
{
	const char *one = optset_get(o, "header");
	int r = one ? http_opts_header(h, one, e) : 0;

	for (unsigned i = 0; r == 0 && i < HEADERS_MAX; i++) {
		char key[24];
		const char *val;

		snprintf(key, sizeof(key), "header.%u", i);
		val = optset_get(o, key);
		if (!val)
			break;
		r = http_opts_header(h, val, e);
	}
	return r < 0 ? r : take_header_file(h, o, e);
}

static int take_numbers(struct http_opts *h, struct optset *o, struct err *e)
{
	uint64_t readahead = h->readahead, memory = h->memory, n = h->connections;
	uint64_t timeout = h->timeout;
	int r = take_number(o, "readahead", 512, 64 << 20, &readahead, e);

	if (r == 0 && readahead % 512)
		return err_set(e, -EINVAL, "HTTP block readahead must be a multiple of 512");
	if (r == 0)
		r = take_number(o, "cache-size", 1 << 20, 1ull << 34, &memory, e);
	if (r == 0)
		r = take_number(o, "connections", 1, HTTP_CONNECTIONS_MAX, &n, e);
	if (r == 0)
		r = take_number(o, "timeout", 1, 10000, &timeout, e);
	if (r == 0)
		r = take_number(o, "rate-limit", 0, INT64_MAX, &h->rate, e);
	h->readahead = (size_t)readahead;
	h->memory = (size_t)memory;
	h->connections = (unsigned)n;
	h->timeout = (unsigned)timeout;
	return r;
}

int http_opts_take(struct http_opts *h, struct optset *o, const struct secret_set *secrets,
		   struct err *e)
{
	static const struct {
		const char *key;
		size_t at;
		bool secret;
	} texts[] = {
		{ "url", offsetof(struct http_opts, url), false },
		{ "username", offsetof(struct http_opts, username), false },
		{ "password-secret", offsetof(struct http_opts, password), true },
		{ "proxy", offsetof(struct http_opts, proxy), false },
		{ "proxy-username", offsetof(struct http_opts, proxy_username), false },
		{ "proxy-password-secret", offsetof(struct http_opts, proxy_password), true },
		{ "token-secret", offsetof(struct http_opts, token), true },
		{ "cafile", offsetof(struct http_opts, cafile), false },
		{ "netrc-file", offsetof(struct http_opts, netrc_file), false },
	};
	int r = take_numbers(h, o, e);

	if (r == 0 && optset_get(o, "cookie") && optset_get(o, "cookie-secret"))
		return err_set(e, -EINVAL,
			       "curl driver cannot handle both cookie and cookie secret");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
		char **out = (char **)(void *)((char *)h + texts[i].at);

		r = texts[i].secret ? take_secret(o, secrets, texts[i].key, out, e)
				    : take_text(o, texts[i].key, out, e);
	}
	if (r == 0)
		r = take_text(o, "cookie", &h->cookie, e);
	if (r == 0)
		r = take_secret(o, secrets, "cookie-secret", &h->cookie, e);
	if (r == 0)
		r = optset_bool(o, "sslverify", &h->sslverify, e);
	if (r == 0)
		r = optset_bool(o, "netrc", &h->netrc, e);
	if (r == 0)
		r = take_token_file(h, o, e);
	if (r == 0)
		r = take_headers(h, o, e);
	h->netrc = h->netrc || h->netrc_file;
	return r;
}
