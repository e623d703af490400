/* SPDX-License-Identifier: MIT */
#include "emu/dev/vga.h"

#include "emu/dev/dispi.h"
#include "emu/dev/edid.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define MEMORY (1u << 20)
#define LFB    0xe0000000u
#define REGS   0xe1000000u

struct bench {
	struct bus *bus;
	struct mem *mem;
	struct pci *pci;
	struct vga *vga;
	struct display display;
	uint8_t *ram;
};

static void config(struct bench *b, unsigned reg, uint32_t v)
{
	bus_write(b->bus, BUS_PORT, 0xcf8, 4, 0x80000000u | vga_pci(b->vga)->slot << 11 | reg);
	bus_write(b->bus, BUS_PORT, 0xcfc, 4, v);
}

static void setup(struct bench *b, bool bochs)
{
	struct pci_env penv = { .low = LFB, .low_end = 0xf0000000 };
	struct vga_env env = { .bochs = bochs, .memory = MEMORY, .xres = 1280, .yres = 800 };
	struct err e = { 0 };

	memset(b, 0, sizeof(*b));
	assert_int_equal(bus_new(&b->bus, &e), 0);
	assert_int_equal(mem_new(&b->mem, &e), 0);
	assert_int_equal(mem_alloc(MEMORY, NULL, false, &b->ram, &e), 0);
	assert_int_equal(mem_map(b->mem, 0, MEMORY, b->ram, true, &e), 0);
	penv.bus = env.bus = b->bus;
	penv.mem = b->mem;
	assert_int_equal(pci_new(&b->pci, &penv, &e), 0);
	env.pci = b->pci;
	env.display = &b->display;
	assert_int_equal(vga_new(&b->vga, &env, &e), 0);
	config(b, PCI_BAR0, LFB);
	config(b, PCI_BAR0 + 8, REGS);
	config(b, PCI_COMMAND, PCI_CMD_MEM);
}

static void teardown(struct bench *b)
{
	vga_free(b->vga);
	assert_int_equal(b->display.n, 0);
	pci_root_free(b->pci);
	mem_free(b->mem);
	mem_dealloc(b->ram, MEMORY);
	bus_free(b->bus);
}

static void reg(struct bench *b, unsigned port, unsigned index, unsigned v)
{
	bus_write(b->bus, BUS_PORT, port, 2, index | v << 8);
}

static void dispi(struct bench *b, unsigned index, unsigned v)
{
	bus_write(b->bus, BUS_PORT, 0x1ce, 2, index);
	bus_write(b->bus, BUS_PORT, 0x1cf, 2, v);
}

static unsigned dispi_get(struct bench *b, unsigned index)
{
	bus_write(b->bus, BUS_PORT, 0x1ce, 2, index);
	return (unsigned)bus_read(b->bus, BUS_PORT, 0x1cf, 2);
}

static void window(struct bench *b, unsigned off, uint8_t v)
{
	bus_write(b->bus, BUS_MEM, 0xa0000 + off, 1, v);
}

static uint8_t peek(struct bench *b, unsigned off)
{
	return (uint8_t)bus_read(b->bus, BUS_MEM, 0xa0000 + off, 1);
}

/* The four planes' bytes, as the frame buffer shows them. */
static uint32_t planes(struct bench *b, unsigned at)
{
	uint32_t v = 0;

	assert_int_equal(mem_read(b->mem, LFB + 4 * at, &v, 4), 0);
	return v;
}

static void write_modes(void **state)
{
	struct bench b;

	setup(&b, false);
	reg(&b, 0x3c4, 2, 0x0f);
	reg(&b, 0x3c4, 4, 6);
	reg(&b, 0x3ce, 6, 5);
	reg(&b, 0x3ce, 8, 0xff);
	/* mode 0: the byte to the planes of the mask */
	reg(&b, 0x3c4, 2, 0x05);
	window(&b, 7, 0xc3);
	assert_int_equal(planes(&b, 7), 0x00c300c3);
	reg(&b, 0x3c4, 2, 0x0f);
	/* set and reset for planes 0 and 1 */
	reg(&b, 0x3ce, 0, 0x01);
	reg(&b, 0x3ce, 1, 0x03);
	window(&b, 8, 0x81);
	assert_int_equal(planes(&b, 8), 0x818100ff);
	reg(&b, 0x3ce, 1, 0);
	/* rotated by 4 and xor with the latches, in the upper half only */
	assert_int_equal(peek(&b, 8), 0xff);
	reg(&b, 0x3ce, 3, 0x18 | 4);
	reg(&b, 0x3ce, 8, 0xf0);
	window(&b, 9, 0x0f);
	assert_int_equal(planes(&b, 9), 0x7171f00f);
	reg(&b, 0x3ce, 3, 0);
	reg(&b, 0x3ce, 8, 0xff);
	/* mode 1: the latches */
	reg(&b, 0x3ce, 5, 1);
	window(&b, 10, 0);
	assert_int_equal(planes(&b, 10), 0x818100ff);
	/* mode 2: a colour */
	reg(&b, 0x3ce, 5, 2);
	window(&b, 11, 0x0a);
	assert_int_equal(planes(&b, 11), 0xff00ff00);
	/* mode 3: the byte is a mask for the colour of set and reset */
	reg(&b, 0x3ce, 5, 3);
	reg(&b, 0x3ce, 0, 0x0c);
	peek(&b, 11);
	window(&b, 12, 0x3c);
	assert_int_equal(planes(&b, 12), 0xff3cc300);
	/* reading mode 1: where the colour is 12, of planes 2 and 3 */
	reg(&b, 0x3ce, 5, 8);
	reg(&b, 0x3ce, 2, 0x0c);
	reg(&b, 0x3ce, 7, 0x0c);
	assert_int_equal(peek(&b, 12), 0x3c);
	reg(&b, 0x3ce, 5, 0);
	reg(&b, 0x3ce, 4, 1);
	assert_int_equal(peek(&b, 12), 0xc3);
	teardown(&b);
}

static void odd_even_and_chained(void **state)
{
	struct bench b;

	setup(&b, false);
	reg(&b, 0x3c4, 2, 0x03);
	reg(&b, 0x3c4, 4, 2);
	reg(&b, 0x3ce, 5, 0x10);
	reg(&b, 0x3ce, 6, 0x0e);
	reg(&b, 0x3ce, 8, 0xff);
	/* b8000 is shown, a0000 is nobody's */
	bus_write(b.bus, BUS_MEM, 0xb8000, 4, 0x07420741);
	assert_int_equal(planes(&b, 0), 0x0741);
	assert_int_equal(planes(&b, 1), 0x0742);
	assert_int_equal(bus_read(b.bus, BUS_MEM, 0xb8000, 4), 0x07420741);
	assert_int_equal(peek(&b, 0), 0xff);
	/* chained: one byte after the other, of the planes that may be written */
	reg(&b, 0x3c4, 4, 0x0e);
	reg(&b, 0x3ce, 6, 5);
	reg(&b, 0x3c4, 2, 0x0d);
	bus_write(b.bus, BUS_MEM, 0xa0000 + 400, 4, 0x44332211);
	assert_int_equal(planes(&b, 100), 0x44330011);
	assert_int_equal(bus_read(b.bus, BUS_MEM, 0xa0000 + 400, 4), 0x44330011);
	teardown(&b);
}

static void vbe(void **state)
{
	const uint32_t red = 0xff0000, mixed = 0x123456;
	struct display_mode m;
	struct bench b;
	uint8_t row[800 * 3];
	const struct display_screen *s;

	setup(&b, false);
	s = &b.display.screen[0];
	assert_int_equal(dispi_get(&b, DISPI_ID), 0xb0c5);
	assert_int_equal(dispi_get(&b, DISPI_MEMORY), 16);
	s->ops->mode(s->dev, &m);
	assert_int_equal(m.kind, DISPLAY_BLANK);
	memset(vga_pci(b.vga)->bar[0].bytes, 0xee, MEMORY);
	dispi(&b, DISPI_XRES, 320);
	dispi(&b, DISPI_YRES, 200);
	dispi(&b, DISPI_BPP, 32);
	dispi(&b, DISPI_ENABLE, DISPI_ON | 0x40);
	assert_int_equal(planes(&b, 320 * 200 - 1), 0);
	assert_int_equal(planes(&b, 320 * 200), 0xeeeeeeee);
	dispi(&b, DISPI_VIRT_WIDTH, 640);
	assert_int_equal(dispi_get(&b, DISPI_VIRT_HEIGHT), MEMORY / 2560);
	dispi(&b, DISPI_X_OFFSET, 8);
	dispi(&b, DISPI_Y_OFFSET, 9);
	assert_int_equal(mem_write(b.mem, LFB + 4 * (640 * 10 + 8), &red, 4), 0);
	/* a bank of the window */
	dispi(&b, DISPI_BANK, 0);
	bus_write(b.bus, BUS_MEM, 0xa0000 + 4 * (640 * 10 + 9), 4, mixed);
	s->ops->mode(s->dev, &m);
	assert_int_equal(m.width, 320);
	assert_int_equal(m.height, 200);
	assert_true(s->ops->row(s->dev, &m, 1, row));
	assert_memory_equal(row, "\xff\0\0\x12\x34\x56\0\0\0", 9);
	/* it stays within its memory */
	dispi(&b, DISPI_YRES, 60000);
	assert_int_equal(dispi_get(&b, DISPI_YRES), MEMORY / 2560);
	assert_int_equal(dispi_get(&b, DISPI_Y_OFFSET), 0);
	assert_false(s->ops->row(s->dev, &m, 1, row));
	dispi(&b, DISPI_ENABLE, DISPI_ON | DISPI_CAPS);
	assert_int_equal(dispi_get(&b, DISPI_XRES), 16000);
	/* registers in memory */
	assert_int_equal(bus_read(b.bus, BUS_MEM, REGS + 0x500, 2), 0xb0c5);
	bus_write(b.bus, BUS_MEM, REGS + 0x508, 2, 0);
	s->ops->mode(s->dev, &m);
	assert_int_equal(m.kind, DISPLAY_BLANK);
	teardown(&b);
}

static void memory_moves(void **state)
{
	struct mem_slot s;
	struct bench b;

	setup(&b, true);
	assert_true(mem_slot_at(b.mem, LFB, &s));
	assert_int_equal(s.size, MEMORY);
	config(&b, PCI_BAR0, 0xe8000000);
	assert_false(mem_slot_at(b.mem, LFB, &s));
	assert_true(mem_slot_at(b.mem, 0xe8000000, &s));
	/* never over RAM */
	config(&b, PCI_COMMAND, 0);
	assert_false(mem_slot_at(b.mem, 0xe8000000, &s));
	assert_int_equal(mem_map(b.mem, LFB + 0x1000, 0x1000, b.ram, true, NULL), 0);
	config(&b, PCI_BAR0, LFB);
	config(&b, PCI_COMMAND, PCI_CMD_MEM);
	assert_false(mem_slot_at(b.mem, LFB, &s));
	assert_true(mem_slot_at(b.mem, LFB + 0x1000, &s));
	assert_ptr_equal(s.host, b.ram);
	config(&b, PCI_COMMAND, 0);
	assert_true(mem_slot_at(b.mem, LFB + 0x1000, &s));
	/* without VGA there are no ports */
	assert_int_equal(bus_read(b.bus, BUS_PORT, 0x3cc, 1), 0xff);
	assert_int_equal(bus_read(b.bus, BUS_PORT, 0x1ce, 2), 0xffff);
	teardown(&b);
}

static void monitor_tells(void **state)
{
	struct bench b;
	uint8_t d[EDID_SIZE], sum = 0;

	setup(&b, true);
	edid_make(d, 1280, 800);
	for (unsigned i = 0; i < EDID_SIZE; i++) {
		assert_int_equal(bus_read(b.bus, BUS_MEM, REGS + i, 1), d[i]);
		sum = (uint8_t)(sum + d[i]);
	}
	assert_int_equal(sum, 0);
	assert_int_equal(d[54 + 2] | (d[54 + 4] & 0xf0) << 4, 1280);
	assert_int_equal(d[54 + 5] | (d[54 + 7] & 0xf0) << 4, 800);
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_modes),   cmocka_unit_test(odd_even_and_chained),
		cmocka_unit_test(vbe),           cmocka_unit_test(memory_moves),
		cmocka_unit_test(monitor_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
