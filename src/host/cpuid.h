/* SPDX-License-Identifier: MIT */
/*
 * What the x86 processor says of itself, past the kernel's opinion (Intel SDM vol. 2, CPUID;
 * AMD APM vol. 3, appendix E).  Needs no rights.  Answers are those of one processor.
 * A hypervisor above may show what it likes.
 */
#ifndef HOST_CPUID_H
#define HOST_CPUID_H

#include "host/host.h"

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

/* The kernel of @h is one of x86, 32 or 64 bits. */
bool cpuid_is_x86(const struct host *h);
/* One leaf as it stands.  -ENOTSUP: no x86, or an image; -ENODATA: not in the record. */
int cpuid_read(const struct host *h, uint32_t leaf, uint32_t sub, struct cpuid_regs *out,
	       struct err *e) MUST_CHECK;
/* Runs the instruction here; -ENOTSUP where there is none. */
int cpuid_run(uint32_t leaf, uint32_t sub, struct cpuid_regs *out);

/* EDX of leaf 0x8000000A. */
enum cpuid_svm {
	SVM_NPT = 1u << 0,
	SVM_LBRV = 1u << 1,
	SVM_LOCK = 1u << 2,
	SVM_NRIPS = 1u << 3,
	SVM_TSC_RATE = 1u << 4,
	SVM_VMCB_CLEAN = 1u << 5,
	SVM_FLUSH_ASID = 1u << 6,
	SVM_DECODE = 1u << 7,
	SVM_PAUSE = 1u << 10,
	SVM_AVIC = 1u << 13,
	SVM_VMSAVE = 1u << 15,
	SVM_VGIF = 1u << 16,
	SVM_X2AVIC = 1u << 18,
	SVM_VNMI = 1u << 25,
};

struct cpuid {
	char vendor[13];
	uint32_t max_basic, max_extended;
	bool vmx, svm, nx, page_1g, long_mode, invariant_tsc;
	unsigned phys_bits; /* of addresses; 0: not told */
	uint32_t svm_asids; /* guests at once, leaf 0x8000000A */
	uint32_t svm_flags; /* enum cpuid_svm */
	/* a hypervisor is below; who it says it is ("KVMKVMKVM"), and what stands at
	 * 0x40000100: KVM and Xen move there when they show Hyper-V's face first */
	bool hypervisor;
	char signature[13], signature2[13];
	/* leaf 0x8000001F; all false where the leaf is not there */
	bool sme, sev, sev_es, sev_snp;
	uint32_t sev_guests, sev_min_asid;
};

/* Reads all of the above.  Same errors as cpuid_read(); leaves that a record lacks beyond
 * the first two count as not there. */
int cpuid_get(const struct host *h, struct cpuid *out, struct err *e) MUST_CHECK;
/* Four bytes a register, printable or '?', trailing NULs and blanks cut.  @out: 13 bytes. */
void cpuid_text(char *out, uint32_t a, uint32_t b, uint32_t c);

/* The leaves that a record keeps: LEAF, SUB. */
struct cpuid_leaf {
	uint32_t leaf, sub;
};
extern const struct cpuid_leaf cpuid_leaves[];
extern const size_t cpuid_leaves_n;

#endif
