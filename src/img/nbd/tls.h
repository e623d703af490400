/* SPDX-License-Identifier: MIT */
/* TLS for NBD connections, by gnutls, which is loaded when it is first needed. */
#ifndef IMG_NBD_TLS_H
#define IMG_NBD_TLS_H

#include "img/nbd/chan.h"

struct nbd_tls;

struct nbd_tls_files {
	/* A folder with server-cert.pem, server-key.pem, ca-cert.pem and perhaps
	 * ca-crl.pem; or NULL. */
	const char *certificates;
	const char *psk;  /* a file of lines "name:hexadecimal key"; or NULL */
	bool verify_peer; /* clients must show a certificate that the CA signed */
};

/* Reads keys and certificates.  -ENOTSUP: gnutls is not installed. */
int nbd_tls_new(const struct nbd_tls_files *f, struct nbd_tls **out, struct err *e) MUST_CHECK;
void nbd_tls_free(struct nbd_tls *t);
/* The server's side of the TLS handshake; then @c carries encrypted bytes. */
int nbd_tls_accept(struct nbd_tls *t, struct nbd_chan *c, struct err *e) MUST_CHECK;
/* Says goodbye if TLS is in use, and frees what it kept. */
void nbd_tls_end(struct nbd_chan *c);

#endif
