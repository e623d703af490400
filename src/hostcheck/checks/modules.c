/* SPDX-License-Identifier: MIT */
/* Kernel modules: can they be loaded, are they after the next start, with which options. */
#include "host/coldplug.h"
#include "hostcheck/checks/checks.h"
#include "modules/params.h"

#include <stdio.h>
#include <string.h>

static int modules_kernel(struct facts *f, struct finding *out, struct err *e)
{
	const struct kernels *k;
	const char *newest;
	int r = facts_kernels(f, &k, e);

	if (r < 0)
		return r;
	newest = kernels_newest(k);
	if (!newest) {
		found(out, V_INFO, "no kernel modules are installed");
		return advise(
			out, NULL, R_NONE,
			"In a container, or with a kernel that has all built in, this is as "
			"it should be. What is not built in cannot be loaded.");
	}
	if (!host_has_kernel(f->h))
		return found(out, V_OK, "%s is installed", newest);
	if (!k->running[0])
		return found(out, V_UNKNOWN, "the kernel does not tell its release");
	if (k->running_installed == TRI_NO) {
		found(out, V_WARN, "%s runs, its modules are gone; %s is installed", k->running,
		      newest);
		return advise(
			out, NULL, R_REBOOT,
			"The kernel was upgraded. Until the next start no module can be loaded: "
			"what is not loaded now stays away.");
	}
	if (strcmp(newest, k->running)) {
		found(out, V_INFO, "%s runs, %s is installed", k->running, newest);
		return advise(out, NULL, R_REBOOT, "The newer kernel runs after a reboot.");
	}
	return found(out, V_OK, "%s", k->running);
}

/* What the machine does at boot by itself. */
struct boot {
	const struct modules_load *lists;
	const struct modprobe_conf *conf; /* NULL: cannot be read */
	struct coldplug plug;
	bool known;  /* what starts services */
	bool unread; /* nothing follows the lists */
};

static void boot_read(struct facts *f, struct boot *b)
{
	const struct distro *d;

	b->known = facts_distro(f, &d, NULL) == 0 && d->init != INIT_UNKNOWN;
	if (b->known)
		coldplug_read(f->h, d, &b->plug);
	b->unread = b->known && d->init == INIT_OPENRC && !distro_in_runlevel(f->h, "modules");
	if (facts_modprobe(f, &b->conf, NULL) < 0)
		b->conf = NULL;
}

/* Coldplug brings the processor's module in by the feature that it needs. */
static bool found_by_processor(struct facts *f, const char *name)
{
	unsigned feature = !strcmp(name, "kvm_intel") ? COLDPLUG_VMX
			   : !strcmp(name, "kvm_amd") ? COLDPLUG_SVM
						      : 0;

	return feature && coldplug_feature(f->h, feature) == TRI_YES;
}

static void nothing_loads(struct finding *out, const struct boot *b, const char *name,
			  enum module_state s)
{
	if (b->known)
		found_item(out, V_WARN, name, "%s, and nothing loads it at boot",
			   module_state_name(s));
	else
		found_item(out, V_INFO, name, "%s; what starts this system is not known",
			   module_state_name(s));
}

/* Not listed, and known to this kernel. */
static void unlisted(struct facts *f, struct finding *out, const struct boot *b,
		     const char *name, const char *node, enum module_state s)
{
	struct modules *const *all;

	if (b->plug.by && found_by_processor(f, name)) {
		if (b->conf && (modprobe_conf_find(b->conf, MODPROBE_BLACKLIST, name) ||
				modprobe_conf_find(b->conf, MODPROBE_INSTALL, name)))
			found_item(out, V_WARN, name,
				   "%s asks for it, and modprobe.d keeps it out", b->plug.by);
		else if (s == MODULE_ABSENT)
			found_item(out, V_WARN, name,
				   "not loaded, though %s asks for it at boot", b->plug.by);
		else
			found_item(out, V_OK, name, "%s loads it by the processor's features",
				   b->plug.by);
		return;
	}
	if (node && b->plug.nodes && facts_modules(f, &all, NULL) == 0 &&
	    coldplug_node(f->h, modules_release(*all), name))
		found_item(out, V_OK, name, "loads when %s is first opened", node);
	else if (s == MODULE_ABSENT && node && host_exists(f->h, node))
		found_item(out, V_OK, name, "loads when %s is first opened", node);
	else
		nothing_loads(out, b, name, s);
}

static void persist_one(struct facts *f, struct finding *out, const struct boot *b,
			const char *name, const char *node, const char *misc)
{
	const struct modules_load_entry *at = modules_load_find(b->lists, name);
	enum module_state s = module_state_of(f, name);

	if (s == MODULE_BUILTIN)
		found_item(out, V_OK, name, "built in");
	else if (at && b->unread)
		found_item(out, V_WARN, name,
			   "%s line %u, but the service modules is in no runlevel", at->file,
			   at->line);
	else if (at)
		found_item(out, V_OK, name, "%s line %u", at->file, at->line);
	else if (s == MODULE_UNKNOWN && host_exists(f->h, misc))
		found_item(out, V_OK, name, "part of the kernel");
	else if (s == MODULE_UNKNOWN)
		found_item(out, V_INFO, name, "not in this kernel");
	else
		unlisted(f, out, b, name, node, s);
}

/* "tun, vhost_net": names of the items with verdict @v. */
static void join_names(const struct finding *f, enum verdict v, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < f->n_items && used < size; i++)
		if (f->items[i].verdict == v)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 used ? ", " : "", f->items[i].name);
}

/* What is said of the first item with verdict @v. */
static const char *first_text(const struct finding *f, enum verdict v)
{
	for (size_t i = 0; i < f->n_items; i++)
		if (f->items[i].verdict == v)
			return f->items[i].text;
	return "";
}

static int modules_persist(struct facts *f, struct finding *out, struct err *e)
{
	const struct modules_load *l;
	const struct kvm_vendor *v;
	struct boot b = { 0 };
	char names[96];
	int r = facts_loads(f, &l, e);

	if (r < 0)
		return r;
	b.lists = l;
	boot_read(f, &b);
	persist_one(f, out, &b, "tun", "/dev/net/tun", "/sys/class/misc/tun");
	persist_one(f, out, &b, "vhost_net", "/dev/vhost-net", "/sys/class/misc/vhost-net");
	if (facts_vendor(f, &v, NULL) == 0 && v->module)
		persist_one(f, out, &b, v->module, NULL, "/sys/class/misc/kvm");
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].again)
			found_item(out, V_OK, l->v[i].name, "listed again in %s line %u",
				   l->v[i].file, l->v[i].line);
	if (finding_worst(out) == V_OK)
		return found(out, V_OK, "what guests need is there after a start");
	join_names(out, finding_worst(out), names, sizeof(names));
	if (finding_worst(out) == V_INFO)
		return found(out, V_INFO, "%s: %s", first_text(out, V_INFO), names);
	found(out, V_WARN, "not loaded at boot: %s", names);
	return advise(out, "modules.load", R_NOW,
		      "List them, one a line: in /etc/modules (Alpine, Debian), or a file in "
		      "/etc/modules-load.d.");
}

/* A bad option of these keeps guests from running; of others it costs a device. */
static bool is_vital(const char *module)
{
	return !strcmp(module, "kvm") || !strcmp(module, "kvm_intel") ||
	       !strcmp(module, "kvm_amd");
}

static void options_one(struct facts *f, struct finding *out, const struct modprobe_option *o)
{
	const char *module = o->from->module;
	struct modules *const *all;
	AUTO_PARAMS struct params p = { 0 };
	struct err e = { 0 };
	char where[64];

	snprintf(where, sizeof(where), "%s:%u", o->from->file, o->from->line);
	if (o->conflict)
		found_item(out, V_WARN, where, "%s.%s=%s: another line gives another value, %s",
			   module, o->param, o->value ? o->value : "",
			   o->final ? "this one counts" : "that one counts");
	if (facts_modules(f, &all, NULL) < 0 || params_get(*all, module, &p, NULL) < 0)
		return;
	if (params_check(&p, module, o->param, o->value, &e) == 0)
		return;
	/* an unknown name is only passed over, a value of the wrong type stops the load */
	found_item(out, params_find(&p, o->param) && is_vital(module) ? V_FAIL : V_WARN, where,
		   "%s", e.msg);
}

static int modules_options(struct facts *f, struct finding *out, struct err *e)
{
	struct modprobe_options o = { 0 };
	const struct modprobe_conf *c;
	size_t n;
	int r = facts_modprobe(f, &c, e);

	if (r == 0)
		r = modprobe_options(c, NULL, &o, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < o.n; i++)
		options_one(f, out, &o.v[i]);
	for (size_t i = 0; i < c->n_faults; i++) {
		char where[64];

		/* a file that cannot be read has no lines */
		if (c->faults[i].file && c->faults[i].line)
			snprintf(where, sizeof(where), "%s:%u", c->faults[i].file,
				 c->faults[i].line);
		else
			snprintf(where, sizeof(where), "modprobe.d");
		found_item(out, V_WARN, where, "%s", c->faults[i].text);
	}
	n = o.n;
	modprobe_options_free(&o);
	if (!out->n_items)
		return found(out, V_OK, "%zu option%s in %zu file%s, nothing wrong", n,
			     plural(n), c->n_files, plural(c->n_files));
	found(out, finding_worst(out), "%s: %s", out->items[0].name, out->items[0].text);
	return advise(
		out, "modules.nested", R_RELOAD,
		"Mend the line%s. The kernel drops an option it does not know, and does not "
		"load a module that is given a value of the wrong kind: kvm_amd wants "
		"nested=1, not Y. Where the module loads from the initramfs, make that anew "
		"(mkinitfs, update-initramfs, dracut, mkinitcpio).",
		plural(out->n_items));
}

static void blocked_one(struct facts *f, struct finding *out, const struct modprobe_conf *c,
			const char *name, enum verdict bad)
{
	const struct modprobe_line *l = modprobe_conf_find(c, MODPROBE_INSTALL, name);
	bool up = module_is_up(module_state_of(f, name));

	if (l)
		found_item(out, up ? V_WARN : bad, name, "%s line %u runs '%s' in its place",
			   l->file, l->line, l->rest);
	l = modprobe_conf_find(c, MODPROBE_BLACKLIST, name);
	if (l)
		found_item(out, V_WARN, name, "blacklisted in %s%s", l->file,
			   up ? ", and loaded all the same" : "");
}

static int modules_blocked(struct facts *f, struct finding *out, struct err *e)
{
	const struct modprobe_conf *c;
	const struct kvm_vendor *v;
	int r = facts_modprobe(f, &c, e);

	if (r < 0)
		return r;
	blocked_one(f, out, c, "kvm", V_FAIL);
	if (facts_vendor(f, &v, NULL) == 0 && v->module && strcmp(v->module, "kvm"))
		blocked_one(f, out, c, v->module, V_FAIL);
	blocked_one(f, out, c, "tun", V_WARN);
	blocked_one(f, out, c, "vhost_net", V_WARN);
	blocked_one(f, out, c, "vfio_pci", V_WARN);
	if (!out->n_items)
		return found(out, V_OK, "none of those that guests need");
	found(out, finding_worst(out), "%s: %s", out->items[0].name, out->items[0].text);
	return advise(out, NULL, R_NOW,
		      "Take the line away if nobody needs it. A blacklist keeps a module from "
		      "loading by itself, an install line keeps it from loading at all.");
}

static const struct check checks[] = {
	{
		.id = "modules.kernel",
		.title = "Modules of the running kernel",
		.why = "After an upgrade of the kernel its old modules are gone, and modprobe fails "
		       "with a puzzling 'not found' until the machine is restarted.",
		.how = "/lib/modules against the release of the running kernel.",
		.mend = "A reboot.",
		.run = modules_kernel,
	},
	{
		.id = "modules.persist",
		.title = "Modules loaded at boot",
		.why = "What was loaded by hand is gone after the next start, and guests' networks "
		       "with it.",
		.how = "/etc/modules, modules-load.d and conf.d/modules, by whole first words, and "
		       "whether a service reads them; what is built in; kvm_intel and kvm_amd by "
		       "the processor's modalias, where a service asks for drivers so (udev, "
		       "Alpine's hwdrivers); nodes that are made ahead and load at first use.",
		.mend = "One line for each module in /etc/modules.",
		.run = modules_persist,
	},
	{
		.id = "modules.options",
		.title = "Module options are valid",
		.why = "A wrong value shows only at the next start, when kvm_amd refuses nested=Y and "
		       "/dev/kvm is gone. A misspelt name shows nowhere.",
		.how = "modprobe.d and MODULE.NAME= of the kernel's command line, against the types "
		       "that the modules themselves declare; the same option with two values.",
		.mend = "Mend the line; make the initramfs anew where the module loads there.",
		.run = modules_options,
	},
	{
		.id = "modules.blocked",
		.title = "Modules not blocked",
		.why = "Hardening guides and old advice blacklist kvm and vhost, and are forgotten.",
		.how = "blacklist and install lines of modprobe.d, module_blacklist= of the kernel's "
		       "command line.",
		.mend = "Take the line away.",
		.run = modules_blocked,
	},
	{ 0 },
};

const struct check_group checks_modules = { "modules", "Kernel modules", checks };
