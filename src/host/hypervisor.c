/* SPDX-License-Identifier: MIT */
#include "host/hypervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known {
	const char *sign, *name;
};

static const struct known signatures[] = {
	{ "KVMKVMKVM", "KVM" },
	{ "TCGTCGTCGTCG", "QEMU (TCG)" },
	{ "Microsoft Hv", "Hyper-V" },
	{ "VMwareVMware", "VMware" },
	{ "XenVMMXenVMM", "Xen" },
	{ "VBoxVBoxVBox", "VirtualBox" },
	{ "bhyve bhyve", "bhyve" },
	{ "ACRNACRNACRN", "ACRN" },
	{ "Jailhouse", "Jailhouse" },
	{ "EVMMEVMMEVMM", "Intel KGT" },
	{ "UnisysSpar64", "Unisys s-Par" },
	{ "SRESRESRESRE", "LMHS" },
	{ "prl hyperv", "Parallels" },
	{ " lrpepyh  vr", "Parallels" },
	{ "___ NVMM ___", "NVMM" },
	{ "OpenBSDVMM58", "OpenBSD vmm" },
};

#define BOCHS "The Bochs Project"

/* How sys_vendor or product_name begin. */
static const struct known dmi[] = {
	{ "QEMU", "QEMU" },
	{ "KVM", "KVM" },
	{ "OpenStack", "OpenStack" },
	{ "Google Compute Engine", "Google Compute Engine" },
	{ "Amazon EC2", "Amazon EC2" },
	{ "DigitalOcean", "DigitalOcean" },
	{ "Hetzner", "Hetzner" },
	{ "VMware", "VMware" },
	{ "VMW", "VMware" },
	{ "innotek GmbH", "VirtualBox" },
	{ "VirtualBox", "VirtualBox" },
	{ "Xen", "Xen" },
	{ "Bochs", "Bochs" },
	{ "Parallels", "Parallels" },
	{ "BHYVE", "bhyve" },
	{ "Virtual Machine", "Hyper-V" },
	{ "Apple Virtualization", "Apple Virtualization" },
	{ "Firecracker", "Firecracker" },
};

static void found(struct hypervisor *out, const char *name, const char *how, const char *sign)
{
	out->inside = TRI_YES;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->source, sizeof(out->source), "%s%s%s", how, *sign ? " " : "", sign);
}

static bool by_signature(const struct cpuid *id, struct hypervisor *out)
{
	/* KVM and Xen stand behind another's face at the second place */
	const char *signs[] = { id->signature2, id->signature };

	if (!id->hypervisor)
		return false;
	for (size_t s = 0; s < ARRAY_SIZE(signs); s++)
		for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
			if (!strcmp(signs[s], signatures[i].sign)) {
				found(out, signatures[i].name, "CPUID signature", signs[s]);
				return true;
			}
	found(out, "", "CPUID signature", id->signature);
	return true;
}

/* Rented machines without a hypervisor carry the same names. */
static bool is_metal(const char *product)
{
	size_t n = strlen(product);

	return strstr(product, ".metal") || (n >= 9 && !strcmp(product + n - 9, "BareMetal"));
}

static bool by_dmi(const struct host *h, struct hypervisor *out, bool *readable)
{
	static const char *const files[] = { "/sys/class/dmi/id/product_name",
					     "/sys/class/dmi/id/sys_vendor" };
	char text[64], shown[64], product[64] = "";

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		if (host_read_line(h, files[f], text, sizeof(text), NULL) < 0)
			continue;
		*readable = true;
		span_copy((struct span){ text, strlen(text) }, shown, sizeof(shown));
		if (f == 0)
			snprintf(product, sizeof(product), "%s", shown);
		for (size_t i = 0; i < ARRAY_SIZE(dmi); i++) {
			if (strncmp(shown, dmi[i].sign, strlen(dmi[i].sign)) ||
			    is_metal(product))
				continue;
			found(out, dmi[i].name, "DMI", shown);
			return true;
		}
	}
	/* It says who made its BIOS and no machine. */
	if (host_read_line(h, "/sys/class/dmi/id/bios_vendor", text, sizeof(text), NULL) == 0 &&
	    !strncmp(text, BOCHS, strlen(BOCHS))) {
		found(out, "Bochs", "DMI", BOCHS);
		return true;
	}
	return false;
}

/* A property of strings, each with its NUL: whether one is @word. */
static bool has_string(const char *text, size_t len, const char *word)
{
	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		if (!strcmp(text + at, word))
			return true;
	return false;
}

static bool by_device_tree(const struct host *h, struct hypervisor *out, bool *readable)
{
	char *text;
	size_t len;
	bool yes = false;

	if (host_read(h, "/proc/device-tree/hypervisor/compatible", &text, &len, NULL) == 0) {
		const char *name = has_string(text, len, "linux,kvm") ? "KVM"
				   : has_string(text, len, "xen,xen") ? "Xen"
				   : has_string(text, len, "vmware")  ? "VMware"
								      : "";

		found(out, name, "device tree node /hypervisor", "");
		free(text);
		return true;
	}
	if (host_read(h, "/proc/device-tree/compatible", &text, &len, NULL) < 0)
		return false;
	*readable = true;
	if (has_string(text, len, "linux,dummy-virt")) {
		found(out, "QEMU", "device tree of the machine", "linux,dummy-virt");
		yes = true;
	}
	free(text);
	return yes;
}

static bool by_xen(const struct host *h, struct hypervisor *out)
{
	char type[16], caps[64] = "";

	if (host_read_line(h, "/sys/hypervisor/type", type, sizeof(type), NULL) < 0 ||
	    strcmp(type, "xen"))
		return false;
	if (host_read_line(h, "/proc/xen/capabilities", caps, sizeof(caps), NULL) < 0)
		caps[0] = '\0';
	found(out, strstr(caps, "control_d") ? "Xen (first domain)" : "Xen",
	      "/sys/hypervisor/type", "xen");
	return true;
}

int hypervisor_detect(const struct host *h, const struct cpuinfo *info, const struct cpuid *id,
		      struct hypervisor *out, struct err *e)
{
	bool readable = id || (info && words_has(&info->flags, "fpu"));

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image runs nowhere");
	if (by_xen(h, out) || (id && by_signature(id, out) && out->name[0]) ||
	    by_device_tree(h, out, &readable) || by_dmi(h, out, &readable) ||
	    out->inside == TRI_YES)
		return 0;
	if (info && cpuinfo_has(info, "hypervisor")) {
		found(out, "", "/proc/cpuinfo flag hypervisor", "");
		return 0;
	}
	out->inside = readable ? TRI_NO : TRI_UNKNOWN;
	return 0;
}
