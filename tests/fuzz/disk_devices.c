/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what it likes with IDE, AHCI and NVMe: registers, and the descriptors and
 * commands in memory that they read.  Nothing crashes, hangs or grows, the disks keep their
 * size, and those that are read-only their bytes.
 *
 * The input is a list of accesses: a byte of what, then operands; see one().
 */
#include "tests/lib/diskrig.h"
#include "tests/lib/fuzz.h"

#define STEPS 500u

struct input {
	const uint8_t *p;
	size_t n;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->n; i++, in->n--)
		v |= (uint64_t)*in->p++ << 8 * i;
	return v;
}

static void reg(struct rig *r, struct input *in, enum bus_space space, uint64_t addr,
		unsigned what)
{
	unsigned size = 1u << (what >> 6);

	if (what & 32)
		bus_read(r->bus, space, addr, size);
	else
		bus_write(r->bus, space, addr, size, take(in, size));
}

static void one(struct rig *r, struct input *in)
{
	unsigned what = (unsigned)take(in, 1);
	uint64_t at;

	switch (what % 16) {
	case 0:
	case 1:
		reg(r, in, BUS_PORT, 0x1f0 + take(in, 1) % 8, what);
		break;
	case 2:
		reg(r, in, BUS_PORT, 0x3f6, what);
		break;
	case 3:
		reg(r, in, BUS_PORT, r->bm_at + take(in, 1) % 16, what);
		break;
	case 4:
		reg(r, in, BUS_MEM, r->ahci_at + take(in, 1), what);
		break;
	case 5:
	case 6:
		reg(r, in, BUS_MEM, r->ahci_at + 0x100 + take(in, 1), what);
		break;
	case 7:
		reg(r, in, BUS_MEM, r->nvme_at + take(in, 1) % 64, what);
		break;
	case 8:
		reg(r, in, BUS_MEM, r->nvme_at + 0x1000 + take(in, 1) % 64, what);
		break;
	case 9: /* commands and lists where a driver would have them */
	case 10:
	case 11:
		at = RIG_LIST + take(in, 3) % 0x20000;
		for (unsigned n = (unsigned)take(in, 1) % 65; n; n--)
			r->ram[at++] = (uint8_t)take(in, 1);
		break;
	case 12:
		rig_ahci_on(r, (what >> 4) & 1);
		break;
	case 13:
		rig_nvme_on(r);
		break;
	case 14: /* a block out by PIO, as the data port is slow to write to */
		for (unsigned n = 0; n < 256; n++)
			bus_write(r->bus, BUS_PORT, 0x1f0, 2, what);
		break;
	default:
		for (unsigned n = 0; n < 256; n++)
			bus_read(r->bus, BUS_PORT, 0x1f0, 2);
	}
}

static void kept(struct rig *r)
{
	static uint8_t buf[RIG_DISK];

	for (unsigned i = 0; i < RIG_DISKS; i++)
		must(r->disk[i].image->size == RIG_DISK);
	for (unsigned d = 1; d <= 3; d += 2) {
		must(blk_pread(r->disk[d].image, buf, RIG_DISK, 0, NULL) == 0);
		for (unsigned i = 0; i < RIG_DISK; i++)
			must(buf[i] == (uint8_t)(i / 512 + 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rig *rig;
	static struct rig room;
	struct input in = { data, len };
	struct err e = { 0 };

	if (!rig) {
		must(rig_new(&room, &e) == 0);
		rig = &room;
	}
	rig_reset(rig);
	for (unsigned i = 0; i < STEPS && in.n; i++)
		one(rig, &in);
	rig_reset(rig);
	kept(rig);
	return 0;
}
