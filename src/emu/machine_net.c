/* SPDX-License-Identifier: MIT */
/* Which network is meant. */
#include "emu/machine.h"

#include <string.h>

int machine_net(const struct machine *m, const char *id, struct net **out, struct err *e)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->nets; i++) {
		const struct config_net *n = &c->net[i];

		*out = pc_net(m, i);
		if (*out && n->kind &&
		    (id ? n->id && !strcmp(n->id, id) : !strcmp(n->kind, "user")))
			return 0;
	}
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		const struct config_net *n = &m->hot.net[i].c;

		*out = m->hot.net[i].net;
		if (n->id && (id ? !strcmp(n->id, id) : !strcmp(n->kind, "user")))
			return 0;
	}
	return id ? err_set(e, -ENODEV, "there is no network '%.100s'", id)
		  : err_set(e, -ENODEV, "there is no network of the kind user");
}
