/* SPDX-License-Identifier: MIT */
/* Texts that the command line asks for instead of a machine. */
#include "emu/accel.h"
#include "emu/cmd.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/devices.h"
#include "emu/known.h"
#include "emu/log.h"
#include "help_vemu.h"

#include <stdio.h>
#include <string.h>

static void list_options(void)
{
	const struct option_row *o;

	for (unsigned i = 0; (o = options_row(i)); i++)
		printf("vemu -%s %s\n", o->name, o->arg ? "=" : ".");
}

static void list_keys_of(const struct option_row *o, const char *kind,
			 const struct device_key *k)
{
	for (; k && k->name; k++)
		printf("-%s %s %s\n", o->name, kind, k->name);
}

static void list_all_keys(void)
{
	const struct option_row *o;

	for (unsigned i = 0; (o = options_row(i)); i++) {
		list_keys_of(o, "*", o->keys);
		for (const struct option_kind *k = o->kinds; k && k->name; k++)
			list_keys_of(o, k->name, k->keys);
	}
}

static void state(const char *of, const char *names, const char *what, const char *same,
		  const char *text)
{
	printf("%s\t%s\t%s\t%s\t%s\n", of, names, what, same ? same : "", text);
}

static void states_of(const char *of, const struct device_key *k)
{
	for (; k && k->name; k++)
		state(of, k->name, "yes", NULL, k->help);
}

/* One line for each key and what keys name: whose, names, state, values that are taken, text. */
static void list_states(void)
{
	static const char *const named[][3] = {
		{ "-machine type=", "pc q35", "i440FX and PIIX3; Q35 and ICH9" },
		{ "-accel accel=", "kvm soft tcg", "tcg is another name of soft" },
		{ "-vga ", "std none", "a VGA with Bochs's VBE; no card" },
		{ "-drive if=", "ide virtio scsi pflash none", "none: a -device takes it" },
		{ "-nic model=", "virtio-net-pci virtio e1000", "the card" },
	};
	const struct option_row *o;
	const struct device_row *d;
	const struct known_row *n;
	const char *s;
	char of[64];

	for (unsigned i = 0; (o = options_row(i)); i++) {
		snprintf(of, sizeof(of), "-%s", o->name);
		if (strcmp(o->name, "M") != 0)
			states_of(of, o->keys);
		for (const struct option_kind *k = o->kinds; k && k->name; k++) {
			snprintf(of, sizeof(of), "-%s %s=", o->name, o->first);
			state(of, k->name, "yes", NULL, k->help);
			snprintf(of, sizeof(of), "-%s %s", o->name, k->name);
			states_of(of, k->keys);
		}
	}
	for (unsigned i = 0; (d = device_row(i)); i++) {
		state("-device driver=", d->name, "yes", NULL, d->help);
		snprintf(of, sizeof(of), "-device %s", d->name);
		states_of(of, d->keys);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(named); i++)
		state(named[i][0], named[i][1], "yes", NULL, named[i][2]);
	for (size_t i = 0; (s = x86_cpuid_model(i)); i++)
		state("-cpu model=", s, "yes", NULL, "");
	for (size_t i = 0; (s = x86_cpuid_feature(i)); i++)
		state("-cpu", s, "yes", NULL, x86_cpuid_soft(i) ? "" : "with -accel kvm");
	for (size_t i = 0; (s = x86_cpuid_setting(i)); i++)
		state("-cpu", s, "yes", NULL, "");
	state("-blockdev driver=",
	      "bochs cloop dmg ftp ftps gluster http https iscsi luks nbd nfs parallels qcow qed "
	      "rbd ssh vdi vhdx vmdk vpc",
	      "vimg", NULL, "where vimg reads it, with the keys that vimg has");
	for (unsigned i = 0; (n = known_row(i)); i++)
		state(n->of, n->names, n->same ? "part" : "no",
		      n->same && !*n->same ? "(nothing)" : n->same, n->why);
}

static void list_cpus(void)
{
	const char *s;

	printf("Processor models:\n");
	for (size_t i = 0; (s = x86_cpuid_model(i)); i++)
		printf("  %s\n", s);
	printf("\nFeatures:\n ");
	for (size_t i = 0; (s = x86_cpuid_feature(i)); i++)
		printf(" %s", s);
	printf("\n");
}

static void list_devices(void)
{
	const struct device_row *d;

	for (unsigned i = 0; (d = device_row(i)); i++)
		printf("%-18s bus %s, %s\n", d->name, d->bus, d->help);
}

static void list_accels(void)
{
	const struct accel_ops *const all[] = { &accel_kvm, &accel_soft };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		struct err e = { 0 };

		if (all[i]->probe(&e) < 0)
			printf("%-6s not here: %s\n", all[i]->name, e.msg);
		else
			printf("%-6s works here\n", all[i]->name);
	}
}

static void keys(const struct device_key *k)
{
	for (; k && k->name; k++)
		printf("  %s=<%s>  %s\n", k->name, k->type, k->help);
}

static void list_keys(const char *name)
{
	const struct device_row *d = device_find(name);

	printf("%s: %s\n", d->name, d->help);
	keys(d->keys);
}

static void list_option(const struct options_answer *a)
{
	const struct option_row *o = options_find(a->about);

	if (o->kinds && !a->kind) {
		for (const struct option_kind *k = o->kinds; k->name; k++)
			printf("%-10s %s\n", k->name, k->help);
		return;
	}
	printf("-%s%s%s\n", o->name, a->kind ? " " : "", a->kind ? a->kind->name : "");
	if (a->kind)
		keys(a->kind->keys);
	keys(o->keys);
}

int help_answer(const struct options_answer *a)
{
	switch (a->ask) {
	case OPTIONS_HELP:
		printf("%s", help_vemu);
		break;
	case OPTIONS_VERSION:
		printf("vemu version " VERSION " (hostkit)\n");
		break;
	case OPTIONS_LIST:
		list_options();
		break;
	case OPTIONS_LIST_KEYS:
		list_all_keys();
		break;
	case OPTIONS_LIST_STATES:
		list_states();
		break;
	case OPTIONS_MACHINES:
		printf("pc     i440FX and PIIX3, 1996 (default)\nq35    Q35 and ICH9, 2009\n");
		break;
	case OPTIONS_CPUS:
		list_cpus();
		break;
	case OPTIONS_DEVICES:
		list_devices();
		break;
	case OPTIONS_ACCELS:
		list_accels();
		break;
	case OPTIONS_LOGS:
		for (unsigned i = 0; log_name(i); i++)
			printf("%-14s %s\n", log_name(i), log_help(i));
		break;
	case OPTIONS_DEVICE:
		list_keys(a->about);
		break;
	case OPTIONS_KEYS:
		list_option(a);
		break;
	case OPTIONS_RUN:
		break;
	}
	return 0;
}
