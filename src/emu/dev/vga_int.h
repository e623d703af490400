/* SPDX-License-Identifier: MIT */
/* Between the files of the VGA.  All under its lock. */
#ifndef EMU_DEV_VGA_INT_H
#define EMU_DEV_VGA_INT_H

#include "emu/dev/dispi.h"
#include "emu/dev/vga.h"

/* Registers by their indices (IBM, "Video subsystem"). */
enum { CR_HTOTAL, CR_HDISP, CR_OVERFLOW = 7, CR_ROW = 9, CR_CURSOR, CR_CURSOR_END };
enum {
	CR_START = 12, /* high, low */
	CR_AT = 14,
	CR_VSYNC_END = 17,
	CR_VDISP,
	CR_OFFSET,
	CR_MODE = 23,
	CR_COMPARE,
	CR_REGS
};
enum { SR_CLOCK = 1, SR_PLANES, SR_FONT, SR_MODE, SR_REGS };
enum { GR_SET, GR_SET_ON, GR_COLOR, GR_ROTATE, GR_PLANE, GR_MODE, GR_MISC, GR_CARE, GR_MASK };
#define GR_REGS 9
enum { AR_MODE = 16, AR_BORDER, AR_PLANES, AR_PAN, AR_SELECT, AR_REGS };

#define SR_EIGHT     0x01
#define SR_HALF      0x08
#define SR_OFF       0x20
#define SR_ODD_EVEN  0x04 /* set: planes are addressed one after the other */
#define SR_CHAIN4    0x08
#define GR_ODD_EVEN  0x10
#define GR_READ_MODE 0x08
#define GR_GRAPHICS  0x01
#define AR_GRAPHICS  0x01
#define AR_LINES     0x04
#define AR_BLINK     0x08
#define AR_P54       0x80
#define AR_SHOWN     0x20 /* of the index: the palette is the screen's */
#define MISC_COLOR   0x01

struct vga {
	pthread_mutex_t lock;
	struct vga_env env;
	struct pci_dev pci;
	struct dispi dispi;
	uint16_t dispi_index;
	uint8_t dispi_low;
	uint8_t edid[128];

	uint8_t misc, feature, status;
	uint8_t cr_index, cr[CR_REGS];
	uint8_t sr_index, sr[SR_REGS];
	uint8_t gr_index, gr[GR_REGS];
	uint8_t ar_index, ar[AR_REGS];
	bool ar_data; /* the next write is no index */
	uint8_t dac_mask, dac_read, dac_write, dac_part, dac_state;
	uint8_t dac[256][3], dac_new[3];
	uint8_t latch[4];

	struct bus_region mono, color, vbe, window;
	unsigned added;
};

/* vga_mem.c: the window from a0000 on. */
uint8_t vga_mem_read(struct vga *v, uint32_t off);
void vga_mem_write(struct vga *v, uint32_t off, uint8_t byte);

/* vga_draw.c */
extern const struct display_ops vga_display;

/* vga_regs.c: port 3b0 + @off. */
uint8_t vga_port_read(struct vga *v, unsigned off);
void vga_port_write(struct vga *v, unsigned off, uint8_t byte);
void vga_regs_reset(struct vga *v);

#endif
