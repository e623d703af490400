/* SPDX-License-Identifier: MIT */
#include "img/proto/http_answer.h"

#include "base/compiler.h"

#include <string.h>
#include <strings.h>

void http_answer_reset(struct http_answer *a)
{
	*a = (struct http_answer){
		.length = HTTP_UNKNOWN,
		.first = HTTP_UNKNOWN,
		.last = HTTP_UNKNOWN,
		.total = HTTP_UNKNOWN,
	};
}

/* A piece of the line. */
struct text {
	const char *s;
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text trim(struct text t)
{
	while (t.n && is_space(*t.s))
		t.s++, t.n--;
	while (t.n && is_space(t.s[t.n - 1]))
		t.n--;
	return t;
}

static bool skip(struct text *t, char c)
{
	*t = trim(*t);
	if (!t->n || *t->s != c)
		return false;
	t->s++;
	t->n--;
	return true;
}

/* A number that fits 63 bits. */
static bool number(struct text *t, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;

	*t = trim(*t);
	for (; n < t->n && t->s[n] >= '0' && t->s[n] <= '9'; n++) {
		if (v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(t->s[n] - '0');
	}
	if (!n)
		return false;
	t->s += n;
	t->n -= n;
	*out = v;
	return true;
}

/* "bytes 0-499/1234", "bytes 0-499/" and a star, "bytes" star "/1234" (RFC 9110, 14.4). */
static bool range(struct http_answer *a, struct text t)
{
	uint64_t first = HTTP_UNKNOWN, last = HTTP_UNKNOWN, total = HTTP_UNKNOWN;

	if (t.n < 6 || strncasecmp(t.s, "bytes", 5) || !is_space(t.s[5]))
		return false;
	t.s += 5;
	t.n -= 5;
	if (!skip(&t, '*') && (!number(&t, &first) || !skip(&t, '-') || !number(&t, &last)))
		return false;
	if (!skip(&t, '/') || (!skip(&t, '*') && !number(&t, &total)) || trim(t).n)
		return false;
	if (first != HTTP_UNKNOWN && (last < first || last >= total))
		return false;
	a->first = first;
	a->last = last;
	a->total = total;
	return true;
}

static void keep(struct http_answer *a, char *out, struct text t)
{
	if (t.n >= HTTP_TAG_MAX || memchr(t.s, '\0', t.n)) {
		a->long_tag = true;
		return;
	}
	memcpy(out, t.s, t.n);
	out[t.n] = '\0';
}

static void status_line(struct http_answer *a, struct text t)
{
	uint64_t v;

	http_answer_reset(a);
	while (t.n && !is_space(*t.s))
		t.s++, t.n--;
	if (number(&t, &v) && v >= 100 && v <= 999)
		a->status = (unsigned)v;
}

static void content_length(struct http_answer *a, struct text t)
{
	uint64_t v;

	if (number(&t, &v) && !trim(t).n)
		a->length = v;
}

static void content_range(struct http_answer *a, struct text t)
{
	a->has_range = range(a, t);
	a->bad_range = !a->has_range;
}

static void content_encoding(struct http_answer *a, struct text t)
{
	a->encoded = t.n && !(t.n == 8 && !strncasecmp(t.s, "identity", 8));
}

static void etag(struct http_answer *a, struct text t)
{
	keep(a, a->etag, t);
}

static void last_modified(struct http_answer *a, struct text t)
{
	keep(a, a->modified, t);
}

/* Seconds; a date is as good as nothing: clocks differ. */
static void retry_after(struct http_answer *a, struct text t)
{
	uint64_t v;

	if (number(&t, &v) && !trim(t).n)
		a->retry_after = v > 3600 ? 3600 : (unsigned)v;
}

void http_answer_line(struct http_answer *a, const char *line, size_t len)
{
	static const struct {
		const char *name;
		void (*take)(struct http_answer *a, struct text t);
	} fields[] = {
		{ "content-length", content_length },     { "content-range", content_range },
		{ "content-encoding", content_encoding }, { "etag", etag },
		{ "last-modified", last_modified },       { "retry-after", retry_after },
	};
	const char *colon = memchr(line, ':', len);

	if (len > 5 && !strncasecmp(line, "HTTP/", 5)) {
		status_line(a, (struct text){ line, len });
		return;
	}
	for (size_t i = 0; colon && i < ARRAY_SIZE(fields); i++) {
		size_t n = strlen(fields[i].name);

		if ((size_t)(colon - line) == n && !strncasecmp(line, fields[i].name, n))
			fields[i].take(a, trim((struct text){ colon + 1, len - n - 1 }));
	}
}

const char *http_answer_differs(const struct http_answer *a, const struct http_answer *b)
{
	if (a->total != HTTP_UNKNOWN && b->total != HTTP_UNKNOWN && a->total != b->total)
		return "size";
	if (*a->etag && *b->etag && strcmp(a->etag, b->etag))
		return "ETag";
	if (*a->modified && *b->modified && strcmp(a->modified, b->modified))
		return "date";
	return NULL;
}
