/* SPDX-License-Identifier: MIT */
/*
 * Names of NBD exports: URIs (nbd://, nbds://, nbd+unix://, nbds+unix://), QEMU's older
 * "nbd:host:port:exportname=E" and "nbd:unix:path:exportname=E", and QEMU's options.  Pure.
 */
#ifndef IMG_PROTO_NBD_NAME_H
#define IMG_PROTO_NBD_NAME_H

#include "base/optset.h"

#include <stdbool.h>

/* Strings are owned; NULL: not said. */
struct nbd_name {
	char *path; /* of a local socket; else .. */
	char *host, *port;
	char *export; /* never NULL after a parse */
	bool tls;
	char *user; /* whose key of psk_file it is */
	char *certificates, *psk_file;
	bool no_verify; /* any certificate of the server will do */
};

/* -EINVAL: not such a name. */
int nbd_name_parse(const char *text, struct nbd_name *n, struct err *e) MUST_CHECK;
/* Adds what options say: server.type, server.host, server.port, server.path, or host, port, path;
 * export.  Saying it twice is -EINVAL. */
int nbd_name_options(struct optset *o, struct nbd_name *n, struct err *e) MUST_CHECK;
/* The URI by which info shows it; NULL: -ENOMEM in @e. */
char *nbd_name_uri(const struct nbd_name *n, struct err *e) MUST_CHECK;
void nbd_name_free(struct nbd_name *n);

#endif
