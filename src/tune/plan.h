/* SPDX-License-Identifier: MIT */
/*
 * What would be changed on a host, and why.  Steps write into a plan; nothing here
 * touches anything.
 *
 * A step decides, a kind acts.  A step looks at the host and at the profile and adds the
 * changes that are missing: none when all is as it should be.  A kind of change knows how to
 * read, apply and take back one sort of thing.  So dry run, diff, verify, revert and
 * JSON are written once, and a step cannot do what it did not announce.
 */
#ifndef TUNE_PLAN_H
#define TUNE_PLAN_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct change_kind;

/* When a change has its effect. */
enum change_when { WHEN_NOW, WHEN_RELOAD, WHEN_RELOGIN, WHEN_REBOOT };

struct change {
	const struct change_kind *kind;
	const char *step;      /* id of the step that asked; constant */
	char *target;          /* "/etc/fstab", "vm.swappiness", "vhost_net" */
	char *old_val, *value; /* before and wanted; NULL: absent */
	char *old_meta;        /* what of the old one a kind needs beside that; NULL: nothing */
	char *reason;          /* one sentence for the reader of the plan */
	enum change_when when;
	bool in_root; /* its commands may be run inside an image (--run-in-root) */
	/* Set by drift.h: somebody else changed the target since vtune did. */
	bool foreign;
	char *ours; /* what vtune had made of it; NULL: absent */
};

/* What a step could not do itself: shown, never applied. */
struct note {
	const char *step;
	char *text;
	bool blocks; /* the step's purpose is not reached until somebody does it */
};

struct plan {
	struct change *v;
	size_t n;
	struct note *notes;
	size_t n_notes;
};

/*
 * Adds a change unless @target already has @value.  The current value is read through
 * @kind; -ENOENT is "absent".  One change per kind and target: a second one with another
 * value is -EEXIST, a bug of two steps.  Takes copies.  Returns 1 if it was added, 0 if
 * there is nothing to do.
 *
 * Folders that are missing on the way to a file, link or folder are added before it, as
 * changes of their own.  On an image a change of a live kind is not added (0): the running
 * host gets it when it plans for itself.
 */
int plan_add(struct plan *p, const struct host *h, const struct change_kind *kind,
	     const char *step, const char *target, const char *value, enum change_when when,
	     struct err *e, const char *reason, ...) PRINTF(9, 10) MUST_CHECK;
/*
 * The same for a target that an earlier step may have changed in this plan (two steps write
 * /etc/group of an image): @value was made from what plan_find() or plan_value() gave, and is
 * a change of its own on top of that one, so that each is shown, and taken back, by itself.
 */
int plan_amend(struct plan *p, const struct host *h, const struct change_kind *kind,
	       const char *step, const char *target, const char *value, enum change_when when,
	       struct err *e, const char *reason, ...) PRINTF(9, 10) MUST_CHECK;
int plan_note(struct plan *p, const char *step, bool blocks, struct err *e, const char *fmt,
	      ...) PRINTF(5, 6) MUST_CHECK;
/* The last change of @kind and @target in this plan, or NULL: later steps see what earlier ones
 * will have done. */
const struct change *plan_find(const struct plan *p, const struct change_kind *kind,
			       const char *target);
/* What @target holds once the plan so far is done: the planned value, else the current one;
 * *@value NULL if absent.  free() it. */
int plan_value(const struct plan *p, const struct host *h, const struct change_kind *kind,
	       const char *target, char **value, struct err *e) MUST_CHECK;
/* Takes back what was added after the first @n changes. */
void plan_cut(struct plan *p, size_t n);
/* Leaves out change @at. */
void plan_drop(struct plan *p, size_t at);
void plan_free(struct plan *p);

/* One purpose of the tuning.  @plan only reads. */
struct step {
	const char *id;    /* "hugepages.pool"; stable, for --only and the journal */
	const char *title; /* "Huge page pool" */
	const char *why;   /* one sentence for the manual and --explain */
	int (*plan)(const struct host *h, const struct profile *p, struct plan *out,
		    struct err *e);
};

/* All steps in the order they are planned and applied; ends with NULL. */
extern const struct step *const tune_steps[];
/* The step called @id, or NULL. */
const struct step *step_find(const char *id);

#endif
