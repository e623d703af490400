/* SPDX-License-Identifier: MIT */
/* What the next start will be like: loader, command line, services, and whether changes last. */
#include "host/cmdline.h"
#include "host/diskless.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int boot_loader(struct facts *f, struct finding *out, struct err *e)
{
	const struct bootloader *b;
	int r = facts_bootloader(f, &b, e);

	if (r < 0)
		return r;
	if (b->kind == BOOT_NONE)
		return found(out, V_INFO, "none found: a container, or one not known here");
	for (size_t i = 0; i < b->n; i++)
		found_item(out, b->places[i].fault[0] ? V_WARN : V_INFO, b->places[i].path,
			   "%s",
			   b->places[i].fault[0]  ? b->places[i].fault
			   : b->places[i].cmdline ? b->places[i].cmdline
						  : "");
	if (finding_worst(out) == V_WARN) {
		found(out, V_WARN, "%s, whose configuration cannot be followed", b->name);
		return advise(
			out, NULL, R_NONE,
			"vtune does not guess: kernel.cmdline has to be set by hand. --verbose "
			"shows the file and why.");
	}
	return found(out, V_INFO, "%s%s%s", b->name, b->note[0] ? "; " : "", b->note);
}

/* Words that a loader adds itself, and that configurations do not hold. */
static bool is_loaders(const struct cmdline_word *w)
{
	static const char *const names[] = { "BOOT_IMAGE", "root",    "initrd",
					     "ro",         "rw",      "rootfstype",
					     "rootflags",  "modules", "resume" };
	char name[64];

	span_copy(w->name, name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Words of @a that @b lacks become items. */
static void add_missing(struct finding *out, const char *a, const char *b, const char *what)
{
	struct span text = { a, strlen(a) };
	struct cmdline_word w;
	char word[160];

	while (cmdline_next(&text, &w)) {
		if (is_loaders(&w) || w.raw.len >= sizeof(word))
			continue;
		memcpy(word, w.raw.s, w.raw.len);
		word[w.raw.len] = '\0';
		if (!cmdline_has(b, word))
			found_item(out, V_WARN, what, "%s", word);
	}
}

static int boot_cmdline_check(struct facts *f, struct finding *out, struct err *e)
{
	const struct bootloader *b;
	char *const *now;
	int r = facts_bootloader(f, &b, e);

	if (r < 0)
		return r;
	if (b->kind == BOOT_NONE || !b->cmdline)
		return found(out, V_SKIP,
			     b->kind == BOOT_NONE ? "no boot loader was found"
						  : "the loader's words cannot be followed");
	r = facts_cmdline(f, &now, e);
	if (r < 0)
		return r;
	add_missing(out, b->cmdline, *now, "at the next start");
	/* what the firmware's or loader's own files add cannot be told from what was removed */
	if (!out->n_items)
		return found(out, V_OK, "the running kernel has all that %s sets", b->name);
	found(out, V_WARN, "after a reboot: %s%s", out->items[0].text,
	      out->n_items > 1 ? " and more" : "");
	return advise(
		out, "kernel.cmdline", R_REBOOT,
		"The configuration of %s was changed since the kernel started. If the reboot "
		"changes nothing, its own files were not made anew (%s).",
		b->name, b->regen && b->regen->argv[0] ? b->regen->id : "by its own tool");
}

struct bad_word {
	const char *word, *why;
};

/* Words that guides copy from each other and Linux does not know. */
static const struct bad_word bad_words[] = {
	{ "iommu=on", "no value that Linux knows; on Intel it is intel_iommu=on" },
	{ "iommu=1", "no value that Linux knows" },
	{ "amd_iommu=on", "unknown: AMD's IOMMU is on by default" },
	{ "amd_iommu=pt", "unknown: it is iommu=pt" },
	{ "intel_iommu=pt", "unknown: it is intel_iommu=on iommu=pt" },
	{ "kvm.nested=1", "unknown: nested is of kvm_intel and kvm_amd" },
	{ "kvm_amd.nested=Y", "kvm_amd takes a number and does not load: use 1" },
	{ "kvm_amd.nested=y", "kvm_amd takes a number and does not load: use 1" },
};

static void add_bad_words(struct finding *out, const char *text, const char *where)
{
	struct cmdline_pools pools;

	for (size_t i = 0; i < ARRAY_SIZE(bad_words); i++)
		if (cmdline_has(text, bad_words[i].word))
			found_item(out, V_WARN, bad_words[i].word, "%s: %s", where,
				   bad_words[i].why);
	if (cmdline_pools(text, &pools, NULL) < 0)
		return;
	for (size_t i = 0; i < pools.n; i++)
		if (pools.v[i].bad)
			found_item(out, V_WARN, "hugepages", "%s: '%s' is not taken", where,
				   pools.v[i].text);
}

static int boot_words(struct facts *f, struct finding *out, struct err *e)
{
	const struct bootloader *b;
	char *const *now;
	bool any = false;

	(void)e;
	if (facts_cmdline(f, &now, NULL) == 0) {
		any = true;
		add_bad_words(out, *now, "running");
	}
	if (facts_bootloader(f, &b, NULL) == 0 && b->cmdline) {
		any = true;
		add_bad_words(out, b->cmdline, b->name);
	}
	if (!any)
		return found(out, V_SKIP, "there is no command line to read");
	if (!out->n_items)
		return found(out, V_OK, "nothing wrong");
	found(out, V_WARN, "%s: %s", out->items[0].name, out->items[0].text);
	return advise(
		out, "kernel.cmdline", R_REBOOT,
		"Linux passes over what it does not know, without a word. Take it away, or "
		"write what was meant.");
}

static int boot_services(struct facts *f, struct finding *out, struct err *e)
{
	static const struct {
		const char *name, *unit, *what;
	} services[] = {
		{ "modules", "systemd-modules-load.service", "loads what /etc/modules lists" },
		{ "sysctl", "systemd-sysctl.service", "sets what /etc/sysctl.d says" },
		{ "localmount", NULL, "mounts what /etc/fstab lists" },
		{ "hostkit-tune", "hostkit-tune.service", "holds the host to its profile" },
		{ "hostkit-hugepages", "hostkit-hugepages.service", "reserves huge pages" },
	};
	const struct distro *d;
	const char *missing = NULL;
	int r = facts_distro(f, &d, e);

	if (r < 0)
		return r;
	if (d->init == INIT_UNKNOWN)
		return found(out, V_SKIP, "what starts services here is not known");
	if (d->init != INIT_OPENRC)
		return found(out, V_SKIP, "a question for OpenRC; this is %s",
			     distro_init_name(d->init));
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		bool ours = !strncmp(services[i].name, "hostkit", 7);
		bool on = distro_in_runlevel(f->h, services[i].name);

		found_item(out,
			   on     ? V_OK
			   : ours ? V_INFO
				  : V_WARN,
			   services[i].name, "%s%s", services[i].what,
			   on ? "" : ": in no runlevel");
		if (!on && !ours && !missing)
			missing = services[i].name;
	}
	if (missing) {
		found(out, V_WARN, "%s is in no runlevel", missing);
		return advise(
			out, "services.boot", R_NOW,
			"What is set up in files is not applied at boot: rc-update add %s boot",
			missing);
	}
	return found(out, distro_in_runlevel(f->h, "hostkit-tune") ? V_OK : V_INFO, "%s",
		     distro_in_runlevel(f->h, "hostkit-tune")
			     ? "enabled"
			     : "those of hostkit are not enabled");
}

static int boot_diskless(struct facts *f, struct finding *out, struct err *e)
{
	struct diskless d;
	int r = diskless_read(f->h, &d, e);

	if (r < 0)
		return r;
	if (d.root_in_memory == TRI_UNKNOWN)
		return found(out, V_UNKNOWN, "the file system of / is not known");
	if (d.root_in_memory != TRI_YES)
		return found(out, V_OK, "no: changes stay");
	if (!d.has_lbu)
		return found(out, V_INFO, "in memory, without lbu");
	if (!d.overlay[0]) {
		found(out, V_WARN, "in memory, and nothing was ever committed");
		return advise(out, NULL, R_NOW,
			      "All changes are lost at the next start. Set LBU_MEDIA in "
			      "/etc/lbu/lbu.conf, then: lbu commit");
	}
	if (d.uncommitted == TRI_YES) {
		found(out, V_WARN, "in memory; not committed: %s", d.example);
		return advise(out, NULL, R_NOW, "lbu status shows all; lbu commit keeps them.");
	}
	return found(out, d.uncommitted == TRI_NO ? V_OK : V_INFO, "in memory, kept in %s",
		     d.overlay);
}

static const struct check checks[] = {
	{
		.id = "boot.loader",
		.title = "Boot loader",
		.why = "The kernel's command line is kept there, in a file and form of its own.",
		.how = "The loaders' configuration: grub, update-extlinux, extlinux, limine, Raspberry "
		       "Pi, systemd-boot, Proxmox, the medium of a diskless Alpine.",
		.mend = "There is nothing to mend.",
		.run = boot_loader,
	},
	{
		.id = "boot.cmdline",
		.title = "Command line of the next start",
		.why = "A setting that was made and needs a reboot looks as if it did not work.",
		.how = "Words of the loader's configuration that /proc/cmdline lacks.",
		.mend = "A reboot; before that the loader's own tool, if it was forgotten.",
		.run = boot_cmdline_check,
		.kernel = true,
	},
	{
		.id = "boot.words",
		.title = "Words of the command line",
		.why = "iommu=on and amd_iommu=on are in many guides and do nothing.",
		.how = "/proc/cmdline and the loader's configuration.",
		.mend = "The right word: intel_iommu=on, iommu=pt.",
		.run = boot_words,
	},
	{
		.id = "boot.services",
		.title = "Services at boot",
		.why = "Files that no service reads are not applied.",
		.how = "/etc/runlevels of OpenRC.",
		.mend = "rc-update add.",
		.run = boot_services,
	},
	{
		.id = "boot.diskless",
		.title = "System in memory",
		.why = "A diskless Alpine forgets what is not committed.",
		.how = "The file system of /, lbu and its overlay, files of /etc newer than it.",
		.mend = "lbu commit.",
		.run = boot_diskless,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_boot = { "boot", "Boot", checks };
