/* SPDX-License-Identifier: MIT */
/* What the kernel made of the IOMMU that firmware tells of. */
#include "hostcheck/checks/iommu.h"

#include <stdio.h>
#include <string.h>

static int advise_virtio(struct facts *f, struct finding *out)
{
	enum module_state s = module_state_of(f, "virtio_iommu");

	if (s == MODULE_UNKNOWN)
		return advise(
			out, NULL, R_REBOOT,
			"It is a virtio-iommu, and its driver is not there for this kernel "
			"(virtio_iommu): start another kernel (Alpine: linux-lts), or have "
			"this machine's host give it an intel-iommu or amd-iommu.");
	if (!module_is_up(s))
		return advise(
			out, NULL, R_NOW,
			"It is a virtio-iommu, whose driver is a module: modprobe virtio_iommu, "
			"early, before the devices behind it, and list it in /etc/modules.");
	return advise(out, NULL, R_REBOOT,
		      "Its driver virtio_iommu is loaded and has no unit: the kernel's log "
		      "says why.");
}

static int advise_off(struct facts *f, struct finding *out, const struct iommu *m)
{
	if (m->off_word)
		return advise(out, "kernel.cmdline", R_REBOOT,
			      "%s on the kernel's command line keeps it off. Take it away.",
			      m->off_word);
	if (m->sources & IOMMU_VIOT)
		return advise_virtio(f, out);
	if (m->sources & IOMMU_DMAR)
		return advise(
			out, "kernel.cmdline", R_REBOOT,
			"To pass devices on, add intel_iommu=on iommu=pt to the kernel's command "
			"line (iommu=on is no value that Linux knows). Until then devices "
			"reach all memory.");
	return advise(
		out, NULL, R_REBOOT,
		"The kernel uses it by default; its log says why it did not. Devices reach "
		"all memory until then.");
}

int iommu_active(struct facts *f, struct finding *out, struct err *e)
{
	const struct iommu *m;
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	switch (m->state) {
	case IOMMU_ON:
		return found(out, V_OK, "on: %s, %zu unit%s, %zu group%s",
			     m->n_units ? iommu_kind_name(m->units[0].kind) : "no unit shown",
			     m->n_units, plural(m->n_units), m->n_groups, plural(m->n_groups));
	case IOMMU_OFF:
		found(out, V_WARN, "off%s%s", m->off_word ? ": " : "",
		      m->off_word ? m->off_word : "");
		return advise_off(f, out, m);
	case IOMMU_ABSENT:
		return found(out, V_SKIP, "there is none");
	default:
		return found(out, V_UNKNOWN, "nothing tells");
	}
}

/* The kernel uses one; else the finding says why the question does not arise. */
static bool is_on(const struct iommu *m, struct finding *out)
{
	if (m->state == IOMMU_ON)
		return true;
	found(out, V_SKIP, "the IOMMU is not on");
	return false;
}

/* Groups whose members can only be given to a guest together. */
int iommu_groups(struct facts *f, struct finding *out, struct err *e)
{
	const struct iommu *m;
	size_t devices = 0, most = 0, shared = 0;
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	if (!is_on(m, out))
		return 0;
	for (size_t i = 0; i < m->n_groups; i++) {
		const struct iommu_group *g = &m->groups[i];
		char name[24], list[160] = "";
		size_t used = 0;

		devices += g->n_devices;
		most = g->n_devices > most ? g->n_devices : most;
		shared += g->n_devices > 1;
		for (size_t k = 0; k < g->n_devices && used < sizeof(list); k++)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 k ? " " : "", g->devices[k]);
		snprintf(name, sizeof(name), "group %u", g->id);
		found_item(out, V_INFO, name, "%s", list);
	}
	found(out, V_INFO, "%zu device%s in %zu group%s, at most %zu in one", devices,
	      plural(devices), m->n_groups, plural(m->n_groups), most);
	if (shared)
		return advise(
			out, NULL, R_NONE,
			"%zu group%s hold several devices, which go to one guest together: the "
			"slot has no access control (ACS). Another slot may have it.",
			shared, plural(shared));
	return 0;
}

int iommu_remap(struct facts *f, struct finding *out, struct err *e)
{
	const struct iommu *m;
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	if (!is_on(m, out))
		return 0;
	if (facts_is_arm64(f))
		return found(out, V_SKIP, "the interrupt controller does it on arm64");
	if (m->unsafe_interrupts) {
		found(out, V_WARN, "vfio_iommu_type1 goes without (allow_unsafe_interrupts)");
		return advise(
			out, NULL, R_RELOAD,
			"A guest with a device can send interrupts into the host. Take "
			"allow_unsafe_interrupts out of modprobe.d unless every such guest is "
			"trusted.");
	}
	switch (m->remap) {
	case IOMMU_REMAP_ON:
		return found(out, V_OK, "on");
	case IOMMU_REMAP_OFF:
		found(out, V_WARN, "off");
		return advise(
			out, "kernel.cmdline", R_REBOOT,
			"Without it vfio refuses devices. Take intremap=off (and nointremap) off "
			"the kernel's command line.");
	case IOMMU_REMAP_NONE:
		if (m->sources == IOMMU_VIOT) {
			found(out, V_WARN, "virtio-iommu has none");
			return advise(
				out, NULL, R_NONE,
				"vfio refuses to pass devices on, unless allow_unsafe_interrupts=1, "
				"which lets a guest send interrupts into this machine. Its host "
				"could give it an IOMMU that has (QEMU: -device "
				"intel-iommu,intremap=on).");
		}
		found(out, V_WARN, "this machine has none");
		return advise(
			out, NULL, R_FIRMWARE,
			"vfio refuses to pass devices on, unless allow_unsafe_interrupts=1, which "
			"lets a guest send interrupts into the host. Look for an update of "
			"the firmware, and for x2APIC in its setup.");
	default:
		found(out, V_UNKNOWN, "neither the tables nor the interrupts tell");
		if (host_euid(f->h) != 0)
			return advise(out, NULL, R_ROOT,
				      "Ask as root, who may read the tables.");
		return advise(out, NULL, R_NONE,
			      "The kernel's log may: 'Enabled IRQ remapping', or 'Interrupt "
			      "remapping enabled'.");
	}
}

int iommu_domain(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const types[] = { "identity", "DMA-FQ", "DMA", "auto", "blocked" };
	size_t count[ARRAY_SIZE(types)] = { 0 }, told = 0, used = 0;
	const struct iommu *m;
	char text[128] = "";
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	if (!is_on(m, out))
		return 0;
	for (size_t i = 0; i < m->n_groups; i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++)
			if (!strcmp(m->groups[i].type, types[k])) {
				count[k]++;
				told++;
			}
	if (!told)
		return found(out, V_SKIP, "this kernel does not tell");
	for (size_t k = 0; k < ARRAY_SIZE(types); k++)
		if (count[k])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s (%zu)",
						 used ? ", " : "", types[k], count[k]);
	found(out, V_INFO, "%s", text);
	if (count[1] || count[2])
		return advise(
			out, "kernel.cmdline", R_REBOOT,
			"The host's own devices are translated too: safer, and slower. With "
			"iommu=pt only passed-on ones are.");
	return 0;
}

/* Memory that firmware wants a device to reach as it is. */
static bool is_direct(const struct iommu_region *r)
{
	return !strcmp(r->type, "direct");
}

static void reserved_item(const struct iommu_group *g, struct finding *out, size_t *unknown)
{
	size_t direct = 0;
	char name[64];

	for (size_t k = 0; k < g->n_regions; k++)
		direct += is_direct(&g->regions[k]);
	snprintf(name, sizeof(name), "%.40s", g->n_devices ? g->devices[0] : "no device");
	if (g->regions_unknown[0]) {
		++*unknown;
		found_item(out, V_UNKNOWN, name, "group %u: %s", g->id, g->regions_unknown);
	} else if (direct && g->n_devices) {
		found_item(out, V_INFO, name, "group %u: %zu region%s mapped 1:1", g->id,
			   direct, plural(direct));
	}
}

int iommu_reserved(struct facts *f, struct finding *out, struct err *e)
{
	const struct iommu *m;
	size_t unknown = 0, direct;
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	if (!is_on(m, out))
		return 0;
	for (size_t i = 0; i < m->n_groups; i++)
		reserved_item(&m->groups[i], out, &unknown);
	direct = out->n_items - unknown;
	if (!direct && unknown)
		return found(out, V_UNKNOWN, "%zu group%s cannot be told, the others have none",
			     unknown, plural(unknown));
	if (!direct)
		return found(out, V_OK, "none");
	found(out, V_INFO, "%zu group%s with memory that firmware keeps%s", direct,
	      plural(direct), unknown ? ", others unknown" : "");
	return advise(
		out, NULL, R_FIRMWARE,
		"Devices of these groups cannot be passed on: their firmware reads and writes "
		"memory on its own (RMRR; remote consoles, old RAID). Some setups have a "
		"switch for it.");
}

static const struct check checks[] = {
	{
		.id = "iommu.table",
		.title = "IOMMU told of by firmware",
		.why = "Without an IOMMU no device can be passed on to a guest.",
		.how = "DMAR, IVRS, IORT and VIOT in /sys/firmware/acpi/tables (their contents for "
		       "root), SMMUs of the device tree. The kernel's log is no source: it says "
		       "'IOMMU enabled' on machines without.",
		.mend = "The firmware's setup: VT-d, AMD-Vi, IOMMU.",
		.run = iommu_table,
		.kernel = true,
	},
	{
		.id = "iommu.active",
		.title = "IOMMU used by the kernel",
		.why = "Only then can devices be passed on, and only then are devices kept out of "
		       "memory that is not theirs.",
		.how = "/sys/class/iommu, and groups in /sys/kernel/iommu_groups.",
		.mend = "intel_iommu=on on the kernel's command line; AMD and arm64 need nothing.",
		.run = iommu_active,
		.kernel = true,
	},
	{
		.id = "iommu.groups",
		.title = "IOMMU groups",
		.why = "Devices that can reach each other past the IOMMU are one group, and go to a "
		       "guest together.",
		.how = "/sys/kernel/iommu_groups.",
		.mend = "Another slot; nothing else is safe.",
		.needs = "iommu.active",
		.run = iommu_groups,
		.kernel = true,
	},
	{
		.id = "iommu.remap",
		.title = "Interrupt remapping",
		.why = "Without it a guest with a device can send any interrupt to the host, and vfio "
		       "refuses.",
		.how = "Names of interrupt chips (IR-), bit 0 of DMAR's flags, I/O APICs in IVRS, "
		       "intremap= of the command line, allow_unsafe_interrupts of vfio.",
		.mend = "Take intremap=off away; firmware updates.",
		.needs = "iommu.active",
		.run = iommu_remap,
		.kernel = true,
	},
	{
		.id = "iommu.domain",
		.title = "How devices of the host are translated",
		.why = "Translation of the host's own devices costs speed and gives safety.",
		.how = "/sys/kernel/iommu_groups/*/type: DMA, DMA-FQ or identity.",
		.mend = "iommu=pt for speed.",
		.needs = "iommu.active",
		.run = iommu_domain,
		.kernel = true,
	},
	{
		.id = "iommu.reserved",
		.title = "Memory kept by firmware",
		.why = "A device that firmware uses behind the system's back cannot be passed on.",
		.how = "'direct' regions in /sys/kernel/iommu_groups/*/reserved_regions.",
		.mend = "A switch in the firmware's setup, if there is one.",
		.needs = "iommu.active",
		.run = iommu_reserved,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_iommu = { "iommu", "IOMMU", checks };
