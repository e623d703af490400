/* SPDX-License-Identifier: MIT */
/* How the processor's bytes from a0000 on become bytes of planes (IBM, "Video subsystem": graphics
 * controller). */
#include "emu/dev/vga_int.h"

#define WINDOW 0x10000u
#define ALL    0xffffffffu

/* A bit for each plane to a byte for each. */
static uint32_t spread(unsigned planes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		if (planes >> i & 1)
			v |= 0xffu << 8 * i;
	return v;
}

static uint32_t all_planes(uint8_t b)
{
	return b * 0x01010101u;
}

/* The offset in the part of memory that graphics register 6 shows, or ALL. */
static uint32_t where(const struct vga *v, uint32_t off)
{
	static const struct {
		uint32_t at, size;
	} map[4] = { { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 } };
	unsigned m = v->gr[GR_MISC] >> 2 & 3;

	if (dispi_on(&v->dispi))
		return off < WINDOW ? off + v->dispi.reg[DISPI_BANK] * WINDOW : ALL;
	return off - map[m].at < map[m].size ? off - map[m].at : ALL;
}

static bool linear(const struct vga *v)
{
	return dispi_on(&v->dispi) ? v->dispi.reg[DISPI_BPP] > 4 : v->sr[SR_MODE] & SR_CHAIN4;
}

static bool odd_even(const struct vga *v)
{
	return !dispi_on(&v->dispi) && !(v->sr[SR_MODE] & SR_ODD_EVEN);
}

/* The four planes' bytes at an address of theirs. */
static uint8_t *planes_at(struct vga *v, uint32_t at)
{
	return v->dispi.vram + (at * 4 & (v->dispi.size - 1));
}

static uint32_t load_planes(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void store_planes(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Read mode 1: a bit for each pixel whose colour is the one asked for. */
static uint8_t compare(const struct vga *v, uint32_t planes)
{
	uint32_t care = spread(v->gr[GR_CARE]);
	uint32_t differ = (planes ^ spread(v->gr[GR_COLOR])) & care;

	differ |= differ >> 16;
	differ |= differ >> 8;
	return (uint8_t)~differ;
}

uint8_t vga_mem_read(struct vga *v, uint32_t off)
{
	uint32_t at = where(v, off), planes;
	unsigned plane = v->gr[GR_PLANE] & 3;
	uint8_t *p;

	if (at == ALL)
		return 0xff;
	if (linear(v))
		return v->dispi.vram[at & (v->dispi.size - 1)];
	if (v->gr[GR_MODE] & GR_ODD_EVEN && odd_even(v)) {
		plane = (plane & 2) | (at & 1);
		at >>= 1;
	}
	p = planes_at(v, at);
	planes = load_planes(p);
	store_planes(v->latch, planes);
	return v->gr[GR_MODE] & GR_READ_MODE ? compare(v, planes) : p[plane];
}

static uint8_t rotated(const struct vga *v, uint8_t b)
{
	unsigned n = v->gr[GR_ROTATE] & 7;

	return (uint8_t)(b >> n | b << (8 - n));
}

static uint32_t combine(const struct vga *v, uint32_t new, uint32_t latch)
{
	switch (v->gr[GR_ROTATE] >> 3 & 3) {
	case 1:
		return new &latch;
	case 2:
		return new | latch;
	case 3:
		return new ^ latch;
	default:
		return new;
	}
}

/* What the four write modes make of the processor's byte, the latches and the registers. */
static uint32_t written(const struct vga *v, uint8_t byte)
{
	uint32_t latch = load_planes(v->latch), set = spread(v->gr[GR_SET]), new;
	uint32_t mask = all_planes(v->gr[GR_MASK]);

	switch (v->gr[GR_MODE] & 3) {
	case 1:
		return latch;
	case 2:
		new = spread(byte);
		break;
	case 3:
		mask &= all_planes(rotated(v, byte));
		new = set;
		break;
	default:
		new = all_planes(rotated(v, byte));
		new = (new & ~spread(v->gr[GR_SET_ON])) | (set & spread(v->gr[GR_SET_ON]));
	}
	new = combine(v, new, latch);
	return (new &mask) | (latch & ~mask);
}

void vga_mem_write(struct vga *v, uint32_t off, uint8_t byte)
{
	uint32_t at = where(v, off), planes = spread(v->sr[SR_PLANES]);
	uint8_t *p;

	if (at == ALL)
		return;
	if (linear(v)) {
		at &= v->dispi.size - 1;
		if (dispi_on(&v->dispi) || v->sr[SR_PLANES] >> (at & 3) & 1)
			v->dispi.vram[at] = byte;
		return;
	}
	if (odd_even(v)) {
		/* even addresses: planes 0 and 2; odd ones: 1 and 3; the byte as it is */
		planes &= spread(at & 1 ? 10 : 5);
		at >>= 1;
	}
	p = planes_at(v, at);
	store_planes(p, (load_planes(p) & ~planes) | (written(v, byte) & planes));
}
