/* SPDX-License-Identifier: MIT */
#include "host/acpi_madt.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "host/acpi.h"

#include <string.h>

#define FIRST 44

enum {
	ENTRY_APIC = 0x00,
	ENTRY_X2APIC = 0x09,
	ENTRY_GICC = 0x0b,
	ENTRY_GICD = 0x0c,
	ENTRY_MSI_FRAME = 0x0d,
	ENTRY_GICR = 0x0e,
	ENTRY_ITS = 0x0f,
};

/* What is read of each; GICC grew with the versions of ACPI. */
static const struct {
	uint8_t type, size;
} least[] = {
	{ ENTRY_APIC, 8 },       { ENTRY_X2APIC, 16 }, { ENTRY_GICC, 40 }, { ENTRY_GICD, 24 },
	{ ENTRY_MSI_FRAME, 24 }, { ENTRY_GICR, 16 },   { ENTRY_ITS, 20 },
};

static void parse_gicc(const uint8_t *p, size_t len, struct madt *out)
{
	bool vgic = len >= 56 && load_le64(p + 40) && load_le64(p + 48);

	out->gicc_vgic = vgic && (out->gic_cpus == 0 || out->gicc_vgic);
	out->gicc_redist = out->gicc_redist || (len >= 68 && load_le64(p + 60));
	out->gic_cpus++;
}

static void parse_entry(const uint8_t *p, size_t len, struct madt *out)
{
	switch (p[0]) {
	case ENTRY_APIC: /* enabled, or may be later */
		out->apics += (load_le32(p + 4) & 3) != 0;
		break;
	case ENTRY_X2APIC:
		out->apics += (load_le32(p + 8) & 3) != 0;
		break;
	case ENTRY_GICC:
		parse_gicc(p, len, out);
		break;
	case ENTRY_GICD:
		out->gicd = true;
		out->gicd_base = load_le64(p + 8);
		out->gic_version = p[20];
		break;
	case ENTRY_MSI_FRAME:
		out->msi_frames++;
		break;
	case ENTRY_GICR:
		out->redistributors++;
		break;
	case ENTRY_ITS:
		out->its++;
		break;
	default:
		break;
	}
	out->entries++;
}

int madt_parse(const uint8_t *buf, size_t len, struct madt *out, struct err *e)
{
	struct acpi_head head;
	int r = acpi_head_parse(buf, len, "APIC", &head, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (head.length < FIRST)
		return err_set(e, -EUCLEAN, "MADT: %u bytes are too few", head.length);
	for (size_t at = FIRST; at < head.length;) {
		size_t n = head.length - at >= 2 ? buf[at + 1] : 0;
		bool ok = n >= 2 && n <= head.length - at;

		for (size_t i = 0; ok && i < ARRAY_SIZE(least); i++)
			ok = least[i].type != buf[at] || n >= least[i].size;
		if (!ok)
			return err_set(e, -EUCLEAN,
				       "MADT: the entry at byte %zu has a length of %zu", at,
				       n);
		parse_entry(buf + at, n, out);
		at += n;
	}
	out->sum_ok = head.sum_ok;
	return 0;
}

int madt_read(const struct host *h, struct madt *out, struct err *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	r = acpi_read(h, "APIC", &buf, &len, e);
	return r < 0 ? r : madt_parse(buf, len, out, e);
}

unsigned madt_gic(const struct madt *m)
{
	if (!m->gicd)
		return 0;
	if (m->gic_version >= 1 && m->gic_version <= 4)
		return m->gic_version;
	/* before ACPI 6.0: by what belongs to version 3 */
	return m->redistributors || m->gicc_redist ? 3 : 2;
}
