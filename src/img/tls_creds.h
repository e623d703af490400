/* SPDX-License-Identifier: MIT */
/*
 * Where TLS finds keys and certificates: QEMU's objects tls-creds-x509 and tls-creds-psk of
 * the client's side, named by an id.  They are kept with the secrets of a command.
 */
#ifndef IMG_TLS_CREDS_H
#define IMG_TLS_CREDS_H

#include "img/secret.h"

#include <stdbool.h>

struct nbd_name;

struct tls_creds {
	char *id, *dir;
	char *user;  /* psk; NULL: qemu */
	bool psk;    /* else certificates */
	bool verify; /* the server has to prove who it is */
};

/* Adds what @def describes: id, dir, endpoint (client), verify-peer, username.  -EEXIST: the id
 * is taken. */
int tls_creds_add(struct secret_set *s, struct optset *def, bool psk, struct err *e) MUST_CHECK;
/* For secret_set_free(). */
void tls_creds_free(struct secret_set *s);
/* Gets "tls-creds" from @o and sets in @n what it names. */
int tls_creds_apply(const struct secret_set *s, struct optset *o, struct nbd_name *n,
		    struct err *e) MUST_CHECK;

#endif
