/* SPDX-License-Identifier: MIT */
/* The VGA's ports 3b0 to 3df (IBM, "Video subsystem"). */
#include "emu/dev/vga_int.h"

#include <string.h>

#define CR_LOCK     0x80 /* of CR_VSYNC_END: the first eight are read-only, */
#define CR_UNLOCKED 0x10 /* but for this bit of the overflow register */
#define RETRACE     0x08
#define NOT_SHOWN   0x01

/* ---- palette ---- */

static uint8_t dac_read(struct vga *v)
{
	uint8_t b = v->dac[v->dac_read][v->dac_part];

	if (++v->dac_part == 3) {
		v->dac_part = 0;
		v->dac_read++;
	}
	return b;
}

static void dac_write(struct vga *v, uint8_t b)
{
	v->dac_new[v->dac_part] = b;
	if (++v->dac_part < 3)
		return;
	v->dac_part = 0;
	memcpy(v->dac[v->dac_write++], v->dac_new, 3);
}

/* ---- attributes: one port for index and data ---- */

static void attribute_write(struct vga *v, uint8_t b)
{
	static const uint8_t bits[AR_REGS - AR_MODE] = { 0xef, 0xff, 0x3f, 0x0f, 0x0f };
	unsigned i = v->ar_index & 31;

	v->ar_data = !v->ar_data;
	if (v->ar_data) {
		v->ar_index = b & 0x3f;
		return;
	}
	/* a palette that is shown is not written */
	if (i < AR_MODE)
		v->ar[i] = b & 0x3f;
	else if (i < AR_REGS)
		v->ar[i] = b & bits[i - AR_MODE];
}

/* ---- CRT controller ---- */

static void crt_write(struct vga *v, uint8_t b)
{
	unsigned i = v->cr_index;

	if (i >= CR_REGS)
		return;
	if ((v->cr[CR_VSYNC_END] & CR_LOCK) && i <= CR_OVERFLOW) {
		if (i != CR_OVERFLOW)
			return;
		b = (uint8_t)((v->cr[i] & ~CR_UNLOCKED) | (b & CR_UNLOCKED));
	}
	v->cr[i] = b;
}

/* The beam is nowhere: whoever waits for it sees it come and go. */
static uint8_t status(struct vga *v)
{
	v->ar_data = false;
	v->status ^= RETRACE | NOT_SHOWN;
	return v->status;
}

/* Ports 3bx answer for monochrome monitors, 3dx for colour ones. */
static bool other_monitor(const struct vga *v, unsigned off)
{
	return off < 0x10 ? v->misc & MISC_COLOR : off >= 0x20 && !(v->misc & MISC_COLOR);
}

uint8_t vga_port_read(struct vga *v, unsigned off)
{
	if (other_monitor(v, off))
		return 0xff;
	switch (off < 0x10 ? off + 0x20 : off) {
	case 0x10:
		return v->ar_data ? 0 : v->ar_index;
	case 0x11:
		return (v->ar_index & 31) < AR_REGS ? v->ar[v->ar_index & 31] : 0;
	case 0x14:
		return v->sr_index;
	case 0x15:
		return v->sr_index < SR_REGS ? v->sr[v->sr_index] : 0;
	case 0x16:
		return v->dac_mask;
	case 0x17:
		return v->dac_state;
	case 0x18:
		return v->dac_write;
	case 0x19:
		return dac_read(v);
	case 0x1a:
		return v->feature;
	case 0x1c:
		return v->misc;
	case 0x1e:
		return v->gr_index;
	case 0x1f:
		return v->gr_index < GR_REGS ? v->gr[v->gr_index] : 0;
	case 0x24:
		return v->cr_index;
	case 0x25:
		return v->cr_index < CR_REGS ? v->cr[v->cr_index] : 0;
	case 0x2a:
		return status(v);
	case 0x12:
		return 0;
	default:
		return 0xff;
	}
}

void vga_port_write(struct vga *v, unsigned off, uint8_t b)
{
	static const uint8_t sr_bits[SR_REGS] = { 3, 0x3d, 0x0f, 0x3f, 0x0e };
	static const uint8_t gr_bits[GR_REGS] = { 15, 15, 15, 31, 3, 0x7b, 15, 15, 255 };

	if (other_monitor(v, off))
		return;
	switch (off < 0x10 ? off + 0x20 : off) {
	case 0x10:
		attribute_write(v, b);
		break;
	case 0x12:
		v->misc = b & 0xef;
		break;
	case 0x14:
		v->sr_index = b & 7;
		break;
	case 0x15:
		if (v->sr_index < SR_REGS)
			v->sr[v->sr_index] = b & sr_bits[v->sr_index];
		break;
	case 0x16:
		v->dac_mask = b;
		break;
	case 0x17:
		v->dac_read = b;
		v->dac_part = 0;
		v->dac_state = 3;
		break;
	case 0x18:
		v->dac_write = b;
		v->dac_part = 0;
		v->dac_state = 0;
		break;
	case 0x19:
		dac_write(v, b);
		break;
	case 0x1e:
		v->gr_index = b & 15;
		break;
	case 0x1f:
		if (v->gr_index < GR_REGS)
			v->gr[v->gr_index] = b & gr_bits[v->gr_index];
		break;
	case 0x24:
		v->cr_index = b;
		break;
	case 0x25:
		crt_write(v, b);
		break;
	case 0x2a:
		v->feature = b & 0x10;
		break;
	default:
		break;
	}
}

void vga_regs_reset(struct vga *v)
{
	v->misc = v->feature = v->status = 0;
	v->cr_index = v->sr_index = v->gr_index = v->ar_index = 0;
	v->ar_data = false;
	v->dac_mask = 0xff;
	v->dac_read = v->dac_write = v->dac_part = v->dac_state = 0;
	memset(v->cr, 0, sizeof(v->cr));
	memset(v->sr, 0, sizeof(v->sr));
	memset(v->gr, 0, sizeof(v->gr));
	memset(v->ar, 0, sizeof(v->ar));
	memset(v->dac, 0, sizeof(v->dac));
	memset(v->latch, 0, sizeof(v->latch));
}
