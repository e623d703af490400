/* SPDX-License-Identifier: MIT */
/*
 * Nested virtualization.  It is the kernel's default (kvm_intel since Linux 4.20, kvm_amd
 * always), so most hosts need no option at all.  Where one is needed it is a number: "1" suits
 * both kvm_intel, where it is a bool, and kvm_amd, where it is an int and "Y" keeps the
 * module from loading.
 */
#include "base/mem.h"
#include "modules/kvm_vendor.h"
#include "modules/load.h"
#include "modules/persist.h"
#include "tune/steps/options.h"

#include <stdlib.h>
#include <string.h>

static const char *const vendors[] = { "kvm_intel", "kvm_amd" };

/* The module was loaded with another value, and keeps it until it is loaded anew. */
static int reload(const struct stepping *s, const struct modules *m, const char *module,
		  struct err *e)
{
	struct err busy = { 0 };
	int r;

	if (host_is_live(s->h) && module_unused(m, module, &busy) == 0) {
		r = STEP_CHANGE(s, &kind_module, module, NULL, WHEN_NOW, e,
				"nothing uses it, so it can be loaded anew with its options");
		return r < 0 ? r
			     : STEP_CHANGE(s, &kind_module, module, "loaded", WHEN_NOW, e,
					   "with nested=%s",
					   kvm_nested_value(s->p->nested == WISH_YES));
	}
	return STEP_NOTE(s, false, e,
			 "nested: takes effect when %s is loaded next, at a reboot or by 'vmod "
			 "nested %s' while no guest runs%s%s",
			 module, s->p->nested == WISH_YES ? "on" : "off", busy.code ? ": " : "",
			 busy.code ? busy.msg : "");
}

static int one(const struct stepping *s, const struct modprobe_conf *c, const char *module,
	       bool wanted, bool by_default, struct err *e)
{
	bool on = s->p->nested == WISH_YES;
	const struct option_want w = {
		.module = module,
		.param = "nested",
		.value = wanted ? kvm_nested_value(on) : NULL,
		.mended = kvm_nested_value(s->p->nested != WISH_NO),
		.by_default = by_default,
		.judge = option_judge_flag,
		.when = WHEN_RELOAD,
		.reason =
			wanted ? on ? "guests may run guests" : "guests may not run guests"
			       : "with a value that is none of its type the module does not load",
	};

	return option_make(s, c, &w, e);
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "modules.nested" };
	const size_t from = out->n;
	AUTO_MODULES struct modules *m = NULL;
	struct modprobe_conf c = { 0 };
	struct kvm_vendor v = { 0 };
	bool differs = false;
	int r;

	if (p->nested == WISH_KEEP && p->kvm != WISH_YES)
		return 0;
	r = modprobe_conf_read(h, &c, e);
	if (r == 0)
		r = modules_open(h, &m, e);
	if (r == 0 && host_has_kernel(h))
		r = kvm_vendor_get(m, &v, e);
	if (r == 0 && p->nested != WISH_KEEP && *v.live)
		differs = (v.nested == NESTED_ON && p->nested == WISH_NO) ||
			  (v.nested == NESTED_OFF && p->nested == WISH_YES);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(vendors); i++) {
		/* the processor's own; on an image each that it may turn out to be */
		const char *own = p->kvm_module ? p->kvm_module : v.module;
		bool mine = own ? !strcmp(own, vendors[i]) : !host_has_kernel(h);
		/* a kernel whose default is otherwise shows it */
		bool fine = p->nested == WISH_YES && !(differs && mine);

		r = one(&s, &c, vendors[i], mine && p->nested != WISH_KEEP, fine, e);
		if (r == 0)
			r = option_initramfs(&s, from, m, vendors[i], e);
	}
	if (r == 0 && differs)
		r = reload(&s, m, v.live, e);
	if (r == 0 && p->nested == WISH_YES && v.nested == NESTED_NONE)
		r = STEP_NOTE(&s, false, e, "guests cannot run guests: %s has no nested switch",
			      *v.live ? v.live : v.module);
	modprobe_conf_free(&c);
	return step_fold(&s, from, r, e);
}

const struct step step_modules_nested = {
	.id = "modules.nested",
	.title = "Nested virtualization",
	.why = "Guests can run guests by default; an option is written only where the host says "
	       "otherwise, as a number, since a letter keeps kvm_amd from loading.",
	.plan = plan,
};
