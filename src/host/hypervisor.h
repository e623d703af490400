/* SPDX-License-Identifier: MIT */
/* Whether this host is itself a guest, and of what. */
#ifndef HOST_HYPERVISOR_H
#define HOST_HYPERVISOR_H

#include "host/cpuid.h"
#include "host/cpuinfo.h"
#include "host/tri.h"

struct hypervisor {
	enum tri inside;  /* unknown where nothing could be read */
	char name[48];    /* "KVM", "QEMU (TCG)", "VMware", "Xen"; "" if it did not say */
	char source[160]; /* how it is known: "CPUID signature KVMKVMKVM" */
};

/* @info and @id may be NULL: not known.  Both sides of a contradiction are not weighed, any
 * sign of a hypervisor counts.  -ENOTSUP on an image. */
int hypervisor_detect(const struct host *h, const struct cpuinfo *info, const struct cpuid *id,
		      struct hypervisor *out, struct err *e) MUST_CHECK;

#endif
