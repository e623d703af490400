/* SPDX-License-Identifier: MIT */
/* libcurl as it is loaded: see base/lib.h. */
#ifndef IMG_PROTO_CURL_LIB_H
#define IMG_PROTO_CURL_LIB_H

#include "base/lib.h"

/* Its checks of types are macros that only work on the functions themselves. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define CURL_CALLS(X, t)          \
	X(t, curl_global_init)    \
	X(t, curl_easy_init)      \
	X(t, curl_easy_setopt)    \
	X(t, curl_easy_perform)   \
	X(t, curl_easy_getinfo)   \
	X(t, curl_easy_reset)     \
	X(t, curl_easy_cleanup)   \
	X(t, curl_easy_strerror)  \
	X(t, curl_slist_append)   \
	X(t, curl_slist_free_all) \
	X(t, curl_share_init)     \
	X(t, curl_share_setopt)   \
	X(t, curl_share_cleanup)  \
	X(t, curl_url)            \
	X(t, curl_url_set)        \
	X(t, curl_url_get)        \
	X(t, curl_url_cleanup)    \
	X(t, curl_free)

struct curl_lib {
	CURL_CALLS(LIB_MEMBER, )
};

/* Loads and starts it; as often as one likes, in any thread. */
int curl_lib_load(struct curl_lib *c, struct err *e) MUST_CHECK;

#endif
