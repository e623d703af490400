/* SPDX-License-Identifier: MIT */
/*
 * vhost: how many regions of memory a guest may have, and who may open /dev/vhost-net.
 *
 * The kernel's limit is 64 regions; a file that says 16, as is often advised for "more than 8",
 * lowers it.  This step only ever raises it.
 */
#include "base/mem.h"
#include "base/str.h"
#include "modules/params.h"
#include "tune/mdev.h"
#include "tune/steps/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_REGIONS 64

/* What is configured and lower than the kernel's own limit: told even where nothing is wished. */
static int tell_lowered(const struct stepping *s, const struct modprobe_conf *c, struct err *e)
{
	struct modprobe_options all = { 0 };
	int r = modprobe_options(c, "vhost", &all, e);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct modprobe_option *o = &all.v[i];

		if (o->final && !strcmp(o->param, "max_mem_regions") && o->value &&
		    strtoul(o->value, NULL, 0) < KERNEL_REGIONS)
			r = STEP_NOTE(s, false, e,
				      "%s line %u lowers vhost's regions of memory from %d to "
				      "%s; 'vhost_mem_regions = %d' mends it",
				      o->from->file, o->from->line, KERNEL_REGIONS, o->value,
				      KERNEL_REGIONS);
	}
	modprobe_options_free(&all);
	return r;
}

static int plan_regions(const struct host *h, const struct profile *p, struct plan *out,
			struct err *e)
{
	const struct stepping s = { h, p, out, "modules.vhost" };
	struct modprobe_conf c = { 0 };
	char value[24];
	struct option_want w = {
		.module = "vhost",
		.param = "max_mem_regions",
		.value = value,
		.by_default = p->vhost_mem_regions <= KERNEL_REGIONS,
		.judge = option_judge_least,
		.when = WHEN_RELOAD,
		.reason = "guests may have more regions of memory, as plugging memory in takes",
	};
	uint64_t live;
	int r;

	if (!p->vhost_mem_regions && p->vhost_net != WISH_YES)
		return 0;
	r = modprobe_conf_read(h, &c, e);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)p->vhost_mem_regions);
	if (r == 0 && p->vhost_mem_regions)
		r = option_make(&s, &c, &w, e);
	else if (r == 0)
		r = tell_lowered(&s, &c, e);
	modprobe_conf_free(&c);
	if (r == 0 && p->vhost_mem_regions &&
	    host_read_u64(h, "/sys/module/vhost/parameters/max_mem_regions", &live, NULL) ==
		    0 &&
	    live < p->vhost_mem_regions)
		r = STEP_NOTE(&s, false, e,
			      "vhost runs with %llu regions; more come when it is loaded next, "
			      "at a reboot or once no guest uses it",
			      (unsigned long long)live);
	return r;
}

#define NODE "/dev/vhost-net"
#define MDEV "/etc/mdev.conf"
#define UDEV "/etc/udev/rules.d/80-hostkit-vhost.rules"

static int mdev_rule(const struct stepping *s, struct err *e)
{
	static const struct mdev_rule rule = { "vhost-net", "root:kvm", "0660" };
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	size_t len;
	int r = step_text(s, MDEV, &text, e);

	if (r < 0)
		return r;
	if (!text)
		return STEP_NOTE(s, true, e,
				 "there is no " MDEV " to give " NODE " a group in");
	r = mdev_set(text, strlen(text), &rule, &fresh, &len, e);
	if (r <= 0)
		return r;
	return STEP_CHANGE(s, &kind_file, MDEV, fresh, WHEN_REBOOT, e,
			   "without a rule only root may open " NODE);
}

/* Some rule of udev speaks of the node by its name. */
static bool udev_knows(const struct host *h)
{
	static const char *const dirs[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
					    "/usr/local/lib/udev/rules.d",
					    "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		AUTO_LIST struct host_list l = { 0 };

		if (host_list(h, dirs[i], &l, NULL) < 0)
			continue;
		for (size_t k = 0; k < l.n; k++) {
			AUTO_FREE char *path = str_printf(NULL, "%s/%s", dirs[i], l.v[k]);
			AUTO_FREE char *text = NULL;
			size_t n = strlen(l.v[k]);

			if (path && n > 6 && !strcmp(l.v[k] + n - 6, ".rules") &&
			    host_read(h, path, &text, NULL, NULL) == 0 &&
			    strstr(text, "KERNEL==\"vhost-net\""))
				return true;
		}
	}
	return false;
}

static int udev_rule(const struct stepping *s, struct err *e)
{
	if (udev_knows(s->h))
		return 0;
	return STEP_CHANGE(s, &kind_file, UDEV,
			   "# Written by vtune: without a rule only root may open it.\n"
			   "KERNEL==\"vhost-net\", GROUP=\"kvm\", MODE=\"0660\", "
			   "OPTIONS+=\"static_node=vhost-net\"\n",
			   WHEN_REBOOT, e, "no rule of udev gives " NODE " to the group kvm");
}

/* The node as it is, or as it will be when this plan has loaded its module. */
static int node_now(const struct stepping *s, struct err *e)
{
	bool coming = plan_find(s->plan, &kind_module, "vhost_net");
	struct host_stat st = { 0 };
	char attr[48];
	uint32_t gid;
	int r;

	if (!host_has_kernel(s->h))
		return 0;
	if ((host_stat(s->h, NODE, &st, NULL) < 0 || st.node != NODE_CHAR) && !coming)
		return 0;
	r = step_gid(s, "kvm", &gid, NULL);
	if (r < 0)
		return STEP_NOTE(s, true, e, "there is no group kvm to give " NODE " to");
	if ((st.mode & 06) == 06 || ((st.mode & 060) == 060 && st.gid == gid))
		return 0;
	snprintf(attr, sizeof(attr), "0660 %u:%u", st.uid, gid);
	return STEP_CHANGE(s, &kind_node, NODE, attr, WHEN_NOW, e,
			   "members of kvm may open it");
}

static int plan_node(const struct host *h, const struct profile *p, struct plan *out,
		     struct err *e)
{
	const struct stepping s = { h, p, out, "nodes.vhost" };
	struct distro d;
	int r;

	if (p->vhost_net != WISH_YES)
		return 0;
	r = distro_read(h, &d, e);
	if (r == 0 && (d.devices == DEVICES_MDEV || d.devices == DEVICES_MDEVD))
		r = mdev_rule(&s, e);
	else if (r == 0 && (d.devices == DEVICES_UDEV || d.devices == DEVICES_EUDEV))
		r = udev_rule(&s, e);
	return r == 0 ? node_now(&s, e) : r;
}

const struct step step_modules_vhost = {
	.id = "modules.vhost",
	.title = "vhost's regions of memory",
	.why = "The kernel's 64 are enough unless memory is plugged into running guests; a "
	       "lower number in a file of somebody else breaks just that.",
	.plan = plan_regions,
};

const struct step step_nodes_vhost = {
	.id = "nodes.vhost",
	.title = "Access to /dev/vhost-net",
	.why = "Alpine's mdev has no rule for it, so that only root's guests get the kernel's "
	       "fast path.",
	.plan = plan_node,
};
