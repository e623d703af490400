/* SPDX-License-Identifier: MIT */
/*
 * Whether the processor can run guests: by what it can do, never by who made it.
 * "The kernel shows no flag" alone is no verdict; firmware that switched virtualization
 * off looks the same and is mended in another way.
 */
#ifndef HOST_VIRT_H
#define HOST_VIRT_H

#include "host/cpuid.h"
#include "host/cpuinfo.h"
#include "host/hypervisor.h"
#include "host/tri.h"

enum virt_ext {
	VIRT_EXT_NONE,
	VIRT_VMX,     /* Intel, Zhaoxin: kvm_intel */
	VIRT_SVM,     /* AMD, Hygon: kvm_amd */
	VIRT_ARM_EL2, /* arm64: KVM is part of the kernel */
	VIRT_KERNEL,  /* another architecture: KVM answers, so it can */
};

enum virt_state {
	VIRT_UNSURE, /* see why */
	VIRT_ABSENT, /* the processor has none; in a guest: is not given any */
	VIRT_LOCKED, /* there, but firmware switched it off */
	VIRT_HIDDEN, /* the processor shows it, the kernel does not, and why cannot be read:
	              * firmware most likely; root with the module msr could tell */
	VIRT_USABLE,
};

struct virt {
	enum virt_ext ext;
	enum virt_state state;
	char why[192];         /* what it was decided by, one sentence */
	enum tri on_all_cpus;  /* every processor has it */
	enum tri slat;         /* EPT or NPT: second-level translation */
	enum tri apic;         /* APICv (Intel: vapic_reg and vid) or AVIC */
	enum tri unrestricted; /* unrestricted guest; NPT implies it */
	enum tri vpid;         /* VPID, or flush by ASID */
	enum tri nesting;      /* what nested guests run well with: shadow VMCS; or
	                        * virtual VMLOAD and VMSAVE */
	enum tri page_1g;      /* 1 GiB pages */
	enum tri nx;
	enum tri sev, sev_es, sev_snp, tdx;
	struct hypervisor in;
	/* "kvm_intel", "kvm_amd": what drives it; "kvm" where it is part of that, "" none */
	char module[12];
};

/* Everything from @h.  0 unless nothing can be said at all: -ENOTSUP on an image. */
int virt_detect(const struct host *h, struct virt *out, struct err *e) MUST_CHECK;
const char *virt_ext_name(enum virt_ext ext);       /* "VT-x", "AMD-V", "EL2" */
const char *virt_state_name(enum virt_state state); /* "usable", "locked by firmware" */

#endif
