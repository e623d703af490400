/* SPDX-License-Identifier: MIT */
/* The 82540EM as a driver sees it, with a cable whose other end is loose. */
#include "emu/dev/e1000_int.h"
#include "tests/lib/virtrig.h"
#include "tests/unit/unit.h"

#define TX   0x10000u
#define RX   0x20000u
#define BUF  0x40000u
#define SENT 0x30000u

static struct vrig rig;
static struct e1000 *n;
static uint64_t at, io;

static uint32_t get(unsigned off)
{
	return (uint32_t)bus_read(rig.bus, BUS_MEM, at + off, 4);
}

static void set(unsigned off, uint32_t v)
{
	bus_write(rig.bus, BUS_MEM, at + off, 4, v);
}

static int begin(void **state)
{
	static char none[] = "";
	const struct config_net c = { .kind = none,
				      .options = none,
				      .mac = { 0x52, 0x54, 0, 1, 2, 3 } };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(vr_new(&rig, &e), 0);
	assert_int_equal(e1000_new(&n, rig.pci, rig.mem, &c, &e), 0);
	pci_assign(rig.pci);
	at = vr_config(&rig, 1, 0x10) & ~15u;
	io = vr_config(&rig, 1, 0x14) & ~3u;
	return 0;
}

static int end(void **state)
{
	(void)state;
	e1000_free(n);
	vr_free(&rig);
	return 0;
}

/* One wire of the EEPROM up and down. */
static void wire(uint32_t bits)
{
	set(R_EECD, 0x42 | bits);
	set(R_EECD, 0x43 | bits);
	set(R_EECD, 0x42 | bits);
}

static void test_eeprom(void **state)
{
	uint16_t sum = 0, v = 0;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		set(R_EERD, i << 8 | 1);
		assert_true(get(R_EERD) & 0x10);
		sum = (uint16_t)(sum + (get(R_EERD) >> 16));
	}
	assert_int_equal(sum, 0xbaba);
	/* word 1, then the next, by the wires */
	set(R_EECD, 0x40);
	assert_true(get(R_EECD) & 0x80);
	set(R_EECD, 0x42);
	for (int i = 8; i >= 0; i--)
		wire((6u << 6 | 1u) >> i & 1 ? 4 : 0);
	for (unsigned i = 0; i < 32; i++) {
		set(R_EECD, 0x43);
		v = (uint16_t)(v << 1 | (get(R_EECD) >> 3 & 1));
		set(R_EECD, 0x42);
		if (i == 15)
			assert_int_equal(v, 0x0100);
	}
	assert_int_equal(v, 0x0302);
	set(R_EECD, 0);
	/* the PHY, and one that is not there */
	set(R_MDIC, 2u << 26 | 1u << 21 | 2u << 16);
	assert_int_equal(get(R_MDIC) & 0xffff, 0x0141);
	set(R_MDIC, 2u << 26 | 2u << 21 | 2u << 16);
	assert_true(get(R_MDIC) >> 30 & 1);
	/* the same registers by ports */
	bus_write(rig.bus, BUS_PORT, io, 4, R_STATUS);
	assert_int_equal(bus_read(rig.bus, BUS_PORT, io + 4, 4), 0x83);
}

static void test_receive(void **state)
{
	uint8_t f[1600] = { 0x52, 0x54, 0, 1, 2, 3, 9, 9, 9, 9, 9, 9, 8, 0, 42 };
	uint8_t *d = rig.ram + RX;

	(void)state;
	e1000_reset(n);
	memset(rig.ram, 0, VR_RAM);
	/* off: it is lost */
	assert_true(e1000_receive(n, f, 100));
	for (unsigned i = 0; i < 8; i++)
		store_le64(d + 16 * i, BUF + 0x1000 * i);
	set(R_RDBAL, RX);
	set(R_RDLEN, 128);
	set(R_RCTL, 2 | 0x8000);
	set(R_IMS, I_RXT0);
	/* on, without buffers: it waits */
	assert_false(e1000_receive(n, f, 100));
	set(R_RDT, 7);
	assert_true(e1000_receive(n, f, 40));
	assert_int_equal(d[12] & 3, 3);
	assert_int_equal(load_le16(d + 8), 64);
	assert_int_equal(rig.ram[BUF + 14], 42);
	assert_int_equal(get(R_RDH), 1);
	assert_int_equal(rig.line[1], 1);
	assert_int_equal(get(R_ICR) & I_RXT0, I_RXT0);
	assert_int_equal(rig.line[1], 0);
	/* another's, a group's, and all's */
	f[5] = 4;
	assert_true(e1000_receive(n, f, 100));
	f[0] = 1;
	assert_true(e1000_receive(n, f, 100));
	assert_int_equal(get(R_RDH), 1);
	memset(f, 0xff, 6);
	assert_true(e1000_receive(n, f, 100));
	assert_int_equal(get(R_RDH), 2);
	/* two buffers of 1024 */
	set(R_RCTL, 2 | 0x8000 | 1u << 16 | 1u << 26);
	assert_true(e1000_receive(n, f, 1500));
	assert_int_equal(d[16 * 2 + 12] & 3, 1);
	assert_int_equal(load_le16(d + 16 * 2 + 8), 1024);
	assert_int_equal(d[16 * 3 + 12] & 3, 3);
	assert_int_equal(load_le16(d + 16 * 3 + 8), 476);
	/* too long for who did not ask for it */
	assert_true(e1000_receive(n, f, 1600));
	assert_int_equal(get(R_RDH), 4);
	/* a ring that is nowhere */
	set(R_RDBAL, 0x7ffff000);
	assert_true(e1000_receive(n, f, 100));
}

static void tx(unsigned i, uint64_t addr, uint32_t low, uint32_t high)
{
	uint8_t *d = rig.ram + TX + 16 * i;

	store_le64(d, addr);
	store_le32(d + 8, low);
	store_le32(d + 12, high);
}

/* Until the ring is empty. */
static void sent(unsigned tail)
{
	const struct timespec t = { 0, 200000 };

	set(R_TDT, tail);
	while (get(R_TDH) != tail)
		nanosleep(&t, NULL);
}

static void test_transmit(void **state)
{
	uint8_t *p = rig.ram + SENT;

	(void)state;
	e1000_reset(n);
	memset(rig.ram, 0, VR_RAM);
	set(R_TDBAL, TX);
	set(R_TDLEN, 128);
	set(R_TCTL, TCTL_EN);
	/* the first kind */
	tx(0, SENT, 60 | 1u << 24 | 1u << 27, 0);
	sent(1);
	assert_int_equal(rig.ram[TX + 12] & 1, 1);
	assert_int_equal(get(R_GPTC), 1);
	assert_int_equal(get(R_GPTC), 0);
	assert_true(get(R_ICR) & I_TXDW);
	/* segments: 54 bytes of headers, 3000 of data, 1460 at a time */
	for (unsigned i = 0; i < 3054; i++)
		p[i] = (uint8_t)i;
	p[14] = 0x45;
	store_be32(p + 38, 1000);
	p[47] = 0x19;
	memset(rig.ram + TX, 0, 128);
	/* context: IP sum 14..33 at 24, TCP sum from 34 at 50 */
	store_le32(rig.ram + TX + 16, 14 | 24 << 8 | 33u << 16);
	store_le32(rig.ram + TX + 20, 34 | 50 << 8);
	store_le32(rig.ram + TX + 24, 3000 | 1u << 29 | 7u << 24);
	store_le32(rig.ram + TX + 28, 54u << 8 | 1460u << 16);
	tx(2, SENT, 2000 | 1u << 20 | 1u << 29 | 1u << 26, 3 << 8);
	tx(3, SENT + 2000, 1054 | 1u << 20 | 1u << 29 | 1u << 26 | 1u << 24 | 1u << 27, 3 << 8);
	sent(4);
	assert_int_equal(get(R_GPTC), 3);
	/* the last of them: 80 bytes of data, with all of its headers made anew */
	assert_int_equal(load_be16(n->frame + 16), 40 + 80);
	assert_int_equal(load_be32(n->frame + 38), 1000 + 2920);
	assert_int_equal(n->frame[47], 0x19);
	assert_int_equal(n->frame[54], (uint8_t)(54 + 2920));
	/* more than any packet is none */
	tx(4, BUF, 0xfffff | 1u << 20 | 1u << 29 | 1u << 24 | 1u << 27, 0);
	sent(5);
	assert_int_equal(get(R_GPTC), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eeprom),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_transmit),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
