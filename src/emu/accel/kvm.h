/* SPDX-License-Identifier: MIT */
/* Between the files of the accelerator kvm. */
#ifndef EMU_ACCEL_KVM_H
#define EMU_ACCEL_KVM_H

#include "emu/accel.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/cpu/x86/state.h"

#include <linux/kvm.h>
#include <stdatomic.h>

#define KVM_SLOTS 32

struct kvm_vm {
	struct accel_env env;
	int dev, fd;
	size_t run_size;
	unsigned slots; /* in use */
};

struct kvm_vcpu {
	struct kvm_vm *vm;
	struct vcpu *v;
	int fd;
	struct kvm_run *run;
	bool irq;       /* somebody may want to interrupt */
	bool full_load; /* everything is loaded at the next entry, not only registers */
	_Atomic bool in_thread;
	pthread_t thread;
};

int kvm_dev(struct err *e) MUST_CHECK;
/* What this KVM lets a guest see. */
int kvm_features(uint32_t feat[FEAT_WORDS], struct err *e) MUST_CHECK;
int kvm_set_cpuid(int fd, const struct x86_cpuid *c, unsigned index, struct err *e) MUST_CHECK;

/* General and system registers; @all: FPU, MSRs and debug registers, too. */
int kvm_load(struct kvm_vcpu *k, bool all, struct err *e) MUST_CHECK;
int kvm_save(struct kvm_vcpu *k, bool all, struct err *e) MUST_CHECK;

enum exit_reason kvm_run(struct vcpu *v, struct err *e);

#endif
