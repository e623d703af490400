/* SPDX-License-Identifier: MIT */
#include "img/proto/curl_lib.h"

static const struct lib_call calls[] = { CURL_CALLS(LIB_CALL, struct curl_lib) };

static const struct lib lib = {
	.name = "libcurl",
	.sonames = { "libcurl-gnutls.so.4", "libcurl.so.4" },
	.package = "libcurl3-gnutls, on Alpine libcurl",
	.calls = calls,
	.n = ARRAY_SIZE(calls),
};

int curl_lib_load(struct curl_lib *c, struct err *e)
{
	int r = lib_load(&lib, c, e);
	CURLcode code;

	if (r < 0)
		return r;
	code = c->curl_global_init(CURL_GLOBAL_DEFAULT);
	return code == CURLE_OK ? 0
				: err_set(e, -EIO, "libcurl: %s", c->curl_easy_strerror(code));
}
