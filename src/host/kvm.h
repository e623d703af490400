/* SPDX-License-Identifier: MIT */
/*
 * What /dev/kvm answers (Documentation/virt/kvm/api.rst of Linux).  That the node exists proves
 * nothing: it may stand there with no driver behind it.
 */
#ifndef HOST_KVM_H
#define HOST_KVM_H

#include "host/host.h"
#include "host/tri.h"

#define KVM_NODE "/dev/kvm"

struct kvm {
	/*
	 * 0, or the negative errno of open():
	 *	-ENOENT		no node
	 *	-EACCES, -EPERM	who asks may not
	 *	-ENODEV, -ENXIO	a node with no driver behind it
	 */
	int open;
	int api;       /* 12, or negative errno; what else it is, nothing works with */
	int create_vm; /* 0; -EBUSY: another hypervisor holds the processor */
	/* 0: a guest of a few instructions ran, as a kernel does; -ENODATA: not tried, or not
	 * told; others: it did not, and @why_not (host/kvm_guest.h) */
	int runs;
	char why_not[160];
	/* 0: none, or not told */
	unsigned vcpus, vcpus_max; /* recommended, possible in one guest */
	unsigned memslots;
	unsigned nested_state; /* bytes; 0: the kernel lets guests have no guests */
	unsigned ipa_bits;     /* arm64 */
	enum tri gic_v2, gic_v3, its;
	enum tri arm32; /* arm64: guests may run a 32-bit system */
};

/* The node of the live host is opened, a VM made and closed at once, and a guest of a few
 * instructions run; a record is asked for its answers.  What was not asked is -ENODATA.  -ENOTSUP on an image.  0 also when
 * KVM does not answer: @out says how. */
int kvm_probe(const struct host *h, struct kvm *out, struct err *e) MUST_CHECK;
/* It opened, speaks version 12 and makes a VM. */
bool kvm_works(const struct kvm *k);
/* It works, but is known not to run what a kernel needs. */
bool kvm_runs_no_kernel(const struct kvm *k);

/* Numbers of KVM_CHECK_EXTENSION and KVM_CREATE_DEVICE that are asked: what a record keeps. */
enum kvm_cap {
	KVM_CAP_VCPUS = 9,
	KVM_CAP_MEMSLOTS = 10,
	KVM_CAP_VCPUS_MAX = 66,
	KVM_CAP_ARM32 = 105,
	KVM_CAP_NESTED = 157,
	KVM_CAP_IPA = 165,
};
enum kvm_dev { KVM_DEV_GIC_V2 = 5, KVM_DEV_GIC_V3 = 7, KVM_DEV_ITS = 8 };

#endif
