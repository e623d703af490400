/* SPDX-License-Identifier: MIT */
/*
 * PCI devices by /sys/bus/pci, and whether each may be given to a guest: hostcheck tells it and
 * vtune goes by it.
 */
#ifndef HOST_PCI_H
#define HOST_PCI_H

#include "base/err.h"
#include "host/acpi_dmar.h"
#include "host/host.h"
#include "host/iommu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_dev {
	char addr[20]; /* "0000:03:00.0" */
	uint32_t domain;
	uint8_t bus, dev, fn;
	uint16_t vendor, device;
	uint32_t class;    /* 24 bits: base, sub, programming interface */
	char driver[64];   /* "" when none */
	char override[64]; /* driver_override; "" when unset */
	char reset[64];    /* reset_method: "flr bus"; "" before Linux 5.15 and when none */
	bool resets;       /* can be reset at all */
	bool reset_known;  /* false: a record without the attributes that tell */
	int node;          /* NUMA; -1: none */
	int group;         /* IOMMU group; -1: none */
	char parent[20];   /* the bridge above, "" at a root bus */
	bool boot_vga;     /* the console's adapter */
};

struct pci_devs {
	struct pci_dev *v; /* sorted by address */
	size_t n;
};

/* "0000:03:00.0", or "03:00.0" in domain 0. */
int pci_addr_parse(const char *text, uint32_t *domain, uint8_t *bus, uint8_t *dev, uint8_t *fn,
		   struct err *e) MUST_CHECK;

/* No /sys/bus/pci: an empty list. */
int pci_read(const struct host *h, struct pci_devs *out, struct err *e) MUST_CHECK;
void pci_free(struct pci_devs *l);
const struct pci_dev *pci_find(const struct pci_devs *l, const char *addr);
/* "Ethernet controller"; "Device" for what is not known.  Of class and subclass. */
const char *pci_class_name(uint32_t class);
/* Root port, switch port, PCI or CardBus bridge: carries no DMA of its own for a guest. */
bool pci_is_bridge(const struct pci_dev *d);
/* A driver under which the kernel gives a group to a guest: vfio-pci, its variants,
 * pci-stub. */
bool pci_driver_yields(const char *driver);

/* What stands in the way, as bits; 0 is "may be given to a guest now". */
enum pci_why {
	PCI_IS_BRIDGE = 1,
	PCI_NO_IOMMU = 2,  /* no group: IOMMU absent, off, or not for this device */
	PCI_GROUP = 4,     /* another member is held by a driver of the host */
	PCI_RMRR = 8,      /* firmware wants memory of the device mapped 1:1 */
	PCI_UNBOUND = 16,  /* its own driver is not vfio-pci yet: binding it is enough */
	PCI_NO_RESET = 32, /* cannot be reset between guests: works, but not cleanly */
	PCI_NO_REMAP = 64, /* no interrupt remapping and no allow_unsafe_interrupts */
	PCI_HOST = 128,    /* the host itself lives on it */
	PCI_UNSURE = 256,  /* whether firmware keeps memory of it cannot be told */
	/* as this host is, no guest can have it */
	PCI_NEVER = PCI_IS_BRIDGE | PCI_NO_IOMMU | PCI_GROUP | PCI_RMRR | PCI_NO_REMAP |
		    PCI_HOST | PCI_UNSURE,
};

struct pci_uses;

/* What a verdict is founded on. */
struct pci_view {
	const struct pci_devs *devs;
	const struct iommu *iommu;
	/* may be NULL (not root, or none): RMRRs are then known by the group's reserved regions
	 * alone, which everybody may read and which newer kernels have */
	const struct dmar *dmar;
	const struct pci_uses *uses; /* host/pci_use.h */
	/* addresses that are to go to guests too: they do not stand in each other's way */
	char *const *given;
	size_t n_given;
};

struct pci_verdict {
	unsigned why;
	const char *use;               /* for PCI_HOST: words of pci_use_of() */
	const struct pci_dev *blocker; /* for PCI_GROUP: the first such member */
	size_t members;                /* of the group that are no bridges, itself included */
};

void pci_verdict(const struct pci_view *v, const struct pci_dev *d, struct pci_verdict *out);

/* Does @scope, in @segment, name @d (itself, or for a bridge all below it)? */
bool pci_in_scope(const struct pci_devs *l, uint16_t segment, const struct dmar_scope *scope,
		  const struct pci_dev *d);

#endif
