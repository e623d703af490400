/* SPDX-License-Identifier: MIT */
/* vemu: a virtual machine, with QEMU's command line. */
#include "base/mem.h"
#include "base/tool.h"
#include "emu/cmd.h"
#include "emu/display/terminal.h"
#include "emu/gdb/gdb.h"
#include "emu/machine.h"
#include "emu/monitor/monitor.h"
#include "emu/process.h"
#include "emu/sandbox.h"
#include "img/blk.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* How messages begin; @c NULL: nothing is known yet. */
static void prefix(const struct machine_config *c)
{
	char text[32];
	struct timespec t;
	struct tm tm;

	if (c && c->msg_time && clock_gettime(CLOCK_REALTIME, &t) == 0 &&
	    gmtime_r(&t.tv_sec, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		fprintf(stderr, "%s.%06ldZ ", text, t.tv_nsec / 1000);
	if (c && c->msg_name && c->name)
		fprintf(stderr, "%s ", c->name);
	fprintf(stderr, "vemu: ");
}

static int say(const struct machine_config *c, const struct err *e, int status)
{
	prefix(c);
	fprintf(stderr, "%s\n", e->msg);
	return status;
}

static void warn(void *arg, const char *text)
{
	prefix(arg);
	fprintf(stderr, "warning: %s\n", text);
}

/* Signals that end the process end the machine. */
struct ender {
	struct machine *m;
	struct loop_fd fd;
};

static void on_signal(void *arg, short revents)
{
	struct ender *s = arg;

	(void)revents;
	machine_request(s->m, MACHINE_QUIT, NULL);
	/* once is enough: what is pending need not be read */
	loop_events(s->m->loop, &s->fd, 0);
}

static int catch_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Everything is open: what is not needed any more is given up. */
static int give_up(const struct machine_config *c, struct err *e)
{
	int r = 0;

	if (c->mem_lock && mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		r = err_errno(e, "-overcommit mem-lock=on: ulimit -l may not allow it");
	if (r == 0 && (c->runas || c->chroot))
		r = sandbox_user(c->runas, c->chroot, e);
	if (r == 0 && !c->sandbox.off)
		r = sandbox_filter(&c->sandbox, e);
	return r;
}

/* Beside the guest's own output, which may be on the same terminal. */
static void tell(const struct machine_config *c, const char *line)
{
	prefix(c);
	fprintf(stderr, "%s\n", line);
}

struct parts {
	struct machine *m;
	struct monitors *mon;
	struct gdb *gdb;
	struct terminal *terminal;
	struct ender end;
};

static int make(struct parts *p, struct machine_config *c, int signals, struct err *e)
{
	int r = machine_new(&p->m, c, e);

	if (r < 0)
		return r;
	if (c->accel == ACCEL_AUTO && isatty(STDERR_FILENO) && !c->daemonize) {
		prefix(c);
		fprintf(stderr, "accelerator %s\n", p->m->ops->name);
	}
	p->end = (struct ender){ p->m, { signals, POLLIN, on_signal, &p->end } };
	r = loop_watch(p->m->loop, &p->end.fd, e);
	if (r == 0)
		r = monitors_new(&p->mon, p->m, e);
	if (r == 0 && monitors_public(p->m)) {
		prefix(c);
		fprintf(stderr,
			"warning: whoever reaches %s rules this machine, and no password is asked "
			"for\n",
			monitors_public(p->m));
	}
	if (r == 0 && c->gdb)
		r = gdb_new(&p->gdb, p->m, c->gdb, e);
	return r == 0 && c->curses ? terminal_new(&p->terminal, p->m, e) : r;
}

static int run(struct machine_config *c, struct process *self)
{
	const struct blk_log log = { warn, c };
	struct parts p = { NULL };
	struct err e = { 0 };
	sigset_t set;
	int fd = catch_signals(&set), status = 1, r;

	/* The machine is gone when this returns. */
	/* cppcheck-suppress autoVariables */
	c->log = &log;
	c->tell = tell;
	if (c->process)
		prctl(PR_SET_NAME, c->process);
	r = make(&p, c, fd, &e);
	if (r == 0 && c->pidfile)
		r = process_number(self, c->pidfile, &e);
	if (r == 0)
		r = give_up(c, &e);
	if (r == 0 && c->daemonize)
		r = process_ready(self, c->log_items && !c->log_file, &e);
	if (r == 0)
		r = machine_run(p.m, &status, &e);
	/* before what the monitor looks at goes away */
	terminal_free(p.terminal);
	gdb_free(p.gdb);
	monitors_free(p.mon);
	if (r == 0)
		r = machine_end(p.m, &e);
	machine_free(p.m);
	close(fd);
	return r < 0 ? say(c, &e, 1) : status;
}

static int start(struct machine_config *c)
{
	struct process self = PROCESS_INIT;
	struct err e = { 0 };
	int status = 1, r = c->daemonize ? process_detach(&self, &status, &e) : 0;

	if (r < 0)
		return say(c, &e, 1);
	if (r == 0)
		status = run(c, &self);
	process_fini(&self);
	return status;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	AUTO_FREE struct machine_config *c = mem_zalloc(1, sizeof(*c), &e);
	struct options_answer a;
	int status, r;

	if (!c)
		return say(NULL, &e, 1);
	r = options_parse(argc, argv, time(NULL), c, &a, &e);
	if (r < 0)
		status = say(c, &e, 2);
	else if (a.ask != OPTIONS_RUN)
		status = help_answer(&a);
	else
		status = start(c);
	options_free(c);
	if (fflush(stdout) && !status)
		status = 1;
	return status;
}
