/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what it likes with every register of a PC, and with the memory that its
 * devices read: nothing crashes, hangs or grows, and the disk keeps to its image.
 *
 * The input is a list of accesses.  Each is a byte of what, then operands; see one().
 */
#include "emu/bus.h"
#include "emu/clock.h"
#include "emu/cpu/x86/state.h"
#include "emu/dev/lapic.h"
#include "emu/machine.h"
#include "emu/machines/pc_pci.h"
#include "emu/mem.h"
#include "tests/lib/fuzz.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAM   (4u << 20)
#define DISK  (256u << 10)
#define STEPS 2000u

#define HOT_SLOT 30u

/* Where registers are; the low bits come from the input. */
static const struct {
	enum bus_space space;
	uint64_t base;
	uint32_t mask;
} at[] = {
	{ BUS_PORT, 0x20, 1 },          { BUS_PORT, 0xa0, 1 },
	{ BUS_PORT, 0x4d0, 1 },         { BUS_PORT, 0x40, 3 },
	{ BUS_PORT, 0x60, 7 },          { BUS_PORT, 0x70, 1 },
	{ BUS_PORT, 0x80, 31 },         { BUS_PORT, 0x3f8, 7 },
	{ BUS_PORT, 0x600, 15 },        { BUS_PORT, 0xcf8, 7 },
	{ BUS_MEM, 0xfee00000, 0x3ff }, { BUS_MEM, 0xfec00000, 0x7f },
	{ BUS_MEM, 0xfed00000, 0x3ff }, { BUS_MEM, 0xb0000000, 0x3fff },
	{ BUS_MEM, 0xb0008000, 0xfff }, { BUS_MEM, 0xc0000000, 0x1ffff },
	{ BUS_MEM, 0xc0004000, 0x3f },  { BUS_MEM, 0xc0007000, 0xf },
	{ BUS_MEM, 0xc000c000, 0x3f },  { BUS_MEM, 0xc000f000, 0xf },
	{ BUS_PORT, 0, 0xffff },        { BUS_MEM, 0, 0xffffffff },
	{ BUS_PORT, 0x510, 15 },        { BUS_PORT, 0xae00, 0x1ff },
};

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

static void asked(void *arg)
{
	struct machine *m = arg;

	if (m->asked & MACHINE_EJECT) {
		/* what was there from the start stays */
		m->hot.ejected &= 1u << HOT_SLOT;
		hot_eject(m);
	}
	m->asked = 0;
}

/* A device comes, or is asked to go. */
static void plug(struct machine *m)
{
	struct err e = { 0 };
	struct hot_ref r;
	bool there = pc_pci_in_slot(pc_pci_of(m), HOT_SLOT, &r);

	if (there)
		must(hot_device_del(m, "hot", &e) == 0 || e.code == -EBUSY);
	else
		must(hot_device_add(m, "virtio-rng-pci,id=hot,addr=1e", &e) == 0);
}

/* It goes at the latest when the machine is reset. */
static void unplug(struct machine *m)
{
	struct hot_ref r;

	m->hot.ejected &= 1u << HOT_SLOT;
	m->hot.asked |= 1u << HOT_SLOT;
	hot_reset(m);
	must(!pc_pci_in_slot(pc_pci_of(m), HOT_SLOT, &r) && !m->hot.asked);
}

static struct machine *machine(void)
{
	static char kernel[] = "none"; /* so that no firmware is needed */
	static struct machine_config c = {
		.kind = MACHINE_Q35, .smp = 1, .mem = RAM, .kernel = kernel
	};
	static struct vcpu v;
	static struct machine m;
	static char name[] = "/tmp/fuzz-disk.XXXXXX";
	static char device[][16] = { "virtio-rng-pci", "pvpanic", "pvpanic-pci", "i6300esb",
				     "pci-testdev" };
	static char none[] = "", raw[] = "raw", null[] = "null";
	struct err e = { 0 };
	int fd;

	if (m.pc)
		return &m;
	fd = mkstemp(name);
	must(fd >= 0 && ftruncate(fd, DISK) == 0);
	c.serial[0] = null;
	c.disks = 1;
	c.disk[0] = (struct config_disk){ .file = name, .format = raw, .threads = 1 };
	c.devices = sizeof(device) / sizeof(*device);
	for (unsigned i = 0; i < c.devices; i++)
		c.device[i] = (struct config_device){ .name = device[i], .options = none };
	m.config = &c;
	m.job = (struct loop_job){ .run = asked, .arg = &m };
	m.vcpus = 1;
	m.vcpu = &v;
	m.low_ram = RAM;
	vcpu_group_init(&m.group, &v, 1);
	pthread_mutex_init(&m.lock, NULL);
	pthread_cond_init(&m.changed, NULL);
	must(loop_new(&m.loop, &e) == 0 && bus_new(&m.bus, &e) == 0 &&
	     mem_new(&m.mem, &e) == 0);
	m.clock = loop_clock(m.loop);
	must(mem_alloc(RAM, NULL, false, &m.ram, &e) == 0);
	must(mem_map(m.mem, 0, RAM, m.ram, true, &e) == 0);
	must(apics_new(&m.apics, m.bus, m.clock, 1, &e) == 0);
	v.m = &m;
	sem_init(&v.wake, 0, 0);
	must(x86_cpu_new(&v.x86, 0, &e) == 0);
	apics_attach(m.apics, &v);
	must(pc_new(&m, &e) == 0);
	unlink(name);
	close(fd);
	clock_run(m.clock);
	return &m;
}

static void one(struct machine *m, struct input *in)
{
	unsigned what = (unsigned)take(in, 1), size = 1u << (what >> 6);
	unsigned i = what % 32;
	struct x86_cpu *c = m->vcpu[0].x86;
	uint64_t addr, v;

	if (i < sizeof(at) / sizeof(*at)) {
		addr = at[i].base + (take(in, at[i].mask > 0xff ? 4 : 1) & at[i].mask);
		if (what & 32)
			bus_read(m->bus, at[i].space, addr, size);
		else
			bus_write(m->bus, at[i].space, addr, size, take(in, size));
		return;
	}
	switch (i) {
	case 24: /* descriptors and the like */
		addr = take(in, 2) * 16;
		for (unsigned n = (unsigned)take(in, 1) % 33; n; n--) {
			uint8_t b = (uint8_t)take(in, 1);
			int r = mem_write(m->mem, addr++, &b, 1);

			(void)r;
		}
		break;
	case 25:
		c->apic->take(c->apic_arg);
		break;
	case 26:
		pc_pic_vector(m);
		break;
	case 27:
		addr = 0x800 + take(in, 1) % 0x40;
		c->apic->rdmsr(c->apic_arg, (uint32_t)addr, &v);
		c->apic->wrmsr(c->apic_arg, (uint32_t)addr, take(in, 8));
		break;
	case 28:
		c->apic->wrmsr(c->apic_arg, 0x1b, 0xfee00000 | (take(in, 1) & 15) << 8);
		break;
	case 29:
		pc_button(m);
		break;
	case 30:
		plug(m);
		break;
	default:
		must(loop_once(m->loop, 0, NULL) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct machine *m = machine();
	struct input in = { data, len };

	x86_reset(m->vcpu[0].x86);
	lapic_reset(m->vcpu[0].lapic, false);
	pc_reset(m);
	vcpu_set_current(&m->vcpu[0]);
	for (unsigned i = 0; i < STEPS && in.n; i++)
		one(m, &in);
	must(loop_once(m->loop, 0, NULL) == 0);
	unplug(m);
	/* what was asked for would be done by the loop */
	m->asked = 0;
	m->hold = false;
	machine_events_forget(m);
	loop_forget(m->loop, &m->job);
	return 0;
}
