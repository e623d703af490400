/* SPDX-License-Identifier: MIT */
/* Objects of S3 and of what speaks like it ("s3://bucket/key"), for reading, with requests signed
 * by AWS Signature Version 4. */
#ifndef IMG_PROTO_S3_H
#define IMG_PROTO_S3_H

#include "img/proto.h"
#include "img/proto/http_opts.h"

extern const struct img_protocol proto_s3;

/*
 * How "s3://bucket/key" is reached: @h gets its URL below the endpoint, the credentials and what else
 * stands in @o.  Endpoint, region and credentials come from the options, else from the environment
 * (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID ...), else from the file of credentials; without any
 * the requests are not signed.
 */
int s3_opts_take(const char *name, struct http_opts *h, struct optset *o,
		 const struct secret_set *secrets, struct err *e) MUST_CHECK;

#endif
