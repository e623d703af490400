/* SPDX-License-Identifier: MIT */
#include "img/proto/curl_request.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_MAX = 64 << 10 }; /* of an error page: more is not waited for */

/* ---- what comes ---- */

static bool is_stopping(const struct curl_site *s)
{
	return s->stopping && s->stopping(s->arg);
}

static int fail(struct request *q, int code, const char *text)
{
	q->fatal = err_set(&q->why, code, "%s", text);
	return q->fatal;
}

static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct request *q = arg;

	http_answer_line(&q->a, line, n);
	return n;
}

/* A part that was asked for. */
static int check_part(struct request *q)
{
	const struct http_answer *a = &q->a;

	if (!a->has_range || a->first == HTTP_UNKNOWN)
		return fail(q, -EPROTO, "the server's answer does not say which bytes it has");
	if (a->first != q->off + q->done)
		return err_set(&q->why, q->fatal = -EPROTO,
			       "the server sent bytes from %" PRIu64
			       " when asked for those from "
			       "%" PRIu64,
			       a->first, q->off + q->done);
	if (a->total == HTTP_UNKNOWN && !q->s->known)
		return fail(q, -EPROTO, "the server does not say how long the file is");
	return 0;
}

/* All of it. */
static int check_whole(struct request *q)
{
	bool all = q->len == HTTP_UNKNOWN;

	q->a.total = q->a.length;
	if (!all && !q->s->known)
		q->s->no_ranges = true;
	if (!all)
		return fail(q, -ENOTSUP,
			    "the server gives no parts of files (no range requests); 'vimg "
			    "fetch' downloads all of it");
	q->skip = q->off + q->done;
	return 0;
}

/* The head of the answer is there, and its first byte: is this what we want? */
static int check(struct request *q)
{
	const char *differs;
	int r;

	q->checked = true;
	if (q->s->ftp)
		return 0;
	if (q->a.encoded)
		return fail(q, -EPROTO, "the server sends an encoded form of the file");
	if (q->a.long_tag)
		return fail(q, -EPROTO, "the server's ETag or date is too long");
	r = q->a.status == 206 ? check_part(q) : check_whole(q);
	if (r < 0)
		return r;
	if (!q->s->known) {
		q->s->file = q->a;
		q->s->known = true;
		return 0;
	}
	differs = http_answer_differs(&q->s->file, &q->a);
	if (!differs)
		return 0;
	return err_set(&q->why, q->fatal = -ESTALE,
		       "the file has changed on the server since it was opened (%s)", differs);
}

/* No more than so many bytes a second, over all connections. */
static int wait_turn(struct request *q, size_t n)
{
	struct curl_site *s = q->s;
	struct timespec t;
	int64_t now, wait;

	if (!s->o.rate)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	pthread_mutex_lock(&s->lock);
	if (s->next < now)
		s->next = now;
	wait = s->next - now;
	s->next += (int64_t)((double)n * 1e9 / (double)s->o.rate);
	pthread_mutex_unlock(&s->lock);
	while (wait > 0 && !is_stopping(s)) {
		int64_t step = wait < 50000000 ? wait : 50000000;

		t = (struct timespec){ .tv_nsec = (long)step };
		(void)nanosleep(&t, NULL);
		wait -= step;
	}
	return is_stopping(s) ? -EINTR : 0;
}

static uint64_t missing(const struct request *q)
{
	uint64_t end = q->len == HTTP_UNKNOWN ? HTTP_UNKNOWN : q->off + q->len;

	if (q->s->file.total != HTTP_UNKNOWN)
		end = min_u64(end, q->s->file.total);
	return end - min_u64(end, q->off + q->done);
}

static bool is_page(const struct request *q)
{
	return !q->s->ftp && q->a.status != 200 && q->a.status != 206;
}

static size_t on_body(char *buf, size_t size, size_t n, void *arg)
{
	struct request *q = arg;
	size_t all = n, take;

	if (q->head_only) /* what libcurl has made of the answers, as lines */
		return n;
	if (is_page(q)) {
		q->dropped += n;
		return q->dropped > PAGE_MAX ? 0 : n;
	}
	if (!q->checked && check(q) < 0)
		return 0;
	if (wait_turn(q, n) < 0)
		return 0;
	take = (size_t)min_u64(q->skip, n);
	q->skip -= take;
	buf += take;
	n -= take;
	take = (size_t)min_u64(missing(q), n);
	if (take) {
		q->fatal = q->sink(q->arg, buf, take, &q->why);
		if (q->fatal < 0)
			return 0;
		q->done += take;
	}
	if (take < n)
		q->wrong_length = true;
	return take < n ? 0 : all;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
		       curl_off_t up)
{
	return is_stopping(((struct request *)arg)->s);
}

/* ---- what is asked ---- */

static void set_tls(struct request *q)
{
	const struct curl_lib *c = &q->s->c;
	const struct http_opts *o = &q->s->o;

	c->curl_easy_setopt(q->h, CURLOPT_SSL_VERIFYPEER, (long)o->sslverify);
	c->curl_easy_setopt(q->h, CURLOPT_SSL_VERIFYHOST, o->sslverify ? 2L : 0L);
	c->curl_easy_setopt(q->h, CURLOPT_PROXY_SSL_VERIFYPEER, (long)o->sslverify);
	c->curl_easy_setopt(q->h, CURLOPT_PROXY_SSL_VERIFYHOST, o->sslverify ? 2L : 0L);
	if (o->cafile)
		c->curl_easy_setopt(q->h, CURLOPT_CAINFO, o->cafile);
}

/* What is for the host of the URL alone. */
static void set_identity(struct request *q, struct curl_slist *headers)
{
	const struct curl_lib *c = &q->s->c;
	const struct http_opts *o = &q->s->o;

	if (o->username)
		c->curl_easy_setopt(q->h, CURLOPT_USERNAME, o->username);
	if (o->password)
		c->curl_easy_setopt(q->h, CURLOPT_PASSWORD, o->password);
	if (o->token) {
		c->curl_easy_setopt(q->h, CURLOPT_XOAUTH2_BEARER, o->token);
		c->curl_easy_setopt(q->h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	}
	if (o->cookie)
		c->curl_easy_setopt(q->h, CURLOPT_COOKIE, o->cookie);
	if (o->sigv4)
		c->curl_easy_setopt(q->h, CURLOPT_AWS_SIGV4, o->sigv4);
	if (headers)
		c->curl_easy_setopt(q->h, CURLOPT_HTTPHEADER, headers);
}

static void set_common(struct request *q)
{
	const struct curl_lib *c = &q->s->c;
	const struct http_opts *o = &q->s->o;

	c->curl_easy_setopt(q->h, CURLOPT_NOSIGNAL, 1L);
	c->curl_easy_setopt(q->h, CURLOPT_FOLLOWLOCATION, 0L); /* see follow() */
	c->curl_easy_setopt(q->h, CURLOPT_PROTOCOLS_STR, "http,https,ftp,ftps");
	c->curl_easy_setopt(q->h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	c->curl_easy_setopt(q->h, CURLOPT_USERAGENT, "vimg/" VERSION);
	c->curl_easy_setopt(q->h, CURLOPT_BUFFERSIZE, 256L << 10);
	c->curl_easy_setopt(q->h, CURLOPT_TCP_KEEPALIVE, 1L);
	c->curl_easy_setopt(q->h, CURLOPT_CONNECTTIMEOUT, (long)o->timeout);
	c->curl_easy_setopt(q->h, CURLOPT_LOW_SPEED_LIMIT, 1L);
	c->curl_easy_setopt(q->h, CURLOPT_LOW_SPEED_TIME, (long)o->timeout);
	c->curl_easy_setopt(q->h, CURLOPT_FILETIME, (long)q->s->ftp);
	if (q->s->share)
		c->curl_easy_setopt(q->h, CURLOPT_SHARE, q->s->share);
	if (o->proxy)
		c->curl_easy_setopt(q->h, CURLOPT_PROXY, o->proxy);
	if (o->proxy_username)
		c->curl_easy_setopt(q->h, CURLOPT_PROXYUSERNAME, o->proxy_username);
	if (o->proxy_password)
		c->curl_easy_setopt(q->h, CURLOPT_PROXYPASSWORD, o->proxy_password);
	if (o->netrc)
		c->curl_easy_setopt(q->h, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	if (o->netrc_file)
		c->curl_easy_setopt(q->h, CURLOPT_NETRC_FILE, o->netrc_file);
	c->curl_easy_setopt(q->h, CURLOPT_HEADERFUNCTION, on_head);
	c->curl_easy_setopt(q->h, CURLOPT_HEADERDATA, q);
	c->curl_easy_setopt(q->h, CURLOPT_WRITEFUNCTION, on_body);
	c->curl_easy_setopt(q->h, CURLOPT_WRITEDATA, q);
	c->curl_easy_setopt(q->h, CURLOPT_XFERINFOFUNCTION, on_progress);
	c->curl_easy_setopt(q->h, CURLOPT_XFERINFODATA, q);
	c->curl_easy_setopt(q->h, CURLOPT_NOPROGRESS, 0L);
}

static void set_range(struct request *q)
{
	const struct curl_lib *c = &q->s->c;
	uint64_t from = q->off + q->done;
	char range[64];

	if (q->len != HTTP_UNKNOWN)
		snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, from,
			 q->off + q->len - 1);
	else if (from)
		snprintf(range, sizeof(range), "%" PRIu64 "-", from);
	else
		return;
	c->curl_easy_setopt(q->h, CURLOPT_RANGE, range);
}

/* ftp: length and date, which its answers do not have. */
static CURLcode ask_ftp(struct request *q)
{
	const struct curl_lib *c = &q->s->c;
	curl_off_t size = -1, date = -1;
	CURLcode code;

	q->head_only = true;
	c->curl_easy_setopt(q->h, CURLOPT_NOBODY, 1L);
	code = c->curl_easy_perform(q->h);
	q->head_only = false;
	c->curl_easy_setopt(q->h, CURLOPT_NOBODY, 0L);
	c->curl_easy_setopt(q->h, CURLOPT_HTTPGET, 1L);
	if (code != CURLE_OK)
		return code;
	c->curl_easy_getinfo(q->h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
	c->curl_easy_getinfo(q->h, CURLINFO_FILETIME_T, &date);
	if (size >= 0)
		q->s->file.total = (uint64_t)size;
	snprintf(q->s->file.modified, sizeof(q->s->file.modified), "%lld", (long long)date);
	q->s->known = size >= 0;
	return size >= 0 ? CURLE_OK : CURLE_WEIRD_SERVER_REPLY;
}

static int check_ftp_date(struct request *q)
{
	curl_off_t date = -1;
	char text[32];

	q->s->c.curl_easy_getinfo(q->h, CURLINFO_FILETIME_T, &date);
	snprintf(text, sizeof(text), "%lld", (long long)date);
	if (date < 0 || !strcmp(text, q->s->file.modified))
		return 0;
	return fail(q, -ESTALE,
		    "the file has changed on the server since it was opened (date)");
}

static struct curl_slist *make_headers(const struct curl_site *s)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < s->o.headers_n; i++) {
		struct curl_slist *more = s->c.curl_slist_append(list, s->o.headers[i]);

		if (!more)
			break;
		list = more;
	}
	return list;
}

static CURLcode ask(struct request *q, const char *url)
{
	const struct curl_lib *c = &q->s->c;
	CURLcode code = CURLE_OK;

	c->curl_easy_setopt(q->h, CURLOPT_URL, url);
	if (q->s->ftp && !q->s->known)
		code = ask_ftp(q);
	if (q->s->ftp && code == CURLE_OK && !missing(q))
		return CURLE_OK;
	if (code == CURLE_OK) {
		set_range(q);
		code = c->curl_easy_perform(q->h);
	}
	if (code == CURLE_OK && q->s->ftp)
		(void)check_ftp_date(q);
	return code;
}

int request_perform(struct request *q, CURLcode *code, struct err *e)
{
	const struct curl_lib *c = &q->s->c;
	struct curl_slist *headers = make_headers(q->s);
	AUTO_FREE char *url = NULL;
	bool elsewhere;

	pthread_mutex_lock(&q->s->lock);
	url = mem_strdup(q->s->where, e);
	elsewhere = q->s->elsewhere;
	pthread_mutex_unlock(&q->s->lock);
	if (!url) {
		c->curl_slist_free_all(headers);
		return -ENOMEM;
	}
	http_answer_reset(&q->a);
	q->skip = q->dropped = 0;
	q->checked = q->wrong_length = false;
	q->fatal = 0;
	c->curl_easy_reset(q->h);
	set_common(q);
	set_tls(q);
	if (!elsewhere)
		set_identity(q, headers);
	*code = ask(q, url);
	c->curl_slist_free_all(headers);
	if (is_stopping(q->s))
		return err_set(e, -EINTR, "stopped");
	/* An answer without a body was not looked at. */
	if (!q->fatal && !q->checked && *code == CURLE_OK && !q->s->ftp && !is_page(q))
		(void)check(q);
	if (q->fatal < 0)
		return err_set(e, q->fatal, "%s", q->why.msg);
	return 0;
}

/* An empty file has no range that could be asked for. */
static bool is_empty_file(const struct request *q)
{
	return q->a.status == 416 && q->a.total == 0 && q->off == 0;
}

bool request_is_complete(const struct request *q, CURLcode code)
{
	struct curl_site *s = q->s;

	if (!s->ftp && !s->known && is_empty_file(q)) {
		s->file = q->a;
		s->known = true;
		return true;
	}
	if (!s->known || is_page(q))
		return false;
	if (q->len == HTTP_UNKNOWN && s->file.total == HTTP_UNKNOWN)
		return code == CURLE_OK && !q->skip; /* its end is the end of the answer */
	return missing(q) == 0;
}

static const char *status_word(unsigned status)
{
	static const struct {
		unsigned status;
		const char *word;
	} words[] = {
		{ 400, "bad request" },
		{ 401, "who are you?" },
		{ 403, "forbidden" },
		{ 404, "not found" },
		{ 407, "the proxy asks who you are" },
		{ 410, "gone" },
		{ 416, "no such range" },
		{ 429, "too many requests" },
		{ 500, "internal error" },
		{ 502, "bad gateway" },
		{ 503, "unavailable" },
		{ 504, "gateway timeout" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].status == status)
			return words[i].word;
	return "no success";
}

int request_why(const struct request *q, CURLcode code, struct err *e)
{
	unsigned status = q->a.status;

	if (!q->s->ftp && is_page(q) && status)
		return err_set(e,
			       status == 404 || status == 410                    ? -ENOENT
			       : status == 401 || status == 403 || status == 407 ? -EACCES
										 : -EIO,
			       "the server answers %u (%s)", status, status_word(status));
	if (code == CURLE_OK || code == CURLE_PARTIAL_FILE)
		return err_set(e, -EIO,
			       "the server ends its answers too early, at byte %" PRIu64,
			       q->off + q->done);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, -ETIMEDOUT, "no answer from the server for %u seconds",
			       q->s->o.timeout);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return err_set(
			e, -EACCES,
			"the server's certificate is not to be trusted (%s); sslverify=off "
			"does not look",
			q->s->c.curl_easy_strerror(code));
	return err_set(e, code == CURLE_REMOTE_FILE_NOT_FOUND ? -ENOENT : -EIO, "%s",
		       q->s->c.curl_easy_strerror(code));
}
