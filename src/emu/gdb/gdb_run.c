/* SPDX-License-Identifier: MIT */
/* GDB lets the guest go on, and hears where it stops. */
#include "base/compiler.h"
#include "emu/gdb/gdb_int.h"

#include <stdio.h>
#include <string.h>

/* Whether vCPUs are single-stepped or watched, as the machine goes on or GDB leaves. */
static void arm(struct gdb *g, bool debugging, int step)
{
	bool any = g->dbg.points || g->dbg.watches;

	for (unsigned i = 0; i < g->m->vcpus; i++) {
		struct x86_dbg *d = &g->m->vcpu[i].x86->dbg;

		*d = (struct x86_dbg){ 0 };
		if (!debugging)
			continue;
		d->all = &g->dbg;
		d->step = step == (int)i;
		d->on = any || d->step;
		d->resume = true;
	}
}

/* The others stand while one is stepped. */
static void keep(struct gdb *g, int step)
{
	for (unsigned i = 0; i < g->m->vcpus; i++)
		atomic_store(&g->m->vcpu[i].held, step >= 0 && step != (int)i);
}

static void go(struct gdb *g, int step)
{
	if (g->m->powered_off) {
		gdb_say(g, "W00");
		return;
	}
	arm(g, true, step);
	keep(g, step);
	g->waiting = true;
	machine_cont(g->m);
}

static void tell(struct gdb *g)
{
	const char *what = "";
	char text[80];
	unsigned who = g->look;

	for (unsigned i = 0; i < g->m->vcpus; i++)
		if (g->m->vcpu[i].x86->dbg.stop != X86_DBG_NONE)
			who = i;
	g->look = who;
	const struct x86_dbg *d = &g->m->vcpu[who].x86->dbg;

	if (d->stop == X86_DBG_WRITE)
		what = "watch";
	else if (d->stop == X86_DBG_READ)
		what = "rwatch";
	if (*what) {
		/* one for both is told by its own name */
		for (unsigned i = 0; i < g->dbg.watches; i++)
			if (g->dbg.watch[i].addr == d->addr && g->dbg.watch[i].read &&
			    g->dbg.watch[i].write)
				what = "awatch";
		snprintf(text, sizeof(text), "T05%s:%llx;thread:%x;", what,
			 (unsigned long long)d->addr, who + 1);
	} else {
		snprintf(text, sizeof(text), "T%sthread:%x;", d->stop ? "05" : "02", who + 1);
	}
	gdb_say(g, text);
}

void gdb_status(struct gdb *g)
{
	char text[32];

	snprintf(text, sizeof(text), "T05thread:%x;", g->look + 1);
	gdb_say(g, text);
}

void gdb_event(void *arg, const char *name, const char *detail)
{
	struct gdb *g = arg;

	(void)detail;
	if (!g->there)
		return;
	if (!g->waiting) {
		/* a monitor lets it go on: breakpoints hold, and the first packet stops it */
		if (!strcmp(name, "RESUME"))
			arm(g, true, -1);
		return;
	}
	if (!strcmp(name, "STOP")) {
		g->waiting = false;
		keep(g, -1);
		tell(g);
	} else if (!strcmp(name, "SHUTDOWN") && !g->m->config->no_shutdown) {
		g->waiting = false;
		gdb_say(g, "W00");
	}
}

/* c, s, C, S: with a signal, which means nothing here, and an address. */
void gdb_resume(struct gdb *g, const char *p, bool step)
{
	uint64_t addr;

	if (gdb_hex(&p, &addr))
		g->m->vcpu[g->look].x86->rip = addr;
	go(g, step ? (int)g->look : -1);
}

/* The first action that fits a thread is its own: a step of one, or all go on. */
void gdb_vcont(struct gdb *g, const char *p)
{
	int step = -1;

	while (*p == ';') {
		char how = p[1];
		uint64_t signal, thread = 0;

		p += 2;
		if (how == 'C' || how == 'S')
			gdb_hex(&p, &signal);
		if (*p == ':') {
			p++;
			if (*p == '-')
				p += 2;
			else
				gdb_hex(&p, &thread);
		}
		if (how != 'c' && how != 'C' && how != 's' && how != 'S') {
			gdb_say(g, "E16");
			return;
		}
		if ((how == 's' || how == 'S') && step < 0)
			step = thread && thread <= g->m->vcpus ? (int)thread - 1 : (int)g->look;
		p += strcspn(p, ";");
	}
	if (step >= 0)
		g->look = (unsigned)step;
	go(g, step);
}

void gdb_interrupt(struct gdb *g)
{
	if (g->waiting)
		machine_stop(g->m);
}

void gdb_detach(struct gdb *g)
{
	bool go_on = g->m->running || g->there;

	/* before the machine goes on, which is an event */
	g->there = g->waiting = false;
	machine_stop(g->m);
	g->dbg.points = g->dbg.watches = 0;
	g->dbg.era++;
	arm(g, false, -1);
	keep(g, -1);
	if (go_on)
		machine_cont(g->m);
}
