/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what it likes with an 82540EM, registers and descriptors, while frames come:
 * nothing crashes, hangs or grows.
 *
 * The input is a list of steps: a byte of what, then operands; see one().
 */
#include "emu/dev/e1000_int.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/virtrig.h"

#define STEPS 300u

struct input {
	const uint8_t *p;
	size_t n;
};

static struct vrig rig;
static struct e1000 *n;
static uint64_t at, io;

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->n; i++, in->n--)
		v |= (uint64_t)*in->p++ << 8 * i;
	return v;
}

static void make(void)
{
	static char none[] = "";
	const struct config_net c = { .kind = none,
				      .options = none,
				      .mac = { 0x52, 0x54, 0, 1, 2, 3 } };
	struct err e = { 0 };

	must(vr_new(&rig, &e) == 0);
	must(e1000_new(&n, rig.pci, rig.mem, &c, &e) == 0);
	pci_assign(rig.pci);
	at = vr_config(&rig, 1, 0x10) & ~15u;
	io = vr_config(&rig, 1, 0x14) & ~3u;
}

static void reg(unsigned off, uint32_t v)
{
	bus_write(rig.bus, BUS_MEM, at + off, 4, v);
}

/* As a driver would begin. */
static void on(uint32_t rctl)
{
	reg(R_TDBAL, 0x10000);
	reg(R_TDLEN, 1024);
	reg(R_TCTL, TCTL_EN);
	reg(R_RDBAL, 0x20000);
	reg(R_RDLEN, 1024);
	reg(R_RCTL, rctl | 2);
	for (unsigned i = 0; i < 64; i++)
		store_le64(rig.ram + 0x20000 + 16 * i, 0x40000 + 0x800 * i);
}

static void one(struct input *in)
{
	static const uint16_t often[] = { R_CTRL, R_EECD,  R_EERD,  R_MDIC,  R_ICR,   R_ICS,
					  R_IMS,  R_RCTL,  R_TCTL,  R_RDBAL, R_RDLEN, R_RDH,
					  R_RDT,  R_TDBAL, R_TDLEN, R_TDH,   R_TDT,   R_RAL };
	static uint8_t frame[2048];
	unsigned what = (unsigned)take(in, 1), off, len;

	switch (what % 8) {
	case 0:
	case 1:
		off = often[take(in, 1) % (sizeof(often) / sizeof(*often))];
		if (what & 8)
			bus_read(rig.bus, BUS_MEM, at + off, 4);
		else
			reg(off, (uint32_t)take(in, 4));
		break;
	case 2:
		off = (unsigned)take(in, 3) % E1000_REGS;
		if (what & 8)
			bus_read(rig.bus, BUS_MEM, at + off, 1u << (what >> 6));
		else
			bus_write(rig.bus, BUS_MEM, at + off, 1u << (what >> 6), take(in, 4));
		break;
	case 3:
		bus_write(rig.bus, BUS_PORT, io + (what & 8 ? 4 : 0), 4, take(in, 4));
		bus_read(rig.bus, BUS_PORT, io + (what & 16 ? 4 : 0), 4);
		break;
	case 4:
		on((uint32_t)take(in, 4));
		break;
	case 5: /* descriptors and what they name */
		off = (what & 8 ? 0x10000 : 0x20000) + (unsigned)take(in, 2) % 0x1000;
		for (len = (unsigned)take(in, 1) % 65; len; len--)
			rig.ram[off++] = (uint8_t)take(in, 1);
		break;
	case 6:
		e1000_transmit(n, n->net);
		break;
	default:
		len = (unsigned)take(in, 2) % sizeof(frame);
		memset(frame, (int)take(in, 1), 6);
		e1000_receive(n, frame, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };

	if (!n)
		make();
	e1000_reset(n);
	memset(rig.ram, 0, VR_RAM);
	for (unsigned i = 0; i < STEPS && in.n; i++)
		one(&in);
	e1000_reset(n);
	net_settle(n->net);
	must(!rig.line[0] && !rig.line[1] && !rig.line[2] && !rig.line[3]);
	return 0;
}
