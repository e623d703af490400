/* SPDX-License-Identifier: MIT */
#include "host/virt.h"

#include "host/cmdline.h"
#include "host/msr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the verdict is made of. */
struct seen {
	const struct host *h;
	struct cpuinfo info;
	struct cpuid id;
	bool has_info, has_id;
	struct virt *out;
};

PRINTF(3, 4)
static void decide(struct virt *v, enum virt_state state, const char *why, ...)
{
	va_list ap;

	v->state = state;
	va_start(ap, why);
	vsnprintf(v->why, sizeof(v->why), why, ap);
	va_end(ap);
}

static bool flag(const struct seen *s, const char *name)
{
	return s->has_info && cpuinfo_has(&s->info, name);
}

/* KVM registers its node only when it has started: on x86 with the processor's own module. */
static bool kvm_runs(const struct host *h)
{
	return host_exists(h, "/sys/class/misc/kvm");
}

/* Neither firmware nor processor: somebody asked the kernel to. */
static bool hidden_by_cmdline(const struct seen *s)
{
	char *text, value[8];
	int r;

	if (cmdline_read(s->h, &text, NULL) < 0)
		return false;
	r = cmdline_get(text, "clearcpuid", value, sizeof(value));
	free(text);
	return r != -ENOENT;
}

static void why_hidden(const struct seen *s, const char *name, const char *reason)
{
	if (hidden_by_cmdline(s))
		decide(s->out, VIRT_HIDDEN,
		       "the processor has %s, the kernel was told not to use it: clearcpuid= "
		       "on its command line",
		       name);
	else
		decide(s->out, VIRT_HIDDEN,
		       "the processor has %s, the kernel does not use it; %s", name, reason);
}

static void judge_vmx(const struct seen *s)
{
	struct err e = { 0 };
	uint64_t v = 0;
	int r = msr_read(s->h, 0, MSR_FEAT_CTL, &v, &e);
	struct msr_feat_ctl f = msr_feat_ctl(v);

	s->out->ext = VIRT_VMX;
	if (r == 0 && f.locked && !f.vmx)
		decide(s->out, VIRT_LOCKED, "firmware locked VT-x off: register 0x3a is 0x%llx",
		       (unsigned long long)v);
	else if (flag(s, "vmx"))
		decide(s->out, VIRT_USABLE, "all processors have the flag vmx");
	else if (r == 0)
		why_hidden(s, "VT-x",
			   f.locked ? "firmware did not lock it off"
				    : "firmware left register 0x3a open and nobody set it");
	else
		why_hidden(s, "VT-x", e.msg[0] ? e.msg : "its lock could not be read");
}

static void judge_svm(const struct seen *s)
{
	struct err e = { 0 };
	uint64_t v = 0;
	int r = msr_read(s->h, 0, MSR_VM_CR, &v, &e);

	s->out->ext = VIRT_SVM;
	if (r == 0 && msr_vm_cr(v).disabled)
		decide(s->out, VIRT_LOCKED,
		       "firmware switched AMD-V off: register 0xc0010114 is 0x%llx",
		       (unsigned long long)v);
	else if (flag(s, "svm"))
		decide(s->out, VIRT_USABLE, "all processors have the flag svm%s",
		       r == 0 || r == -EIO || kvm_runs(s->h)
			       ? ""
			       : "; whether firmware switched it off could not be read");
	else if (r == 0)
		why_hidden(s, "AMD-V", "firmware did not switch it off");
	else
		why_hidden(s, "AMD-V", e.msg[0] ? e.msg : "its switch could not be read");
}

static void judge_x86(const struct seen *s)
{
	struct virt *v = s->out;
	bool vmx = flag(s, "vmx") || (s->has_id && s->id.vmx);
	bool svm = flag(s, "svm") || (s->has_id && s->id.svm);
	const char *some = s->has_info && words_has(&s->info.some, "vmx")   ? "vmx"
			   : s->has_info && words_has(&s->info.some, "svm") ? "svm"
									    : NULL;

	if (some) {
		v->ext = some[0] == 'v' ? VIRT_VMX : VIRT_SVM;
		v->on_all_cpus = TRI_NO;
		decide(v, VIRT_HIDDEN, "only some processors have the flag %s", some);
	} else if (vmx) {
		judge_vmx(s);
	} else if (svm) {
		judge_svm(s);
	} else if (s->has_id && s->has_info) {
		decide(v, VIRT_ABSENT, "neither CPUID nor the kernel shows vmx or svm");
	} else {
		/* the kernel takes vmx away where firmware locked it */
		decide(v, VIRT_UNSURE, "%s, and %s could not be read",
		       s->has_id || s->has_info ? "no sign of vmx or svm" : "nothing to go by",
		       s->has_info ? "CPUID" : "/proc/cpuinfo");
	}
	if (!some && v->ext != VIRT_EXT_NONE && s->has_info)
		v->on_all_cpus = TRI_YES;
}

static void judge_arm(const struct seen *s)
{
	struct virt *v = s->out;
	char mode[16] = "";
	char *text;

	v->ext = VIRT_ARM_EL2;
	if (cmdline_read(s->h, &text, NULL) == 0) {
		if (cmdline_get(text, "kvm-arm.mode", mode, sizeof(mode)) < 0)
			mode[0] = '\0';
		free(text);
	}
	if (kvm_runs(s->h))
		decide(v, VIRT_USABLE, "KVM runs, so the kernel was started at EL2");
	else if (!strcmp(mode, "none"))
		decide(v, VIRT_HIDDEN, "kvm-arm.mode=none on the kernel's command line");
	else if (host_exists(s->h, "/sys/module/kvm"))
		decide(v, VIRT_ABSENT, "the kernel has KVM, but was not started at EL2");
	else
		decide(v, VIRT_UNSURE, "this kernel has no KVM that could tell");
}

static void judge_other(const struct seen *s)
{
	s->out->ext = kvm_runs(s->h) ? VIRT_KERNEL : VIRT_EXT_NONE;
	if (kvm_runs(s->h))
		decide(s->out, VIRT_USABLE, "KVM runs");
	else
		decide(s->out, VIRT_UNSURE, "KVM is not loaded, which is all that could tell");
}

/* Intel: from the kernel's line, or from the register where the kernel is too old for one. */
static void features_vmx(const struct seen *s)
{
	struct virt *v = s->out;
	const struct words *w = &s->info.vmx;
	uint64_t ctl;
	uint32_t may;

	if (s->has_info && s->info.has_vmx_line) {
		v->slat = tri_of(words_has(w, "ept"));
		v->vpid = tri_of(words_has(w, "vpid"));
		v->apic = tri_of(words_has(w, "vapic_reg") && words_has(w, "vid"));
		v->unrestricted = tri_of(words_has(w, "unrestricted_guest"));
		v->nesting = tri_of(words_has(w, "shadow_vmcs"));
		return;
	}
	if (msr_read(s->h, 0, MSR_VMX_PROC2, &ctl, NULL) == 0) {
		may = (uint32_t)(ctl >> 32); /* controls that may be 1, SDM vol. 3 A.3.3 */
		v->slat = tri_of(may >> 1 & 1);
		v->vpid = tri_of(may >> 5 & 1);
		v->unrestricted = tri_of(may >> 7 & 1);
		v->apic = tri_of((may >> 8 & 3) == 3);
		v->nesting = tri_of(may >> 14 & 1);
	} else if (flag(s, "vmx")) {
		v->slat = tri_of(flag(s, "ept"));
		v->vpid = tri_of(flag(s, "vpid"));
	}
}

static void features_svm(const struct seen *s)
{
	static const struct {
		size_t at;
		enum cpuid_svm bit;
		const char *flag;
	} rows[] = {
		{ offsetof(struct virt, slat), SVM_NPT, "npt" },
		/* nested paging needs no help in real mode */
		{ offsetof(struct virt, unrestricted), SVM_NPT, "npt" },
		{ offsetof(struct virt, apic), SVM_AVIC, "avic" },
		{ offsetof(struct virt, vpid), SVM_FLUSH_ASID, "flushbyasid" },
		{ offsetof(struct virt, nesting), SVM_VMSAVE, "v_vmsave_vmload" },
	};

	/* CPUID shows AVIC where the kernel found it broken: the kernel's word is first */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum tri *t = (enum tri *)(void *)((char *)s->out + rows[i].at);

		if (flag(s, "svm"))
			*t = tri_of(flag(s, rows[i].flag));
		else if (s->has_id)
			*t = tri_of(s->id.svm_flags & rows[i].bit);
	}
}

static void features_x86(const struct seen *s)
{
	struct virt *v = s->out;

	if (v->ext == VIRT_VMX)
		features_vmx(s);
	else if (v->ext == VIRT_SVM)
		features_svm(s);
	if (s->has_info) {
		v->page_1g = tri_of(flag(s, "pdpe1gb"));
		v->nx = tri_of(flag(s, "nx"));
		v->tdx = tri_of(flag(s, "tdx_host_platform"));
	} else if (s->has_id) {
		v->page_1g = tri_of(s->id.page_1g);
		v->nx = tri_of(s->id.nx);
	}
	if (s->has_id) {
		v->sev = tri_of(s->id.sev);
		v->sev_es = tri_of(s->id.sev_es);
		v->sev_snp = tri_of(s->id.sev_snp);
	} else if (s->has_info) {
		v->sev = tri_of(flag(s, "sev"));
		v->sev_es = tri_of(flag(s, "sev_es"));
		v->sev_snp = tri_of(flag(s, "sev_snp"));
	}
}

int virt_detect(const struct host *h, struct virt *out, struct err *e)
{
	struct seen s = { .h = h, .out = out };
	static const char *const modules[] = { [VIRT_VMX] = "kvm_intel",
					       [VIRT_SVM] = "kvm_amd",
					       [VIRT_ARM_EL2] = "kvm",
					       [VIRT_KERNEL] = "kvm" };
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image has no processor");
	s.has_info = cpuinfo_read(h, &s.info, NULL) == 0;
	s.has_id = cpuid_get(h, &s.id, NULL) == 0;
	if (cpuid_is_x86(h)) {
		judge_x86(&s);
		features_x86(&s);
	} else if (!strcmp(host_arch(h), "aarch64")) {
		judge_arm(&s);
	} else {
		judge_other(&s);
	}
	r = hypervisor_detect(h, s.has_info ? &s.info : NULL, s.has_id ? &s.id : NULL, &out->in,
			      e);
	if (s.has_info)
		cpuinfo_free(&s.info);
	if (out->ext != VIRT_EXT_NONE && modules[out->ext])
		snprintf(out->module, sizeof(out->module), "%s", modules[out->ext]);
	return r;
}

const char *virt_ext_name(enum virt_ext ext)
{
	static const char *const names[] = { [VIRT_EXT_NONE] = "none",
					     [VIRT_VMX] = "VT-x",
					     [VIRT_SVM] = "AMD-V",
					     [VIRT_ARM_EL2] = "EL2",
					     [VIRT_KERNEL] = "KVM" };

	return names[ext];
}

const char *virt_state_name(enum virt_state state)
{
	static const char *const names[] = { [VIRT_UNSURE] = "not known",
					     [VIRT_ABSENT] = "none",
					     [VIRT_LOCKED] = "switched off by firmware",
					     [VIRT_HIDDEN] = "there, but not usable",
					     [VIRT_USABLE] = "usable" };

	return names[state];
}
