/* SPDX-License-Identifier: MIT */
/*
 * Does KVM here run what a kernel needs?  A name or a capability does not tell: some
 * implementations interpret the kernel's part of a guest, know few instructions, and run a stock
 * kernel slowly or not at all.  So a guest of a few instructions is run: 64-bit code in ring 0
 * that uses an SSE register, which no interpreter of rare cases knows.
 */
#ifndef HOST_KVM_GUEST_H
#define HOST_KVM_GUEST_H

#include "base/err.h"

/*
 * Makes a virtual machine of its own from @dev, an open /dev/kvm, and is done with it on return.
 * 0: the guest gave its answer.  -ENOTSUP: it did not, and what it did instead.  -ENODATA: there is
 * no such guest for this processor's kind (anything but 64-bit x86), so nothing was tried.
 * Others: what KVM refused.
 */
int kvm_guest_try(int dev, struct err *e) MUST_CHECK;

#endif
