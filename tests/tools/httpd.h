/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_HTTPD_H
#define TESTS_TOOLS_HTTPD_H

#include <stdbool.h>

/* Is the question with this head signed by AWS Signature Version 4, with the secret key that
 * stands at the beginning of @key, up to a comma or its end? */
bool httpd_is_signed(const char *head, const char *key);

#endif
