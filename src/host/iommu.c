/* SPDX-License-Identifier: MIT */
#include "host/iommu.h"

#include "base/mem.h"
#include "host/acpi.h"
#include "host/acpi_dmar.h"
#include "host/acpi_iort.h"
#include "host/acpi_ivrs.h"
#include "host/cmdline.h"
#include "host/iommu_dt.h"
#include "host/iommu_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS "/sys/class/iommu"
#define IRQS  "/sys/kernel/irq"

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* ---- units ---- */

static enum iommu_kind kind_of(const struct host *h, const char *name)
{
	char path[192], link[256];
	const char *driver;

	snprintf(path, sizeof(path), UNITS "/%s/intel-iommu", name);
	if (begins(name, "dmar") || host_exists(h, path))
		return IOMMU_KIND_INTEL;
	snprintf(path, sizeof(path), UNITS "/%s/amd-iommu", name);
	if (begins(name, "ivhd") || host_exists(h, path))
		return IOMMU_KIND_AMD;
	if (begins(name, "smmu3."))
		return IOMMU_KIND_SMMU_V3;
	if (begins(name, "smmu."))
		return IOMMU_KIND_SMMU;
	/* a virtio-iommu has the name of its device */
	snprintf(path, sizeof(path), UNITS "/%s/device/driver", name);
	if (host_readlink(h, path, link, sizeof(link), NULL) < 0)
		return IOMMU_KIND_OTHER;
	driver = strrchr(link, '/');
	return !strcmp(driver ? driver + 1 : link, "virtio_iommu") ? IOMMU_KIND_VIRTIO
								   : IOMMU_KIND_OTHER;
}

static int read_units(const struct host *h, struct iommu *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[192];

	if (host_list(h, UNITS, &l, NULL) < 0 || !l.n)
		return 0;
	out->units = mem_zalloc(l.n, sizeof(*out->units), e);
	if (!out->units)
		return -ENOMEM;
	for (size_t i = 0; i < l.n; i++) {
		struct iommu_unit *u = &out->units[out->n_units];

		if (strlen(l.v[i]) >= sizeof(u->name))
			continue;
		snprintf(u->name, sizeof(u->name), "%s", l.v[i]);
		u->kind = kind_of(h, u->name);
		snprintf(path, sizeof(path), UNITS "/%s/%s", u->name,
			 u->kind == IOMMU_KIND_INTEL ? "intel-iommu/cap"
						     : "amd-iommu/features");
		if (host_read_line(h, path, u->features, sizeof(u->features), NULL) < 0)
			u->features[0] = '\0';
		out->n_units++;
	}
	return 0;
}

/* ---- firmware ---- */

static bool iort_has_smmu(const struct host *h)
{
	struct iort t;
	bool yes = true; /* not readable: most such tables have one */

	if (iort_read(h, &t, NULL) == 0) {
		yes = iort_count(&t, IORT_SMMU) || iort_count(&t, IORT_SMMU_V3);
		iort_free(&t);
	}
	return yes;
}

static unsigned sources_of(const struct host *h)
{
	unsigned s = 0;

	if (acpi_has(h, "DMAR"))
		s |= IOMMU_DMAR;
	if (acpi_has(h, "IVRS"))
		s |= IOMMU_IVRS;
	if (acpi_has(h, "VIOT"))
		s |= IOMMU_VIOT;
	if (acpi_has(h, "IORT") && iort_has_smmu(h))
		s |= IOMMU_IORT;
	if (iommu_dt_has(h))
		s |= IOMMU_DT;
	return s;
}

/* Do the tables rule interrupt remapping out?  Not if they cannot be read. */
static bool tables_lack_remap(const struct host *h, unsigned sources)
{
	bool lacks = false;
	struct dmar d;
	struct ivrs v;

	if ((sources & IOMMU_DMAR) && dmar_read(h, &d, NULL) == 0) {
		lacks = !d.intr_remap;
		dmar_free(&d);
	}
	if ((sources & IOMMU_IVRS) && ivrs_read(h, &v, NULL) == 0) {
		lacks = !ivrs_intr_remap(&v);
		ivrs_free(&v);
	}
	return lacks;
}

/* ---- what the kernel was told ---- */

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ",");

		if (len == n && !memcmp(s, word, n))
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

/* These parameters take lists, and each of several adds to the others. */
static bool told(const char *words, const char *name, const char *value)
{
	struct span text = { words, strlen(words) };
	struct cmdline_word w;
	char buf[256];

	while (cmdline_next(&text, &w))
		if (span_is(w.name, name) &&
		    in_list(span_copy(w.value, buf, sizeof(buf)), value))
			return true;
	return false;
}

static const char *reason_off(const char *words)
{
	static const char *const names[] = { "intel_iommu", "amd_iommu", "iommu" };
	static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (told(words, names[i], "off"))
			return off[i];
	return NULL;
}

/* ---- interrupts ---- */

/* Chips of remapped interrupts have names of their own: TRI-state in @remapped, false when
 * the kernel lists none at all. */
static bool chips_tell(const struct host *h, bool *remapped)
{
	AUTO_LIST struct host_list l = { 0 };
	bool any = false;
	char path[300], chip[64];

	*remapped = false;
	if (host_list(h, IRQS, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n && !*remapped; i++) {
		snprintf(path, sizeof(path), IRQS "/%.200s/chip_name", l.v[i]);
		if (host_read_line(h, path, chip, sizeof(chip), NULL) < 0 || !chip[0])
			continue;
		any = true;
		/* x86 "IR-PCI-MSI", "IR-IO-APIC"; Arm: the ITS translates by device */
		*remapped = begins(chip, "IR-") || begins(chip, "ITS-");
	}
	return any;
}

static enum iommu_remap remap_of(const struct host *h, const struct iommu *m, const char *words)
{
	bool on, known = chips_tell(h, &on);
	bool off_word = told(words, "intremap", "off") || cmdline_has(words, "nointremap");

	if (known && on)
		return IOMMU_REMAP_ON;
	/* virtio-iommu translates memory only */
	if (m->state == IOMMU_ABSENT || m->sources == IOMMU_VIOT ||
	    tables_lack_remap(h, m->sources))
		return IOMMU_REMAP_NONE;
	return known || off_word ? IOMMU_REMAP_OFF : IOMMU_REMAP_UNKNOWN;
}

/* ---- all of it ---- */

static bool has_real_group(const struct iommu *m)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (!m->groups[i].fake)
			return true;
	return false;
}

int iommu_read(const struct host *h, struct iommu *out, struct err *e)
{
	AUTO_FREE char *words = NULL;
	char line[8];
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return 0;
	if (cmdline_read(h, &words, NULL) < 0)
		words = mem_strdup("", e);
	r = words ? read_units(h, out, e) : -ENOMEM;
	if (r == 0)
		r = iommu_groups_read(h, &out->groups, &out->n_groups, e);
	if (r < 0) {
		iommu_free(out);
		return r;
	}
	out->sources = sources_of(h);
	out->state = has_real_group(out) ? IOMMU_ON : out->sources ? IOMMU_OFF : IOMMU_ABSENT;
	if (out->state == IOMMU_OFF)
		out->off_word = reason_off(words);
	out->remap = remap_of(h, out, words);
	out->unsafe_interrupts = host_read_line(h,
						"/sys/module/vfio_iommu_type1/parameters/"
						"allow_unsafe_interrupts",
						line, sizeof(line), NULL) == 0 &&
				 (line[0] == 'Y' || line[0] == '1');
	return 0;
}

void iommu_free(struct iommu *m)
{
	iommu_groups_free(m->groups, m->n_groups);
	free(m->units);
	memset(m, 0, sizeof(*m));
}

const struct iommu_group *iommu_group(const struct iommu *m, unsigned id)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].id == id)
			return &m->groups[i];
	return NULL;
}

const char *iommu_kind_name(enum iommu_kind kind)
{
	static const char *const names[] = {
		[IOMMU_KIND_OTHER] = "IOMMU",        [IOMMU_KIND_INTEL] = "Intel VT-d",
		[IOMMU_KIND_AMD] = "AMD-Vi",         [IOMMU_KIND_SMMU] = "Arm SMMU",
		[IOMMU_KIND_SMMU_V3] = "Arm SMMUv3", [IOMMU_KIND_VIRTIO] = "virtio-iommu",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : names[IOMMU_KIND_OTHER];
}
