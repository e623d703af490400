/* SPDX-License-Identifier: MIT */
#include "img/proto/curl_site.h"

#include "base/mem.h"
#include "img/proto/curl_request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TRIES = 6,       /* without a byte between them */
	FIRST_TRIES = 2, /* while nobody has ever answered */
	REDIRECTS = 10,
	WAIT_MS = 250, /* before the second try; doubles */
	WAIT_MAX_MS = 30000,
};

/* ---- where it is ---- */

static char *url_part(struct curl_site *s, CURLU *u, CURLUPart part)
{
	char *out = NULL;

	return s->c.curl_url_get(u, part, &out, CURLU_DEFAULT_PORT) == CURLUE_OK ? out : NULL;
}

static bool part_equal(struct curl_site *s, CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = url_part(s, a, part), *y = url_part(s, b, part);
	bool equal = x && y && !strcasecmp(x, y);

	s->c.curl_free(x);
	s->c.curl_free(y);
	return equal;
}

static bool same_origin(struct curl_site *s, const char *x, const char *y)
{
	CURLU *a = s->c.curl_url(), *b = s->c.curl_url();
	bool same = a && b && s->c.curl_url_set(a, CURLUPART_URL, x, 0) == CURLUE_OK &&
		    s->c.curl_url_set(b, CURLUPART_URL, y, 0) == CURLUE_OK &&
		    part_equal(s, a, b, CURLUPART_SCHEME) &&
		    part_equal(s, a, b, CURLUPART_HOST) && part_equal(s, a, b, CURLUPART_PORT);

	if (a)
		s->c.curl_url_cleanup(a);
	if (b)
		s->c.curl_url_cleanup(b);
	return same;
}

static bool has_scheme(const char *url, const char *scheme)
{
	size_t n = strlen(scheme);

	return !strncasecmp(url, scheme, n) && !strncmp(url + n, "://", 3);
}

/* From now on it is @url.  Steps down to plain http, or to other protocols, are none that a server
 * may send us on. */
static int go_to(struct curl_site *s, const char *url, struct err *e)
{
	bool from_tls = has_scheme(s->o.url, "https");
	char *copy;

	if (!has_scheme(url, "https") && (from_tls || !has_scheme(url, "http")))
		return err_set(e, -EACCES, "the server sends us to '%.200s', which is not %s",
			       url, from_tls ? "https" : "http");
	copy = mem_strdup(url, e);
	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&s->lock);
	free(s->where);
	s->where = copy;
	s->elsewhere = !same_origin(s, url, s->o.url);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Where we were sent is no longer good: signed addresses expire.  Once for each get. */
static bool go_back(struct curl_site *s, struct request *q)
{
	char *copy;
	bool away;

	pthread_mutex_lock(&s->lock);
	away = strcmp(s->where, s->o.url) != 0;
	copy = away && !q->went_back ? strdup(s->o.url) : NULL;
	if (copy) {
		free(s->where);
		s->where = copy;
		s->elsewhere = false;
	}
	pthread_mutex_unlock(&s->lock);
	q->went_back = true;
	return copy != NULL;
}

/* ---- trying again ---- */

static int pause_ms(struct curl_site *s, unsigned ms)
{
	for (unsigned done = 0; done < ms; done += 20) {
		struct timespec t = { .tv_nsec = 20 * 1000000 };

		if (s->stopping && s->stopping(s->arg))
			return -EINTR;
		(void)nanosleep(&t, NULL);
	}
	return 0;
}

/* Is it worth while to ask again? */
static bool may_pass(const struct request *q, CURLcode code)
{
	unsigned status = q->a.status;

	if (status >= 400 && !q->s->ftp)
		return (status >= 500 && status != 501 && status != 505) || status == 408 ||
		       status == 425 || status == 429;
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL: /* what comes is no HTTP: left over from before */
		return q->s->known;
	case CURLE_OK:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_FTP_ACCEPT_TIMEOUT:
		return true;
	default:
		return false;
	}
}

static unsigned wait_before(const struct request *q, unsigned tries)
{
	unsigned ms = WAIT_MS << (tries - 1);

	if (q->a.retry_after * 1000 > ms)
		ms = q->a.retry_after * 1000;
	return ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
}

static bool is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	       status == 308;
}

static bool is_gone(unsigned status)
{
	return status == 401 || status == 403 || status == 404 || status == 410;
}

static int follow(struct request *q, unsigned *hops, struct err *e)
{
	char *url = NULL;

	if (++*hops > REDIRECTS)
		return err_set(e, -ELOOP, "more than %d redirects", REDIRECTS);
	(void)q->s->c.curl_easy_getinfo(q->h, CURLINFO_REDIRECT_URL, &url);
	if (!url)
		return err_set(e, -EIO, "the server answers %u and does not say where to go",
			       q->a.status);
	return go_to(q->s, url, e);
}

static int get(struct request *q, struct err *e)
{
	struct curl_site *s = q->s;
	unsigned tries = 0, hops = 0;

	for (;;) {
		uint64_t before = q->done;
		CURLcode code;
		int r = request_perform(q, &code, e);

		if (r < 0)
			return r;
		if (!s->ftp && is_redirect(q->a.status)) {
			r = follow(q, &hops, e);
			if (r < 0)
				return r;
			continue;
		}
		if (request_is_complete(q, code))
			return 0;
		if (q->done > before)
			tries = 0;
		else if (!s->ftp && is_gone(q->a.status) && go_back(s, q))
			continue;
		if (!may_pass(q, code) ||
		    ++tries >= (s->known || q->a.status ? TRIES : FIRST_TRIES))
			return request_why(q, code, e);
		if (q->done > before)
			continue; /* cut off, or it gives less at a time than was asked for */
		if (pause_ms(s, wait_before(q, tries)) < 0)
			return err_set(e, -EINTR, "stopped");
	}
}

int curl_site_get(struct curl_site *s, CURL **h, uint64_t off, uint64_t len, curl_sink *sink,
		  void *arg, struct err *e)
{
	struct request q = { .s = s, .off = off, .len = len, .sink = sink, .arg = arg };

	if (!*h)
		*h = s->c.curl_easy_init();
	if (!*h)
		return err_set(e, -ENOMEM, "out of memory");
	q.h = *h;
	return get(&q, e);
}

/* ---- life ---- */

static void share_lock(CURL *h, curl_lock_data what, curl_lock_access how, void *arg)
{
	pthread_mutex_lock(&((struct curl_site *)arg)->share_lock[what]);
}

static void share_unlock(CURL *h, curl_lock_data what, void *arg)
{
	pthread_mutex_unlock(&((struct curl_site *)arg)->share_lock[what]);
}

static void share_start(struct curl_site *s)
{
	s->share = s->c.curl_share_init();
	if (!s->share)
		return; /* each connection then looks names up for itself */
	s->c.curl_share_setopt(s->share, CURLSHOPT_LOCKFUNC, share_lock);
	s->c.curl_share_setopt(s->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	s->c.curl_share_setopt(s->share, CURLSHOPT_USERDATA, s);
	s->c.curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	s->c.curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

int curl_site_open(struct http_opts *o, struct curl_site **out, struct err *e)
{
	struct curl_site *s = mem_zalloc(1, sizeof(*s), e);
	int r = s ? curl_lib_load(&s->c, e) : -ENOMEM;

	if (r < 0) {
		free(s);
		http_opts_free(o);
		return r;
	}
	s->o = *o;
	*o = (struct http_opts){ 0 };
	for (unsigned i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_init(&s->share_lock[i], NULL);
	pthread_mutex_init(&s->lock, NULL);
	http_answer_reset(&s->file);
	s->ftp = has_scheme(s->o.url, "ftp") || has_scheme(s->o.url, "ftps");
	s->where = mem_strdup(s->o.url, e);
	if (!s->where) {
		curl_site_close(s);
		return -ENOMEM;
	}
	share_start(s);
	*out = s;
	return 0;
}

void curl_site_drop(struct curl_site *s, CURL *h)
{
	if (h)
		s->c.curl_easy_cleanup(h);
}

void curl_site_close(struct curl_site *s)
{
	if (!s)
		return;
	if (s->share)
		s->c.curl_share_cleanup(s->share);
	for (unsigned i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_destroy(&s->share_lock[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->where);
	http_opts_free(&s->o);
	free(s);
}
