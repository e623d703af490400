/* SPDX-License-Identifier: MIT */
/*
 * PCI devices for guests, each by its address: another one of the same make stays with the host.
 * Refused where the kernel would refuse it later, or where the host itself lives on the device.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/iommu.h"
#include "host/pci.h"
#include "host/pci_use.h"
#include "modules/module.h"
#include "modules/persist.h"
#include "tune/profile_value.h"
#include "tune/steps/options.h"
#include "tune/steps/step_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vfio {
	const struct stepping *s;
	struct pci_devs devs;
	struct iommu iommu;
	struct dmar dmar;
	struct pci_uses uses;
	struct pci_view view;
	struct str ids; /* "8086:1533,..." of what is bound without doubt */
	size_t bound;
};

/* 1: may be bound; 0: told why not. */
static int may_bind(const struct vfio *v, const struct pci_dev *d, struct err *e)
{
	const struct stepping *s = v->s;
	struct pci_verdict verdict;
	int r = 0;

	pci_verdict(&v->view, d, &verdict);
	if (verdict.why & PCI_HOST)
		return STEP_NOTE(s, true, e, "%s stays with the host: %s", d->addr,
				 verdict.use);
	if (verdict.why & PCI_IS_BRIDGE)
		return STEP_NOTE(s, true, e, "%s is a bridge, which no guest can have",
				 d->addr);
	if (verdict.why & PCI_NO_IOMMU)
		return STEP_NOTE(s, true, e,
				 "%s is in no IOMMU group: the IOMMU has to be on first (step "
				 "kernel.cmdline, and a reboot)",
				 d->addr);
	if (verdict.why & PCI_GROUP)
		return STEP_NOTE(
			s, true, e,
			"%s shares IOMMU group %d with %s, which %s drives for the host: "
			"give both or neither",
			d->addr, d->group, verdict.blocker->addr, verdict.blocker->driver);
	if (verdict.why & PCI_RMRR)
		return STEP_NOTE(s, true, e,
				 "%s: firmware keeps memory of it mapped (RMRR), so the kernel "
				 "refuses to give it away",
				 d->addr);
	if (verdict.why & PCI_UNSURE)
		return STEP_NOTE(s, true, e,
				 "%s: whether firmware keeps memory of it cannot be told: %s",
				 d->addr,
				 iommu_group(&v->iommu, (unsigned)d->group)->regions_unknown);
	if (verdict.why & PCI_NO_REMAP)
		return STEP_NOTE(s, true, e,
				 "%s: without interrupt remapping a guest could raise any "
				 "interrupt of the host; switch it on in firmware",
				 d->addr);
	if (verdict.why & PCI_NO_RESET)
		r = STEP_NOTE(s, false, e,
			      "%s cannot be reset: between guests it keeps its state", d->addr);
	return r < 0 ? r : 1;
}

/* All devices of this make are to be given, so that its id may stand for them. */
static bool whole_make(const struct vfio *v, const struct pci_dev *d)
{
	for (size_t i = 0; i < v->devs.n; i++)
		if (v->devs.v[i].vendor == d->vendor && v->devs.v[i].device == d->device &&
		    !names_have(&v->s->p->vfio, v->devs.v[i].addr))
			return false;
	return true;
}

static int bind(struct vfio *v, const char *addr, struct err *e)
{
	const struct pci_dev *d = pci_find(&v->devs, addr);
	const struct stepping *s = v->s;
	char id[16];
	int r;

	if (!d)
		return STEP_NOTE(s, true, e, "there is no PCI device %s", addr);
	r = may_bind(v, d, e);
	if (r <= 0)
		return r;
	v->bound++;
	snprintf(id, sizeof(id), "%04x:%04x", d->vendor, d->device);
	if (whole_make(v, d) && !(v->ids.s && strstr(v->ids.s, id)))
		str_addf(&v->ids, "%s%s", v->ids.len ? "," : "", id);
	if (pci_driver_yields(d->driver))
		return 0;
	return STEP_CHANGE(s, &kind_driver, addr, "vfio-pci", WHEN_NOW, e,
			   "guests get it; %s%s lets it go",
			   *d->driver ? d->driver : "no driver",
			   *d->driver ? "" : " of the host");
}

static enum option_fit judge_ids(const struct option_want *w, const char *value)
{
	return value && !strcmp(value, w->value) ? OPTION_FITS : OPTION_DIFFERS;
}

/* At boot: by make before any other driver comes, where that is no other device's too. */
static int persist(const struct vfio *v, struct err *e)
{
	const struct option_want w = {
		.module = "vfio_pci",
		.param = "ids",
		.value = v->ids.s,
		.judge = judge_ids,
		.when = WHEN_REBOOT,
		.reason = "vfio-pci takes them at boot before another driver does",
	};
	struct modprobe_options all = { 0 };
	struct modprobe_conf c = { 0 };
	char own[PERSIST_PATH_MAX];
	bool foreign = false;
	int r;

	if (v->s->p->at_boot != WISH_YES) {
		r = STEP_NOTE(
			v->s, false, e,
			"the kernel forgets over a restart which driver was chosen; 'boot = "
			"yes' in [services] chooses it again");
		if (r < 0)
			return r;
	}
	if (!v->ids.len)
		return 0;
	r = modprobe_conf_read(v->s->h, &c, e);
	if (r == 0)
		r = modprobe_options(&c, "vfio_pci", &all, e);
	if (r == 0)
		r = persist_options_path("vfio_pci", own, e);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		foreign = foreign ||
			  (!strcmp(all.v[i].param, "ids") && strcmp(all.v[i].from->file, own));
	/* somebody's own list is not ours to exchange; the boot service binds by address */
	if (r == 0 && !foreign)
		r = option_make(v->s, &c, &w, e);
	modprobe_options_free(&all);
	modprobe_conf_free(&c);
	return r;
}

static int devices(struct vfio *v, struct err *e)
{
	const struct stepping *s = v->s;
	int r = pci_read(s->h, &v->devs, e);

	if (r == 0)
		r = iommu_read(s->h, &v->iommu, e);
	if (r == 0)
		r = pci_uses_read(s->h, &v->uses, e);
	v->view = (struct pci_view){
		.devs = &v->devs,
		.iommu = &v->iommu,
		.dmar = dmar_read(s->h, &v->dmar, NULL) == 0 ? &v->dmar : NULL,
		.uses = &v->uses,
		.given = s->p->vfio.v,
		.n_given = s->p->vfio.n,
	};
	for (size_t i = 0; r == 0 && i < s->p->vfio.n; i++)
		r = bind(v, s->p->vfio.v[i], e);
	if (r == 0 && v->ids.failed)
		r = err_set(e, -ENOMEM, "out of memory for text");
	return r == 0 && v->bound ? persist(v, e) : r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "vfio.bind" };
	AUTO_MODULES struct modules *m = NULL;
	struct vfio v = { .s = &s, .ids = STR_INIT };
	const size_t from = out->n;
	int r;

	if (!p->vfio.n)
		return 0;
	r = modules_open(h, &m, e);
	if (r == 0)
		r = step_module(&s, m, "vfio_pci", "it holds devices for guests", e);
	if (r == 0 && !host_has_kernel(h))
		return STEP_NOTE(&s, false, e,
				 "an image does not tell its machine's devices: they are bound "
				 "by 'vtune apply' there");
	if (r == 0)
		r = devices(&v, e);
	if (r == 0)
		r = option_initramfs(&s, from, m, "vfio_pci", e);
	str_free(&v.ids);
	pci_free(&v.devs);
	pci_uses_free(&v.uses);
	dmar_free(&v.dmar);
	iommu_free(&v.iommu);
	return r;
}

const struct step step_vfio_bind = {
	.id = "vfio.bind",
	.title = "PCI devices for guests",
	.why = "A guest can have a device when vfio-pci holds it and its whole IOMMU group is "
	       "free of the host's drivers.",
	.plan = plan,
};
