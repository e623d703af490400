/* SPDX-License-Identifier: MIT */
/*
 * A profile says what a host is for; steps decide what follows from it.  INI, read with inih;
 * its manual is hostkit-profile(5).  What a profile does not mention stays as it is: an empty
 * one asks for nothing, and none inherits from another, so that one page says it all.  A key
 * that nobody knows, or a value that is not of its kind, is an error with its line.
 * Commands never stand in a profile, and no value can become one: all of them are words of a
 * few harmless characters.
 */
#ifndef TUNE_PROFILE_H
#define TUNE_PROFILE_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* yes and no are wishes; keep means: leave it as it is. */
enum wish { WISH_KEEP, WISH_YES, WISH_NO };

struct names {
	char **v;
	size_t n;
};

/* "2 x 4G" of guest memory. */
struct guest_mem {
	uint64_t bytes;
	unsigned count;
};

/* vm.swappiness = 10 */
struct setting {
	char *name, *value;
};

struct profile {
	char *name; /* "kvm-host": the file's name without its ending */
	char *file; /* where it was read, for messages and for the boot service */
	/* [host] */
	enum wish kvm;    /* load the processor's own kvm module */
	char *kvm_module; /* "kvm_intel", "kvm_amd"; NULL: by what the processor can */
	enum wish nested; /* nested virtualization */
	enum wish tun, vhost_net;
	uint64_t vhost_mem_regions; /* 0: keep; only ever raised */
	struct guest_mem *guests;
	size_t n_guests;
	/* [hugepages] */
	enum wish huge;      /* reserve huge pages for the guests */
	uint64_t huge_page;  /* bytes; 0: the default size of the kernel */
	uint64_t huge_count; /* 0: by the guests */
	char *huge_mount;    /* "/dev/hugepages"; NULL: none */
	char *huge_group;    /* who may use it; NULL: who runs guests on this distribution */
	/* [bridge] */
	struct names bridges;    /* that guests may be attached to */
	enum wish helper_suid;   /* the set-user-ID bit of qemu-bridge-helper */
	enum wish bridge_create; /* a stanza for ifupdown where a bridge is not known */
	/* [users] */
	enum wish create_qemu; /* the groups and the account that the packages would make */
	struct names users;    /* people who may run guests */
	/* [iommu] */
	enum wish iommu, iommu_pt;
	struct names vfio; /* PCI addresses to bind to vfio-pci, "0000:03:00.0" */
	/* [kernel] */
	struct names cmdline; /* further words for the kernel's command line */
	enum wish psi;
	/* [memory] */
	enum wish ksm;
	char *thp;          /* always, madvise, never; NULL: keep */
	char *thp_shared;   /* always, within_size, advise, never; NULL: keep */
	int64_t swappiness; /* -1: keep */
	/* [sysctl] */
	struct setting *sysctls;
	size_t n_sysctls;
	/* [cpu] */
	char *governor; /* NULL: keep */
	/* [limits] */
	uint64_t memlock; /* bytes for the kvm group; 0: keep; UINT64_MAX: unlimited */
	/* [services] */
	enum wish at_boot; /* hostkit-tune and hostkit-hugepages */
	/* [packages] */
	struct names pkg_any, pkg_alpine, pkg_debian;
	enum wish install; /* install what is missing; else only tell */
};

#define PROFILE_DEFAULT "kvm-host"

/*
 * Reads a profile.  A @name with a slash is a file of the machine this runs on, whatever the
 * host's root; other names are looked for below the root as /etc/hostkit/NAME.ini, then
 * /usr/share/hostkit/NAME.ini, and then, for a root that has neither, in the same two places
 * of this machine.  -ENOENT names them all.
 */
int profile_read(const struct host *h, const char *name, struct profile **out, struct err *e)
	MUST_CHECK;
/* From text; @file is for messages and gives the name.  -EINVAL: "FILE:LINE: what is wrong". */
int profile_parse(const char *file, const char *text, struct profile **out, struct err *e)
	MUST_CHECK;
void profile_free(struct profile *p);
void profile_freep(struct profile **p);
#define AUTO_PROFILE CLEANUP(profile_freep)

/* Bytes of all guests together, and how many there are; saturates. */
uint64_t profile_guest_bytes(const struct profile *p, unsigned *count);

#endif
