/* SPDX-License-Identifier: MIT */
/*
 * One question about a host each.  Checks only read, and only through struct host and the
 * rooms below; what they find is data, shown as text, JSON or Prometheus metrics by report.h.
 */
#ifndef HOSTCHECK_CHECK_H
#define HOSTCHECK_CHECK_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>

enum verdict {
	V_OK,
	V_INFO,
	V_WARN,
	V_FAIL,
	V_UNKNOWN, /* could not be read; @advice says which right is missing */
	V_SKIP,    /* the question does not arise here; @value says why */
};
#define V_COUNT (V_SKIP + 1)

/* What it takes for the advice to have its effect. */
enum remedy { R_NONE, R_NOW, R_RELOAD, R_RELOGIN, R_REBOOT, R_FIRMWARE, R_HARDWARE, R_ROOT };

/* One of several things a check looked at: a device, a pool, a line of a file. */
struct item {
	enum verdict verdict;
	char name[64];
	char text[192];
};

/* Filled with finding.h. */
struct finding {
	enum verdict verdict;
	char value[192];  /* what was seen: "never", "4 of 8 GiB" */
	char advice[384]; /* what to do about it; empty when V_OK */
	const char *fix;  /* id of the vtune step that mends it, or NULL */
	enum remedy remedy;
	struct item *items;
	size_t n_items;
	bool failed; /* an item found no memory */
};

/* What is asked for besides the host itself. */
struct check_opts {
	const char *user;  /* --user: can this one run guests?  NULL: who asks */
	const char *guest; /* --guest ARCH, or NULL */
};

struct facts;

struct check {
	const char *id;    /* "kvm.nested"; stable, used by --only and in JSON */
	const char *title; /* "Nested virtualization" */
	const char *why;   /* --explain: why it matters */
	const char *how;   /* how it is read */
	const char *mend;  /* how it is mended */
	const char *needs; /* id of a check that must not fail or be skipped first, or NULL */
	/* 0 with @out filled; a negative errno is a fault of ours or the machine's, shown as
	 * unknown with what @e says. */
	int (*run)(struct facts *f, struct finding *out, struct err *e);
	bool kernel; /* asks the running kernel: skipped on an image, which has none */
	/* The value changes by itself (free memory), so only the verdict counts as drift. */
	bool moving;
};

/* A table of checks; ends with a NULL id. */
struct check_group {
	const char *id; /* "kvm": what the ids of its checks begin with */
	const char *title;
	const struct check *checks;
};

/* All groups in the order of the report; ends with NULL. */
extern const struct check_group *const check_groups[];

/* The check called @id and (unless @group is NULL) its group, or NULL. */
const struct check *check_find(const char *id, const struct check_group **group);
const struct check_group *check_find_group(const char *id);

/* "ok", "fail": as reports write them. */
const char *verdict_name(enum verdict v);
/* The verdict called @name, or -1. */
int verdict_find(const char *name);
/* "reboot", "firmware"; NULL for R_NONE. */
const char *remedy_name(enum remedy r);
/* "takes effect after a reboot"; NULL for R_NONE. */
const char *remedy_text(enum remedy r);

#endif
