/* SPDX-License-Identifier: MIT */
/* The groups, one file each, and what several of them use. */
#ifndef HOSTCHECK_CHECKS_CHECKS_H
#define HOSTCHECK_CHECKS_CHECKS_H

#include "hostcheck/facts.h"
#include "hostcheck/finding.h"

extern const struct check_group checks_cpu, checks_kvm, checks_guest, checks_modules,
	checks_net, checks_bridge, checks_users, checks_hugepages, checks_memory, checks_iommu,
	checks_passthrough, checks_cgroup, checks_kernel, checks_security, checks_storage,
	checks_software, checks_boot;

/* Who is meant to run guests: --user, else who asks. */
struct who {
	bool root;       /* may open everything */
	char name[64];   /* "alice"; "uid 65534" where the files have no name */
	const char *raw; /* name or number, for access_node(); NULL: who asks, by its ids */
};

/* 0; -ESRCH: --user names nobody of this host; -ENOTSUP: an image, and no --user. */
int who_read(struct facts *f, struct who *out, struct err *e) MUST_CHECK;
/* May @w open @path with @want (host/access.h)?  Errors as access_node(). */
int who_may(struct facts *f, const struct who *w, const char *path, unsigned want,
	    struct err *e) MUST_CHECK;
/* @w's files say yes where its process says no: a new login is missing. */
bool who_must_relogin(struct facts *f, const struct who *w, const char *path, unsigned want);
/* Is @w in @group, by the files?  A group that does not exist: no. */
bool who_is_member(struct facts *f, const struct who *w, const char *group);

/* "4 GiB", in a buffer of the caller. */
#define BYTES_TEXT 32
const char *bytes_text(uint64_t bytes, char out[BYTES_TEXT]);
/* "s" unless @n is 1. */
const char *plural(uint64_t n);
/* A whole number from a file of the host; false where there is none to be had. */
bool attr_u64(const struct facts *f, const char *path, uint64_t *out);
/* What @module gets for @param at its next load, by modprobe.d and the kernel's command
 * line; false if nothing is said. */
bool option_configured(struct facts *f, const char *module, const char *param, char *buf,
		       size_t size);
/* vemu's own engine runs on this processor: it copies the host's instructions, and needs 64-bit x86
 * with XSAVE and BMI2. */
bool vemu_translates(struct facts *f);
/* State of a kernel module; MODULE_UNKNOWN where it cannot be read either. */
enum module_state module_state_of(struct facts *f, const char *name);
bool module_is_up(enum module_state s);

#endif
