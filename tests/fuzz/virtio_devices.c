/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what it likes with virtio devices: registers of both interfaces, rings and
 * requests in memory.  Nothing crashes, hangs or grows, disks keep their size, and those that are
 * read-only their bytes.
 *
 * The input is a list of steps: a byte of what, then operands; see one().
 */
#include "emu/chardev/chardev.h"
#include "emu/loop.h"
#include "emu/virtio/balloon.h"
#include "emu/virtio/blk.h"
#include "emu/virtio/rng.h"
#include "emu/virtio/scsi.h"
#include "emu/virtio/serial.h"
#include "tests/lib/diskrig.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/virtrig.h"

#define STEPS 300u

struct input {
	const uint8_t *p;
	size_t n;
};

enum { BLK = 1, OLD_BLK, RNG, SCSI, BALLOON, SERIAL, DEVICES };

static struct vrig rig;
static struct disk disk[4];
static struct virtio_blk *blk[2];
static struct virtio *rng;
static struct virtio_scsi *scsi;
static struct vr_dev dev[DEVICES];
static struct virtio_balloon *balloon;
static struct virtio_serial *serial;
static struct loop *loop;

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->n; i++, in->n--)
		v |= (uint64_t)*in->p++ << 8 * i;
	return v;
}

static void give(void *arg, uint64_t gpa, uint64_t len)
{
	(void)arg;
	must(len && gpa % 4096 == 0 && len % 4096 == 0 && gpa + len > gpa);
}

static void make_more(void)
{
	static char name[] = "ring";
	static struct config_chardev ring = { .id = name, .kind = CHARDEV_RING, .size = 4096 };
	const struct virtio_balloon_config b = { .reports = true, .give_back = give };
	struct virtio_serial_config s = { 0 };
	struct chardevs *chars;
	struct err e = { 0 };

	must(loop_new(&loop, &e) == 0);
	must(chardevs_new(&chars, &(struct chardev_env){ .loop = loop }, &ring, 1, &e) == 0);
	s.port[0] = (struct virtio_serial_port){ .there = true,
						 .console = true,
						 .chardev = chardevs_find(chars, "ring") };
	s.port[1] = (struct virtio_serial_port){ .there = true, .name = "org.fuzz.0" };
	must(virtio_balloon_new(&balloon, rig.pci, rig.mem, &b, &e) == 0);
	must(virtio_serial_new(&serial, rig.pci, rig.mem, &s, &e) == 0);
}

static void make(void)
{
	const struct config_pci old = { .no_modern = true };
	const struct virtio_blk_config b = { &disk[0], 2, 1, NULL },
				       o = { &disk[1], 1, 1, &old };
	const struct virtio_scsi_unit units[] = { { &disk[2], false, 1, 2 },
						  { &disk[3], true, 2, 0 } };
	const struct virtio_scsi_config sc = { units, 2, 2, NULL };
	struct err e = { 0 };

	must(vr_new(&rig, &e) == 0);
	for (unsigned i = 0; i < 4; i++)
		must(rig_disk(&disk[i], &e) == 0);
	disk[1].readonly = disk[3].readonly = true;
	must(virtio_blk_new(&blk[0], rig.pci, rig.mem, &b, &e) == 0);
	must(virtio_blk_new(&blk[1], rig.pci, rig.mem, &o, &e) == 0);
	must(virtio_rng_new(&rng, rig.pci, rig.mem, NULL, &(struct virtio_rng_config){ 0 },
			    &e) == 0);
	must(virtio_scsi_new(&scsi, rig.pci, rig.mem, &sc, &e) == 0);
	make_more();
}

static void again(void)
{
	for (unsigned i = 0; i < 2; i++)
		virtio_blk_reset(blk[i]);
	virtio_reset(rng);
	virtio_scsi_reset(scsi);
	virtio_balloon_reset(balloon);
	virtio_serial_reset(serial);
	pci_reset(rig.pci);
	pci_assign(rig.pci);
	memset(rig.ram, 0, VR_RAM);
	for (unsigned i = 1; i < DEVICES; i++)
		vr_find(&rig, &dev[i], i);
}

static void reg(struct input *in, enum bus_space space, uint64_t addr, unsigned what)
{
	unsigned size = 1u << (what >> 6);

	if (what & 32)
		bus_read(rig.bus, space, addr, size);
	else
		bus_write(rig.bus, space, addr, size, take(in, size));
}

/* A chain of three: what the device reads, and two pieces to write to. */
static void offer(struct vr_dev *d, struct input *in)
{
	unsigned q = (unsigned)take(in, 1) % 4, flags = (unsigned)take(in, 1);

	if (!d->q[q].size)
		return;
	vr_desc(d, q, 0, VR_DATA + take(in, 2), (uint32_t)take(in, 2), (flags & 3) | 1);
	vr_desc(d, q, 1, VR_DATA + 0x10000 + take(in, 2), (uint32_t)take(in, 2),
		flags >> 2 & 7);
	vr_desc(d, q, 2, VR_DATA + 0x20000, (uint32_t)take(in, 2), flags >> 5 & 6);
	vr_offer(d, q, 0);
}

static void one(struct input *in)
{
	unsigned what = (unsigned)take(in, 1), at;
	struct vr_dev *d = &dev[1 + take(in, 1) % (DEVICES - 1)];

	switch (what % 8) {
	case 0:
		if (d->regs)
			reg(in, BUS_MEM, d->regs + take(in, 2) % 0x4000, what);
		break;
	case 1:
		if (d->regs)
			reg(in, BUS_MEM,
			    d->regs + (take(in, 1) & 3) * 0x1000 + take(in, 1) % 64, what);
		break;
	case 2:
		if (d->ports)
			reg(in, BUS_PORT, d->ports + take(in, 1) % 128, what);
		break;
	case 3: /* with every queue, or with two */
		if (what & 8 ? d->ports : d->regs)
			vr_start(d, what & 8, what & 16 ? ~UINT64_C(0) : take(in, 8),
				 what & 32 ? 2 : 4);
		break;
	case 4:
	case 5:
		offer(d, in);
		break;
	case 6: /* bytes of requests and rings */
		at = what & 8 ? VR_RINGS(d->slot) : VR_DATA;
		at += (unsigned)take(in, 2) % 0x8000;
		for (unsigned n = (unsigned)take(in, 1) % 65; n; n--)
			rig.ram[at++] = (uint8_t)take(in, 1);
		break;
	default:
		bus_write(rig.bus, BUS_PORT, 0xcf8, 4,
			  1u << 31 | d->slot << 11 | (unsigned)(take(in, 1) & 0xfc));
		reg(in, BUS_PORT, 0xcfc, what & ~0xc0u);
	}
}

static void kept(void)
{
	static uint8_t buf[RIG_DISK];

	for (unsigned i = 0; i < 4; i++)
		must(disk[i].image->size == RIG_DISK);
	for (unsigned d = 1; d <= 3; d += 2) {
		must(blk_pread(disk[d].image, buf, RIG_DISK, 0, NULL) == 0);
		for (unsigned i = 0; i < RIG_DISK; i++)
			must(buf[i] == (uint8_t)(i / 512 + 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };

	if (!rig.pci)
		make();
	again();
	for (unsigned i = 0; i < STEPS && in.n; i++)
		one(&in);
	again();
	must(loop_once(loop, 0, NULL) == 0);
	kept();
	return 0;
}
