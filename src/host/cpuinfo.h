/* SPDX-License-Identifier: MIT */
/*
 * /proc/cpuinfo, all processors of it, of x86 and arm64.  Processors may differ (hybrid
 * parts, one that microcode changed late), so flags come as those that all have and those
 * that some lack.  Linux takes flags away that it does not use: "no vmx" may also be
 * firmware that locked it (host/virt.h tells).
 */
#ifndef HOST_CPUINFO_H
#define HOST_CPUINFO_H

#include "host/host.h"
#include "host/words.h"

struct cpuinfo {
	unsigned cpus;          /* processors listed: those online */
	char vendor[32];        /* "GenuineIntel"; arm64: the implementer, "0x41" */
	unsigned family, model; /* arm64: 0 and the part number of the first one */
	unsigned stepping;      /* arm64: revision */
	char name[96];          /* model name; empty on most arm64 */
	struct words flags;     /* of every processor ("flags", arm64 "Features") */
	struct words some;      /* of at least one, but not of all */
	struct words vmx;       /* "vmx flags" of every processor (Linux 5.6 on Intel) */
	bool has_vmx_line;      /* there was such a line: @vmx being empty means something */
};

/* -EINVAL: names no processor. */
int cpuinfo_parse(const char *text, size_t len, struct cpuinfo *out, struct err *e) MUST_CHECK;
/* -ENOTSUP on an image. */
int cpuinfo_read(const struct host *h, struct cpuinfo *out, struct err *e) MUST_CHECK;
/* Every processor has it. */
bool cpuinfo_has(const struct cpuinfo *c, const char *flag);
void cpuinfo_free(struct cpuinfo *c);
#define AUTO_CPUINFO CLEANUP(cpuinfo_free)

#endif
