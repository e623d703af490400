/* SPDX-License-Identifier: MIT */
/*
 * A profile says what a host is for; steps decide what follows from it.  INI, read with inih,
 * from /etc/hostkit/NAME.ini; its manual is hostkit-profile(5).  A key that nobody knows is an
 * error with its line.  Commands never stand in a profile.
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

struct profile {
	char *name; /* "kvm-host" */
	/* [host] */
	bool kvm;         /* load the processor's own kvm module */
	enum wish nested; /* nested virtualization */
	bool tun, vhost_net;
	uint64_t vhost_mem_regions; /* 0: keep; only ever raised */
	/* [guests] */
	struct guest_mem *guests;
	size_t n_guests;
	/* [hugepages] */
	bool huge;           /* reserve huge pages for the guests */
	uint64_t huge_page;  /* bytes; 0: the default size of the kernel */
	uint64_t huge_count; /* 0: by the guests */
	char *huge_mount;    /* "/dev/hugepages" */
	char *huge_group;    /* who may use it */
	/* [bridge] */
	struct names bridges;
	enum wish helper_suid; /* the set-user-ID bit of qemu-bridge-helper */
	/* [users] */
	bool create_qemu;   /* the qemu user and the kvm and qemu groups */
	struct names users; /* people who may run guests */
	/* [iommu] */
	enum wish iommu, iommu_pt;
	struct names vfio; /* PCI addresses to bind to vfio-pci */
	/* [kernel] */
	struct names cmdline; /* further words for the kernel's command line */
	enum wish psi;
	/* [memory] */
	enum wish ksm;
	char *thp;          /* always, madvise, never; NULL: keep */
	int64_t swappiness; /* -1: keep */
	/* [cpu] */
	char *governor; /* NULL: keep */
	/* [limits] */
	uint64_t memlock; /* bytes for the kvm group; 0: keep; UINT64_MAX: unlimited */
	/* [services] */
	enum wish at_boot; /* hostkit-tune and hostkit-hugepages */
	/* [packages] */
	struct names packages;
	bool install; /* install what is missing; else only tell */
};

/* Reads the profile @name ("kvm-host", or a path with a slash) below the host's root, or the
 * one shipped under /usr/share/hostkit where /etc/hostkit has none. */
int profile_read(const struct host *h, const char *name, struct profile **out, struct err *e)
	MUST_CHECK;
/* From text; @file is for messages. */
int profile_parse(const char *file, const char *text, struct profile **out, struct err *e)
	MUST_CHECK;
void profile_free(struct profile *p);

#endif
