/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"
#include "base/threads.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/nbd/server.h"
#include "img/nbd/tls.h"
#include "img/serve_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_SOCKET = 1,
	OPT_PORT,
	OPT_BIND,
	OPT_REMOTE,
	OPT_WRITABLE,
	OPT_NAME,
	OPT_DESCRIPTION,
	OPT_SHARED,
	OPT_THREADS,
	OPT_SNAPSHOT,
	OPT_DEPTH,
	OPT_CACHE,
	OPT_IDLE,
	OPT_FORK,
	OPT_PID,
	OPT_VERBOSE,
	OPT_TLS,
	OPT_CERTIFICATES,
	OPT_PSK,
	OPT_VERIFY,
};

enum { CLIENTS = 16, THREADS_MIN = 4, THREADS_MAX = 16, THREADS_ASKED = 256, WARNINGS = 20 };

const struct cli_opt cmd_serve_opts[] = {
	CMD_OPT_HELP,
	{ "socket", 'k', "PATH", OPT_SOCKET },
	{ "port", 'p', "PORT", OPT_PORT },
	{ "bind", 'b', "ADDRESS", OPT_BIND },
	{ "allow-remote", 0, NULL, OPT_REMOTE },
	{ "writable", 'w', NULL, OPT_WRITABLE },
	{ "export-name", 'x', "NAME", OPT_NAME },
	{ "description", 'D', "TEXT", OPT_DESCRIPTION },
	{ "shared", 'e', "N", OPT_SHARED },
	{ "threads", 0, "N", OPT_THREADS },
	{ "snapshot", 'l', "SNAPSHOT", OPT_SNAPSHOT },
	{ "allocation-depth", 'A', NULL, OPT_DEPTH },
	{ "cache", 't', "MODE", OPT_CACHE },
	{ "exit-idle", 0, "[SECONDS]", OPT_IDLE },
	{ "fork", 0, NULL, OPT_FORK },
	{ "pid-file", 0, "FILE", OPT_PID },
	{ "verbose", 'v', NULL, OPT_VERBOSE },
	{ "tls", 0, "MODE", OPT_TLS },
	{ "tls-certificates", 0, "DIR", OPT_CERTIFICATES },
	{ "tls-psk", 0, "FILE", OPT_PSK },
	{ "tls-verify-peer", 0, NULL, OPT_VERIFY },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_SHARE,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct serve {
	struct cmd_opts o;
	struct serve_place place;
	struct nbd_export x;
	struct nbd_server v;
	struct nbd_tls_files keys;
	const char *tls, *snapshot, *cache, *pid_file;
	char *pid_path; /* where the file is, whatever folder we are in; owned */
	bool fork, verbose;
	atomic_uint warnings;
};

static int number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	if (cmd_number(text, min, max, out))
		return 0;
	cmd_error("%s '%s' is not a number from %llu to %llu", what, text,
		  (unsigned long long)min, (unsigned long long)max);
	return CMD_EXIT(1);
}

static int number_opt(struct serve *c, unsigned id, const char *value)
{
	uint64_t v = 0;
	int r;

	switch (id) {
	case OPT_PORT:
		r = number("Port", value, 0, UINT16_MAX, &v);
		c->place.port = (uint16_t)v;
		c->place.tcp = true;
		return r;
	case OPT_SHARED:
		r = number("Number of clients", value, 1, NBD_CLIENTS_MAX, &v);
		c->v.clients = (unsigned)v;
		return r;
	case OPT_THREADS:
		r = number("Number of threads", value, 1, THREADS_ASKED, &v);
		c->x.threads = (unsigned)v;
		return r;
	default:
		r = value ? number("Number of seconds", value, 0, INT32_MAX / 1000, &v) : 0;
		c->v.idle_ms = (int)v * 1000;
		return r;
	}
}

static int text_opt(struct serve *c, unsigned id, const char *value)
{
	switch (id) {
	case OPT_SOCKET:
		c->place.path = value;
		return 0;
	case OPT_BIND:
		c->place.host = value;
		return 0;
	case OPT_NAME:
		c->x.name = value;
		return 0;
	case OPT_DESCRIPTION:
		c->x.description = value;
		return 0;
	case OPT_SNAPSHOT:
		c->snapshot = value;
		return 0;
	case OPT_CACHE:
		c->cache = value;
		return 0;
	case OPT_PID:
		c->pid_file = value;
		return 0;
	case OPT_TLS:
		c->tls = value;
		return 0;
	case OPT_CERTIFICATES:
		c->keys.certificates = value;
		return 0;
	default:
		c->keys.psk = value;
		return 0;
	}
}

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct serve *c = ctx;

	switch (id) {
	case OPT_REMOTE:
		c->place.remote = true;
		return 0;
	case OPT_WRITABLE:
		c->x.writable = true;
		return 0;
	case OPT_DEPTH:
		c->x.depth = true;
		return 0;
	case OPT_FORK:
		c->fork = true;
		return 0;
	case OPT_VERBOSE:
		c->verbose = true;
		return 0;
	case OPT_VERIFY:
		c->keys.verify_peer = true;
		return 0;
	case OPT_PORT:
	case OPT_SHARED:
	case OPT_THREADS:
	case OPT_IDLE:
		return number_opt(c, id, value);
	default:
		return text_opt(c, id, value);
	}
}

/* ---- messages of the threads ---- */

static void warn(void *arg, const char *text)
{
	struct serve *c = arg;
	unsigned n = atomic_fetch_add(&c->warnings, 1);

	/* A client could ask for the same bad sector for ever. */
	if (n < WARNINGS)
		cmd_warn("%s", text);
	else if (n == WARNINGS)
		cmd_warn("more of this kind is not shown");
}

static void dropped(void *arg, const char *why)
{
	(void)arg;
	cmd_warn("client dropped: %s", why);
}

/* ---- setting up ---- */

static int check(const struct serve *c)
{
	bool keys = c->keys.certificates || c->keys.psk;

	if (strlen(c->x.name) > NBD_STRING_MAX)
		return cmd_usage(&c->o, "The export's name is longer than %d bytes",
				 NBD_STRING_MAX);
	if (c->x.description && strlen(c->x.description) > NBD_STRING_MAX)
		return cmd_usage(&c->o, "The description is longer than %d bytes",
				 NBD_STRING_MAX);
	if (c->snapshot && c->x.writable)
		return cmd_usage(&c->o, "A snapshot can only be read");
	if (c->tls && strcmp(c->tls, "off") && strcmp(c->tls, "on") &&
	    strcmp(c->tls, "require"))
		return cmd_usage(&c->o, "--tls is 'off', 'on' or 'require', not '%s'", c->tls);
	if (c->tls && strcmp(c->tls, "off") && !keys)
		return cmd_usage(&c->o, "--tls needs --tls-certificates or --tls-psk");
	if (c->keys.verify_peer && (!c->keys.certificates || c->keys.psk))
		return cmd_usage(&c->o, "--tls-verify-peer needs --tls-certificates alone");
	return 0;
}

static int set_up_tls(struct serve *c)
{
	struct err e = { 0 };

	if ((!c->keys.certificates && !c->keys.psk) || (c->tls && !strcmp(c->tls, "off")))
		return 0;
	c->x.tls_required = !c->tls || !strcmp(c->tls, "require");
	if (nbd_tls_new(&c->keys, &c->x.tls, &e) < 0)
		return cmd_fail(&e, "Could not set up TLS: ");
	return 0;
}

static int load_snapshot(const struct serve *c, struct blk *b)
{
	struct optset set = OPTSET_INIT;
	const char *name = cmd_snapshot_name(c->snapshot, &set);
	struct err e = { 0 };
	int r = 0;

	if (!name)
		r = 1;
	else if (!b->format->snapshot_load)
		r = cmd_fail(&e, "%s images cannot hold snapshots", b->format->name);
	else if (b->format->snapshot_load(b, name, &e) < 0)
		r = cmd_fail(&e, "Failed to load snapshot: ");
	optset_free(&set);
	return r;
}

static int write_pid(struct serve *c, struct err *e)
{
	AUTO_FREE char *text = str_printf(e, "%ld\n", (long)getpid());
	AUTO_CLOSE int fd = -1;

	if (!c->pid_file)
		return 0;
	if (!text)
		return -ENOMEM;
	fd = io_open(c->pid_file, O_WRONLY | O_CREAT | O_TRUNC, 0644, e);
	if (fd < 0)
		return fd;
	c->pid_path = realpath(c->pid_file, NULL);
	return io_write(fd, text, strlen(text), e);
}

/* Goes on in a child; the parent ends when all is ready.  0, or an exit status after a message. */
static int into_background(struct serve *c)
{
	struct err e = { 0 };
	int ends[2], null;
	uint8_t ok = 0;
	size_t got = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cmd_fail(&e, "pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return cmd_fail(&e, "fork: %s", strerror(errno));
	if (pid > 0) {
		io_close(ends[1]);
		(void)!io_read_upto(ends[0], &ok, 1, &got, &e);
		/* the image and the socket are the child's now */
		_exit(got == 1 && ok ? 0 : 1);
	}
	(void)setsid();
	if (write_pid(c, &e) < 0) {
		cmd_fail(&e, "Could not write the process's number: ");
		_exit(1);
	}
	null = io_open("/dev/null", O_RDWR, 0, &e);
	if (null < 0 || chdir("/") < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	ok = 1;
	(void)!io_write(ends[1], &ok, 1, NULL);
	io_close(ends[0]);
	io_close(ends[1]);
	return 0;
}

static int run(struct serve *c, sigset_t *before)
{
	struct err e = { 0 };
	sigset_t ending;
	int r;

	if (!c->o.quiet && c->place.uri)
		printf("%s\n", c->place.uri);
	if (fflush(stdout))
		return cmd_fail(&e, "could not write where the image is served: %s",
				strerror(errno));
	if (c->fork) {
		r = into_background(c);
		if (r)
			return r;
	} else if (write_pid(c, &e) < 0) {
		return cmd_fail(&e, "Could not write the process's number: ");
	}
	/* Signals wait until the one thread that looks after clients waits. */
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &ending, before);
	c->v.stop = cmd_stop_flag();
	c->v.signals = before;
	c->v.x = &c->x;
	c->v.dropped = c->verbose ? dropped : NULL;
	r = nbd_serve(&c->v, &e);
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
	if (c->pid_path)
		(void)unlink(c->pid_path);
	free(c->pid_path);
	return r < 0 ? cmd_fail(&e, "Serving failed: ") : 0;
}

static int serve(struct serve *c, const char *name)
{
	unsigned flags = c->x.writable ? BLK_WRITE | BLK_UNMAP : 0;
	struct err e = { 0 };
	sigset_t before;
	int r;

	if (check(c) || cmd_cache_mode(c->cache, "cache", &flags))
		return 1;
	if (cmd_open(&c->o, name, c->o.fmt, flags, &c->x.blk) < 0)
		return 1;
	c->x.warn = warn;
	c->x.arg = c;
	r = c->snapshot ? load_snapshot(c, c->x.blk) : 0;
	if (r == 0)
		r = set_up_tls(c);
	if (r == 0 && serve_place_open(&c->place, c->x.name, &e) < 0)
		r = cmd_fail(&e, "Could not listen: ");
	if (r == 0) {
		c->v.listener = c->place.listener;
		r = run(c, &before);
	}
	serve_place_close(&c->place);
	nbd_tls_free(c->x.tls);
	return cmd_close(&c->x.blk, name) ? 1 : r;
}

int cmd_serve(int argc, char **argv)
{
	unsigned cpus = threads_cpus();
	struct serve c = {
		.x = { .name = "", .threads = 2 * cpus },
		.v = { .clients = CLIENTS, .idle_ms = -1 },
		.place = { .listener = -1 },
	};
	int n = 0, r;

	c.x.threads = c.x.threads < THREADS_MIN ? THREADS_MIN : c.x.threads;
	c.x.threads = c.x.threads > THREADS_MAX ? THREADS_MAX : c.x.threads;
	r = cmd_parse(cmd_serve_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	return serve(&c, argv[1]);
}
