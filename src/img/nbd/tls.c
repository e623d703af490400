/* SPDX-License-Identifier: MIT */
#include "img/nbd/tls.h"

#ifndef HAVE_GNUTLS

int nbd_tls_new(const struct nbd_tls_files *f, struct nbd_tls **out, struct err *e)
{
	return err_set(e, -ENOTSUP, "this program was built without gnutls: no TLS");
}

void nbd_tls_free(struct nbd_tls *t)
{
}

int nbd_tls_accept(struct nbd_tls *t, struct nbd_chan *c, struct err *e)
{
	return err_set(e, -ENOTSUP, "this program was built without gnutls: no TLS");
}

void nbd_tls_end(struct nbd_chan *c)
{
}

#else

#include "base/bytes.h"
#include "base/lib.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

#define CALLS(X, t)                                   \
	X(t, gnutls_init)                             \
	X(t, gnutls_deinit)                           \
	X(t, gnutls_strerror)                         \
	X(t, gnutls_error_is_fatal)                   \
	X(t, gnutls_priority_set_direct)              \
	X(t, gnutls_credentials_set)                  \
	X(t, gnutls_transport_set_int2)               \
	X(t, gnutls_handshake)                        \
	X(t, gnutls_record_recv)                      \
	X(t, gnutls_record_send)                      \
	X(t, gnutls_bye)                              \
	X(t, gnutls_certificate_allocate_credentials) \
	X(t, gnutls_certificate_free_credentials)     \
	X(t, gnutls_certificate_set_x509_trust_file)  \
	X(t, gnutls_certificate_set_x509_crl_file)    \
	X(t, gnutls_certificate_set_x509_key_file)    \
	X(t, gnutls_certificate_server_set_request)   \
	X(t, gnutls_certificate_verify_peers2)        \
	X(t, gnutls_psk_allocate_server_credentials)  \
	X(t, gnutls_psk_free_server_credentials)      \
	X(t, gnutls_psk_set_server_credentials_file)

struct calls {
	CALLS(LIB_MEMBER, )
};

static const struct lib_call calls[] = { CALLS(LIB_CALL, struct calls) };
static const struct lib gnutls = {
	.name = "gnutls",
	.sonames = { "libgnutls.so.30" },
	.package = "libgnutls30; Alpine: gnutls",
	.calls = calls,
	.n = ARRAY_SIZE(calls),
};

struct nbd_tls {
	struct calls g;
	gnutls_certificate_credentials_t x509;
	gnutls_psk_server_credentials_t psk;
	bool verify_peer;
};

/* What a connection keeps. */
struct session {
	const struct nbd_tls *t;
	gnutls_session_t s;
};

static int fail(const struct nbd_tls *t, int code, const char *what, struct err *e)
{
	return err_set(e, code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EPROTO, "%s: %s", what,
		       t->g.gnutls_strerror(code));
}

/* ---- keys ---- */

static int load_certificates(struct nbd_tls *t, const char *dir, struct err *e)
{
	AUTO_FREE char *ca = str_printf(e, "%s/ca-cert.pem", dir);
	AUTO_FREE char *crl = str_printf(e, "%s/ca-crl.pem", dir);
	AUTO_FREE char *cert = str_printf(e, "%s/server-cert.pem", dir);
	AUTO_FREE char *key = str_printf(e, "%s/server-key.pem", dir);
	int r;

	if (!ca || !crl || !cert || !key)
		return -ENOMEM;
	r = t->g.gnutls_certificate_allocate_credentials(&t->x509);
	if (r < 0)
		return fail(t, r, "TLS", e);
	r = t->g.gnutls_certificate_set_x509_key_file(t->x509, cert, key, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return fail(t, r, cert, e);
	r = t->g.gnutls_certificate_set_x509_trust_file(t->x509, ca, GNUTLS_X509_FMT_PEM);
	if (r < 0 && (t->verify_peer || r != GNUTLS_E_FILE_ERROR))
		return fail(t, r, ca, e);
	r = t->g.gnutls_certificate_set_x509_crl_file(t->x509, crl, GNUTLS_X509_FMT_PEM);
	if (r < 0 && r != GNUTLS_E_FILE_ERROR)
		return fail(t, r, crl, e);
	return 0;
}

static int load_psk(struct nbd_tls *t, const char *file, struct err *e)
{
	/* It is read anew for each client, whatever folder we are in by then. */
	AUTO_FREE char *path = realpath(file, NULL);
	int r;

	if (!path)
		return err_errno(e, "%s", file);
	r = t->g.gnutls_psk_allocate_server_credentials(&t->psk);
	if (r == 0)
		r = t->g.gnutls_psk_set_server_credentials_file(t->psk, path);
	return r < 0 ? fail(t, r, file, e) : 0;
}

int nbd_tls_new(const struct nbd_tls_files *f, struct nbd_tls **out, struct err *e)
{
	struct nbd_tls *t = mem_zalloc(1, sizeof(*t), e);
	int r;

	if (!t)
		return -ENOMEM;
	r = lib_load(&gnutls, &t->g, e);
	if (r < 0) {
		free(t);
		return r;
	}
	t->verify_peer = f->verify_peer;
	if (f->certificates)
		r = load_certificates(t, f->certificates, e);
	if (r == 0 && f->psk)
		r = load_psk(t, f->psk, e);
	if (r < 0) {
		nbd_tls_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void nbd_tls_free(struct nbd_tls *t)
{
	if (!t)
		return;
	if (t->x509)
		t->g.gnutls_certificate_free_credentials(t->x509);
	if (t->psk)
		t->g.gnutls_psk_free_server_credentials(t->psk);
	free(t);
}

/* ---- a connection ---- */

static bool again(int r)
{
	return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static int check_time(struct nbd_chan *c, struct err *e)
{
	uint64_t now;

	if (!c->deadline)
		return 0;
	now = nbd_chan_now();
	if (now >= c->deadline)
		return err_set(e, -ETIMEDOUT, "the peer took too long");
	sock_timeout(c->fd, (unsigned)(c->deadline - now));
	return 0;
}

static int tls_recv(struct nbd_chan *c, void *buf, size_t len, size_t *got, struct err *e)
{
	struct session *x = c->tls;
	ssize_t n;

	do {
		int r = check_time(c, e);

		if (r < 0)
			return r;
		n = x->t->g.gnutls_record_recv(x->s, buf, len);
	} while (n < 0 && again((int)n));
	if (n == GNUTLS_E_PREMATURE_TERMINATION)
		n = 0;
	if (n < 0)
		return fail(x->t, (int)n, "receive", e);
	*got = (size_t)n;
	return 0;
}

static int tls_sendv(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e)
{
	struct session *x = c->tls;

	for (; n; n--, v++) {
		const uint8_t *p = v->iov_base;
		size_t left = v->iov_len;

		while (left) {
			ssize_t done = x->t->g.gnutls_record_send(x->s, p, left);

			if (done < 0 && again((int)done)) {
				int r = check_time(c, e);

				if (r < 0)
					return r;
				continue;
			}
			if (done < 0)
				return fail(x->t, (int)done, "send", e);
			p += done;
			left -= (size_t)done;
		}
	}
	return 0;
}

static const struct nbd_chan_ops tls_ops = { tls_recv, tls_sendv, NULL };

static int prepare(const struct nbd_tls *t, gnutls_session_t s)
{
	int r = t->g.gnutls_priority_set_direct(s,
						t->psk ? "NORMAL:+ECDHE-PSK:+DHE-PSK:+PSK"
						       : "NORMAL",
						NULL);

	if (r == 0 && t->x509)
		r = t->g.gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, t->x509);
	if (r == 0 && t->psk)
		r = t->g.gnutls_credentials_set(s, GNUTLS_CRD_PSK, t->psk);
	if (r == 0 && t->x509)
		t->g.gnutls_certificate_server_set_request(s, t->verify_peer
								      ? GNUTLS_CERT_REQUIRE
								      : GNUTLS_CERT_IGNORE);
	return r;
}

static int shake_hands(const struct nbd_tls *t, gnutls_session_t s, struct nbd_chan *c,
		       struct err *e)
{
	unsigned status = 0;
	int r;

	t->g.gnutls_transport_set_int2(s, c->fd, c->fd);
	do {
		r = check_time(c, e);
		if (r < 0)
			return r;
		r = t->g.gnutls_handshake(s);
	} while (r < 0 && !t->g.gnutls_error_is_fatal(r));
	if (r < 0)
		return fail(t, r, "TLS handshake", e);
	if (!t->verify_peer || !t->x509)
		return 0;
	r = t->g.gnutls_certificate_verify_peers2(s, &status);
	if (r < 0)
		return fail(t, r, "the client's certificate", e);
	return status ? err_set(e, -EPERM, "the client's certificate is not valid (%#x)",
				status)
		      : 0;
}

int nbd_tls_accept(struct nbd_tls *t, struct nbd_chan *c, struct err *e)
{
	struct session *x = mem_zalloc(1, sizeof(*x), e);
	int r;

	if (!x)
		return -ENOMEM;
	x->t = t;
	r = t->g.gnutls_init(&x->s, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	if (r < 0) {
		free(x);
		return fail(t, r, "TLS", e);
	}
	r = prepare(t, x->s);
	r = r < 0 ? fail(t, r, "TLS", e) : shake_hands(t, x->s, c, e);
	if (r < 0) {
		t->g.gnutls_deinit(x->s);
		free(x);
		return r;
	}
	c->tls = x;
	c->ops = &tls_ops;
	return 0;
}

void nbd_tls_end(struct nbd_chan *c)
{
	struct session *x = c->tls;

	if (!x)
		return;
	/* A peer that does not read cannot keep us: the goodbye is small. */
	sock_timeout(c->fd, 1000);
	(void)x->t->g.gnutls_bye(x->s, GNUTLS_SHUT_WR);
	x->t->g.gnutls_deinit(x->s);
	free(x);
	c->tls = NULL;
}

#endif
