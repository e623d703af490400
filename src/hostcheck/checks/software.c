/* SPDX-License-Identifier: MIT */
/* Programs and files that guests need. */
#include "host/emulators.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The emulator of the host's own architecture, which KVM needs. */
static const char *own_emulator(const struct facts *f)
{
	return facts_is_x86(f) ? "x86_64" : host_arch(f->h);
}

static int software_emulators(struct facts *f, struct finding *out, struct err *e)
{
	const char *own = own_emulator(f);
	char text[128] = "";
	struct emulators all;
	bool has_own = false;
	size_t used = 0;
	int r = emulators_read(f->h, &all, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		found_item(out, V_OK, all.v[i].vemu ? "vemu" : all.v[i].arch, "%s%s",
			   all.v[i].path,
			   !all.v[i].vemu || !host_has_kernel(f->h) || vemu_translates(f)
				   ? ""
				   : ", with KVM only: its own engine needs XSAVE and BMI2");
		has_own = has_own || !strcmp(all.v[i].arch, own) ||
			  (facts_is_x86(f) && !strcmp(all.v[i].arch, "i386"));
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 i ? ", " : "",
						 all.v[i].vemu ? "vemu" : all.v[i].arch);
	}
	free(all.v);
	if (has_own || (out->n_items && !own[0]))
		return found(out, V_OK, "%s", text);
	found(out, V_WARN, "%s%s", out->n_items ? "none for this architecture; for " : "none",
	      text);
	return advise(
		out, "packages", R_NOW, "Install one: %s.",
		facts_is_x86(f) ? "apk add qemu-system-x86_64, or apt-get install "
				  "qemu-system-x86"
		: facts_is_arm64(f)
			? "apk add qemu-system-aarch64, or apt-get install qemu-system-arm"
			: "the package qemu-system of this architecture");
}

static int software_firmware(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const kinds[] = {
		[FIRMWARE_BIOS] = "BIOS",
		[FIRMWARE_UEFI] = "UEFI",
		[FIRMWARE_UEFI_SECURE] = "UEFI with secure boot",
		[FIRMWARE_UEFI_VARS] = "UEFI variables",
	};
	const struct firmware *w;
	const char *own = own_emulator(f);
	bool bios = false, uefi = false;
	size_t pos = 0;

	(void)e;
	while ((w = firmware_next(f->h, &pos))) {
		char name[48];

		snprintf(name, sizeof(name), "%s %s", w->arch, kinds[w->kind]);
		found_item(out, V_OK, name, "%s", w->path);
		if (strcmp(w->arch, own))
			continue;
		bios = bios || w->kind == FIRMWARE_BIOS;
		uefi = uefi || w->kind == FIRMWARE_UEFI || w->kind == FIRMWARE_UEFI_SECURE;
	}
	if (bios || uefi)
		found(out, V_OK, "%s%s%s", bios ? "BIOS" : "", bios && uefi ? " and " : "",
		      uefi ? "UEFI" : "");
	else
		found(out, V_WARN, own[0] ? "none for %s guests" : "none%s", own);
	if (uefi)
		return 0;
	w = firmware_wanted(own, FIRMWARE_UEFI);
	if (bios)
		out->verdict = V_INFO;
	if (!w)
		return bios ? 0
			    : advise(out, "packages", R_NOW,
				     "Install the firmware package of the emulator.");
	return advise(
		out, "packages", R_NOW,
		"Guests that start by UEFI (Windows 11, arm64) need it: apk add %s, or apt-get "
		"install %s.",
		w->package_alpine ? w->package_alpine : "ovmf",
		w->package_debian ? w->package_debian : "ovmf");
}

static const struct check checks[] = {
	{
		.id = "software.emulators",
		.title = "Emulators",
		.why = "KVM runs the processor; disks, network and the rest of a guest's machine are "
		       "an emulator's.",
		.how = "qemu-system-* and vemu in the folders for programs; vemu runs x86 guests on "
		       "64-bit x86.",
		.mend = "The distribution's packages.",
		.run = software_emulators,
	},
	{
		.id = "software.firmware",
		.title = "Firmware for guests",
		.why = "A guest starts by BIOS or UEFI as a machine does; arm64 guests and Windows 11 "
		       "start by UEFI only.",
		.how = "SeaBIOS, OVMF and AAVMF where Alpine and Debian install them.",
		.mend = "The distribution's packages.",
		.run = software_firmware,
	},
	{ 0 },
};

const struct check_group checks_software = { "software", "Software", checks };
