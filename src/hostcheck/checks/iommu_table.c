/* SPDX-License-Identifier: MIT */
/* What firmware tells of an IOMMU: the tables DMAR, IVRS, IORT and VIOT, the device tree. */
#include "host/acpi_iort.h"
#include "host/acpi_ivrs.h"
#include "host/acpi_viot.h"
#include "hostcheck/checks/iommu.h"

#include <stdio.h>
#include <string.h>

/* A table that is there and could not be read, or not understood. */
static void add_unread(struct finding *out, const char *name, int code, const struct err *why)
{
	if (code == -EACCES || code == -EPERM)
		found_item(out, V_UNKNOWN, name, "there; only root may read it");
	else if (code != -ENOMEM)
		found_item(out, V_WARN, name, "%s", why->msg);
}

static void add_sum(struct finding *out, const char *name, bool ok)
{
	if (!ok)
		found_item(out, V_WARN, name, "checksum is wrong");
}

static void add_dmar(struct facts *f, struct finding *out)
{
	const struct dmar *d;
	struct err why = { 0 };
	int r = facts_dmar(f, &d, &why);

	if (r < 0) {
		add_unread(out, "DMAR", r, &why);
		return;
	}
	found_item(out, V_OK, "DMAR", "%zu unit%s, %u address bits, %s, %zu reserved region%s",
		   dmar_count(d, DMAR_DRHD), plural(dmar_count(d, DMAR_DRHD)), d->width,
		   d->intr_remap ? "interrupt remapping" : "no interrupt remapping",
		   dmar_count(d, DMAR_RMRR), plural(dmar_count(d, DMAR_RMRR)));
	if (d->x2apic_opt_out)
		found_item(out, V_INFO, "DMAR", "firmware asks not to use x2APIC");
	if (d->dma_opt_in)
		found_item(out, V_INFO, "DMAR", "firmware asks for DMA protection");
	add_sum(out, "DMAR", d->sum_ok);
}

static void add_ivrs(struct facts *f, struct finding *out)
{
	struct err why = { 0 };
	struct ivrs v;
	int r = ivrs_read(f->h, &v, &why);

	if (r < 0) {
		add_unread(out, "IVRS", r, &why);
		return;
	}
	found_item(out, V_OK, "IVRS", "%zu block%s, %u address bits, %s, %zu reserved region%s",
		   v.n_units, plural(v.n_units), v.pa_bits,
		   ivrs_intr_remap(&v) ? "interrupt remapping" : "no interrupt remapping",
		   v.n_memory, plural(v.n_memory));
	add_sum(out, "IVRS", v.sum_ok);
	ivrs_free(&v);
}

static void add_iort(struct facts *f, struct finding *out)
{
	struct err why = { 0 };
	struct iort t;
	int r = iort_read(f->h, &t, &why);

	if (r < 0) {
		add_unread(out, "IORT", r, &why);
		return;
	}
	found_item(out, V_OK, "IORT", "%zu SMMUv3, %zu SMMU, %zu root complex%s, %zu ITS",
		   iort_count(&t, IORT_SMMU_V3), iort_count(&t, IORT_SMMU),
		   iort_count(&t, IORT_ROOT_COMPLEX),
		   iort_count(&t, IORT_ROOT_COMPLEX) == 1 ? "" : "es",
		   iort_count(&t, IORT_ITS));
	add_sum(out, "IORT", t.sum_ok);
	iort_free(&t);
}

static void add_viot(struct facts *f, struct finding *out)
{
	struct err why = { 0 };
	struct viot v;
	int r = viot_read(f->h, &v, &why);

	if (r < 0) {
		add_unread(out, "VIOT", r, &why);
		return;
	}
	found_item(out, V_OK, "VIOT", "%zu node%s", v.n, plural(v.n));
	add_sum(out, "VIOT", v.sum_ok);
	viot_free(&v);
}

static int advise_none(struct facts *f, struct finding *out)
{
	const struct virt *v;

	found(out, V_INFO, "none");
	if (facts_virt(f, &v, NULL) == 0 && v->in.inside == TRI_YES)
		return advise(
			out, NULL, R_HARDWARE,
			"This machine is a guest: its host would have to give it one (QEMU: "
			"-device intel-iommu, amd-iommu or virtio-iommu). Needed only to pass "
			"devices on.");
	return advise(
		out, NULL, R_FIRMWARE,
		"Needed only to pass devices on to guests. Switch it on in the firmware's "
		"setup (VT-d, AMD-Vi, IOMMU, SMMU), if the machine has one.");
}

int iommu_table(struct facts *f, struct finding *out, struct err *e)
{
	static const struct {
		unsigned bit;
		const char *name;
		void (*add)(struct facts *f, struct finding *out);
	} tables[] = {
		{ IOMMU_DMAR, "DMAR", add_dmar },  { IOMMU_IVRS, "IVRS", add_ivrs },
		{ IOMMU_IORT, "IORT", add_iort },  { IOMMU_VIOT, "VIOT", add_viot },
		{ IOMMU_DT, "device tree", NULL },
	};
	const struct iommu *m;
	char names[64] = "";
	size_t used = 0;
	int r = facts_iommu(f, &m, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (!(m->sources & tables[i].bit))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", tables[i].name);
		if (tables[i].add)
			tables[i].add(f, out);
	}
	if (!m->sources)
		return advise_none(f, out);
	for (size_t i = 0; i < out->n_items; i++)
		if (out->items[i].verdict == V_WARN) {
			const struct item *t = &out->items[i];
			bool told = strstr(t->text, t->name);

			found(out, V_WARN, "%s%s%s", told ? "" : t->name, told ? "" : ": ",
			      t->text);
			return advise(
				out, NULL, R_FIRMWARE,
				"The kernel may make less of it than the machine has, or nothing. "
				"Look for a firmware update.");
		}
	if (out->n_items && out->items[0].verdict == V_OK)
		return found(out, V_OK, "%s: %s", names, out->items[0].text);
	return found(out, V_OK, "%s", names);
}
