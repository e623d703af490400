/* SPDX-License-Identifier: MIT */
#include "img/proto/nbd_name.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT "10809"

/* Takes over *@to, which must not have been said yet. */
static int say(char **to, char *value, const char *what, struct err *e)
{
	if (!value)
		return -ENOMEM;
	if (*to) {
		free(value);
		return err_set(e, -EINVAL, "nbd: the %s is given twice", what);
	}
	*to = value;
	return 0;
}

static int check_port(const char *port, struct err *e)
{
	char *end;
	unsigned long v = strtoul(port, &end, 10);

	if (*port < '0' || *port > '9' || *end || v == 0 || v > 65535)
		return err_set(e, -EINVAL, "nbd: '%s' is not a port", port);
	return 0;
}

/* ---- URIs ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @len bytes with %XX decoded; a NUL among them is refused. */
static char *decode(const char *text, size_t len, struct err *e)
{
	char *out = mem_zalloc(len + 1, 1, e), *p = out;

	for (size_t i = 0; out && i < len; i++) {
		int hi, lo;

		if (text[i] != '%') {
			*p++ = text[i];
			continue;
		}
		hi = len - i > 2 ? hex(text[i + 1]) : -1;
		lo = len - i > 2 ? hex(text[i + 2]) : -1;
		if (hi < 0 || lo < 0 || (hi == 0 && lo == 0)) {
			free(out);
			(void)err_set(e, -EINVAL, "nbd: bad '%%' in '%.*s'", (int)len, text);
			return NULL;
		}
		*p++ = (char)(hi << 4 | lo);
		i += 2;
	}
	return out;
}

static int take(char **to, const char *text, size_t len, const char *what, struct err *e)
{
	char *v;

	if (memchr(text, '%', len) == NULL) {
		v = str_printf(e, "%.*s", (int)len, text);
	} else {
		v = decode(text, len, e);
		if (!v)
			return e && e->code ? e->code : -EINVAL;
	}
	return say(to, v, what, e);
}

/* [user@]host[:port] */
static int parse_authority(const char *p, size_t len, struct nbd_name *n, struct err *e)
{
	const char *at = memchr(p, '@', len), *end = p + len, *colon;
	int r = 0;

	if (at) {
		r = take(&n->user, p, (size_t)(at - p), "user", e);
		p = at + 1;
	}
	if (r < 0 || p == end)
		return r;
	if (*p == '[') {
		const char *close = memchr(p, ']', (size_t)(end - p));

		if (!close || (close + 1 < end && close[1] != ':'))
			return err_set(e, -EINVAL, "nbd: bad address '%.*s'", (int)(end - p),
				       p);
		r = take(&n->host, p + 1, (size_t)(close - p - 1), "host", e);
		colon = close + 1 < end ? close + 1 : NULL;
	} else {
		colon = memchr(p, ':', (size_t)(end - p));
		r = take(&n->host, p, (size_t)((colon ? colon : end) - p), "host", e);
	}
	if (r == 0 && colon && colon + 1 < end) {
		r = take(&n->port, colon + 1, (size_t)(end - colon - 1), "port", e);
		if (r == 0)
			r = check_port(n->port, e);
	}
	return r;
}

static int parse_pair(const char *p, size_t len, struct nbd_name *n, struct err *e)
{
	const char *eq = memchr(p, '=', len);
	size_t klen = eq ? (size_t)(eq - p) : len, vlen = eq ? len - klen - 1 : 0;
	const char *v = eq ? eq + 1 : "";

	if (klen == 6 && !memcmp(p, "socket", 6))
		return take(&n->path, v, vlen, "socket", e);
	if (klen == 16 && !memcmp(p, "tls-certificates", 16))
		return take(&n->certificates, v, vlen, "folder of certificates", e);
	if (klen == 12 && !memcmp(p, "tls-psk-file", 12))
		return take(&n->psk_file, v, vlen, "file of keys", e);
	if (klen == 15 && !memcmp(p, "tls-verify-peer", 15)) {
		n->no_verify =
			(vlen == 1 && *v == '0') || (vlen == 5 && !memcmp(v, "false", 5));
		return 0;
	}
	return err_set(e, -EINVAL, "nbd: unknown part '%.*s' of the URI", (int)klen, p);
}

static int parse_uri(const char *text, size_t scheme, struct nbd_name *n, struct err *e)
{
	bool local = scheme > 5 && !memcmp(text + scheme - 5, "+unix", 5);
	const char *p = text + scheme + 3;
	size_t len = strcspn(p, "/?");
	int r = parse_authority(p, len, n, e);

	n->tls = text[3] == 's';
	p += len;
	if (r == 0 && *p == '/') {
		len = strcspn(p + 1, "?");
		r = take(&n->export, p + 1, len, "export", e);
		p += 1 + len;
	}
	if (*p == '?')
		p++;
	while (r == 0 && *p) {
		len = strcspn(p, "&");
		r = parse_pair(p, len, n, e);
		p += len + (p[len] == '&');
	}
	if (r < 0)
		return r;
	if (local && (!n->path || !*n->path))
		return err_set(e, -EINVAL, "nbd: '%s' names no socket", text);
	if (!local && n->path)
		return err_set(e, -EINVAL, "nbd: '%s' has a socket and a host", text);
	if (!local && !n->host)
		return take(&n->host, "localhost", 9, "host", e);
	return 0;
}

/* ---- QEMU's older names ---- */

static int parse_old(const char *text, struct nbd_name *n, struct err *e)
{
	static const char mark[] = ":exportname=";
	const char *p = text + 4, *end = strstr(p, mark), *colon;
	int r = 0;

	if (end)
		r = say(&n->export, mem_strdup(end + sizeof(mark) - 1, e), "export", e);
	else
		end = p + strlen(p);
	if (r < 0)
		return r;
	if (!strncmp(p, "unix:", 5)) {
		if (p + 5 >= end)
			return err_set(e, -EINVAL, "nbd: '%s' names no socket", text);
		return say(&n->path, str_printf(e, "%.*s", (int)(end - p - 5), p + 5), "socket",
			   e);
	}
	for (colon = end > p ? end - 1 : p; colon > p && *colon != ':'; colon--)
		;
	if (colon == p || colon + 1 == end)
		return err_set(e, -EINVAL, "nbd: '%s' is not host:port", text);
	if (*p == '[' && colon[-1] == ']')
		r = say(&n->host, str_printf(e, "%.*s", (int)(colon - p - 2), p + 1), "host",
			e);
	else
		r = say(&n->host, str_printf(e, "%.*s", (int)(colon - p), p), "host", e);
	if (r == 0)
		r = say(&n->port, str_printf(e, "%.*s", (int)(end - colon - 1), colon + 1),
			"port", e);
	return r < 0 ? r : check_port(n->port, e);
}

int nbd_name_parse(const char *text, struct nbd_name *n, struct err *e)
{
	static const char *const schemes[] = { "nbd",  "nbd+tcp",  "nbd+unix",
					       "nbds", "nbds+tcp", "nbds+unix" };
	size_t len = strcspn(text, ":");
	int r = err_set(e, -EINVAL, "'%s' is not a name of an NBD export", text);

	memset(n, 0, sizeof(*n));
	if (!strncmp(text + len, "://", 3)) {
		for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
			if (strlen(schemes[i]) == len && !memcmp(schemes[i], text, len))
				r = parse_uri(text, len, n, e);
	} else if (!strncmp(text, "nbd:", 4)) {
		r = parse_old(text, n, e);
	}
	if (r == 0 && n->host && !n->port)
		r = take(&n->port, DEFAULT_PORT, strlen(DEFAULT_PORT), "port", e);
	if (r == 0 && !n->export)
		r = take(&n->export, "", 0, "export", e);
	if (r < 0)
		nbd_name_free(n);
	return r;
}

/* ---- options ---- */

static int option(struct optset *o, const char *key, char **to, const char *what, struct err *e)
{
	const char *v = optset_get(o, key);

	return v ? say(to, mem_strdup(v, e), what, e) : 0;
}

int nbd_name_options(struct optset *o, struct nbd_name *n, struct err *e)
{
	const char *type = optset_get(o, "server.type");
	int r = option(o, "server.path", &n->path, "socket", e);

	if (r == 0)
		r = option(o, "path", &n->path, "socket", e);
	if (r == 0)
		r = option(o, "server.host", &n->host, "host", e);
	if (r == 0)
		r = option(o, "host", &n->host, "host", e);
	/* A URI without a port has the usual one by now. */
	if (r == 0)
		r = option(o, "server.port", &n->port, "port", e);
	if (r == 0)
		r = option(o, "port", &n->port, "port", e);
	if (r == 0 && optset_get(o, "export")) {
		if (n->export && !*n->export)
			mem_freep(&n->export);
		r = option(o, "export", &n->export, "export", e);
	}
	if (r < 0)
		return r;
	if (type && strcmp(type, "inet") && strcmp(type, "unix"))
		return err_set(e, -ENOTSUP, "nbd: server.type '%s' is not supported", type);
	if (n->path && (n->host || n->port))
		return err_set(e, -EINVAL, "path and host may not be used at the same time");
	if (!n->path && !n->host)
		return err_set(e, -EINVAL, "NBD server address missing");
	if (type && !strcmp(type, "unix") != !!n->path)
		return err_set(e, -EINVAL, "nbd: server.type is '%s', the address is not",
			       type);
	if (n->host && !n->port)
		n->port = mem_strdup(DEFAULT_PORT, e);
	if (!n->export)
		n->export = mem_strdup("", e);
	if (!n->export || (n->host && !n->port))
		return -ENOMEM;
	return n->host ? check_port(n->port, e) : 0;
}

char *nbd_name_uri(const struct nbd_name *n, struct err *e)
{
	struct str s = STR_INIT;

	str_add(&s, n->tls ? "nbds" : "nbd");
	if (n->path) {
		str_add(&s, *n->export ? "+unix:///" : "+unix://");
		str_add_uri(&s, n->export);
		str_add(&s, "?socket=");
		str_add_uri(&s, n->path);
	} else {
		str_addf(&s, strchr(n->host, ':') ? "://[%s]:%s" : "://%s:%s", n->host,
			 n->port);
		if (*n->export)
			str_add(&s, "/");
		str_add_uri(&s, n->export);
	}
	return str_take(&s, e);
}

void nbd_name_free(struct nbd_name *n)
{
	free(n->path);
	free(n->host);
	free(n->port);
	free(n->export);
	free(n->user);
	free(n->certificates);
	free(n->psk_file);
	memset(n, 0, sizeof(*n));
}
