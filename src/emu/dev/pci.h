/* SPDX-License-Identifier: MIT */
/*
 * A PCI bus: configuration space by ports cf8/cfc and, if asked for, in memory (ECAM); BARs;
 * interrupt pins; MSI and MSI-X.
 *
 * Locks: the bus's own for configuration space, under which a device's @written is called, then
 * a device's own for its interrupts.
 */
#ifndef EMU_DEV_PCI_H
#define EMU_DEV_PCI_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"
#include "emu/vcpu.h"

#define PCI_SLOTS    32
#define PCI_BARS     6
#define PCI_MSIX_MAX 64
#define PCI_LINES    4

/* Offsets in configuration space (PCI local bus specification 3.0, chapter 6). */
enum {
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x09,
	PCI_HEADER = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUB_VENDOR = 0x2c,
	PCI_SUB_DEVICE = 0x2e,
	PCI_ROM = 0x30,
	PCI_CAPS = 0x34,
	PCI_INT_LINE = 0x3c,
	PCI_INT_PIN = 0x3d,
};
#define PCI_CMD_IO     0x0001
#define PCI_CMD_MEM    0x0002
#define PCI_CMD_MASTER 0x0004
#define PCI_CMD_NOINTX 0x0400

struct mem;
struct pci;
struct pci_dev;

struct pci_bar {
	bool io, wide; /* ports; 64 bits, and takes the next one, too */
	struct bus_region region;
	bool mapped;
	/* Of memory: its bytes; where they are in the guest's map and where they shall be; 0: nowhere. */
	uint8_t *bytes;
	uint64_t is_at, shall_at;
	struct vcpu_job move;
};

struct msix_entry {
	uint64_t addr;
	uint32_t data, control;
};

struct pci_dev {
	/* The owner's. */
	const char *name;
	uint8_t config[256];
	uint8_t writable[256]; /* bits that a guest may change */
	/* After a write to [off, off + len); may be NULL. */
	void (*written)(struct pci_dev *d, unsigned off, unsigned len);
	/* Before a read; may be NULL. */
	void (*reading)(struct pci_dev *d, unsigned off, unsigned len);
	void *owner;
	/* The bus's. */
	struct pci *bus;
	unsigned slot, fn;
	struct pci_bar bar[PCI_BARS];
	struct pci_bar rom;
	const uint8_t *rom_bytes;
	size_t rom_len;
	unsigned cap_end; /* where the next capability goes */
	pthread_mutex_t lock;
	bool intx;  /* wants its pin raised */
	bool pulls; /* and may */
	unsigned msix_n, msix_cap;
	struct msix_entry msix[PCI_MSIX_MAX];
	uint64_t msix_pending;
	unsigned msi_cap; /* 0: none */
};

struct pci_env {
	struct bus *bus;
	/* For BARs of memory; who must be outside guest code when such a one moves. */
	struct mem *mem;
	struct vcpu_group *group;
	struct irq line[PCI_LINES]; /* pin p of slot s is line (s + p) % 4 */
	struct msi_sink msi;
	uint64_t ecam;         /* 0: none */
	uint64_t low, low_end; /* windows for BARs */
	uint64_t high, high_end;
};

int pci_new(struct pci **out, const struct pci_env *env, struct err *e) MUST_CHECK;
/* Devices are their owners'; all are removed before. */
void pci_root_free(struct pci *p);

/* Fills the header: IDs and class (24 bits: class, subclass, interface). */
void pci_ids(struct pci_dev *d, uint16_t vendor, uint16_t device, uint32_t class);
/* A BAR of @size bytes (a power of two; at least 16, 4096 of memory) with these registers. */
void pci_bar(struct pci_dev *d, unsigned n, bool io, bool wide, uint64_t size,
	     const struct bus_ops *ops, void *dev, pthread_mutex_t *lock);
/* A BAR that shows these bytes as memory: @size as above, page aligned.  It is never seen where RAM
 * or ROM is.  Such a device comes and goes only while no vCPU runs. */
void pci_bar_memory(struct pci_dev *d, unsigned n, uint64_t size, uint8_t *bytes);
/* Room for a capability of @len bytes; its offset. */
unsigned pci_cap(struct pci_dev *d, uint8_t id, unsigned len);
/* Firmware for the device, which stays the caller's: the read-only memory of its expansion ROM
 * BAR.  At most 16 MiB. */
void pci_rom(struct pci_dev *d, const uint8_t *bytes, size_t len);
/* MSI-X with @n vectors, table and pending bits in BAR @bar (4 KiB). */
void pci_msix(struct pci_dev *d, unsigned bar, unsigned n);

/* MSI with one message. */
void pci_msi(struct pci_dev *d);

/* @slot -1: the first that is free. */
int pci_add(struct pci *p, struct pci_dev *d, int slot, unsigned fn, struct err *e) MUST_CHECK;
void pci_remove(struct pci_dev *d);
/* Gives all BARs addresses and switches decoding on, as firmware does. */
void pci_assign(struct pci *p);
/* The configuration space in memory is there from now on; @size 0: nowhere.  From the @written of
 * a device of this bus, or while nothing runs. */
void pci_ecam(struct pci *p, uint64_t base, uint64_t size);
uint64_t pci_ecam_base(const struct pci *p);
/* Command, BARs and MSI-X as after power-on. */
void pci_reset(struct pci *p);
void pci_each(struct pci *p, void (*each)(void *arg, const struct pci_dev *d), void *arg);

/* From any thread. */
void pci_intx(struct pci_dev *d, bool level);
bool pci_msix_on(struct pci_dev *d);
void pci_msix_raise(struct pci_dev *d, unsigned vector);
bool pci_msi_on(struct pci_dev *d);
void pci_msi_raise(struct pci_dev *d);

#endif
