/* SPDX-License-Identifier: MIT */
/*
 * Standard VGA as QEMU's "VGA" has it: IBM's registers and planes (the text modes, 16 colours, CGA's
 * and 256 colours), Bochs's VBE extension and its frame buffer, and the PCI function with a BIOS of
 * the distribution's.  Also "bochs-display", which has only the last two.
 *
 * Planes lie side by side: byte A of plane P is byte 4 * A + P of the memory that the frame buffer's
 * BAR shows, mapped into the guest as memory.
 */
#ifndef EMU_DEV_VGA_H
#define EMU_DEV_VGA_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/dev/pci.h"

struct vga;
struct display;

struct vga_env {
	struct bus *bus;
	struct pci *pci;
	struct display *display;
	bool bochs;          /* no VGA */
	unsigned slot;       /* 0: the first that is free */
	uint32_t memory;     /* bytes, a power of two from 1 MiB to 256 MiB */
	unsigned xres, yres; /* what the monitor prefers (EDID); 0: no monitor tells */
	/* Its BIOS, which stays the caller's, or NULL. */
	const uint8_t *rom;
	size_t rom_len;
};

int vga_new(struct vga **out, const struct vga_env *env, struct err *e) MUST_CHECK;
void vga_free(struct vga *v);
void vga_reset(struct vga *v);
struct pci_dev *vga_pci(struct vga *v);

#endif
