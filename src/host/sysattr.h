/* SPDX-License-Identifier: MIT */
/*
 * States of a running kernel that are one or a few attributes each.  All return -ENOTSUP on an
 * image and -ENOENT where the kernel has no such thing.
 */
#ifndef HOST_SYSATTR_H
#define HOST_SYSATTR_H

#include "host/choice.h"
#include "host/host.h"
#include "host/tri.h"

enum psi { PSI_NONE, PSI_OFF, PSI_ON }; /* not in this kernel; needs psi=1; there */

/* /proc/pressure, the file opens and reads EOPNOTSUPP where it is switched off. */
int sysattr_psi(const struct host *h, enum psi *out, struct err *e) MUST_CHECK;

struct sys_ksm {
	unsigned run; /* 0 off, 1 on, 2 off and unshared */
	uint64_t pages_shared, pages_sharing;
	enum tri across_nodes;
};

int sysattr_ksm(const struct host *h, struct sys_ksm *out, struct err *e) MUST_CHECK;

struct sys_thp {
	struct choice enabled, defrag, shmem;
};

int sysattr_thp(const struct host *h, struct sys_thp *out, struct err *e) MUST_CHECK;

/* Governors: of how many policies which one. */
struct sys_governors {
	char first[32];      /* that of policy0 */
	unsigned policies;   /* 0: no frequency scaling here, as in most guests */
	unsigned others;     /* policies with another governor */
	char offers[160];    /* of the first policy */
	char preference[32]; /* energy_performance_preference of the first, or "" */
	enum tri boost;      /* cpufreq/boost, or intel_pstate/no_turbo */
};

int sysattr_governors(const struct host *h, struct sys_governors *out, struct err *e)
	MUST_CHECK;

struct sys_clock {
	char current[32], available[160];
};

int sysattr_clock(const struct host *h, struct sys_clock *out, struct err *e) MUST_CHECK;

struct sys_smt {
	enum tri active;
	char control[32]; /* "on", "off", "forceoff", "notsupported", "notimplemented" */
};

int sysattr_smt(const struct host *h, struct sys_smt *out, struct err *e) MUST_CHECK;

enum flaw_state { FLAW_UNKNOWN, FLAW_NOT_AFFECTED, FLAW_MITIGATED, FLAW_VULNERABLE };

struct sys_flaw {
	char name[48];
	enum flaw_state state;
	bool smt_vulnerable; /* the text says that sharing a core leaves it open */
	char text[192];
};

struct sys_flaws {
	struct sys_flaw *v; /* free() it */
	size_t n;
};

enum flaw_state sysattr_flaw(const char *text, bool *smt_vulnerable);
int sysattr_flaws(const struct host *h, struct sys_flaws *out, struct err *e) MUST_CHECK;

/* A module's parameter as a yes or no: Y N 1 0; another number than 0 is yes. */
int sysattr_param(const struct host *h, const char *module, const char *param, enum tri *out,
		  struct err *e) MUST_CHECK;

#endif
