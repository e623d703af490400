/* SPDX-License-Identifier: MIT */
/*
 * Modules that guests need: loaded now, and at boot.  Nothing is unloaded to load it anew,
 * and a name counts as listed only where it is a whole word of its own.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/virt.h"
#include "modules/kvm_vendor.h"
#include "modules/module.h"
#include "modules/persist.h"
#include "tune/steps/step_module.h"

#include <stdlib.h>
#include <string.h>

static int persist(const struct stepping *s, const char *name, struct err *e)
{
	AUTO_FREE char *old = NULL;
	AUTO_FREE char *fresh = NULL;
	struct persist_place place;
	char path[256];
	int r = persist_find(s->h, name, path, sizeof(path), e);

	if (r)
		return r < 0 ? r : 0;
	r = persist_place(s->h, &place, e);
	if (r == 0)
		r = step_text(s, place.path, &old, e);
	if (r == 0)
		r = persist_add(old, place.form, name, &fresh, e);
	if (r <= 0)
		return r;
	return STEP_CHANGE(s, &kind_file, place.path, fresh, WHEN_REBOOT, e,
			   "%s is loaded at boot by %s", name, place.reader);
}

/* The device of a driver that is part of the kernel. */
static bool has_device(const struct host *h, const char *module)
{
	static const char *const devices[][2] = {
		{ "tun", "/sys/class/misc/tun" }, { "vhost_net", "/sys/class/misc/vhost-net" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(devices[i][0], module))
			return host_exists(h, devices[i][1]);
	return false;
}

int step_module(const struct stepping *s, const struct modules *m, const char *name,
		const char *reason, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	int r = module_get(m, name, &mod, e);

	if (r < 0 || mod.state == MODULE_BUILTIN)
		return r;
	if (mod.state == MODULE_UNKNOWN && modules_have_lists(m))
		return STEP_NOTE(
			s, true, e,
			"the kernel %s has no module %s; another package of kernels may",
			modules_release(m), name);
	/* built in, where no list says so */
	if (mod.state == MODULE_UNKNOWN && has_device(s->h, name))
		return 0;
	if (mod.state == MODULE_UNKNOWN && host_has_kernel(s->h))
		return STEP_NOTE(s, true, e,
				 "%s does not run, and the modules of this kernel (%s) are not "
				 "below /lib/modules",
				 name, modules_release(m));
	if (host_has_kernel(s->h) && !module_runs(&mod))
		r = STEP_CHANGE(s, &kind_module, name, "loaded", WHEN_NOW, e, "%s", reason);
	return r < 0 ? r : persist(s, name, e);
}

/* Why there is none, and what to do about it. */
static int no_kvm(const struct stepping *s, struct err *e)
{
	struct virt v;
	const char *what = "";

	if (virt_detect(s->h, &v, NULL) < 0)
		return STEP_NOTE(s, true, e,
				 "kvm: the processor shows no virtualization extension");
	if (v.state == VIRT_LOCKED || v.state == VIRT_HIDDEN)
		what = "; switch it on in the firmware's setup (VT-x, AMD-V or SVM) and turn "
		       "the machine off and on";
	else if (v.in.inside == TRI_YES)
		what = "; this is a guest: its host has to allow nested virtualization";
	return STEP_NOTE(s, true, e, "kvm: %s%s", v.why, what);
}

static int load_kvm(const struct stepping *s, const struct modules *m, struct err *e)
{
	static const char reason[] = "it drives this processor's virtualization";
	struct kvm_vendor v;
	int r;

	if (s->p->kvm_module)
		return step_module(s, m, s->p->kvm_module, "the profile names it", e);
	if (!host_has_kernel(s->h))
		return STEP_NOTE(
			s, false, e,
			"kvm: an image does not tell which processor it will run on; "
			"kvm_intel or kvm_amd is loaded by what finds hardware at boot "
			"(udev, or hwdrivers on Alpine), or name it: kvm_module =");
	r = kvm_vendor_get(m, &v, e);
	if (r < 0)
		return r;
	/* a kernel that brings guests about in some other way */
	if (!v.module && (*v.live || host_exists(s->h, "/sys/class/misc/kvm")))
		return 0;
	if (!v.module)
		return no_kvm(s, e);
	if (*v.live && strcmp(v.live, v.module))
		return STEP_NOTE(s, true, e,
				 "kvm: %s is loaded and keeps %s out; it goes when no guest "
				 "runs ('vmod unload %s')",
				 v.live, v.module, v.live);
	return step_module(s, m, v.module, reason, e);
}

/* OpenRC reads the lists by its service `modules`, which has to be in a runlevel. */
static int reader(const struct stepping *s, struct err *e)
{
	struct distro d;
	int r = distro_read(s->h, &d, e);

	if (r < 0 || d.init != INIT_OPENRC || !host_exists(s->h, "/etc/init.d/modules") ||
	    host_exists(s->h, "/etc/runlevels/boot/modules") ||
	    host_exists(s->h, "/etc/runlevels/sysinit/modules") ||
	    host_exists(s->h, "/etc/runlevels/default/modules"))
		return r;
	return STEP_CHANGE(s, &kind_link, "/etc/runlevels/boot/modules", "/etc/init.d/modules",
			   WHEN_REBOOT, e, "the service that loads listed modules at boot");
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "modules.load" };
	const size_t from = out->n;
	AUTO_MODULES struct modules *m = NULL;
	int r;

	if (p->tun != WISH_YES && p->vhost_net != WISH_YES && p->kvm != WISH_YES)
		return 0;
	r = modules_open(h, &m, e);
	if (r == 0 && !host_has_kernel(h) && !*modules_release(m))
		r = STEP_NOTE(&s, false, e,
			      "no kernel is installed here yet: whether it has the modules is "
			      "not known");
	if (r == 0 && p->tun == WISH_YES)
		r = step_module(&s, m, "tun", "guests' network devices are made by it", e);
	if (r == 0 && p->vhost_net == WISH_YES)
		r = step_module(&s, m, "vhost_net",
				"it moves guests' packets inside the kernel", e);
	if (r == 0 && p->kvm == WISH_YES)
		r = load_kvm(&s, m, e);
	if (r == 0)
		r = reader(&s, e);
	return step_fold(&s, from, r, e);
}

const struct step step_modules_load = {
	.id = "modules.load",
	.title = "Kernel modules",
	.why = "Guests need tun, vhost_net and the processor's own kvm module, chosen by what "
	       "the processor can do; they are loaded now and listed where this distribution "
	       "looks at boot.",
	.plan = plan,
};
