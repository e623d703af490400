/* SPDX-License-Identifier: MIT */
/* Devices for guests: which could be passed on, and what holds the others. */
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <string.h>

#define VFIO_NODE "/dev/vfio/vfio"

static void why_text(const struct pci_verdict *v, char *buf, size_t size)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {
		{ PCI_NO_IOMMU, "in no group" },
		{ PCI_RMRR, "firmware keeps memory of it" },
		{ PCI_UNSURE, "whether firmware keeps memory of it cannot be told" },
		{ PCI_NO_REMAP, "no interrupt remapping" },
		{ PCI_UNBOUND, "to be bound to vfio-pci" },
		{ PCI_NO_RESET, "cannot be reset" },
	};
	/* of what cannot be given it is no matter */
	unsigned why = v->why & PCI_NEVER ? v->why & ~(unsigned)PCI_UNBOUND : v->why;
	size_t used = 0;

	buf[0] = '\0';
	if (v->why & PCI_HOST)
		used = (size_t)snprintf(buf, size, "stays with the host: %s", v->use);
	if (v->why & PCI_GROUP && used < size)
		used += (size_t)snprintf(buf + used, size - used,
					 "%sshares its group with %s, held by %s",
					 used ? "; " : "", v->blocker->addr,
					 v->blocker->driver);
	for (size_t i = 0; i < ARRAY_SIZE(words) && used < size; i++)
		if (why & words[i].bit)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 used ? "; " : "", words[i].text);
}

static int passthrough_devices(struct facts *f, struct finding *out, struct err *e)
{
	struct pci_view view = { 0 };
	size_t all = 0, can = 0, now = 0, stuck = 0;
	int r = facts_pci(f, &view.devs, e);

	if (r == 0)
		r = facts_iommu(f, &view.iommu, e);
	if (r < 0)
		return r;
	if (view.iommu->state != IOMMU_ON)
		return found(out, V_SKIP, "the IOMMU is not on");
	if (facts_dmar(f, &view.dmar, NULL) < 0)
		view.dmar = NULL;
	r = facts_pci_uses(f, &view.uses, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < view.devs->n; i++) {
		const struct pci_dev *d = &view.devs->v[i];
		bool bound = !strcmp(d->driver, "vfio-pci");
		struct pci_verdict v;
		char why[384];

		pci_verdict(&view, d, &v);
		if (v.why & PCI_IS_BRIDGE)
			continue;
		all++;
		can += !(v.why & PCI_NEVER);
		now += !(v.why & (PCI_NEVER | PCI_UNBOUND));
		stuck += bound && v.why & PCI_NEVER;
		why_text(&v, why, sizeof(why));
		found_item(out, bound && v.why & PCI_NEVER ? V_WARN : V_INFO, d->addr,
			   "%s%s%s: %s", pci_class_name(d->class), d->driver[0] ? ", " : "",
			   d->driver, why[0] ? why : "ready");
	}
	if (!all)
		return found(out, V_SKIP, "no PCI devices");
	if (stuck) {
		found(out, V_WARN, "%zu bound to vfio-pci cannot be passed on", stuck);
		return advise(
			out, "vfio.bind", R_NOW,
			"--verbose says what holds each. Bind the rest of its group to vfio-pci as "
			"well, or use another slot.");
	}
	return found(out, V_INFO, "%zu of %zu device%s could be passed on, %zu are ready", can,
		     all, plural(all), now);
}

static int passthrough_vfio(struct facts *f, struct finding *out, struct err *e)
{
	enum module_state s = module_state_of(f, "vfio_pci");
	const struct pci_devs *p;
	size_t bound = 0, wrong = 0;
	int r = facts_pci(f, &p, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++) {
		const struct pci_dev *d = &p->v[i];

		bound += !strcmp(d->driver, "vfio-pci");
		if (strcmp(d->override, "vfio-pci"))
			continue;
		if (strcmp(d->driver, "vfio-pci")) {
			wrong++;
			found_item(out, V_WARN, d->addr, "meant for vfio-pci, has %s",
				   d->driver[0] ? d->driver : "no driver");
		} else {
			found_item(out, V_OK, d->addr, "bound to vfio-pci");
		}
	}
	if (wrong) {
		found(out, V_WARN, "%zu device%s meant for vfio-pci, with another driver",
		      wrong, plural(wrong));
		return advise(
			out, "vfio.bind", R_NOW,
			"driver_override says vfio-pci, the device is not bound to it: unbind it "
			"and write its address to /sys/bus/pci/drivers_probe.");
	}
	if (bound && !host_exists(f->h, VFIO_NODE) && !host_exists(f->h, "/dev/iommu")) {
		found(out, V_WARN, "%s is not there", VFIO_NODE);
		return advise(out, "modules.load", R_NOW, "Load vfio: modprobe vfio_pci.");
	}
	if (s == MODULE_UNKNOWN && !bound)
		return found(out, V_INFO, "this kernel has no vfio-pci");
	return found(out, bound ? V_OK : V_INFO, "%zu device%s bound; vfio_pci is %s", bound,
		     plural(bound), s == MODULE_UNKNOWN ? "there" : module_state_name(s));
}

static const struct check checks[] = {
	{
		.id = "passthrough.devices",
		.title = "Devices that could be passed on",
		.why = "A device goes to a guest with all others of its group, without a driver of "
		       "the host, and only if neither firmware nor the host itself needs it.",
		.how = "Each PCI device: its IOMMU group and who else is in it, drivers, reset "
		       "methods, RMRRs of DMAR and reserved regions; and what the host lives on: "
		       "disks that are mounted or swapped to, the default route, the only network "
		       "interface, the console.",
		.mend = "Another slot, another device; vfio-pci for the whole group.",
		.needs = "iommu.active",
		.run = passthrough_devices,
		.kernel = true,
	},
	{
		.id = "passthrough.vfio",
		.title = "Devices bound to vfio-pci",
		.why = "A device that was meant for a guest and got its usual driver at boot is not "
		       "free when the guest starts.",
		.how = "driver_override and driver of each PCI device, the module vfio_pci, "
		       "/dev/vfio/vfio.",
		.mend = "Bind it again, early at boot.",
		.needs = "iommu.active",
		.run = passthrough_vfio,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_passthrough = { "passthrough", "Device pass-through", checks };
