/* SPDX-License-Identifier: MIT */
/*
 * How a guest of some architecture would run here.  KVM runs guests of the host's own
 * instruction set only, and a 32-bit kernel no 64-bit guest.
 */
#include "host/access.h"
#include "host/emulators.h"
#include "hostcheck/checks/checks.h"
#include "hostcheck/checks/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const guests[] = { "x86_64", "i386", "aarch64", "arm" };

enum family { OTHER, X86, ARM };

static enum family family_of(const char *arch)
{
	if (!strcmp(arch, "x86_64") || !strcmp(arch, "x86") ||
	    (arch[0] == 'i' && !strcmp(arch + 1 + !!arch[1], "86")))
		return X86;
	if (!strcmp(arch, "aarch64") || !strncmp(arch, "arm", 3))
		return ARM;
	return OTHER;
}

/* Why KVM cannot run @guest on this kind of host, whatever state it is in; NULL: it can. */
static const char *never(struct facts *f, const char *guest)
{
	const char *host = host_arch(f->h);
	const struct kvm *k;

	if (family_of(host) == OTHER || family_of(host) != family_of(guest))
		return "another instruction set";
	if (!strcmp(guest, "x86_64") && strcmp(host, "x86_64"))
		return "the kernel is a 32-bit one";
	if (!strcmp(guest, "aarch64") && strcmp(host, "aarch64"))
		return "the kernel is a 32-bit one";
	if (!strncmp(host, "armv6", 5) || !strncmp(host, "armv5", 5))
		return "ARMv6 has no virtualization";
	if (!strcmp(guest, "arm") && !strcmp(host, "aarch64") && facts_kvm(f, &k, NULL) == 0 &&
	    k->arm32 == TRI_NO)
		return "the processor runs no 32-bit system";
	return NULL;
}

/* Why KVM does not work now; NULL: it does, or nothing speaks against it. */
static const char *not_now(struct facts *f)
{
	const struct virt *v;
	const struct kvm *k;
	struct who w;

	if (facts_kvm(f, &k, NULL) < 0)
		return "KVM cannot be asked";
	if (facts_virt(f, &v, NULL) == 0 && !kvm_works(k)) {
		if (v->state == VIRT_ABSENT && !host_exists(f->h, "/sys/class/misc/kvm"))
			return "the processor has no virtualization";
		if (v->state == VIRT_LOCKED || v->state == VIRT_HIDDEN)
			return "virtualization is switched off";
	}
	if (k->open == -ENODATA)
		return "whether KVM works was not recorded";
	if (k->open == -ENOENT)
		return "there is no /dev/kvm";
	if (k->open == -ENODEV || k->open == -ENXIO)
		return "the kvm module is not loaded";
	if (k->open == 0 && !kvm_works(k) && k->create_vm != -ENODATA)
		return "KVM makes no guest";
	if (who_read(f, &w, NULL) == 0 &&
	    who_may(f, &w, KVM_NODE, ACCESS_R | ACCESS_W, NULL) == -EACCES)
		return "the user may not open /dev/kvm";
	return NULL;
}

/* Why KVM, which works, is no help to a kernel as distributions make them; NULL: it is. */
static const char *no_stock(struct facts *f)
{
	const struct kvm *k;

	if (facts_kvm(f, &k, NULL) == 0 && kvm_runs_no_kernel(k))
		return "KVM opens here, but runs no kernel";
	return cpu_paravirtual_kvm(f) ? "KVM is paravirtual here" : NULL;
}

/* What could run a guest here. */
struct ways {
	const char *qemu, *vemu; /* paths, or NULL */
};

static struct ways ways_of(const struct emulators *all, const char *guest)
{
	/* qemu-system-x86_64 runs 32-bit guests as well, and the one of aarch64 those of arm */
	const char *other = !strcmp(guest, "i386")  ? "x86_64"
			    : !strcmp(guest, "arm") ? "aarch64"
						    : guest;
	struct ways w = { NULL, NULL };

	for (size_t i = all->n; i-- > 0;) {
		const struct emulator *m = &all->v[i];
		bool own = !strcmp(m->arch, guest);

		if (!own && strcmp(m->arch, other))
			continue;
		if (m->vemu)
			w.vemu = m->path;
		else if (own || !w.qemu)
			w.qemu = m->path;
	}
	return w;
}

static void say_ways(const struct ways *w, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s",
		 w->qemu || w->vemu ? "by " : "and no emulator is installed",
		 w->qemu ? w->qemu : "", w->qemu && w->vemu ? " or " : "",
		 w->vemu ? w->vemu : "");
}

/* How to ask for software translation. */
static const char *soft_way(struct facts *f, const struct ways *w)
{
	if (w->vemu && vemu_translates(f))
		return w->qemu ? "vemu takes it by itself, QEMU with -accel tcg,thread=multi"
			       : "vemu takes it by itself";
	return "in QEMU with -accel tcg,thread=multi";
}

static void add_guest(struct facts *f, struct finding *out, const struct emulators *all,
		      const char *guest)
{
	const char *why = never(f, guest);
	struct ways w = ways_of(all, guest);
	char by[288];

	if (!why)
		why = not_now(f);
	if (!why)
		why = no_stock(f);
	say_ways(&w, by, sizeof(by));
	found_item(out, V_INFO, guest, "%s%s, %s", why ? "software translation: " : "KVM",
		   why ? why : "", by);
}

/* KVM has never a part in it. */
static int asked_foreign(struct facts *f, struct finding *out, const struct ways *w,
			 const char *why)
{
	const char *guest = f->o->guest;

	found(out, V_WARN, "%s on %s: software translation, %s", guest, host_arch(f->h), why);
	return advise(out, NULL, R_HARDWARE,
		      "It works, ten times slower or more: %s, and a small processor model%s.",
		      soft_way(f, w),
		      !strcmp(guest, "aarch64") ? " (cortex-a53)"
		      : !strcmp(guest, "arm")   ? " (cortex-a7)"
		      : !strcmp(guest, "i386")  ? " (n270)"
						: " (Conroe)");
}

/* One guest was asked for. */
static int asked(struct facts *f, struct finding *out, const struct emulators *all)
{
	const char *guest = f->o->guest, *why = never(f, guest), *now, *stock;
	struct ways w = ways_of(all, guest);
	char by[288];

	add_guest(f, out, all, guest);
	if (why)
		return asked_foreign(f, out, &w, why);
	now = not_now(f);
	if (now) {
		found(out, V_FAIL, "%s could run under KVM, but %s", guest, now);
		return advise(out, NULL, R_NONE,
			      "The checks of the groups cpu and kvm say what to do. Until then "
			      "software translation: %s.",
			      soft_way(f, &w));
	}
	if (!w.qemu && !w.vemu) {
		found(out, V_WARN, "%s: KVM, but no emulator is installed", guest);
		return advise(out, "packages", R_NOW, "Install qemu-system-%s.",
			      !strcmp(guest, "i386") ? "x86" : guest);
	}
	say_ways(&w, by, sizeof(by));
	stock = no_stock(f);
	if (stock) {
		found(out, V_WARN, "%s: software translation, %s", guest, stock);
		return advise(out, NULL, R_HARDWARE,
			      "Only guests made for this KVM run under it; see kvm.api and "
			      "cpu.virt. Others run in software translation: %s.",
			      soft_way(f, &w));
	}
	return found(out, V_OK, "%s: KVM, %s", guest, by);
}

static int guest_accel(struct facts *f, struct finding *out, struct err *e)
{
	const char *stock;
	char kvm[64] = "";
	struct emulators all;
	int r = emulators_read(f->h, &all, e);

	if (r < 0)
		return r;
	if (f->o->guest) {
		r = asked(f, out, &all);
		free(all.v);
		return r;
	}
	stock = no_stock(f);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		size_t used = strlen(kvm);

		add_guest(f, out, &all, guests[i]);
		if (!never(f, guests[i]) && !not_now(f) && !stock)
			snprintf(kvm + used, sizeof(kvm) - used, "%s%s", used ? ", " : "",
				 guests[i]);
	}
	free(all.v);
	if (stock)
		return found(out, V_INFO, "software translation for all: %s", stock);
	return found(out, V_INFO, "KVM for %s; software translation for others",
		     kvm[0] ? kvm : "none");
}

static const struct check checks[] = {
	{
		.id = "guest.accel",
		.title = "KVM or software translation",
		.why = "KVM runs guests of the host's own instruction set only. Whoever asks for "
		       "another gets software translation, and should know.",
		.how = "The architecture of the kernel, what the processor and /dev/kvm say, whether a "
		       "test guest ran (kvm.api), and with --guest the one that is asked for. A processor model with features "
		       "that the host lacks needs translation as well; this is not looked at.",
		.mend = "A host of the guest's architecture, or patience.",
		.run = guest_accel,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_guest = { "guest", "Guests", checks };
