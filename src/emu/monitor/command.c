/* SPDX-License-Identifier: MIT */
#include "emu/monitor/command.h"

#include "base/mem.h"
#include "emu/log.h"
#include "emu/machine.h"
#include "emu/monitor/ask.h"
#include "emu/monitor/chord.h"
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

static void do_info(struct ask *a, const char *arg)
{
	info_run(a, arg);
}

static void do_stop(struct ask *a, const char *arg)
{
	(void)arg;
	machine_stop(a->m);
}

static void do_cont(struct ask *a, const char *arg)
{
	(void)arg;
	machine_cont(a->m);
	if (!a->m->running)
		str_add(a->out, "the guest is switched off\n");
}

static void do_reset(struct ask *a, const char *arg)
{
	(void)arg;
	machine_request(a->m, MACHINE_RESET, NULL);
}

static void do_powerdown(struct ask *a, const char *arg)
{
	(void)arg;
	if (!machine_powerdown(a->m))
		str_add(a->out, "the guest does not listen to its power button (yet)\n");
}

static void do_quit(struct ask *a, const char *arg)
{
	(void)arg;
	machine_request(a->m, MACHINE_QUIT, NULL);
}

static void no_states(struct ask *a, const char *arg)
{
	(void)arg;
	str_add(a->out, "a machine's state cannot be saved, loaded or moved yet\n");
}

static void do_cpu(struct ask *a, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 0);

	if (end == arg || *end || n >= a->m->vcpus)
		str_addf(a->out, "there are processors 0 to %u\n", a->m->vcpus - 1);
	else
		a->cpu = (unsigned)n;
}

static void do_log(struct ask *a, const char *arg)
{
	struct err e = { 0 };
	unsigned items;

	if (!*arg || !strcmp(arg, "help")) {
		for (unsigned i = 0; log_name(i); i++)
			str_addf(a->out, "%-14s %s\n", log_name(i), log_help(i));
		str_add(a->out, "none           nothing\n");
		return;
	}
	if (log_parse(arg, &items, &e) < 0 || machine_log(a->m, items, &e) < 0)
		str_addf(a->out, "%s\n", e.msg);
}

static void do_sendkey(struct ask *a, const char *arg)
{
	struct err e = { 0 };

	if (chord_press(a->m, arg, &e) < 0)
		str_addf(a->out, "%s\n", e.msg);
}

static void do_screendump(struct ask *a, const char *arg)
{
	screen_dump(a->m, arg, a->out);
}

static void do_balloon(struct ask *a, const char *arg)
{
	struct err e = { 0 };
	char *end;
	unsigned long long mib = strtoull(arg, &end, 10);

	if (end == arg || *end || !mib || mib > 1u << 30)
		str_add(a->out, "balloon: how many MiB shall the guest have?\n");
	else if (machine_balloon(a->m, (uint64_t)mib << 20, &e) < 0)
		str_addf(a->out, "%s\n", e.msg);
}

static void do_ringbuf_read(struct ask *a, const char *arg)
{
	ringbuf_show(a->m, arg, a->out);
}

static void do_ringbuf_write(struct ask *a, const char *arg)
{
	ringbuf_add(a->m, arg, a->out);
}

static void do_help(struct ask *a, const char *arg);

static const struct word {
	const char *name, *help;
	void (*fn)(struct ask *a, const char *arg);
} words[] = {
	{ "balloon", "MIB: how much memory the guest shall have", do_balloon },
	{ "c", "go on", do_cont },
	{ "change",
	  "DEVICE [-f] FILE [FORMAT [MODE]]: put it into the drive; -f: though the guest locked it",
	  do_change },
	{ "commit", "DEVICE or all: write what was changed into the image below", do_commit },
	{ "cont", "go on", do_cont },
	{ "cpu", "N: look at that processor from now on", do_cpu },
	{ "device_add", "DRIVER,id=ID,...: plug in a device of the PCI bus, as -device",
	  do_device_add },
	{ "device_del", "ID: ask the guest to let go of it", do_device_del },
	{ "drive_add", "0 if=none,id=ID,...: open an image for device_add, as -drive",
	  do_drive_add },
	{ "drive_del", "ID: close it", do_drive_del },
	{ "eject", "[-f] DEVICE: take out what is in the drive; -f: though it is locked",
	  do_eject },
	{ "help", "this list, or one command of it", do_help },
	{ "hostfwd_add", "[NETDEV] tcp|udp:[HOST]:PORT-[GUEST]:PORT: forward a port",
	  do_hostfwd_add },
	{ "hostfwd_remove", "[NETDEV] tcp|udp:[HOST]:PORT: no more", do_hostfwd_remove },
	{ "i", "[/SIZE] PORT: read a port; b, h or w", look_in },
	{ "info", "WHAT: tell; alone it lists what there is", do_info },
	{ "loadvm", "refused: states cannot be loaded yet", no_states },
	{ "log", "ITEMS: log these from now on, as -d; none", do_log },
	{ "migrate", "refused: states cannot be moved yet", no_states },
	{ "netdev_add", "KIND,id=ID,...: a network for device_add, as -netdev", do_netdev_add },
	{ "netdev_del", "ID: end it", do_netdev_del },
	{ "o", "[/SIZE] PORT VALUE: write to a port", look_out },
	{ "object_add", "rng-random,id=ID,...: as -object", do_object_add },
	{ "object_del", "ID: forget it", do_object_del },
	{ "p", "[/FORMAT] NUMBER: print it; $rip and others are registers", look_print },
	{ "print", "[/FORMAT] NUMBER: print it; $rip and others are registers", look_print },
	{ "q", "end the machine at once", do_quit },
	{ "quit", "end the machine at once", do_quit },
	{ "ringbuf_read", "ID SIZE: what was written to a chardev of memory", do_ringbuf_read },
	{ "ringbuf_write", "ID TEXT: write to one", do_ringbuf_write },
	{ "savevm", "refused: states cannot be saved yet", no_states },
	{ "screendump", "FILE [-f ppm|png]: a picture of the screen", do_screendump },
	{ "sendkey", "KEY-KEY...: press these together, such as ctrl-alt-delete", do_sendkey },
	{ "stop", "stop the guest", do_stop },
	{ "system_powerdown", "press the power button", do_powerdown },
	{ "system_reset", "press the reset button", do_reset },
	{ "x",
	  "[/FORMAT] ADDRESS: memory at a linear address; a count, one of x d u o c i, one of b h w g",
	  look_x },
	{ "xp", "[/FORMAT] ADDRESS: memory at a physical address", look_xp },
};

static void do_help(struct ask *a, const char *arg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!*arg || !strcmp(arg, words[i].name))
			str_addf(a->out, "%-18s %s\n", words[i].name, words[i].help);
}

void command_line(struct machine *m, unsigned *cpu, const char *line, struct str *out)
{
	struct ask a = { m, *cpu < m->vcpus ? *cpu : 0, out };
	char text[COMMAND_LINE];
	size_t n;

	line += strspn(line, " \t");
	n = strlen(line);
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, line, n);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	text[n] = '\0';
	n = strcspn(text, " \t/");
	if (!*text)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) != n || memcmp(words[i].name, text, n) != 0)
			continue;
		words[i].fn(&a, text + n + strspn(text + n, " \t"));
		*cpu = a.cpu;
		return;
	}
	str_addf(out, "unknown command: '%.*s'\n", (int)n, text);
}
