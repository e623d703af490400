/* SPDX-License-Identifier: MIT */
#include "emu/monitor/command.h"

#include "base/mem.h"
#include "emu/bus.h"
#include "emu/chardev/chardev.h"
#include "emu/cpu/x86/paging.h"
#include "emu/cpu/x86/state.h"
#include "emu/machine.h"
#include "emu/mem.h"
#include "emu/monitor/ringbuf.h"
#include "emu/monitor/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *command_status(const struct machine *m)
{
	return m->powered_off  ? "shutdown"
	       : m->running    ? "running"
	       : m->stopped_by ? m->stopped_by
			       : "paused";
}

/* ---- words ---- */

static void info_status(struct machine *m, struct str *out)
{
	if (m->stopped_by)
		str_addf(out, "VM status: paused (%s)\n", m->stopped_by);
	else
		str_addf(out, "VM status: %s\n", command_status(m));
}

static void info_version(struct machine *m, struct str *out)
{
	(void)m;
	str_add(out, "vemu " VERSION " (hostkit)\n");
}

static void info_cpus(struct machine *m, struct str *out)
{
	for (unsigned i = 0; i < m->vcpus; i++)
		str_addf(out, "%s CPU #%u:%s\n", i ? " " : "*", i,
			 m->vcpu[i].halted ? " (halted)" : "");
}

static void one_region(void *arg, const struct bus_region *r)
{
	str_addf(arg, "  %016llx-%016llx  %s\n", (unsigned long long)r->base,
		 (unsigned long long)(r->base + (r->size - 1)), r->name);
}

static void info_mtree(struct machine *m, struct str *out)
{
	size_t n;
	const struct mem_slot *s = mem_slots(m->mem, &n);

	str_add(out, "memory\n");
	for (size_t i = 0; i < n; i++)
		str_addf(out, "  %016llx-%016llx  %s\n", (unsigned long long)s[i].gpa,
			 (unsigned long long)(s[i].gpa + (s[i].size - 1)),
			 s[i].writable ? "ram" : "rom");
	str_add(out, "registers in memory\n");
	bus_each(m->bus, BUS_MEM, one_region, out);
	str_add(out, "ports\n");
	bus_each(m->bus, BUS_PORT, one_region, out);
}

static void info_block(struct machine *m, struct str *out)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->disks; i++)
		str_addf(out, "virtio%u: %s%s%s\n", i, c->disk[i].file,
			 c->disk[i].readonly ? " (read-only)" : "",
			 c->disk[i].snapshot ? " (snapshot)" : "");
}

static void info_network(struct machine *m, struct str *out)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->nets; i++) {
		const uint8_t *a = c->net[i].mac;

		str_addf(out, "virtio-net %u: %02x:%02x:%02x:%02x:%02x:%02x, %s%s%s\n", i, a[0],
			 a[1], a[2], a[3], a[4], a[5], c->net[i].kind,
			 *c->net[i].options ? " " : "", c->net[i].options);
	}
}

static void info_chardev(struct machine *m, struct str *out)
{
	const struct chardev *c;

	for (unsigned i = 0; (c = chardevs_at(m->chardevs, i)); i++)
		str_addf(out, "%s: filename=%s%s\n", chardev_id(c),
			 chardev_open(c) ? "" : "disconnected:", chardev_about(c));
}

static void info_name(struct machine *m, struct str *out)
{
	str_addf(out, "%s\n", m->config->name ? m->config->name : "");
}

static void info_uuid(struct machine *m, struct str *out)
{
	str_addf(out, "%s\n",
		 m->config->uuid ? m->config->uuid : "00000000-0000-0000-0000-000000000000");
}

static void info_kvm(struct machine *m, struct str *out)
{
	str_addf(out, "accelerator: %s\n", m->ops->name);
}

/* The registers are those of a vCPU outside guest code: the machine is stopped for it. */
static void info_registers(struct machine *m, struct str *out)
{
	static const char *const names[] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
					     "RSI", "RDI", "R8 ", "R9 ", "R10", "R11",
					     "R12", "R13", "R14", "R15" };
	bool was = m->running;
	const struct x86_cpu *c = m->vcpu[0].x86;

	machine_stop(m);
	for (unsigned i = 0; i < 16; i++)
		str_addf(out, "%s=%016llx%s", names[i], (unsigned long long)c->gpr[i],
			 i % 4 == 3 ? "\n" : " ");
	str_addf(out, "RIP=%016llx RFL=%08llx CS=%04x SS=%04x\n", (unsigned long long)c->rip,
		 (unsigned long long)c->rflags, c->seg[X86_CS].sel, c->seg[X86_SS].sel);
	str_addf(out, "CR0=%08llx CR2=%016llx CR3=%016llx CR4=%08llx EFER=%llx\n",
		 (unsigned long long)c->cr0, (unsigned long long)c->cr2,
		 (unsigned long long)c->cr3, (unsigned long long)c->cr4,
		 (unsigned long long)c->efer);
	if (was)
		machine_cont(m);
}

static void info_balloon(struct machine *m, struct str *out)
{
	struct err e = { 0 };
	uint64_t bytes;

	if (machine_balloon_now(m, &bytes, &e) < 0)
		str_addf(out, "%s\n", e.msg);
	else
		str_addf(out, "balloon: actual=%llu\n", (unsigned long long)(bytes >> 20));
}

static const struct info {
	const char *name, *help;
	void (*fn)(struct machine *m, struct str *out);
} infos[] = {
	{ "balloon", "memory that the guest has", info_balloon },
	{ "block", "disks", info_block },
	{ "chardev", "where characters come from and go to", info_chardev },
	{ "cpus", "processors", info_cpus },
	{ "kvm", "what runs the guest", info_kvm },
	{ "mtree", "memory and registers", info_mtree },
	{ "name", "the machine's name", info_name },
	{ "network", "network cards", info_network },
	{ "registers", "of the first processor", info_registers },
	{ "status", "running or not", info_status },
	{ "uuid", "the machine's UUID", info_uuid },
	{ "version", "of this program", info_version },
};

static void do_info(struct machine *m, const char *arg, struct str *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++) {
		if (!strcmp(infos[i].name, arg)) {
			infos[i].fn(m, out);
			return;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++)
		str_addf(out, "info %-10s %s\n", infos[i].name, infos[i].help);
}

static void do_stop(struct machine *m, const char *arg, struct str *out)
{
	(void)arg;
	(void)out;
	machine_stop(m);
}

static void do_cont(struct machine *m, const char *arg, struct str *out)
{
	(void)arg;
	machine_cont(m);
	if (!m->running)
		str_add(out, "the guest is switched off\n");
}

static void do_reset(struct machine *m, const char *arg, struct str *out)
{
	(void)arg;
	(void)out;
	machine_request(m, MACHINE_RESET, NULL);
}

static void do_powerdown(struct machine *m, const char *arg, struct str *out)
{
	(void)arg;
	if (!machine_powerdown(m))
		str_add(out, "the guest does not listen to its power button (yet)\n");
}

static void do_quit(struct machine *m, const char *arg, struct str *out)
{
	(void)arg;
	(void)out;
	machine_request(m, MACHINE_QUIT, NULL);
}

/* The word at a physical address, or at a linear one of the first vCPU. */
static int peek(struct machine *m, unsigned long long addr, bool linear, uint32_t *v)
{
	uint8_t *to = (uint8_t *)v;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t gpa = addr + i;

		if (linear && x86_peek(m->vcpu[0].x86, m->mem, addr + i, &gpa) < 0)
			return -EFAULT;
		if (mem_read(m->mem, gpa, to + i, 1) < 0)
			return -EFAULT;
	}
	return 0;
}

/* /COUNT ADDRESS: words of memory. */
static void dump(struct machine *m, const char *arg, bool linear, struct str *out)
{
	unsigned long long addr, count = 1;

	if (*arg == '/') {
		char *end;

		count = strtoull(arg + 1, &end, 10);
		arg = end + strspn(end, "wx ");
	}
	addr = strtoull(arg, NULL, 0);
	for (unsigned i = 0; i < count && i < 1024; i++) {
		uint32_t v;

		if (i % 4 == 0)
			str_addf(out, "%s%016llx:", i ? "\n" : "", addr + 4 * i);
		if (peek(m, addr + 4 * i, linear, &v) < 0)
			str_add(out, " --------");
		else
			str_addf(out, " 0x%08x", v);
	}
	str_add(out, "\n");
}

static void do_xp(struct machine *m, const char *arg, struct str *out)
{
	dump(m, arg, false, out);
}

static void do_x(struct machine *m, const char *arg, struct str *out)
{
	bool was = m->running;

	/* the tables are those of a vCPU outside guest code */
	machine_stop(m);
	dump(m, arg, true, out);
	if (was)
		machine_cont(m);
}

static void no_states(struct machine *m, const char *arg, struct str *out)
{
	(void)m;
	(void)arg;
	str_add(out, "a machine's state cannot be saved, loaded or moved yet\n");
}

static void do_balloon(struct machine *m, const char *arg, struct str *out)
{
	struct err e = { 0 };
	char *end;
	unsigned long long mib = strtoull(arg, &end, 10);

	if (end == arg || *end || !mib || mib > 1u << 30)
		str_add(out, "balloon: how many MiB shall the guest have?\n");
	else if (machine_balloon(m, (uint64_t)mib << 20, &e) < 0)
		str_addf(out, "%s\n", e.msg);
}

static void do_help(struct machine *m, const char *arg, struct str *out);

static const struct word {
	const char *name, *help;
	void (*fn)(struct machine *m, const char *arg, struct str *out);
} words[] = {
	{ "balloon", "MIB: how much memory the guest shall have", do_balloon },
	{ "cont", "go on", do_cont },
	{ "c", "go on", do_cont },
	{ "help", "this list", do_help },
	{ "info", "WHAT: tell; alone it lists what there is", do_info },
	{ "loadvm", "refused: states cannot be loaded yet", no_states },
	{ "migrate", "refused: states cannot be moved yet", no_states },
	{ "quit", "end the machine at once", do_quit },
	{ "q", "end the machine at once", do_quit },
	{ "ringbuf_read", "ID SIZE: what was written to a chardev of memory", ringbuf_show },
	{ "ringbuf_write", "ID TEXT: write to one", ringbuf_add },
	{ "savevm", "refused: states cannot be saved yet", no_states },
	{ "screendump", "FILE [-f ppm|png]: a picture of the screen", screen_dump },
	{ "stop", "stop the guest", do_stop },
	{ "system_powerdown", "press the power button", do_powerdown },
	{ "system_reset", "press the reset button", do_reset },
	{ "x", "[/COUNT] ADDRESS: 32-bit words at a linear address of the first processor",
	  do_x },
	{ "xp", "[/COUNT] ADDRESS: 32-bit words of the guest's memory", do_xp },
};

static void do_help(struct machine *m, const char *arg, struct str *out)
{
	(void)m;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!*arg || !strcmp(arg, words[i].name))
			str_addf(out, "%-18s %s\n", words[i].name, words[i].help);
}

void command_line(struct machine *m, const char *line, struct str *out)
{
	size_t n;

	line += strspn(line, " ");
	n = strcspn(line, " /");
	if (!*line)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) != n || memcmp(words[i].name, line, n) != 0)
			continue;
		words[i].fn(m, line + n + strspn(line + n, " "), out);
		return;
	}
	str_addf(out, "unknown command: '%.*s'\n", (int)n, line);
}
