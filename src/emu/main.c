/* SPDX-License-Identifier: MIT */
/* vemu: a virtual machine, with QEMU's command line. */
#include "base/mem.h"
#include "base/tool.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/devices.h"
#include "emu/gdb/gdb.h"
#include "emu/machine.h"
#include "emu/monitor/monitor.h"
#include "emu/options.h"
#include "emu/sandbox.h"
#include "help_vemu.h"
#include "img/blk.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static int say(const struct err *e, int status)
{
	fprintf(stderr, "vemu: %s\n", e->msg);
	return status;
}

static void warn(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "vemu: warning: %s\n", text);
}

static void list_options(void)
{
	const struct option_row *o;

	for (unsigned i = 0; (o = options_row(i)); i++)
		printf("vemu -%s %s\n", o->name, o->arg ? "=" : ".");
}

static void list_keys_of(const struct option_row *o, const char *kind,
			 const struct device_key *k)
{
	for (; k && k->name; k++)
		printf("-%s %s %s\n", o->name, kind, k->name);
}

static void list_all_keys(void)
{
	const struct option_row *o;

	for (unsigned i = 0; (o = options_row(i)); i++) {
		list_keys_of(o, "*", o->keys);
		for (const struct option_kind *k = o->kinds; k && k->name; k++)
			list_keys_of(o, k->name, k->keys);
	}
}

static void list_cpus(void)
{
	const char *s;

	printf("Processor models:\n");
	for (size_t i = 0; (s = x86_cpuid_model(i)); i++)
		printf("  %s\n", s);
	printf("\nFeatures:\n ");
	for (size_t i = 0; (s = x86_cpuid_feature(i)); i++)
		printf(" %s", s);
	printf("\n");
}

static void list_devices(void)
{
	const struct device_row *d;

	for (unsigned i = 0; (d = device_row(i)); i++)
		printf("%-18s bus %s, %s\n", d->name, d->bus, d->help);
}

static void list_accels(void)
{
	const struct accel_ops *const all[] = { &accel_kvm, &accel_soft };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		struct err e = { 0 };

		if (all[i]->probe(&e) < 0)
			printf("%-6s not here: %s\n", all[i]->name, e.msg);
		else
			printf("%-6s works here\n", all[i]->name);
	}
}

static void keys(const struct device_key *k)
{
	for (; k && k->name; k++)
		printf("  %s=<%s>  %s\n", k->name, k->type, k->help);
}

static void list_keys(const char *name)
{
	const struct device_row *d = device_find(name);

	printf("%s: %s\n", d->name, d->help);
	keys(d->keys);
}

static void list_option(const struct options_answer *a)
{
	const struct option_row *o = options_find(a->about);

	if (o->kinds && !a->kind) {
		for (const struct option_kind *k = o->kinds; k->name; k++)
			printf("%-10s %s\n", k->name, k->help);
		return;
	}
	printf("-%s%s%s\n", o->name, a->kind ? " " : "", a->kind ? a->kind->name : "");
	if (a->kind)
		keys(a->kind->keys);
	keys(o->keys);
}

static int answer(const struct options_answer *a)
{
	switch (a->ask) {
	case OPTIONS_HELP:
		printf("%s", help_vemu);
		break;
	case OPTIONS_VERSION:
		printf("vemu version " VERSION " (hostkit)\n");
		break;
	case OPTIONS_LIST:
		list_options();
		break;
	case OPTIONS_LIST_KEYS:
		list_all_keys();
		break;
	case OPTIONS_MACHINES:
		printf("pc     i440FX and PIIX3, 1996 (default)\nq35    Q35 and ICH9, 2009\n");
		break;
	case OPTIONS_CPUS:
		list_cpus();
		break;
	case OPTIONS_DEVICES:
		list_devices();
		break;
	case OPTIONS_ACCELS:
		list_accels();
		break;
	case OPTIONS_DEVICE:
		list_keys(a->about);
		break;
	case OPTIONS_KEYS:
		list_option(a);
		break;
	case OPTIONS_RUN:
		break;
	}
	return 0;
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

static int write_pid(const char *path, struct err *e)
{
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	if (!f || fprintf(f, "%ld\n", (long)getpid()) < 0 || fclose(f))
		return err_errno(e, "%s", path);
	return 0;
}

/* Everything is open: what is not needed any more is given up. */
static int give_up(const struct machine_config *c, struct err *e)
{
	int r = write_pid(c->pidfile, e);

	if (r == 0 && c->mem_lock && mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		r = err_errno(e, "-overcommit mem-lock=on: ulimit -l may not allow it");
	if (r == 0 && c->runas)
		r = sandbox_user(c->runas, e);
	if (r == 0 && !c->no_sandbox)
		r = sandbox_filter(e);
	return r;
}

/* Beside the guest's own output, which may be on the same terminal. */
static void tell(const char *line)
{
	fprintf(stderr, "vemu: %s\n", line);
}

static int run(struct machine_config *c)
{
	static const struct blk_log log = { warn, NULL };
	struct err e = { 0 };
	struct machine *m;
	struct monitors *mon = NULL;
	struct gdb *gdb = NULL;
	struct ender end;
	sigset_t set;
	int fd = catch_signals(&set), status = 1, r;

	c->log = &log;
	c->tell = tell;
	r = machine_new(&m, c, &e);
	if (r < 0)
		return say(&e, 1);
	if (c->accel == ACCEL_AUTO && isatty(STDERR_FILENO))
		fprintf(stderr, "vemu: accelerator %s\n", m->ops->name);
	end = (struct ender){ m, { fd, POLLIN, on_signal, &end } };
	r = loop_watch(m->loop, &end.fd, &e);
	if (r == 0)
		r = monitors_new(&mon, m, &e);
	if (r == 0 && monitors_public(m))
		fprintf(stderr,
			"vemu: warning: whoever reaches %s rules this machine, and no password is "
			"asked for\n",
			monitors_public(m));
	if (r == 0 && c->gdb)
		r = gdb_new(&gdb, m, c->gdb, &e);
	if (r == 0)
		r = give_up(c, &e);
	if (r == 0)
		r = machine_run(m, &status, &e);
	/* before what the monitor looks at goes away */
	gdb_free(gdb);
	monitors_free(mon);
	if (r == 0)
		r = machine_end(m, &e);
	machine_free(m);
	if (c->pidfile)
		unlink(c->pidfile);
	close(fd);
	return r < 0 ? say(&e, 1) : status;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	AUTO_FREE struct machine_config *c = mem_zalloc(1, sizeof(*c), &e);
	struct options_answer a;
	int status, r;

	if (!c)
		return say(&e, 1);
	r = options_parse(argc, argv, time(NULL), c, &a, &e);
	if (r < 0)
		status = say(&e, 2);
	else if (a.ask != OPTIONS_RUN)
		status = answer(&a);
	else
		status = run(c);
	options_free(c);
	if (fflush(stdout) && !status)
		status = 1;
	return status;
}
