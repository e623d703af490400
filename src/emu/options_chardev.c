/* SPDX-License-Identifier: MIT */
/* -chardev, and the short places of -serial, -monitor and their kin that stand for one. */
#include "base/mem.h"
#include "base/size.h"
#include "base/str.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int new_chardev(struct parse *p, const char *id, enum chardev_kind kind,
		       struct config_chardev **out, struct err *e)
{
	struct config_chardev *c = &p->c->chardev[p->c->chardevs];

	for (unsigned i = 0; i < p->c->chardevs; i++)
		if (!strcmp(p->c->chardev[i].id, id))
			return err_set(e, -EINVAL, "there is a chardev '%s' already", id);
	if (p->c->chardevs == CONFIG_CHARDEVS)
		return err_set(e, -EINVAL, "more than %d chardevs", CONFIG_CHARDEVS);
	*c = (struct config_chardev){ .kind = kind, .wait = true, .nodelay = true };
	c->id = mem_strdup(id, e);
	if (!c->id)
		return -ENOMEM;
	p->c->chardevs++;
	*out = c;
	return 0;
}

/* ---- keys ---- */

static int port_range(struct optset *o, struct config_chardev *c, struct err *e)
{
	uint64_t to = 0;
	int r = optset_u64(o, "to", &to, e);

	if (r == 0 && to > 65535)
		r = err_set(e, -EINVAL, "to=%llu is no port", (unsigned long long)to);
	c->to = (unsigned)to;
	return r;
}

static int family(struct optset *o, struct config_chardev *c, struct err *e)
{
	bool v4 = !optset_get(o, "ipv6"), v6 = !optset_get(o, "ipv4");
	int r = optset_bool(o, "ipv4", &v4, e);

	if (r == 0)
		r = optset_bool(o, "ipv6", &v6, e);
	if (r == 0 && !v4 && !v6)
		r = err_set(e, -EINVAL, "neither ipv4= nor ipv6= is on");
	c->family = v4 && v6 ? 0 : v4 ? AF_INET : AF_INET6;
	return r;
}

/* What unix: and tcp: have, and -chardev socket. */
static int socket_keys(struct optset *o, struct config_chardev *c, struct err *e)
{
	bool tight = true;
	int r = optset_bool(o, "server", &c->server, e);

	if (r == 0 && optset_get(o, "wait") && !c->server)
		r = err_set(e, -EINVAL, "wait= is for server=on");
	if (r == 0)
		r = optset_bool(o, "wait", &c->wait, e);
	if (r == 0)
		r = optset_bool(o, "telnet", &c->telnet, e);
	if (r == 0 && c->kind == CHARDEV_UNIX) {
		r = optset_bool(o, "abstract", &c->abstract, e);
		if (r == 0)
			r = optset_bool(o, "tight", &tight, e);
		c->loose = !tight;
	} else if (r == 0) {
		r = optset_bool(o, "nodelay", &c->nodelay, e);
		if (r == 0)
			r = port_range(o, c, e);
		if (r == 0)
			r = family(o, c, e);
	}
	return r;
}

static int need(struct optset *o, const char *key, char **to, const struct config_chardev *c,
		struct err *e)
{
	int r = options_take(o, key, to, e);

	if (r == 0 && (!*to || !**to))
		r = err_set(e, -EINVAL, "the chardev '%s' needs %s=", c->id, key);
	return r;
}

static int ring_size(struct optset *o, struct config_chardev *c, struct err *e)
{
	int r;

	c->size = 65536;
	r = optset_size(o, "size", &c->size, e);
	if (r == 0 && (!c->size || c->size & (c->size - 1) || c->size > 64 << 20))
		r = err_set(e, -EINVAL, "size=%llu: a power of two up to 64 MiB is possible",
			    (unsigned long long)c->size);
	return r;
}

static int kind_keys(struct optset *o, struct config_chardev *c, struct err *e)
{
	bool on = true;
	int r;

	switch (c->kind) {
	case CHARDEV_NULL:
	case CHARDEV_PTY:
		return 0;
	case CHARDEV_STDIO:
		r = optset_bool(o, "signal", &on, e);
		c->no_signal = !on;
		return r;
	case CHARDEV_FILE:
		r = need(o, "path", &c->path, c, e);
		return r < 0 ? r : optset_bool(o, "append", &c->append, e);
	case CHARDEV_PIPE:
	case CHARDEV_TTY:
		return need(o, "path", &c->path, c, e);
	case CHARDEV_UNIX:
		r = need(o, "path", &c->path, c, e);
		return r < 0 ? r : socket_keys(o, c, e);
	case CHARDEV_TCP:
		r = options_take(o, "host", &c->host, e);
		if (r == 0)
			r = need(o, "port", &c->port, c, e);
		return r < 0 ? r : socket_keys(o, c, e);
	case CHARDEV_RING:
		return ring_size(o, c, e);
	}
	return 0;
}

static int common_keys(struct optset *o, struct config_chardev *c, struct err *e)
{
	int r = optset_bool(o, "mux", &c->mux, e);

	if (r == 0)
		r = options_take(o, "logfile", &c->log, e);
	if (r == 0 && optset_get(o, "logappend") && !c->log)
		r = err_set(e, -EINVAL, "logappend= is for logfile=");
	return r < 0 ? r : optset_bool(o, "logappend", &c->log_append, e);
}

static const struct {
	const char *name;
	enum chardev_kind kind;
} kinds_of[] = {
	{ "null", CHARDEV_NULL },   { "stdio", CHARDEV_STDIO }, { "pty", CHARDEV_PTY },
	{ "file", CHARDEV_FILE },   { "pipe", CHARDEV_PIPE },   { "serial", CHARDEV_TTY },
	{ "tty", CHARDEV_TTY },     { "socket", CHARDEV_UNIX }, { "ringbuf", CHARDEV_RING },
	{ "memory", CHARDEV_RING },
};

static int opt_chardev(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct config_chardev *c = NULL;
	enum chardev_kind kind = CHARDEV_NULL;
	const char *name, *id;
	int r = optset_parse(&o, v, "backend", e);

	if (r < 0)
		goto out;
	name = optset_get(&o, "backend");
	id = optset_get(&o, "id");
	for (unsigned i = 0; i < ARRAY_SIZE(kinds_of); i++)
		if (!strcmp(kinds_of[i].name, name))
			kind = kinds_of[i].kind;
	if (kind == CHARDEV_UNIX && !optset_get(&o, "path"))
		kind = CHARDEV_TCP;
	if (!id || !*id)
		r = err_set(e, -EINVAL, "-chardev %s has no id=", v);
	else
		r = new_chardev(p, id, kind, &c, e);
	if (r == 0)
		r = kind_keys(&o, c, e);
	if (r == 0)
		r = common_keys(&o, c, e);
	/* a key of unix sockets with a port, or the other way round */
	if (r == 0)
		r = options_all_used(&o,
				     c->kind == CHARDEV_TCP ? "-chardev socket with a port"
							    : "-chardev of this kind",
				     e);
out:
	optset_free(&o);
	return r;
}

/* ---- short places ---- */

/* "HOST:PORT" at the front of a tcp: place; the host may be in brackets. */
static int host_port(struct config_chardev *c, const char *at, struct err *e)
{
	const char *colon = strrchr(at, ':');
	size_t n = colon ? (size_t)(colon - at) : 0;

	if (!colon || !colon[1])
		return err_set(e, -EINVAL, "'%s' has no port: tcp:HOST:PORT", at);
	if (n >= 2 && at[0] == '[' && at[n - 1] == ']') {
		at++;
		n -= 2;
	}
	c->host = str_printf(e, "%.*s", (int)n, at);
	return c->host ? options_string(&c->port, colon + 1, e) : -ENOMEM;
}

/* Keys of QEMU's that are refused, or change nothing. */
static int short_known(struct optset *o, struct err *e)
{
	for (size_t i = 0; i < o->n; i++) {
		int r = known_key("-chardev socket", o->v[i].key, o->v[i].val, e);

		if (r < 0)
			return r;
		o->v[i].used |= r > 0;
	}
	return 0;
}

static int short_socket(struct config_chardev *c, const char *rest, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *at;
	int r = optset_parse(&o, rest, "at", e);

	if (r < 0)
		goto out;
	at = optset_get(&o, "at");
	r = short_known(&o, e);
	if (r < 0)
		goto out;
	if (c->kind == CHARDEV_TCP)
		r = host_port(c, at ? at : "", e);
	else
		r = options_string(&c->path, at ? at : "", e);
	if (r == 0)
		r = socket_keys(&o, c, e);
	if (r == 0)
		r = options_take(&o, "logfile", &c->log, e);
	if (r == 0)
		r = optset_bool(&o, "logappend", &c->log_append, e);
	if (r == 0)
		r = options_all_used(&o, c->kind == CHARDEV_TCP ? "tcp:" : "unix:", e);
out:
	optset_free(&o);
	return r;
}

static int short_place(struct parse *p, const char *id, const char *v, bool mux, struct err *e)
{
	static const struct {
		const char *prefix;
		enum chardev_kind kind;
	} at[] = {
		{ "file:", CHARDEV_FILE },   { "pipe:", CHARDEV_PIPE },
		{ "unix:", CHARDEV_UNIX },   { "tcp:", CHARDEV_TCP },
		{ "telnet:", CHARDEV_TCP },  { "null", CHARDEV_NULL },
		{ "stdio", CHARDEV_STDIO },  { "pty", CHARDEV_PTY },
		{ "ringbuf", CHARDEV_RING }, { "/dev/", CHARDEV_TTY },
	};
	struct config_chardev *c = NULL;
	const char *rest = v;
	unsigned i = 0;
	size_t n = 0;
	int r;

	for (; i < ARRAY_SIZE(at); i++) {
		const char *s = at[i].prefix;
		bool open;

		n = strlen(s);
		open = s[n - 1] == ':' || s[n - 1] == '/';
		if (!strncmp(v, s, n) && (open || !v[n]))
			break;
	}
	if (i == ARRAY_SIZE(at))
		return err_set(
			e, -EINVAL,
			"'%s' is no place for characters; there are stdio, null, none, pty, "
			"file:PATH, pipe:PATH, unix:PATH, tcp:HOST:PORT, telnet:HOST:PORT, "
			"/dev/TTY, ringbuf, chardev:ID and mon:ONE-OF-THESE",
			v);
	r = new_chardev(p, id, at[i].kind, &c, e);
	if (r < 0)
		return r;
	c->mux = mux;
	rest += n;
	if (rest[-1] == ':' && !*rest)
		return err_set(e, -EINVAL, "'%s' has no %s", v,
			       c->kind == CHARDEV_TCP ? "port" : "path");
	/* what ends programs is for the guest where the monitor can end it */
	c->no_signal = mux;
	c->telnet = !strncmp(v, "telnet:", 7);
	c->size = 65536;
	if (c->kind == CHARDEV_UNIX || c->kind == CHARDEV_TCP)
		return short_socket(c, rest, e);
	if (c->kind == CHARDEV_TTY)
		return options_string(&c->path, v, e);
	return *rest ? options_string(&c->path, rest, e) : 0;
}

int options_place(struct parse *p, const char *id, const char *v, char **to, struct err *e)
{
	bool mon = !strncmp(v, "mon:", 4);
	int r;

	if (mon) {
		v += 4;
		p->monitor_given = true;
	}
	if (!strncmp(v, "chardev:", 8)) {
		r = options_string(to, v + 8, e);
	} else {
		r = short_place(p, id, v, mon, e);
		if (r == 0)
			r = options_string(to, id, e);
	}
	return r == 0 && mon ? options_monitor(p, *to, false, false, e) : r;
}

static const struct config_chardev *find(const struct parse *p, const char *id)
{
	for (unsigned i = 0; i < p->c->chardevs; i++)
		if (!strcmp(p->c->chardev[i].id, id))
			return &p->c->chardev[i];
	return NULL;
}

int options_chardev_known(const struct parse *p, const char *id, struct err *e)
{
	return find(p, id) ? 0
			   : err_set(e, -EINVAL, "there is no -chardev with the id '%s'", id);
}

int options_chardevs_finish(struct parse *p, struct err *e)
{
	const struct machine_config *c = p->c;
	const char *stdio = NULL;
	int r = 0;

	for (unsigned i = 0; i < c->chardevs; i++) {
		if (c->chardev[i].kind != CHARDEV_STDIO)
			continue;
		if (stdio)
			return err_set(
				e, -EINVAL,
				"%s and %s both want standard input and output; mon:stdio "
				"or a -chardev stdio with mux=on shares them",
				stdio, c->chardev[i].id);
		stdio = c->chardev[i].id;
	}
	if (stdio && c->daemonize)
		return err_set(e, -EINVAL,
			       "%s is standard input and output, which -daemonize gives up",
			       stdio);
	for (unsigned i = 0; i < CONFIG_SERIALS && r == 0; i++)
		if (c->serial[i])
			r = options_chardev_known(p, c->serial[i], e);
	for (unsigned i = 0; i < c->monitors && r == 0; i++)
		r = options_chardev_known(p, c->monitor[i].chardev, e);
	if (r == 0 && c->debugcon)
		r = options_chardev_known(p, c->debugcon, e);
	return r == 0 && c->gdb ? options_chardev_known(p, c->gdb, e) : r;
}

void options_chardevs_free(struct machine_config *c)
{
	for (unsigned i = 0; i < c->chardevs; i++) {
		free(c->chardev[i].id);
		free(c->chardev[i].path);
		free(c->chardev[i].host);
		free(c->chardev[i].port);
		free(c->chardev[i].log);
	}
	for (unsigned i = 0; i < c->monitors; i++)
		free(c->monitor[i].chardev);
	for (unsigned i = 0; i < CONFIG_SERIALS; i++)
		free(c->serial[i]);
}

/* ---- what help says ---- */

static const struct device_key chardev_keys[] = {
	{ "backend", "name", "null, stdio, pty, file, pipe, serial, socket or ringbuf" },
	{ "id", "name", "for -serial chardev:ID and the like" },
	{ "mux", "on|off", "several may use it; keys after C-a switch" },
	{ "logfile", "path", "a file that gets what is written as well" },
	{ "logappend", "on|off", "behind what the file holds" },
	{ NULL, NULL, NULL },
};
static const struct device_key stdio_keys[] = {
	{ "signal", "on|off", "keys such as C-c end vemu" },
	{ NULL, NULL, NULL },
};
static const struct device_key file_keys[] = {
	{ "path", "path", "of the file" },
	{ "append", "on|off", "behind what it holds" },
	{ NULL, NULL, NULL },
};
static const struct device_key pipe_keys[] = {
	{ "path", "path", "PATH.in and PATH.out, or one pipe for both ways" },
	{ NULL, NULL, NULL },
};
static const struct device_key tty_keys[] = {
	{ "path", "path", "of a terminal or serial port of the host's" },
	{ NULL, NULL, NULL },
};
static const struct device_key ring_keys[] = {
	{ "size", "size", "a power of two; 64 KiB if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key socket_key_list[] = {
	{ "path", "path", "a socket in the file system" },
	{ "abstract", "on|off", "path is a name that is no file" },
	{ "tight", "on|off", "off: such a name is filled up with zeroes" },
	{ "host", "name", "or a host" },
	{ "port", "port", "and its port" },
	{ "to", "port", "the last port that a server tries" },
	{ "ipv4", "on|off", "such addresses" },
	{ "ipv6", "on|off", "such addresses" },
	{ "nodelay", "on|off", "send at once; on if not given" },
	{ "server", "on|off", "wait for others to connect" },
	{ "wait", "on|off", "start no sooner than one has; on if not given" },
	{ "telnet", "on|off", "speak telnet's protocol" },
	{ NULL, NULL, NULL },
};
static const struct option_kind chardev_kinds[] = {
	{ "null", "nothing", NULL },
	{ "stdio", "standard input and output", stdio_keys },
	{ "pty", "a pseudo terminal", NULL },
	{ "file", "a file, written only", file_keys },
	{ "pipe", "named pipes", pipe_keys },
	{ "serial", "a terminal of the host", tty_keys },
	{ "tty", "the same", tty_keys },
	{ "socket", "a connection", socket_key_list },
	{ "ringbuf", "memory, which QMP reads", ring_keys },
	{ "memory", "the same", ring_keys },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "chardev",
	  .arg = "OPTS",
	  .fn = opt_chardev,
	  .first = "backend",
	  .keys = chardev_keys,
	  .kinds = chardev_kinds },
	{ .name = NULL },
};

const struct option_group options_chardev = { "chardevs", rows };
