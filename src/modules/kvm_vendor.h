/* SPDX-License-Identifier: MIT */
/*
 * The kvm module of this host's processor, by what the processor can (the flags vmx and svm
 * in all processors of /proc/cpuinfo), never by who made it: Hygon has svm, Zhaoxin has
 * vmx.  On arm64, riscv64 and s390x kvm itself is the module.
 */
#ifndef MODULES_KVM_VENDOR_H
#define MODULES_KVM_VENDOR_H

#include "base/err.h"
#include "modules/module.h"

#include <stdbool.h>

enum kvm_nested {
	NESTED_UNKNOWN, /* the module is not loaded, or does not show it */
	NESTED_OFF,
	NESTED_ON,
	NESTED_NONE, /* this module has no such parameter */
};

struct kvm_vendor {
	/* "kvm_intel", "kvm_amd", "kvm_hv", "kvm"; NULL: this processor has none, or its
	 * firmware keeps it to itself.  Constant. */
	const char *module;
	const char *flag;        /* "vmx", "svm" that said so, or NULL.  Constant. */
	enum module_state state; /* of @module */
	/* The one that runs; another than @module is in its way.  "" if none. */
	char live[MODULE_NAME_MAX + 1];
	enum kvm_nested nested; /* of @live, or else of @module */
	char nested_text[16];   /* as /sys has it: "Y", "1"; "" if not there */
};

/* That there is none is no error.  -ENOTSUP: an image, whose processor is not known. */
int kvm_vendor_get(const struct modules *m, struct kvm_vendor *out, struct err *e) MUST_CHECK;

/* The vendor module that runs, whatever the processor; "" if none. */
int kvm_vendor_live(const struct modules *m, char (*live)[MODULE_NAME_MAX + 1], struct err *e)
	MUST_CHECK;

/* What to write for the parameter `nested`: valid for kvm_intel, where it is a bool, and for
 * kvm_amd, where it is an int and "Y" would keep the module from loading. */
const char *kvm_nested_value(bool on);
/* "unknown", "off", "on", "none" */
const char *kvm_nested_name(enum kvm_nested n);

#endif
