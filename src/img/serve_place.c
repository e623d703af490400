/* SPDX-License-Identifier: MIT */
#include "img/serve_place.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANDED_DOWN = 3 };

static int name_uri(struct serve_place *p, const char *name, struct err *e)
{
	struct str s = STR_INIT;

	if (p->tcp) {
		const char *host = p->host ? p->host : "127.0.0.1";

		str_addf(&s, strchr(host, ':') ? "nbd://[%s]:%u/" : "nbd://%s:%u/", host,
			 p->port);
		str_add_uri(&s, name);
	} else {
		str_add(&s, "nbd+unix:///");
		str_add_uri(&s, name);
		str_add(&s, "?socket=");
		str_add_uri(&s, p->made ? p->made : "");
	}
	p->uri = str_take(&s, e);
	return p->uri ? 0 : -ENOMEM;
}

/* What a parent that listens already tells in the environment. */
static bool is_handed_down(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return pid && n && strtol(pid, NULL, 10) == (long)getpid() && !strcmp(n, "1") &&
	       sock_listens(HANDED_DOWN);
}

static int open_unix(struct serve_place *p, struct err *e)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	AUTO_FREE char *own = NULL;
	const char *path = p->path;

	if (!path) {
		own = str_printf(e, "%s/vimg-serve.%ld", dir && *dir ? dir : "/run",
				 (long)getpid());
		if (!own)
			return -ENOMEM;
		path = own;
	}
	p->listener = sock_listen_unix(path, e);
	if (p->listener < 0)
		return p->path ? p->listener
			       : err_wrap(e, p->listener, "no place was given with -k or -p");
	/* where it is, whatever folder we are in by then */
	p->made = realpath(path, NULL);
	return p->made ? 0 : err_errno(e, "'%s'", path);
}

int serve_place_open(struct serve_place *p, const char *name, struct err *e)
{
	int r = 0;

	if (p->path && p->tcp)
		return err_set(e, -EINVAL, "either a socket or a port, not both");
	if (p->host && !p->tcp)
		return err_set(e, -EINVAL, "an address needs a port");
	if (!p->path && !p->tcp && is_handed_down()) {
		p->listener = HANDED_DOWN;
		return 0;
	}
	if (p->tcp && p->host && !p->remote && !sock_is_loopback(p->host))
		return err_set(
			e, -EPERM,
			"address '%s' can be reached from other machines; --allow-remote "
			"permits that",
			p->host);
	if (p->tcp) {
		p->listener = sock_listen_tcp(p->host ? p->host : "127.0.0.1", &p->port, e);
		r = p->listener < 0 ? p->listener : 0;
	} else {
		r = open_unix(p, e);
	}
	return r < 0 ? r : name_uri(p, name, e);
}

void serve_place_close(struct serve_place *p)
{
	if (p->made)
		(void)unlink(p->made);
	io_close(p->listener);
	p->listener = -1;
	free(p->made);
	free(p->uri);
	p->made = p->uri = NULL;
}
