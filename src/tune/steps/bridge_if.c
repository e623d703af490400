/* SPDX-License-Identifier: MIT */
/*
 * The bridges themselves.  One that is missing is told of; on request it gets a stanza for
 * ifupdown, without ports: to move the uplink into a bridge can cut off whoever does it from
 * afar, and is left to them.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/bridge.h"
#include "host/lines.h"
#include "tune/ifupdown.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES "/etc/network/interfaces"
#define FOLDER     "/etc/network/interfaces.d"

/* Some file of ifupdown's knows the bridge. */
static int known(const struct stepping *s, const char *bridge, const char *main, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };

	if (ifupdown_has(main, strlen(main), bridge))
		return 1;
	if (host_list(s->h, FOLDER, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		AUTO_FREE char *path = str_printf(e, FOLDER "/%s", l.v[i]);
		AUTO_FREE char *text = NULL;
		size_t len;

		if (!path)
			return -ENOMEM;
		if (host_read(s->h, path, &text, &len, NULL) == 0 &&
		    ifupdown_has(text, len, bridge))
			return 1;
	}
	return 0;
}

static int stanza(const struct stepping *s, const char *bridge, struct err *e)
{
	static const char form[] = "auto %s\n"
				   "iface %s inet manual\n"
				   "\tbridge_ports none\n"
				   "\tbridge_stp off\n"
				   "\tbridge_fd 0";
	AUTO_FREE char *main = NULL;
	AUTO_FREE char *text = str_printf(e, form, bridge, bridge);
	AUTO_FREE char *path = str_printf(e, FOLDER "/hostkit-%s", bridge);
	AUTO_FREE char *fresh = NULL;
	size_t len;
	int r = text && path ? step_text(s, INTERFACES, &main, e) : -ENOMEM;

	if (r < 0)
		return r;
	if (!main)
		return STEP_NOTE(s, true, e,
				 "%s: there is no " INTERFACES "; make the bridge with what "
				 "configures the network here",
				 bridge);
	r = known(s, bridge, main, e);
	if (r)
		return r < 0 ? r : 0;
	if (ifupdown_sources(main, strlen(main), FOLDER)) {
		/* names with a dot are not read by run-parts' rule: "br0.5" goes into the main
		 * file below */
		if (!strchr(bridge, '.')) {
			fresh = str_printf(e, "# Written by vtune.\n%s\n", text);
			return fresh ? STEP_CHANGE(s, &kind_file, path, fresh, WHEN_REBOOT, e,
						   "a bridge for guests, without ports; 'ifup "
						   "%s' makes it now",
						   bridge)
				     : -ENOMEM;
		}
	}
	AUTO_FREE char *with = str_printf(e, "%s%s", *main ? "\n" : "", text);
	r = with ? lines_append(main, strlen(main), with, &fresh, &len, e) : -ENOMEM;
	if (r < 0)
		return r;
	return STEP_CHANGE(s, &kind_file, INTERFACES, fresh, WHEN_REBOOT, e,
			   "a bridge for guests, without ports; 'ifup %s' makes it now",
			   bridge);
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "bridge.interface" };
	struct bridges b = { 0 };
	int r;

	if (!p->bridges.n)
		return 0;
	r = host_has_kernel(h) ? bridges_read(h, &b, e) : 0;
	for (size_t i = 0; r == 0 && i < p->bridges.n; i++) {
		const char *bridge = p->bridges.v[i];

		if (p->bridge_create == WISH_YES)
			r = stanza(&s, bridge, e);
		if (r < 0 || !host_has_kernel(h) || bridges_find(&b, bridge))
			continue;
		if (bridge_name_taken(h, bridge))
			r = STEP_NOTE(&s, true, e, "%s is there, but is no bridge", bridge);
		else if (p->bridge_create != WISH_YES)
			r = STEP_NOTE(&s, false, e,
				      "there is no bridge %s yet; make it where the network is "
				      "configured, or say create = yes for one without ports",
				      bridge);
	}
	bridges_free(&b);
	return r;
}

const struct step step_bridge_interface = {
	.id = "bridge.interface",
	.title = "The bridges themselves",
	.why = "To allow br0 is of no use while there is no br0.",
	.plan = plan,
};
