/* SPDX-License-Identifier: MIT */
/* The heads of two answers, between them an empty line. */
#include "img/proto/http_answer.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static size_t head(struct http_answer *a, const char *text, size_t len)
{
	size_t at = 0;

	http_answer_reset(a);
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - (text + at)) + 1 : len - at;

		http_answer_line(a, text + at, n);
		at += n;
		if (n <= 2 && end)
			break;
	}
	must(a->status == 0 || (a->status >= 100 && a->status <= 999));
	must(a->length == HTTP_UNKNOWN || a->length <= INT64_MAX);
	must((a->first == HTTP_UNKNOWN) == (a->last == HTTP_UNKNOWN));
	must(a->first == HTTP_UNKNOWN || (a->has_range && a->first <= a->last));
	must(a->first == HTTP_UNKNOWN || a->last < a->total);
	must(a->total == HTTP_UNKNOWN || a->total <= INT64_MAX);
	must(!(a->has_range && a->bad_range));
	must(a->retry_after <= 3600);
	must(memchr(a->etag, '\0', HTTP_TAG_MAX) && memchr(a->modified, '\0', HTTP_TAG_MAX));
	must(!strpbrk(a->etag, "\n"));
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct http_answer a, b;
	size_t n = head(&a, text, len);

	(void)head(&b, text + n, len - n);
	must(!http_answer_differs(&a, &a));
	must(!http_answer_differs(&a, &b) == !http_answer_differs(&b, &a));
	return 0;
}
