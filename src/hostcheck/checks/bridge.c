/* SPDX-License-Identifier: MIT */
/* Bridges, and the program that lets users attach guests to them. */
#include "host/bridge.h"

#include "host/access.h"
#include "host/bridge_conf.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <string.h>

static int bridge_device(struct facts *f, struct finding *out, struct err *e)
{
	struct bridges b;
	size_t down = 0;
	int r = bridges_read(f->h, &b, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b.n; i++) {
		const struct bridge_dev *d = &b.v[i];

		down += !d->up;
		found_item(out,
			   !d->up       ? V_WARN
			   : d->n_ports ? V_OK
					: V_INFO,
			   d->name, "%s, %zu port%s%s%s", d->up ? "up" : "down", d->n_ports,
			   plural(d->n_ports), d->stp ? ", spanning tree" : "",
			   d->n_ports ? "" : ": guests on it reach each other and this host");
	}
	if (!b.n) {
		found(out, V_INFO, "none");
		advise(out, NULL, R_NONE,
		       "Guests then have user-mode networking, or a tap device of their own. A "
		       "bridge that holds the network card gives them addresses of the LAN.");
	} else if (down) {
		found(out, V_WARN, "%zu of %zu are down", down, b.n);
		advise(out, NULL, R_NOW,
		       "ip link set NAME up, and see what brings it up at boot.");
	} else {
		found(out, V_OK, "%s%s, up", b.v[0].name, b.n > 1 ? " and others" : "");
	}
	bridges_free(&b);
	return 0;
}

static const char *answer_text(enum bridge_answer a)
{
	switch (a) {
	case BRIDGE_ALLOWED:
		return "allowed";
	case BRIDGE_DENIED:
		return "denied by a rule";
	case BRIDGE_REFUSED:
		return "refused: a bad line stops everybody";
	default:
		return "no rule allows it";
	}
}

/* Each bridge of the host, then each that only the file knows. */
static void conf_bridges(struct facts *f, struct finding *out, const struct bridge_conf *c)
{
	struct bridges b = { 0 };

	if (bridges_read(f->h, &b, NULL) < 0)
		return;
	for (size_t i = 0; i < b.n; i++) {
		enum bridge_answer a = bridge_conf_ask(c, b.v[i].name, NULL);

		found_item(out, a == BRIDGE_ALLOWED ? V_OK : V_INFO, b.v[i].name, "%s",
			   answer_text(a));
	}
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].kind == BRIDGE_ALLOW && host_has_kernel(f->h) &&
		    !bridges_find(&b, c->rules[i].bridge))
			found_item(out, V_WARN, c->rules[i].bridge,
				   "allowed in line %u, but there is no such bridge",
				   c->rules[i].line);
	bridges_free(&b);
}

static void conf_lints(struct finding *out, const struct bridge_conf *c)
{
	for (size_t i = 0; i < c->n_lints; i++) {
		const struct bridge_lint *l = &c->lints[i];
		char where[64];

		snprintf(where, sizeof(where), "%s:%u", c->files[l->file], l->line);
		found_item(out, V_WARN, where, "%s%s", l->text,
			   l->fatal ? " (the helper stops here)" : "");
	}
}

/* Who may change the file decides who gets onto the network; who may not read it is refused
 * by the helper, which reads it as the user. */
static int conf_rights(struct facts *f, struct finding *out)
{
	struct host_stat st;
	struct who w;

	if (host_stat(f->h, BRIDGE_CONF, &st, NULL) < 0)
		return 0;
	if (st.uid != 0 || st.mode & 022) {
		found(out, V_WARN, "%s can be changed by others than root (mode %04o)",
		      BRIDGE_CONF, st.mode);
		return advise(out, "bridge.conf", R_NOW, "chown root %s; chmod 0640 %s",
			      BRIDGE_CONF, BRIDGE_CONF);
	}
	if (who_read(f, &w, NULL) == 0 && !w.root &&
	    who_may(f, &w, BRIDGE_CONF, ACCESS_R, NULL) == -EACCES) {
		found(out, V_WARN, "%s may not read %s", w.name, BRIDGE_CONF);
		return advise(
			out, "users.members", R_RELOGIN,
			"The helper reads the file as the user who starts the guest. Add %s "
			"to the group that owns it (Alpine: qemu), then log in again.",
			w.name);
	}
	return 0;
}

static int conf_missing(struct facts *f, struct finding *out)
{
	struct bridge_helper helper;

	if (bridge_helper_find(f->h, &helper, NULL) == -ENOENT)
		return found(out, V_SKIP, "neither the file nor the helper is installed");
	found(out, V_INFO, "%s is not there: the helper refuses everybody", BRIDGE_CONF);
	return advise(
		out, "bridge.conf", R_NOW,
		"To let users attach guests to br0: a line 'allow br0' in the file, owned by "
		"root, mode 0640, with the group of those who may.");
}

static int bridge_conf_check(struct facts *f, struct finding *out, struct err *e)
{
	struct bridge_conf c;
	int r = bridge_conf_read(f->h, NULL, &c, e);

	if (r == -ENOENT)
		return conf_missing(f, out);
	if (r < 0)
		return r;
	conf_lints(out, &c);
	conf_bridges(f, out, &c);
	found(out, V_OK, "%zu rule%s", c.n_rules, plural(c.n_rules));
	if (c.refused) {
		found(out, V_WARN, "a bad line makes the helper refuse everybody");
		for (size_t i = 0; i < c.n_lints; i++)
			if (c.lints[i].fatal && !c.lints[i].file)
				found(out, V_WARN, "line %u: %s; everybody is refused",
				      c.lints[i].line, c.lints[i].text);
		advise(out, "bridge.conf", R_NOW,
		       "A line is one of: allow NAME, deny NAME, include FILE; one blank between, "
		       "no comment behind.");
	} else if (finding_worst(out) == V_WARN) {
		for (size_t i = 0; i < out->n_items; i++)
			if (out->items[i].verdict == V_WARN) {
				found(out, V_WARN, "%s: %s", out->items[i].name,
				      out->items[i].text);
				break;
			}
		if (c.n_lints)
			advise(out, "bridge.conf", R_NOW,
			       "Mend the line. A comment behind a name is part of the name to "
			       "the helper.");
		else
			advise(out, "bridge.interface", R_NOW,
			       "Make the bridge where the network is configured, or take the "
			       "line away. vtune makes one without ports if its profile says "
			       "'create = yes'.");
	} else if (!c.n_rules) {
		found(out, V_INFO, "no rule: the helper refuses everybody");
		advise(out, "bridge.conf", R_NOW, "Add a line 'allow br0' for each bridge.");
	}
	bridge_conf_free(&c);
	return out->verdict == V_WARN ? 0 : conf_rights(f, out);
}

static int bridge_helper_check(struct facts *f, struct finding *out, struct err *e)
{
	struct bridge_conf c = { 0 };
	struct bridge_helper helper;
	bool wanted;
	int r = bridge_helper_find(f->h, &helper, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "not installed");
	if (r < 0)
		return r;
	if (helper.suid && helper.st.mode & 022) {
		found(out, V_FAIL, "%s is set-user-ID and writable for others (%04o)",
		      helper.path, helper.st.mode);
		return advise(
			out, "bridge.helper", R_NOW,
			"Whoever may write it is root. Install the package anew, then: chmod "
			"4750 %s",
			helper.path);
	}
	if (helper.suid)
		return found(out, V_OK, "%s, mode %04o", helper.path, helper.st.mode);
	wanted = bridge_conf_read(f->h, NULL, &c, NULL) == 0 && c.n_rules;
	bridge_conf_free(&c);
	found(out, wanted ? V_WARN : V_INFO, "%s has no set-user-ID bit (%04o)", helper.path,
	      helper.st.mode);
	return advise(
		out, "bridge.helper", R_NOW,
		"Debian ships it so, and then bridge.conf alone does nothing. To let users "
		"attach guests: dpkg-statoverride --update --add root kvm 4750 %s",
		helper.path);
}

static const struct check checks[] = {
	{
		.id = "bridge.device",
		.title = "Bridges",
		.why = "A guest on a bridge is a machine of its own on the LAN.",
		.how = "/sys/class/net/*/bridge, their ports and state.",
		.mend = "ip link, and the network configuration of the distribution.",
		.run = bridge_device,
		.kernel = true,
	},
	{
		.id = "bridge.conf",
		.title = "Rules of the bridge helper",
		.why = "One bad line refuses everybody, and deny wins over allow.",
		.how = "/etc/qemu/bridge.conf, read as the helper reads it: to the first blank, "
		       "comments behind a name are part of it.",
		.mend = "A line 'allow NAME' for each bridge; root:qemu, mode 0640.",
		.run = bridge_conf_check,
	},
	{
		.id = "bridge.helper",
		.title = "The bridge helper may do its work",
		.why = "Making a tap device and putting it into a bridge takes rights that users do "
		       "not have; the helper has them by its set-user-ID bit.",
		.how = "Owner and mode of qemu-bridge-helper.",
		.mend = "Alpine's package sets 4710 root:qemu. On Debian dpkg-statoverride keeps the "
			"bit across upgrades.",
		.run = bridge_helper_check,
	},
	{ 0 },
};

const struct check_group checks_bridge = { "bridge", "Bridges", checks };
