/* SPDX-License-Identifier: MIT */
#include "host/emulators.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_arch(const void *a, const void *b)
{
	const struct emulator *x = a, *y = b;

	return x->vemu != y->vemu ? (int)x->vemu - (int)y->vemu : strcmp(x->arch, y->arch);
}

static bool have(const struct emulators *l, const char *arch)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].arch, arch))
			return true;
	return false;
}

static bool is_program(const struct host *h, const char *path)
{
	struct host_stat st;

	return host_stat(h, path, &st, NULL) == 0 && st.node == NODE_FILE && st.mode & 0111;
}

/* The first vemu of @dirs; it runs on 64-bit x86 only. */
static int look_for_vemu(const struct host *h, const char *const *dirs, size_t n,
			 struct emulators *out, struct err *e)
{
	struct emulator em = { .arch = "x86_64", .vemu = true };
	int r = 0;

	for (size_t i = 0; i < n && !strcmp(host_arch(h), "x86_64"); i++) {
		snprintf(em.path, sizeof(em.path), "%s/vemu", dirs[i]);
		if (!is_program(h, em.path))
			continue;
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(em), e);
		if (r == 0)
			out->v[out->n++] = em;
		break;
	}
	return r;
}

static int look_into(const struct host *h, const char *dir, struct emulators *out,
		     struct err *e)
{
	static const char head[] = "qemu-system-";
	AUTO_LIST struct host_list l = { 0 };

	if (host_list(h, dir, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		struct emulator em = { 0 };
		const char *arch = l.v[i] + sizeof(head) - 1;
		int r;

		if (strncmp(l.v[i], head, sizeof(head) - 1) ||
		    strlen(arch) >= sizeof(em.arch) || have(out, arch))
			continue;
		snprintf(em.arch, sizeof(em.arch), "%s", arch);
		snprintf(em.path, sizeof(em.path), "%s/%s", dir, l.v[i]);
		if (!is_program(h, em.path))
			continue;
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(em), e);
		if (r < 0)
			return r;
		out->v[out->n++] = em;
	}
	return 0;
}

int emulators_read(const struct host *h, struct emulators *out, struct err *e)
{
	static const char *const dirs[] = { "/usr/local/bin", "/usr/bin", "/bin" };
	int r = 0;

	out->v = NULL;
	out->n = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = look_into(h, dirs[i], out, e);
	if (r == 0)
		r = look_for_vemu(h, dirs, ARRAY_SIZE(dirs), out, e);
	if (r < 0) {
		free(out->v);
		out->v = NULL;
		out->n = 0;
	} else if (out->n) {
		qsort(out->v, out->n, sizeof(*out->v), by_arch);
	}
	return r;
}

#define X86   "x86_64"
#define ARM64 "aarch64"
#define RISCV "riscv64"

/* By architecture and kind; of one kind the best first. */
static const struct firmware table[] = {
	/* Alpine's qemu keeps what belongs to it in one folder, Debian's in its own and in
	 * those of the firmware packages */
	{ "/usr/share/qemu/bios-256k.bin", X86, FIRMWARE_BIOS, "seabios-bin", "seabios" },
	{ "/usr/share/seabios/bios-256k.bin", X86, FIRMWARE_BIOS, "seabios-bin", "seabios" },
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/OVMF/OVMF.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/ovmf/OVMF.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/qemu/edk2-x86_64-code.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/edk2/x64/OVMF_CODE.fd", X86, FIRMWARE_UEFI, "ovmf", "ovmf" },
	{ "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", X86, FIRMWARE_UEFI_SECURE, "ovmf",
	  "ovmf" },
	{ "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", X86, FIRMWARE_UEFI_SECURE, "ovmf", "ovmf" },
	{ "/usr/share/OVMF/OVMF_CODE.secboot.fd", X86, FIRMWARE_UEFI_SECURE, "ovmf", "ovmf" },
	{ "/usr/share/qemu/edk2-x86_64-secure-code.fd", X86, FIRMWARE_UEFI_SECURE, "ovmf",
	  "ovmf" },
	{ "/usr/share/OVMF/OVMF_VARS_4M.fd", X86, FIRMWARE_UEFI_VARS, "ovmf", "ovmf" },
	{ "/usr/share/OVMF/OVMF_VARS.fd", X86, FIRMWARE_UEFI_VARS, "ovmf", "ovmf" },
	{ "/usr/share/qemu/edk2-i386-vars.fd", X86, FIRMWARE_UEFI_VARS, "ovmf", "ovmf" },
	{ "/usr/share/AAVMF/AAVMF_CODE.fd", ARM64, FIRMWARE_UEFI, "aavmf", "qemu-efi-aarch64" },
	{ "/usr/share/AAVMF/QEMU_EFI.fd", ARM64, FIRMWARE_UEFI, "aavmf", "qemu-efi-aarch64" },
	{ "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", ARM64, FIRMWARE_UEFI, "aavmf",
	  "qemu-efi-aarch64" },
	{ "/usr/share/qemu/edk2-aarch64-code.fd", ARM64, FIRMWARE_UEFI, "aavmf",
	  "qemu-efi-aarch64" },
	{ "/usr/share/AAVMF/AAVMF_VARS.fd", ARM64, FIRMWARE_UEFI_VARS, "aavmf",
	  "qemu-efi-aarch64" },
	{ "/usr/share/qemu/edk2-arm-vars.fd", ARM64, FIRMWARE_UEFI_VARS, "aavmf",
	  "qemu-efi-aarch64" },
	{ "/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd", RISCV, FIRMWARE_UEFI, NULL,
	  "qemu-efi-riscv64" },
	{ "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin", RISCV, FIRMWARE_BIOS,
	  "opensbi", "opensbi" },
	{ "/usr/share/qemu/qboot.rom", X86, FIRMWARE_BIOS, "qemu", "qemu-system-data" },
};

const struct firmware *firmware_next(const struct host *h, size_t *pos)
{
	while (*pos < ARRAY_SIZE(table)) {
		const struct firmware *f = &table[(*pos)++];

		if (host_exists(h, f->path))
			return f;
	}
	return NULL;
}

const struct firmware *firmware_wanted(const char *arch, enum firmware_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].arch, arch) && table[i].kind == kind)
			return &table[i];
	return NULL;
}
