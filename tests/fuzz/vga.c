/* SPDX-License-Identifier: MIT */
/*
 * Any use of a VGA's ports, its window, its registers in memory and its BARs: whatever mode comes out
 * of it, each row can be drawn, within what the mode says, and text within its bounds.
 */
#include "emu/dev/vga.h"

#include "emu/dev/vga_int.h"
#include "emu/mem.h"
#include "tests/lib/fuzz.h"

#include <string.h>

#define MEMORY (1u << 20)
#define REGS   0xe1000000u
#define GUARD  0xa5

static struct bus *bus;
static struct mem *mem;
static struct pci *pci;
static struct vga *vga;
static struct display display;

static void start(void)
{
	struct pci_env penv = { .low = 0xe0000000, .low_end = 0xf0000000 };
	struct vga_env env = {
		.display = &display, .memory = MEMORY, .xres = 1280, .yres = 800
	};
	struct err e = { 0 };

	must(bus_new(&bus, &e) == 0 && mem_new(&mem, &e) == 0);
	penv.bus = env.bus = bus;
	penv.mem = mem;
	must(pci_new(&pci, &penv, &e) == 0);
	env.pci = pci;
	must(vga_new(&vga, &env, &e) == 0);
	must(display.n == 1);
}

static void config(unsigned reg, uint32_t v)
{
	bus_write(bus, BUS_PORT, 0xcf8, 4, 0x80000000u | vga_pci(vga)->slot << 11 | reg);
	bus_write(bus, BUS_PORT, 0xcfc, 4, v);
}

static void draw_all(void)
{
	static uint8_t row[3 * DISPLAY_WIDTH + 1];
	static struct display_text text;
	const struct display_screen *s = &display.screen[0];
	struct display_mode m;

	s->ops->mode(s->dev, &m);
	must((m.kind == DISPLAY_BLANK) == (m.width == 0 && m.height == 0));
	must(m.width <= DISPLAY_WIDTH);
	if (m.height) {
		unsigned rows[3] = { 0, m.height / 2, m.height - 1 };

		for (unsigned i = 0; i < 3; i++) {
			row[3 * m.width] = GUARD;
			must(s->ops->row(s->dev, &m, rows[i], row));
			must(row[3 * m.width] == GUARD);
		}
	}
	must(!s->ops->row(s->dev, &m, m.height, row));
	must(s->ops->text(s->dev, &text) == (m.kind == DISPLAY_TEXT));
	if (m.kind == DISPLAY_TEXT)
		must(text.cols <= DISPLAY_COLS && text.rows <= DISPLAY_ROWS &&
		     text.cursor < (int)(text.cols * text.rows));
}

static void step(const uint8_t *d)
{
	uint32_t v = d[2] | (uint32_t)d[3] << 8;

	switch (d[0] & 7) {
	case 0: /* index and data */
		bus_write(bus, BUS_PORT, 0x3b0 + (d[1] & 0x3f), 2, v);
		break;
	case 1:
		bus_write(bus, BUS_PORT, 0x3b0 + (d[1] & 0x3f), 1, d[2]);
		break;
	case 2:
		must(bus_read(bus, BUS_PORT, 0x3b0 + (d[1] & 0x3f), 1) < 256);
		break;
	case 3:
		bus_write(bus, BUS_PORT, 0x1ce, 2, d[1] & 15);
		bus_write(bus, BUS_PORT, 0x1cf, 2, v);
		must(bus_read(bus, BUS_PORT, 0x1cf, 2) < 65536);
		break;
	case 4:
		bus_write(bus, BUS_MEM, 0xa0000 + v * 2 + (d[1] & 1), 1u << (d[0] >> 6),
			  v * 0x10001);
		break;
	case 5:
		bus_read(bus, BUS_MEM, 0xa0000 + v * 2 + (d[1] & 1), 1u << (d[0] >> 6));
		break;
	case 6:
		bus_write(bus, BUS_MEM, REGS + d[1] * 8, 1u << (d[0] >> 6 & 3), v);
		bus_read(bus, BUS_MEM, REGS + d[1] * 8, 1u << (d[0] >> 6 & 3));
		break;
	default:
		config(d[1] & 1 ? PCI_BAR0 : PCI_COMMAND, d[1] & 1 ? v << 16 : v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mem_slot s;

	if (!vga)
		start();
	vga_reset(vga);
	pci_reset(pci);
	must(!mem_slot_at(mem, 0xe0000000, &s));
	config(PCI_BAR0, 0xe0000000);
	config(PCI_BAR0 + 8, REGS);
	config(PCI_COMMAND, PCI_CMD_MEM);
	must(mem_slot_at(mem, 0xe0000000, &s) && s.size == MEMORY);
	for (; len >= 4; data += 4, len -= 4)
		step(data);
	draw_all();
	return 0;
}
