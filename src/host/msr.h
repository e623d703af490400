/* SPDX-License-Identifier: MIT */
/* Model-specific registers of x86, read through the module msr or a record. */
#ifndef HOST_MSR_H
#define HOST_MSR_H

#include "host/host.h"

#define MSR_FEAT_CTL  0x3au       /* IA32_FEATURE_CONTROL, Intel SDM vol. 4 */
#define MSR_VMX_PROC2 0x48bu      /* IA32_VMX_PROCBASED_CTLS2 */
#define MSR_VM_CR     0xc0010114u /* AMD APM vol. 2, 15.30.1 */

/*
 * -EIO: this processor has no such register; -EACCES, -EPERM: who asks may not (root may);
 * -ENOENT: the module msr is not loaded; -ENODATA: not in the record; -ENOTSUP: an
 * image, or no x86.  Each says so in @e.
 */
int msr_read(const struct host *h, unsigned cpu, uint32_t num, uint64_t *out, struct err *e)
	MUST_CHECK;

/* What firmware decided: once locked, only a reset opens it again. */
struct msr_feat_ctl {
	bool locked;
	bool vmx_smx; /* VMX inside SMX (trusted boot) */
	bool vmx;     /* VMX outside of it: what KVM needs */
};

struct msr_feat_ctl msr_feat_ctl(uint64_t value);

struct msr_vm_cr {
	bool locked;
	bool disabled; /* SVMDIS */
};

struct msr_vm_cr msr_vm_cr(uint64_t value);

#endif
