/* SPDX-License-Identifier: MIT */
#include "img/tls_creds.h"

#include "base/mem.h"
#include "base/str.h"
#include "img/proto/nbd_name.h"

#include <stdlib.h>
#include <string.h>

static const struct tls_creds *find(const struct secret_set *s, const char *id)
{
	for (size_t i = 0; s && i < s->creds_n; i++)
		if (!strcmp(s->creds[i].id, id))
			return &s->creds[i];
	return NULL;
}

static int check_taken(const struct secret_set *s, const char *id, struct err *e)
{
	bool taken = find(s, id) != NULL;

	for (size_t i = 0; i < s->n; i++)
		taken = taken || !strcmp(s->v[i].id, id);
	return taken ? err_set(e, -EEXIST,
			       "attempt to add duplicate property '%s' to object (type "
			       "'container')",
			       id)
		     : 0;
}

static int check(struct optset *def, const char *kind, struct err *e)
{
	const char *end = optset_get(def, "endpoint"), *unknown;

	if (end && strcmp(end, "client"))
		return err_set(e, !strcmp(end, "server") ? -ENOTSUP : -EINVAL,
			       "%s: endpoint '%s' is not supported: vimg is the client", kind,
			       end);
	unknown = optset_unused(def);
	if (unknown)
		return err_set(e, -EINVAL, "Invalid parameter '%s'", unknown);
	return 0;
}

int tls_creds_add(struct secret_set *s, struct optset *def, bool psk, struct err *e)
{
	const char *kind = psk ? "tls-creds-psk" : "tls-creds-x509";
	const char *id = optset_get(def, "id"), *dir = optset_get(def, "dir");
	const char *user = psk ? optset_get(def, "username") : NULL;
	struct tls_creds c = { .psk = psk, .verify = true };
	void *v = s->creds;
	int r;

	(void)optset_get(def, "qom-type");
	if (!id || !*id)
		return err_set(e, -EINVAL, "Parameter 'id' is missing");
	if (!dir)
		return err_set(e, -EINVAL, "%s: 'dir' is missing", kind);
	r = optset_bool(def, "verify-peer", &c.verify, e);
	if (r == 0)
		r = check(def, kind, e);
	if (r == 0)
		r = check_taken(s, id, e);
	if (r == 0)
		r = mem_grow(&v, s->creds_n + 1, sizeof(*s->creds), e);
	if (r < 0)
		return r;
	s->creds = v;
	c.id = mem_strdup(id, e);
	c.dir = mem_strdup(dir, e);
	c.user = user ? mem_strdup(user, e) : NULL;
	/* Counted at once, so that what there is of it is freed. */
	s->creds[s->creds_n++] = c;
	return c.id && c.dir && (!user || c.user) ? 0 : -ENOMEM;
}

void tls_creds_free(struct secret_set *s)
{
	for (size_t i = 0; i < s->creds_n; i++) {
		free(s->creds[i].id);
		free(s->creds[i].dir);
		free(s->creds[i].user);
	}
	free(s->creds);
	s->creds = NULL;
	s->creds_n = 0;
}

int tls_creds_apply(const struct secret_set *s, struct optset *o, struct nbd_name *n,
		    struct err *e)
{
	const char *id = optset_get(o, "tls-creds");
	const struct tls_creds *c;

	if (!id)
		return 0;
	c = find(s, id);
	if (!c)
		return err_set(e, -EINVAL, "No TLS credentials with id '%s'", id);
	if (n->certificates || n->psk_file)
		return err_set(e, -EINVAL, "nbd: the TLS credentials are given twice");
	n->tls = true;
	n->no_verify = !c->verify;
	if (!c->psk) {
		n->certificates = mem_strdup(c->dir, e);
		return n->certificates ? 0 : -ENOMEM;
	}
	n->psk_file = str_printf(e, "%s/keys.psk", c->dir);
	if (!n->user)
		n->user = mem_strdup(c->user ? c->user : "qemu", e);
	return n->psk_file && n->user ? 0 : -ENOMEM;
}
