/* SPDX-License-Identifier: MIT */
/*
 * The registers of Bochs's VBE extension ("DISPI"): a mode with a linear frame buffer, set by a
 * few numbers.  By ports 1ce and 1cf beside a VGA, in memory on both kinds of card.  QEMU's
 * docs/specs/standard-vga.txt has the layout.
 *
 * Whatever a guest writes, what these say fits the memory of the card: see dispi_row().  The
 * caller's lock protects it.
 */
#ifndef EMU_DEV_DISPI_H
#define EMU_DEV_DISPI_H

#include "emu/display/display.h"

#include <stddef.h>

enum dispi_reg {
	DISPI_ID,
	DISPI_XRES,
	DISPI_YRES,
	DISPI_BPP,
	DISPI_ENABLE,
	DISPI_BANK,
	DISPI_VIRT_WIDTH,
	DISPI_VIRT_HEIGHT,
	DISPI_X_OFFSET,
	DISPI_Y_OFFSET,
	DISPI_MEMORY, /* in 64 KiB */
	DISPI_REGS
};

/* Of DISPI_ENABLE. */
#define DISPI_ON      0x01u
#define DISPI_CAPS    0x02u /* the resolution's registers read as the largest there is */
#define DISPI_DAC8    0x20u
#define DISPI_NOCLEAR 0x80u

struct dispi {
	uint16_t reg[DISPI_REGS];
	uint8_t *vram;
	uint32_t size; /* a power of two, at least 1 MiB */
};

void dispi_reset(struct dispi *d);
uint16_t dispi_read(const struct dispi *d, unsigned reg);
void dispi_write(struct dispi *d, unsigned reg, uint16_t v);
bool dispi_on(const struct dispi *d);
void dispi_mode(const struct dispi *d, struct display_mode *m);
/* Row @y of what dispi_mode() said.  @palette: 256 colours, red from bit 16 down, for numbers of 4
 * and 8 bits; NULL for cards without one. */
void dispi_row(const struct dispi *d, const uint32_t *palette, unsigned y, uint8_t *rgb);

#endif
