/* SPDX-License-Identifier: MIT */
/* What guests' networks stand on: tun, vhost, and the packet filter around bridges. */
#include "host/access.h"
#include "hostcheck/checks/checks.h"

#include <stdlib.h>
#include <string.h>

/* The kernel's own default since 4.3. */
#define VHOST_REGIONS 64

/* A device that guests' networks use. */
struct node {
	const char *path, *module;
	uint32_t minor;             /* of the misc devices, whose major is 10 */
	const char *misc;           /* what the driver registers when it is there */
	bool root_by_mdev;          /* mdev has no rule, and leaves it to root */
	const char *step;           /* what mends it where the user may not open it */
	const char *before, *after; /* advice then, with the user's name between */
};

static int no_module(struct finding *out, const struct node *n)
{
	return advise(
		out, NULL, R_REBOOT,
		"This kernel has no module %s: install a full one (Alpine: linux-lts). Into "
		"a container its host has to hand the device.",
		n->module);
}

static int node_missing(struct finding *out, const struct node *n, enum module_state s)
{
	found(out, V_WARN, "%s is not there; %s is %s", n->path, n->module,
	      s == MODULE_UNKNOWN ? "not in this kernel" : module_state_name(s));
	if (s == MODULE_UNKNOWN)
		return no_module(out, n);
	return advise(out, "modules.load", R_NOW,
		      "Load it: modprobe %s, and list it in /etc/modules.", n->module);
}

/* The node is there, has a driver, and the user may open it. */
static int node_found(struct facts *f, struct finding *out, const struct node *n, struct err *e)
{
	enum module_state s = module_state_of(f, n->module);
	struct err why = { 0 };
	struct host_stat st;
	struct who w;
	int r = host_stat(f->h, n->path, &st, &why);

	if (r == -ENOENT)
		return node_missing(out, n, s);
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	if (st.node != NODE_CHAR || st.major != 10 || st.minor != n->minor) {
		found(out, V_WARN, "%s is not that device (10, %u)", n->path, n->minor);
		return advise(out, "modules.load", R_NOW,
			      "Remove what stands there and load %s.", n->module);
	}
	/* device managers make nodes ahead of drivers */
	if (!host_exists(f->h, n->misc) && !module_is_up(s) && s != MODULE_ABSENT) {
		found(out, V_WARN, "%s is there, with no driver behind it", n->path);
		return no_module(out, n);
	}
	r = who_read(f, &w, &why);
	if (r == 0)
		r = who_may(f, &w, n->path, ACCESS_R | ACCESS_W, &why);
	if (r == -EACCES) {
		found(out, V_WARN, "%s", why.msg);
		if (who_must_relogin(f, &w, n->path, ACCESS_R | ACCESS_W))
			return advise(out, NULL, R_RELOGIN, "Log out and in again.");
		if (st.gid == 0 && !n->root_by_mdev)
			return advise(
				out, NULL, R_NOW,
				"The node belongs to root alone, which no rule of a device "
				"manager does: let it set the node anew (mdev -s, udevadm "
				"trigger).");
		if (st.gid != 0 && n->root_by_mdev)
			return advise(
				out, "users.members", R_RELOGIN,
				"Add %s to the group that owns the node, then log in again. "
				"Guests work without, with slower networks.",
				w.name);
		return advise(out, n->step, R_RELOGIN, "%s%s%s", n->before, w.name, n->after);
	}
	return found(out, V_OK, "%s, mode %04o%s", n->path, st.mode,
		     s == MODULE_ABSENT ? "; its module loads at first use" : "");
}

static int net_tun(struct facts *f, struct finding *out, struct err *e)
{
	static const struct node node = {
		"/dev/net/tun",
		"tun",
		200,
		"/sys/class/misc/tun",
		false,
		"users.members",
		"Under mdev the node belongs to the group netdev: add ",
		" to it and log in again. Guests with user-mode networking work without.",
	};

	return node_found(f, out, &node, e);
}

static int net_vhost(struct facts *f, struct finding *out, struct err *e)
{
	static const struct node node = {
		"/dev/vhost-net",
		"vhost_net",
		238,
		"/sys/class/misc/vhost-net",
		true,
		"nodes.vhost",
		"mdev has no rule for this node and leaves it to root; vtune adds one for the "
		"group kvm, of which ",
		" has to be a member. Guests work without, with slower networks.",
	};

	return node_found(f, out, &node, e);
}

static int net_vhost_regions(struct facts *f, struct finding *out, struct err *e)
{
	static const char path[] = "/sys/module/vhost/parameters/max_mem_regions";
	uint64_t now = 0, want = 0;
	char text[32];
	bool live = attr_u64(f, path, &now);

	(void)e;
	if (option_configured(f, "vhost", "max_mem_regions", text, sizeof(text)))
		want = strtoull(text, NULL, 0);
	if (!live && !want)
		return found(out, V_SKIP, "vhost is not loaded");
	if (want && want < VHOST_REGIONS) {
		found(out, V_WARN, "modprobe.d lowers it to %llu", (unsigned long long)want);
		return advise(
			out, "modules.vhost", R_RELOAD,
			"The kernel's own default is 64; old advice sets 16 and means to raise "
			"it. Take the option away, or set 509 if guests get memory at run "
			"time.");
	}
	if (live && now < VHOST_REGIONS) {
		found(out, V_WARN, "%llu, less than the default of 64",
		      (unsigned long long)now);
		return advise(
			out, "modules.vhost", R_RELOAD,
			"It was lowered when vhost was loaded. With the default again at the "
			"next load, guests can have more memory backends.");
	}
	if (live && want > now) {
		found(out, V_WARN, "%llu now, %llu at the next load", (unsigned long long)now,
		      (unsigned long long)want);
		return advise(
			out, "modules.vhost", R_RELOAD,
			"Load vhost anew while no guest runs, or wait for the next start.");
	}
	return found(out, V_OK, "%llu", (unsigned long long)(live ? now : want));
}

static int net_filter(struct facts *f, struct finding *out, struct err *e)
{
	static const struct {
		const char *path, *name;
	} rows[] = {
		{ "/proc/sys/net/ipv4/ip_forward", "ip_forward" },
		{ "/proc/sys/net/bridge/bridge-nf-call-iptables", "bridge-nf-call-iptables" },
		{ "/proc/sys/net/bridge/bridge-nf-call-ip6tables", "bridge-nf-call-ip6tables" },
		{ "/proc/sys/net/ipv4/conf/all/rp_filter", "rp_filter" },
	};
	uint64_t v[ARRAY_SIZE(rows)] = { 0 };

	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (attr_u64(f, rows[i].path, &v[i]))
			found_item(out, V_INFO, rows[i].name, "%llu", (unsigned long long)v[i]);
	if (!out->n_items)
		return found(out, V_SKIP, "the kernel shows no such settings");
	found(out, V_INFO, "forwarding %s; bridged packets %s the packet filter",
	      v[0] ? "on" : "off", v[1] || v[2] ? "pass" : "do not pass");
	if (v[1] || v[2])
		return advise(
			out, "kernel.sysctl", R_NOW,
			"Rules of the host's own filter (Docker sets FORWARD to DROP) also stop "
			"guests on a bridge. If they are not meant to: "
			"net.bridge.bridge-nf-call-iptables=0.");
	return 0;
}

static const struct check checks[] = {
	{
		.id = "net.tun",
		.title = "Tap devices",
		.why = "A guest on a bridge has a tap device, made through /dev/net/tun. Without, "
		       "only user-mode networking is left.",
		.how = "The node /dev/net/tun, the state of its module, and whether the user may "
		       "open it.",
		.mend = "Load tun; under mdev, membership in the group netdev.",
		.run = net_tun,
		.kernel = true,
	},
	{
		.id = "net.vhost",
		.title = "In-kernel network back end",
		.why = "vhost-net moves guests' packets in the kernel: less latency, about half the "
		       "processor time.",
		.how = "The node /dev/vhost-net, the state of vhost_net, and whether the user may "
		       "open it.",
		.mend = "Load vhost_net; under mdev, a rule for the node.",
		.run = net_vhost,
		.kernel = true,
	},
	{
		.id = "net.vhost-regions",
		.title = "Memory regions of vhost",
		.why = "A guest with more memory backends than this has no vhost. The default is 64; "
		       "the often copied max_mem_regions=16 lowers it.",
		.how = "/sys/module/vhost/parameters/max_mem_regions, and modprobe.d.",
		.mend = "Take the option away, or raise it.",
		.run = net_vhost_regions,
	},
	{
		.id = "net.filter",
		.title = "Packet filter and forwarding",
		.why = "Guests on a bridge lose packets to rules that were written for the host.",
		.how = "net.ipv4.ip_forward, net.bridge.bridge-nf-call-*, rp_filter.",
		.mend = "sysctl, once it is known what the rules are for.",
		.run = net_filter,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_net = { "net", "Guest networks", checks };
