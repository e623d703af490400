/* SPDX-License-Identifier: MIT */
/* What a person does to drives and networks. */
#include "emu/machine.h"
#include "emu/media.h"
#include "emu/monitor/ask.h"
#include "emu/net/net.h"

#include <string.h>

static void told(struct ask *a, int r, const struct err *e)
{
	if (r < 0)
		str_addf(a->out, "Error: %s\n", e->msg);
}

void do_change(struct ask *a, const char *arg)
{
	char buf[COMMAND_LINE];
	const char *w[5] = { NULL };
	struct err e = { 0 };
	int n = words_cut(arg, buf, w, 5), at = 1;
	bool force = n > 1 && !strcmp(w[1], "-f");
	unsigned i;
	int r;

	at += force;
	if (n - at < 1 || n - at > 3) {
		str_add(a->out, "change: DEVICE [-f] FILE [FORMAT [READ-ONLY-MODE]]\n");
		return;
	}
	r = media_find(a->m, w[0], &i, &e);
	if (r == 0)
		r = media_change(a->m, i, w[at], n - at > 1 ? w[at + 1] : NULL,
				 n - at > 2 ? w[at + 2] : NULL, force, &e);
	told(a, r, &e);
}

void do_eject(struct ask *a, const char *arg)
{
	char buf[COMMAND_LINE];
	const char *w[2];
	struct err e = { 0 };
	int n = words_cut(arg, buf, w, 2), r;
	bool force = n == 2 && !strcmp(w[0], "-f");
	unsigned i;

	if (n != 1 + force) {
		str_add(a->out, "eject: [-f] DEVICE\n");
		return;
	}
	r = media_find(a->m, w[force], &i, &e);
	if (r == 0)
		r = media_eject(a->m, i, force, &e);
	told(a, r, &e);
}

void do_commit(struct ask *a, const char *arg)
{
	const struct machine_config *c = a->m->config;
	struct err e = { 0 };
	bool all = !strcmp(arg, "all");
	unsigned i;
	int r = 0;

	if (!*arg) {
		str_add(a->out, "commit: DEVICE, or all\n");
		return;
	}
	if (!all) {
		r = media_find(a->m, arg, &i, &e);
		if (r == 0)
			r = media_commit(a->m, i, &e);
	}
	for (i = 0; all && i < c->disks; i++) {
		if (r == 0 && media_commits(a->m, i))
			r = media_commit(a->m, i, &e);
	}
	told(a, r, &e);
}

/* ---- networks ---- */

/* "[NETDEV] RULE" */
static void forward(struct ask *a, const char *arg, bool add)
{
	char buf[COMMAND_LINE];
	const char *w[2] = { NULL };
	struct err e = { 0 };
	int n = words_cut(arg, buf, w, 2), r;
	struct net *net;

	if (n < 1) {
		str_addf(a->out, "hostfwd_%s: [NETDEV] %s\n", add ? "add" : "remove",
			 add ? "tcp|udp:[HOST]:PORT-[GUEST]:PORT" : "tcp|udp:[HOST]:PORT");
		return;
	}
	r = machine_net(a->m, n == 2 ? w[0] : NULL, &net, &e);
	if (r == 0)
		r = net_forward(net, w[n - 1], add, &e);
	if (r == 0 && !add)
		str_addf(a->out, "host forwarding rule for %s removed\n", w[n - 1]);
	told(a, r, &e);
}

void do_hostfwd_add(struct ask *a, const char *arg)
{
	forward(a, arg, true);
}

void do_hostfwd_remove(struct ask *a, const char *arg)
{
	forward(a, arg, false);
}
