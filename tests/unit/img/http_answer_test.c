/* SPDX-License-Identifier: MIT */
#include "img/proto/http_answer.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct http_answer a;

static void line(const char *text)
{
	http_answer_line(&a, text, strlen(text));
}

static void heads(void **state)
{
	http_answer_reset(&a);
	line("HTTP/1.1 100 Continue\r\n");
	line("ETag: \"old\"\r\n");
	line("HTTP/1.1 206 Partial Content\r\n");
	assert_int_equal(a.status, 206);
	assert_string_equal(a.etag, "");
	line("Content-Range: bytes 10-19/1234\r\n");
	line("content-length:10\r\n");
	line("ETag:  \"a b\" \r\n");
	line("Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT\r\n");
	line("Content-Encoding: identity\r\n");
	assert_true(a.has_range);
	assert_int_equal(a.first, 10);
	assert_int_equal(a.last, 19);
	assert_int_equal(a.total, 1234);
	assert_int_equal(a.length, 10);
	assert_string_equal(a.etag, "\"a b\"");
	assert_string_equal(a.modified, "Tue, 01 Jan 2030 00:00:00 GMT");
	assert_false(a.encoded);
	line("content-encoding: gzip");
	assert_true(a.encoded);
	line("Retry-After: 7");
	assert_int_equal(a.retry_after, 7);
	line("HTTP/2 404 ");
	assert_int_equal(a.status, 404);
	assert_false(a.has_range);
}

static void ranges(void **state)
{
	static const char *const wrong[] = {
		"bytes 5-4/10", "bytes 5-10/10",
		"bytes 5-/10",  "bytes -5/10",
		"bytes 0-1",    "bytes 0-1/",
		"bytes 0-1/2x", "bytes 0-99999999999999999999/*",
		"lines 0-1/2",  "bytes0-1/2",
		"bytes",        "",
	};
	char text[100];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		http_answer_reset(&a);
		snprintf(text, sizeof(text), "Content-Range: %s\r\n", wrong[i]);
		line(text);
		if (a.has_range || !a.bad_range)
			fail_msg("%s", wrong[i]);
	}
	http_answer_reset(&a);
	line("Content-Range: bytes */77");
	assert_true(a.has_range);
	assert_true(a.first == HTTP_UNKNOWN);
	assert_int_equal(a.total, 77);
	line("Content-Range: BYTES 0 - 1 / *");
	assert_int_equal(a.last, 1);
	assert_true(a.total == HTTP_UNKNOWN);
}

static void what_is_too_long_is_not_cut(void **state)
{
	char text[HTTP_TAG_MAX + 20];

	http_answer_reset(&a);
	memset(text, 'x', sizeof(text));
	memcpy(text, "ETag: ", 6);
	http_answer_line(&a, text, 6 + HTTP_TAG_MAX - 1);
	assert_int_equal(strlen(a.etag), HTTP_TAG_MAX - 1);
	assert_false(a.long_tag);
	http_answer_line(&a, text, 6 + HTTP_TAG_MAX);
	assert_true(a.long_tag);
}

static void differences(void **state)
{
	struct http_answer b;

	http_answer_reset(&a);
	b = a;
	assert_null(http_answer_differs(&a, &b));
	strcpy(a.etag, "\"1\"");
	assert_null(http_answer_differs(&a, &b));
	strcpy(b.etag, "\"2\"");
	assert_string_equal(http_answer_differs(&a, &b), "ETag");
	strcpy(b.etag, "\"1\"");
	a.total = 5;
	assert_null(http_answer_differs(&a, &b));
	b.total = 6;
	assert_string_equal(http_answer_differs(&a, &b), "size");
	b.total = 5;
	strcpy(a.modified, "now");
	strcpy(b.modified, "then");
	assert_string_equal(http_answer_differs(&a, &b), "date");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(ranges),
		cmocka_unit_test(what_is_too_long_is_not_cut),
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
