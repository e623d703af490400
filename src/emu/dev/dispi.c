/* SPDX-License-Identifier: MIT */
#include "emu/dev/dispi.h"

#include "base/bytes.h"

#include <string.h>

#define ID_FIRST  0xb0c0u
#define ID_LAST   0xb0c5u
#define XRES_MAX  16000u
#define YRES_MAX  12000u
#define BPP_MAX   32u
#define BANK_SIZE 65536u

bool dispi_on(const struct dispi *d)
{
	return d->reg[DISPI_ENABLE] & DISPI_ON;
}

/* Bits that a pixel takes. */
static uint32_t bits(const struct dispi *d)
{
	return d->reg[DISPI_BPP] == 15 ? 16 : d->reg[DISPI_BPP];
}

/* Bytes from one row to the next: four planes of a bit each lie side by side in memory. */
static uint32_t pitch(const struct dispi *d)
{
	return d->reg[DISPI_VIRT_WIDTH] * bits(d) / 8;
}

static uint16_t clamp(uint32_t v, uint32_t least, uint32_t most)
{
	return (uint16_t)(v < least ? least : v > most ? most : v);
}

/* Makes what is not possible into what is: the offset of the last pixel shown is in the memory. */
static void fit(struct dispi *d)
{
	uint16_t *r = d->reg;
	uint32_t lines;

	switch (r[DISPI_BPP]) {
	case 4:
	case 15:
	case 16:
	case 24:
	case 32:
		break;
	default:
		r[DISPI_BPP] = 8;
	}
	r[DISPI_XRES] = clamp(r[DISPI_XRES] & ~7u, 8, XRES_MAX);
	r[DISPI_VIRT_WIDTH] = clamp(r[DISPI_VIRT_WIDTH] & ~7u, r[DISPI_XRES], 0xfff8);
	r[DISPI_X_OFFSET] =
		clamp(r[DISPI_X_OFFSET], 0, (uint32_t)(r[DISPI_VIRT_WIDTH] - r[DISPI_XRES]));
	/* at least 4: the widest row is 256 KiB */
	lines = d->size / pitch(d);
	r[DISPI_YRES] = clamp(r[DISPI_YRES], 1, lines < YRES_MAX ? lines : YRES_MAX);
	r[DISPI_Y_OFFSET] = clamp(r[DISPI_Y_OFFSET], 0, lines - r[DISPI_YRES]);
	r[DISPI_VIRT_HEIGHT] = clamp(lines, 0, 0xffff);
}

static void enable(struct dispi *d, uint16_t v)
{
	bool was = dispi_on(d);

	d->reg[DISPI_ENABLE] = v;
	d->reg[DISPI_BANK] = 0;
	if (!(v & DISPI_ON) || was)
		return;
	d->reg[DISPI_VIRT_WIDTH] = 0;
	d->reg[DISPI_X_OFFSET] = d->reg[DISPI_Y_OFFSET] = 0;
	fit(d);
	if (!(v & DISPI_NOCLEAR))
		memset(d->vram, 0, (size_t)pitch(d) * d->reg[DISPI_YRES]);
}

void dispi_write(struct dispi *d, unsigned reg, uint16_t v)
{
	switch (reg) {
	case DISPI_ID:
		if (v >= ID_FIRST && v <= ID_LAST)
			d->reg[reg] = v;
		break;
	case DISPI_XRES:
	case DISPI_YRES:
	case DISPI_BPP:
	case DISPI_VIRT_WIDTH:
	case DISPI_X_OFFSET:
	case DISPI_Y_OFFSET:
		d->reg[reg] = v;
		if (dispi_on(d))
			fit(d);
		break;
	case DISPI_ENABLE:
		enable(d, v);
		break;
	case DISPI_BANK:
		/* a plane of four has a quarter of the banks */
		d->reg[reg] = (uint16_t)(v & (d->size / BANK_SIZE - 1) >>
						     (d->reg[DISPI_BPP] == 4 ? 2 : 0));
		break;
	default:
		break;
	}
}

uint16_t dispi_read(const struct dispi *d, unsigned reg)
{
	bool caps = d->reg[DISPI_ENABLE] & DISPI_CAPS;

	switch (reg) {
	case DISPI_XRES:
		return caps ? XRES_MAX : d->reg[reg];
	case DISPI_YRES:
		return caps ? YRES_MAX : d->reg[reg];
	case DISPI_BPP:
		return caps ? BPP_MAX : d->reg[reg];
	case DISPI_MEMORY:
		return (uint16_t)(d->size / BANK_SIZE);
	default:
		return reg < DISPI_REGS ? d->reg[reg] : 0;
	}
}

void dispi_reset(struct dispi *d)
{
	memset(d->reg, 0, sizeof(d->reg));
	d->reg[DISPI_ID] = ID_LAST;
}

/* ---- what is shown ---- */

void dispi_mode(const struct dispi *d, struct display_mode *m)
{
	*m = (struct display_mode){ DISPLAY_PIXELS, d->reg[DISPI_XRES], d->reg[DISPI_YRES] };
}

static uint32_t widen(uint32_t v, unsigned width)
{
	v <<= 8 - width;
	return v | v >> width;
}

static uint32_t from_16(uint16_t v, bool green6)
{
	uint32_t r = v >> (green6 ? 11 : 10) & 31, b = v & 31;
	uint32_t g = green6 ? widen(v >> 5 & 63, 6) : widen(v >> 5 & 31, 5);

	return widen(r, 5) << 16 | g << 8 | widen(b, 5);
}

static uint32_t planar(const uint8_t *p, unsigned x)
{
	unsigned v = 0;

	for (unsigned plane = 0; plane < 4; plane++)
		v |= (unsigned)(p[x / 8 * 4 + plane] >> (7 - x % 8) & 1) << plane;
	return v;
}

static uint32_t pixel(const struct dispi *d, const uint32_t *palette, const uint8_t *p,
		      unsigned x)
{
	static const uint32_t black[256];

	if (!palette)
		palette = black;
	switch (d->reg[DISPI_BPP]) {
	case 4:
		return palette[planar(p, x)];
	case 15:
		return from_16(load_le16(p + 2 * (size_t)x), false);
	case 16:
		return from_16(load_le16(p + 2 * (size_t)x), true);
	case 24:
		p += 3 * (size_t)x;
		return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
	case 32:
		return load_le32(p + 4 * (size_t)x) & 0xffffff;
	default:
		return palette[p[x]];
	}
}

void dispi_row(const struct dispi *d, const uint32_t *palette, unsigned y, uint8_t *rgb)
{
	const uint8_t *p = d->vram + (size_t)pitch(d) * (d->reg[DISPI_Y_OFFSET] + y);
	unsigned from = d->reg[DISPI_X_OFFSET];

	for (unsigned x = 0; x < d->reg[DISPI_XRES]; x++) {
		uint32_t v = pixel(d, palette, p, from + x);

		*rgb++ = (uint8_t)(v >> 16);
		*rgb++ = (uint8_t)(v >> 8);
		*rgb++ = (uint8_t)v;
	}
}
