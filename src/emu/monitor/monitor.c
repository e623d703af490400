/* SPDX-License-Identifier: MIT */
#include "emu/monitor/monitor.h"

#include "base/mem.h"
#include "emu/machine.h"
#include "emu/monitor/command.h"

#include <stdlib.h>
#include <string.h>

struct monitors {
	struct machine *m;
	struct chardev *hmp_char, *qmp_char;
	struct hmp *hmp;
	struct qmp *qmp;
};

static void on_event(void *arg, const char *name, const char *data)
{
	struct monitors *s = arg;

	qmp_event(s->qmp, name, data);
}

static void on_quit(void *arg)
{
	machine_request(arg, MACHINE_QUIT, NULL);
}

static int open_hmp(struct monitors *s, struct chardev *mux, struct err *e)
{
	struct chardev_user u;
	int r = 0;

	if (!mux) {
		r = chardev_open(s->m->loop, "monitor", s->m->config->monitor, &s->hmp_char, e);
		if (r < 0)
			return r;
	}
	r = hmp_new(&s->hmp, s->m, mux ? mux : s->hmp_char, e);
	if (r < 0)
		return r;
	hmp_user(s->hmp, &u);
	if (mux)
		chardev_share(mux, &u, on_quit, s->m);
	else
		chardev_use(s->hmp_char, &u);
	return 0;
}

int monitors_new(struct monitors **out, struct machine *m, struct chardev *mux, struct err *e)
{
	struct monitors *s = mem_zalloc(1, sizeof(*s), e);
	const struct machine_config *c = m->config;
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->m = m;
	if (mux || (c->monitor && strcmp(c->monitor, "none") != 0))
		r = open_hmp(s, mux, e);
	if (r == 0 && c->qmp && strcmp(c->qmp, "none") != 0) {
		r = chardev_open(m->loop, "qmp", c->qmp, &s->qmp_char, e);
		if (r == 0)
			r = qmp_new(&s->qmp, m, s->qmp_char, e);
	}
	if (r < 0) {
		monitors_free(s);
		return r;
	}
	if (!machine_watch_add(m, &(struct machine_watch){ on_event, s })) {
		monitors_free(s);
		return err_set(e, -ENOSPC, "too many listen to the machine");
	}
	*out = s;
	return 0;
}

void monitors_free(struct monitors *s)
{
	if (!s)
		return;
	machine_watch_remove(s->m, s);
	chardev_close(s->hmp_char);
	chardev_close(s->qmp_char);
	hmp_free(s->hmp);
	qmp_free(s->qmp);
	free(s);
}
