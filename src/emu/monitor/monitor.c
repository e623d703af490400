/* SPDX-License-Identifier: MIT */
#include "emu/monitor/monitor.h"

#include "base/mem.h"
#include "emu/machine.h"
#include "emu/monitor/command.h"

#include <stdlib.h>

struct monitors {
	struct machine *m;
	struct hmp *hmp[CONFIG_MONITORS];
	struct qmp *qmp[CONFIG_MONITORS];
	unsigned n;
};

static void on_event(void *arg, const char *name, const char *data)
{
	struct monitors *s = arg;

	for (unsigned i = 0; i < s->n; i++)
		qmp_event(s->qmp[i], name, data);
}

int monitors_new(struct monitors **out, struct machine *m, struct err *e)
{
	struct monitors *s = mem_zalloc(1, sizeof(*s), e);
	const struct machine_config *c = m->config;
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->m = m;
	for (; s->n < c->monitors && r == 0; s->n++) {
		const struct config_monitor *t = &c->monitor[s->n];

		r = t->qmp ? qmp_new(&s->qmp[s->n], m, t->chardev, t->pretty, e)
			   : hmp_new(&s->hmp[s->n], m, t->chardev, e);
	}
	if (r == 0 && !machine_watch_add(m, &(struct machine_watch){ on_event, s }))
		r = err_set(e, -ENOSPC, "too many listen to the machine");
	if (r < 0) {
		monitors_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void monitors_free(struct monitors *s)
{
	if (!s)
		return;
	machine_watch_remove(s->m, s);
	for (unsigned i = 0; i < s->n; i++) {
		hmp_free(s->hmp[i]);
		qmp_free(s->qmp[i]);
	}
	free(s);
}

const char *monitors_public(const struct machine *m)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i <= c->monitors; i++) {
		const char *id = i < c->monitors ? c->monitor[i].chardev : c->gdb;
		const struct chardev *d = id ? chardevs_find(m->chardevs, id) : NULL;

		if (d && chardev_public(d))
			return chardev_about(d);
	}
	return NULL;
}
