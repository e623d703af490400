/* SPDX-License-Identifier: MIT */
/*
 * The IOMMU: what firmware says, what the kernel made of it.
 *
 * The kernel's log is no source: "DMAR: IOMMU enabled" is printed on machines that have
 * none.  What counts is /sys/class/iommu and whether /sys/kernel/iommu_groups has groups.
 */
#ifndef HOST_IOMMU_H
#define HOST_IOMMU_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum iommu_kind {
	IOMMU_KIND_OTHER,
	IOMMU_KIND_INTEL,
	IOMMU_KIND_AMD,
	IOMMU_KIND_SMMU,
	IOMMU_KIND_SMMU_V3,
	IOMMU_KIND_VIRTIO,
};

struct iommu_unit {
	char name[64]; /* "dmar0", "ivhd0", "smmu3.0x0000000009050000" */
	enum iommu_kind kind;
	char features[64]; /* AMD: "0:29d3"; Intel: capability register */
};

/* A range of DMA addresses that is not free. */
struct iommu_region {
	uint64_t start, end; /* last byte included */
	char type[24];       /* "direct", "direct-relaxable", "reserved", "msi" */
};

struct iommu_group {
	unsigned id;
	char type[16];  /* "DMA", "DMA-FQ", "identity", "blocked"; "" on old kernels */
	bool fake;      /* made by vfio's mode without an IOMMU: protects from nothing */
	char **devices; /* names on their bus: "0000:00:1f.3" */
	size_t n_devices;
	struct iommu_region *regions;
	size_t n_regions;
	/* "" or why the regions are not known, which says nothing of the other groups */
	char regions_unknown[128];
};

/* What tells of an IOMMU, as bits. */
enum iommu_source {
	IOMMU_DMAR = 1,
	IOMMU_IVRS = 2,
	IOMMU_IORT =
		4, /* counted only if it was read and lists an SMMU, or could not be read */
	IOMMU_VIOT = 8,
	IOMMU_DT = 16, /* a node of the device tree is an SMMU or a virtio-iommu */
};

enum iommu_state {
	IOMMU_UNKNOWN, /* an image: there is no kernel to ask */
	IOMMU_ABSENT,  /* firmware tells of none: off in its setup, or not there */
	IOMMU_OFF,     /* told of, not used by the kernel */
	IOMMU_ON,
};

enum iommu_remap {
	IOMMU_REMAP_UNKNOWN, /* neither the tables nor interrupts' chips could be read */
	IOMMU_REMAP_NONE,    /* firmware or processor has none */
	IOMMU_REMAP_OFF,     /* possible, not used: intremap=off, or the IOMMU is off */
	IOMMU_REMAP_ON,
};

struct iommu {
	unsigned sources; /* of enum iommu_source */
	struct iommu_unit *units;
	size_t n_units;
	struct iommu_group *groups;
	size_t n_groups; /* fake ones too */
	enum iommu_state state;
	enum iommu_remap remap;
	bool unsafe_interrupts; /* vfio_iommu_type1 goes without interrupt remapping */
	const char *off_word;   /* command line's reason for IOMMU_OFF ("intel_iommu=off",
				 * "iommu=off", "amd_iommu=off"), or NULL */
};

int iommu_read(const struct host *h, struct iommu *out, struct err *e) MUST_CHECK;
void iommu_free(struct iommu *m);
/* NULL if there is no such group. */
const struct iommu_group *iommu_group(const struct iommu *m, unsigned id);
const char *iommu_kind_name(enum iommu_kind kind);

/* /sys/kernel/iommu_groups/N/reserved_regions; a line not understood is -EINVAL, which
 * iommu_read() keeps in regions_unknown. */
int iommu_regions_parse(const char *text, size_t len, struct iommu_region **out, size_t *n,
			struct err *e) MUST_CHECK;

#endif
