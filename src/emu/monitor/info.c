/* SPDX-License-Identifier: MIT */
/* What "info" tells. */
#include "base/bytes.h"
#include "base/compiler.h"
#include "emu/bus.h"
#include "emu/chardev/chardev.h"
#include "emu/cpu/x86/state.h"
#include "emu/dev/pci.h"
#include "emu/dev/scsi.h"
#include "emu/machine.h"
#include "emu/mem.h"
#include "emu/monitor/ask.h"

#include <string.h>

static void status(struct ask *a)
{
	if (a->m->stopped_by)
		str_addf(a->out, "VM status: paused (%s)\n", a->m->stopped_by);
	else
		str_addf(a->out, "VM status: %s\n", command_status(a->m));
}

static void version(struct ask *a)
{
	str_add(a->out, "vemu " VERSION " (hostkit)\n");
}

static void cpus(struct ask *a)
{
	for (unsigned i = 0; i < a->m->vcpus; i++)
		str_addf(a->out, "%s CPU #%u:%s\n", i == a->cpu ? "*" : " ", i,
			 a->m->vcpu[i].halted ? " (halted)" : "");
}

static void one_region(void *arg, const struct bus_region *r)
{
	str_addf(arg, "  %016llx-%016llx  %s\n", (unsigned long long)r->base,
		 (unsigned long long)(r->base + (r->size - 1)), r->name);
}

static void mtree(struct ask *a)
{
	size_t n;
	const struct mem_slot *s = mem_slots(a->m->mem, &n);

	str_add(a->out, "memory\n");
	for (size_t i = 0; i < n; i++)
		str_addf(a->out, "  %016llx-%016llx  %s\n", (unsigned long long)s[i].gpa,
			 (unsigned long long)(s[i].gpa + (s[i].size - 1)),
			 s[i].writable ? "ram" : "rom");
	str_add(a->out, "registers in memory\n");
	bus_each(a->m->bus, BUS_MEM, one_region, a->out);
	str_add(a->out, "ports\n");
	bus_each(a->m->bus, BUS_PORT, one_region, a->out);
}

static void balloon(struct ask *a)
{
	struct err e = { 0 };
	uint64_t bytes;

	if (machine_balloon_now(a->m, &bytes, &e) < 0)
		str_addf(a->out, "%s\n", e.msg);
	else
		str_addf(a->out, "balloon: actual=%llu\n", (unsigned long long)(bytes >> 20));
}

static void block(struct ask *a)
{
	const struct machine_config *c = a->m->config;
	char name[MACHINE_DISK_NAME];

	for (unsigned i = 0; i < c->disks; i++) {
		const struct config_disk *d = &c->disk[i];
		struct scsi_unit *unit = pc_disk(a->m, i)->unit;
		bool open, locked;

		if (d->gone)
			continue;
		machine_disk_name(c, i, name);
		str_addf(a->out, "%s: %s%s%s%s", name, d->file ? d->file : "[not inserted]",
			 d->readonly || d->cdrom ? " (read-only)" : "",
			 d->snapshot ? " (snapshot)" : "", d->cdrom ? ", a CD-ROM drive" : "");
		if (unit) {
			scsi_tray(unit, &open, &locked);
			str_addf(a->out, ", tray %s%s", open ? "open" : "closed",
				 locked ? " and locked" : "");
		}
		str_add(a->out, "\n");
	}
}

static void network(struct ask *a)
{
	const struct machine_config *c = a->m->config;

	for (unsigned i = 0; i < c->nets; i++) {
		const uint8_t *mac = c->net[i].mac;

		if (c->net[i].gone)
			continue;
		str_addf(a->out, "card %u: %02x:%02x:%02x:%02x:%02x:%02x, %s%s%s\n", i, mac[0],
			 mac[1], mac[2], mac[3], mac[4], mac[5], c->net[i].kind,
			 *c->net[i].options ? " " : "", c->net[i].options);
	}
}

static void chardevs(struct ask *a)
{
	const struct chardev *c;

	for (unsigned i = 0; (c = chardevs_at(a->m->chardevs, i)); i++)
		str_addf(a->out, "%s: filename=%s%s\n", chardev_id(c),
			 chardev_open(c) ? "" : "disconnected:", chardev_about(c));
}

static void name(struct ask *a)
{
	str_addf(a->out, "%s\n", a->m->config->name ? a->m->config->name : "");
}

static void uuid(struct ask *a)
{
	str_addf(a->out, "%s\n",
		 a->m->config->uuid ? a->m->config->uuid
				    : "00000000-0000-0000-0000-000000000000");
}

static void kvm(struct ask *a)
{
	str_addf(a->out, "accelerator: %s\n", a->m->ops->name);
}

static void one_segment(struct ask *a, const char *what, const struct x86_seg *s)
{
	str_addf(a->out, "%-3s=%04x %016llx %08x %04x\n", what, s->sel,
		 (unsigned long long)s->base, s->limit, s->attr);
}

static void one_cpu(struct ask *a, const struct x86_cpu *c)
{
	static const char *const names[] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
					     "RSI", "RDI", "R8 ", "R9 ", "R10", "R11",
					     "R12", "R13", "R14", "R15" };
	static const char *const segs[] = { "ES", "CS", "SS", "DS", "FS", "GS" };

	for (unsigned i = 0; i < 16; i++)
		str_addf(a->out, "%s=%016llx%s", names[i], (unsigned long long)c->gpr[i],
			 i % 4 == 3 ? "\n" : " ");
	str_addf(a->out, "RIP=%016llx RFL=%08llx CPL=%u\n", (unsigned long long)c->rip,
		 (unsigned long long)c->rflags, x86_cpl(c));
	for (unsigned i = 0; i < X86_SEGS; i++)
		one_segment(a, segs[i], &c->seg[i]);
	one_segment(a, "LDT", &c->ldtr);
	one_segment(a, "TR", &c->tr);
	str_addf(a->out, "GDT=%016llx %04x IDT=%016llx %04x\n",
		 (unsigned long long)c->gdtr.base, c->gdtr.limit,
		 (unsigned long long)c->idtr.base, c->idtr.limit);
	str_addf(a->out, "CR0=%08llx CR2=%016llx CR3=%016llx CR4=%08llx EFER=%llx\n",
		 (unsigned long long)c->cr0, (unsigned long long)c->cr2,
		 (unsigned long long)c->cr3, (unsigned long long)c->cr4,
		 (unsigned long long)c->efer);
}

/* The registers are those of a vCPU outside guest code: the machine is stopped for it. */
static void registers(struct ask *a)
{
	bool was = a->m->running;

	machine_stop(a->m);
	one_cpu(a, a->m->vcpu[a->cpu].x86);
	if (was)
		machine_cont(a->m);
}

static void one_bar(struct str *out, const struct pci_dev *d, unsigned n)
{
	const struct pci_bar *b = &d->bar[n];
	const uint8_t *at = d->config + PCI_BAR0 + 4 * n;
	uint64_t v;

	if (!b->region.size)
		return;
	v = b->io ? load_le32(at) & ~3u
		  : (b->wide ? load_le64(at) : load_le32(at)) & ~UINT64_C(15);
	str_addf(out, "      BAR%u: %s at 0x%llx, %llu bytes%s\n", n,
		 b->io ? "I/O" : (b->wide ? "64 bit memory" : "32 bit memory"),
		 (unsigned long long)v, (unsigned long long)b->region.size,
		 b->mapped ? "" : " (off)");
}

static void one_pci(void *arg, const struct pci_dev *d)
{
	struct str *out = arg;

	str_addf(out, "  Bus  0, device %3u, function %u: %s\n", d->slot, d->fn, d->name);
	str_addf(out, "      class %02x%02x, device %04x:%04x", d->config[PCI_CLASS + 2],
		 d->config[PCI_CLASS + 1], load_le16(d->config + PCI_VENDOR),
		 load_le16(d->config + PCI_DEVICE));
	if (d->config[PCI_INT_PIN])
		str_addf(out, ", IRQ %u, pin %c", d->config[PCI_INT_LINE],
			 'A' + d->config[PCI_INT_PIN] - 1);
	str_add(out, "\n");
	for (unsigned n = 0; n < PCI_BARS; n++)
		one_bar(out, d, n);
}

static void pci(struct ask *a)
{
	pci_each(pc_bus(a->m), one_pci, a->out);
}

static void pic(struct ask *a)
{
	pc_interrupts(a->m, a->out);
}

static const struct {
	const char *name, *help;
	void (*fn)(struct ask *a);
} infos[] = {
	{ "balloon", "memory that the guest has", balloon },
	{ "block", "disks", block },
	{ "chardev", "where characters come from and go to", chardevs },
	{ "cpus", "processors", cpus },
	{ "kvm", "what runs the guest", kvm },
	{ "mem", "what is mapped, with what rights", pages_mem },
	{ "mtree", "memory and registers", mtree },
	{ "name", "the machine's name", name },
	{ "network", "network cards", network },
	{ "pci", "devices of the PCI bus", pci },
	{ "pic", "interrupt controllers", pic },
	{ "registers", "of the processor that \"cpu\" chose", registers },
	{ "status", "running or not", status },
	{ "tlb", "each page that is mapped", pages_tlb },
	{ "uuid", "the machine's UUID", uuid },
	{ "version", "of this program", version },
};

void info_run(struct ask *a, const char *what)
{
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++) {
		if (!strcmp(infos[i].name, what)) {
			infos[i].fn(a);
			return;
		}
	}
	if (*what)
		str_addf(a->out, "there is no 'info %.32s'\n", what);
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++)
		str_addf(a->out, "info %-10s %s\n", infos[i].name, infos[i].help);
}
