/* SPDX-License-Identifier: MIT */
/* What of the kernel's security stands in the way of, or around, guests. */
#ifndef HOST_SECURITY_H
#define HOST_SECURITY_H

#include "host/host.h"
#include "host/tri.h"
#include "host/words.h"

struct security {
	char lockdown[32]; /* "none", "integrity", "confidentiality"; "" not readable */
	struct words lsm;  /* "apparmor", "yama"; empty if not readable */
	enum tri apparmor; /* switched on */
	enum tri selinux;  /* loaded */
	enum tri selinux_enforce;
	enum tri secure_boot;    /* unknown without EFI variables */
	enum tri efi;            /* booted by EFI */
	enum tri signed_modules; /* only signed modules load */
};

/* -ENOTSUP on an image.  What cannot be read stays unknown. */
int security_read(const struct host *h, struct security *out, struct err *e) MUST_CHECK;
void security_free(struct security *s);

/* The content of an EFI variable's file: 4 bytes of attributes, then the value; SecureBoot has
 * one byte, 1 is on.  -EINVAL. */
int security_efi_bool(const void *buf, size_t len, bool *on, struct err *e) MUST_CHECK;

#endif
