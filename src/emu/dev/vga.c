/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/edid.h"
#include "emu/dev/vga_int.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_AT   0xa0000u
#define WINDOW_SIZE 0x20000u
#define PORTS       0x3b0u
#define VBE_PORT    0x1ceu
#define VBE_INDEX   0u
#define VBE_DATA    1u

/* The BAR of registers. */
#define REGS_SIZE  4096u
#define REGS_VGA   0x400u /* ports 3c0 to 3df */
#define REGS_DISPI 0x500u
#define REGS_EXTRA 0x600u
#define EXTRA_SIZE 8u

/* ---- ports ---- */

static uint64_t mono_read(void *dev, uint64_t off, unsigned size)
{
	(void)size;
	return vga_port_read(dev, 0x3b4 - PORTS + (unsigned)off);
}

static void mono_write(void *dev, uint64_t off, unsigned size, uint64_t b)
{
	(void)size;
	vga_port_write(dev, 0x3b4 - PORTS + (unsigned)off, (uint8_t)b);
}

static uint64_t color_read(void *dev, uint64_t off, unsigned size)
{
	(void)size;
	return vga_port_read(dev, 0x3c0 - PORTS + (unsigned)off);
}

static void color_write(void *dev, uint64_t off, unsigned size, uint64_t b)
{
	(void)size;
	vga_port_write(dev, 0x3c0 - PORTS + (unsigned)off, (uint8_t)b);
}

/* The data register lies at an odd port: its halves come one by one. */
static uint64_t vbe_read(void *dev, uint64_t off, unsigned size)
{
	struct vga *v = dev;
	uint16_t data;

	if (off == VBE_INDEX)
		return size == 1 ? v->dispi_index & 0xff : v->dispi_index;
	data = dispi_read(&v->dispi, v->dispi_index);
	return off == VBE_DATA || size == 2 ? data : data >> 8;
}

static void vbe_write(void *dev, uint64_t off, unsigned size, uint64_t b)
{
	struct vga *v = dev;

	if (off == VBE_INDEX)
		v->dispi_index = (uint16_t)b;
	else if (off == VBE_DATA)
		v->dispi_low = (uint8_t)b;
	else if (size == 2)
		dispi_write(&v->dispi, v->dispi_index, (uint16_t)b);
	else
		dispi_write(&v->dispi, v->dispi_index, (uint16_t)(b << 8 | v->dispi_low));
}

/* ---- memory ---- */

static uint64_t window_read(void *dev, uint64_t off, unsigned size)
{
	uint64_t b = 0;

	for (unsigned i = 0; i < size; i++)
		b |= (uint64_t)vga_mem_read(dev, (uint32_t)off + i) << 8 * i;
	return b;
}

static void window_write(void *dev, uint64_t off, unsigned size, uint64_t b)
{
	for (unsigned i = 0; i < size; i++)
		vga_mem_write(dev, (uint32_t)off + i, (uint8_t)(b >> 8 * i));
}

static uint8_t reg_byte(struct vga *v, unsigned off)
{
	/* how many there are, and which byte order pixels have: the lower first */
	static const uint8_t extra[8] = { EXTRA_SIZE, 0, 0, 0, 0x1e, 0x1e, 0x1e, 0x1e };

	if (off < EDID_SIZE && v->env.xres)
		return v->edid[off];
	if (off - REGS_VGA < 0x20 && !v->env.bochs)
		return vga_port_read(v, 0x10 + off - REGS_VGA);
	if (off - REGS_DISPI < 2 * DISPI_REGS)
		return (uint8_t)(dispi_read(&v->dispi, (off - REGS_DISPI) / 2) >>
				 8 * (off & 1));
	return off - REGS_EXTRA < sizeof(extra) ? extra[off - REGS_EXTRA]
	       : off < REGS_VGA                 ? 0
						: 0xff;
}

static uint64_t regs_read(void *dev, uint64_t off, unsigned size)
{
	uint64_t b = 0;

	for (unsigned i = 0; i < size; i++)
		b |= (uint64_t)reg_byte(dev, (unsigned)off + i) << 8 * i;
	return b;
}

static void regs_write(void *dev, uint64_t off, unsigned size, uint64_t b)
{
	struct vga *v = dev;

	for (unsigned i = 0; i < size; i++, off++, b >>= 8) {
		if (off - REGS_VGA < 0x20 && !v->env.bochs)
			vga_port_write(v, 0x10 + (unsigned)off - REGS_VGA, (uint8_t)b);
		/* of 16 bits, and only whole; another byte order there is not */
		if (off - REGS_DISPI < 2 * DISPI_REGS && !(off & 1) && size - i >= 2)
			dispi_write(&v->dispi, (unsigned)(off - REGS_DISPI) / 2, (uint16_t)b);
	}
}

static const struct bus_ops mono_ops = { mono_read, mono_write, 1, 1 };
static const struct bus_ops color_ops = { color_read, color_write, 1, 1 };
static const struct bus_ops vbe_ops = { vbe_read, vbe_write, 1, 2 };
static const struct bus_ops window_ops = { window_read, window_write, 1, 8 };
static const struct bus_ops regs_ops = { regs_read, regs_write, 1, 4 };

/* ---- life ---- */

static int add_region(struct vga *v, struct bus_region *r, struct err *e)
{
	int code = bus_add(v->env.bus, r, e);

	if (code == 0)
		v->added++;
	return code;
}

static int add_legacy(struct vga *v, struct err *e)
{
	struct bus_region *const all[] = { &v->mono, &v->color, &v->vbe, &v->window };
	pthread_mutex_t *l = &v->lock;
	int r = 0;

	v->mono = (struct bus_region){ "vga", BUS_PORT, 0x3b4, 7, &mono_ops, v, l };
	v->color = (struct bus_region){ "vga", BUS_PORT, 0x3c0, 0x20, &color_ops, v, l };
	v->vbe = (struct bus_region){ "vbe", BUS_PORT, VBE_PORT, 3, &vbe_ops, v, l };
	v->window = (struct bus_region){ "vga memory", BUS_MEM, WINDOW_AT, WINDOW_SIZE,
					 &window_ops,  v,       l };
	for (unsigned i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = add_region(v, all[i], e);
	return r;
}

static void remove_legacy(struct vga *v)
{
	struct bus_region *const all[] = { &v->mono, &v->color, &v->vbe, &v->window };

	for (unsigned i = 0; i < v->added; i++)
		bus_remove(v->env.bus, all[i]);
}

static int add_pci(struct vga *v, struct err *e)
{
	const struct vga_env *env = &v->env;
	struct pci_dev *d = &v->pci;

	d->name = env->bochs ? "bochs-display" : "VGA";
	d->owner = v;
	pci_ids(d, 0x1234, 0x1111, env->bochs ? 0x038000 : 0x030000);
	d->config[PCI_REVISION] = 2;
	store_le16(d->config + PCI_SUB_VENDOR, 0x1af4);
	store_le16(d->config + PCI_SUB_DEVICE, 0x1100);
	pci_bar_memory(d, 0, env->memory, v->dispi.vram);
	pci_bar(d, 2, false, false, REGS_SIZE, &regs_ops, v, &v->lock);
	if (env->rom)
		pci_rom(d, env->rom, env->rom_len);
	return pci_add(env->pci, d, env->slot ? (int)env->slot : -1, 0, e);
}

int vga_new(struct vga **out, const struct vga_env *env, struct err *e)
{
	struct vga *v = mem_zalloc(1, sizeof(*v), e);
	struct display_screen screen = { env->bochs ? "bochs-display" : "VGA", &vga_display,
					 v };
	int r;

	if (!v)
		return -ENOMEM;
	pthread_mutex_init(&v->lock, NULL);
	v->env = *env;
	v->dispi.size = env->memory;
	if (env->xres)
		edid_make(v->edid, env->xres, env->yres);
	r = mem_alloc(env->memory, NULL, false, &v->dispi.vram, e);
	if (r == 0 && !env->bochs)
		r = add_legacy(v, e);
	if (r == 0)
		r = add_pci(v, e);
	if (r == 0)
		r = display_add(env->display, &screen, e);
	if (r < 0) {
		vga_free(v);
		return r;
	}
	vga_reset(v);
	*out = v;
	return 0;
}

void vga_reset(struct vga *v)
{
	pthread_mutex_lock(&v->lock);
	vga_regs_reset(v);
	dispi_reset(&v->dispi);
	v->dispi_index = 0;
	v->dispi_low = 0;
	pthread_mutex_unlock(&v->lock);
}

struct pci_dev *vga_pci(struct vga *v)
{
	return &v->pci;
}

void vga_free(struct vga *v)
{
	if (!v)
		return;
	display_remove(v->env.display, v);
	pci_remove(&v->pci);
	remove_legacy(v);
	mem_dealloc(v->dispi.vram, v->env.memory);
	pthread_mutex_destroy(&v->lock);
	free(v);
}
