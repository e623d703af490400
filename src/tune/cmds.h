/* SPDX-License-Identifier: MIT */
/* What the commands of vtune share.  Only main.c and cmd_*.c include this. */
#ifndef TUNE_CMDS_H
#define TUNE_CMDS_H

#include "base/tool.h"
#include "tune/apply.h"
#include "tune/drift.h"
#include "tune/lock.h"
#include "tune/profile.h"

#include <jansson.h>

enum cmd_opt_id {
	OPT_PROFILE = 1,
	OPT_ONLY,
	OPT_WAIT,
	OPT_FORCE,
	OPT_KEEP_GOING,
	OPT_IN_ROOT,
	OPT_BOOT,
	OPT_EXIT_CODE,
	OPT_TO,
	OPT_KEEP_JOURNAL,
};

/* Rows that mean the same in all commands. */
#define CMD_OPT_PROFILE                           \
	{                                         \
		"profile", 0, "NAME", OPT_PROFILE \
	}
#define CMD_OPT_ONLY                        \
	{                                   \
		"only", 0, "STEP", OPT_ONLY \
	}
#define CMD_OPT_WAIT                      \
	{                                 \
		"wait", 0, NULL, OPT_WAIT \
	}
#define CMD_OPT_FORCE                       \
	{                                   \
		"force", 0, NULL, OPT_FORCE \
	}
#define CMD_OPT_IN_ROOT                             \
	{                                           \
		"run-in-root", 0, NULL, OPT_IN_ROOT \
	}

extern const struct cli_opt cmd_plan_opts[], cmd_apply_opts[], cmd_status_opts[],
	cmd_verify_opts[], cmd_diff_opts[], cmd_revert_opts[];
int cmd_plan(const struct tool_cmd *c, int argc, char **argv);
int cmd_apply(const struct tool_cmd *c, int argc, char **argv);
int cmd_status(const struct tool_cmd *c, int argc, char **argv);
int cmd_verify(const struct tool_cmd *c, int argc, char **argv);
int cmd_diff(const struct tool_cmd *c, int argc, char **argv);
int cmd_revert(const struct tool_cmd *c, int argc, char **argv);

/* A command at work. */
struct vtune {
	struct tool_args args;
	const char *profile_name; /* --profile, or NULL */
	const char *profile_used; /* that, or the last apply's, or the default */
	const char **only;        /* ids of steps, ends with NULL once there is one */
	size_t n_only;
	bool wait, force, keep_going, in_root, boot, exit_code, keep_journal;
	unsigned to;

	struct host *h;
	struct profile *p;
	struct journal j;
	struct plan plan;
	struct lock lock;
	size_t n_failed; /* steps that could not be planned: each has a note */
};

/* Parses; -1 to go on, or the exit code. */
int vtune_parse(struct vtune *v, const struct tool_cmd *c, int argc, char **argv);
/* Opens the host and reads the journal. */
int vtune_open(struct vtune *v, struct err *e) MUST_CHECK;
/* Reads the profile and plans, anew each time. */
int vtune_plan(struct vtune *v, struct err *e) MUST_CHECK;
/* Opens and plans. */
int vtune_look(struct vtune *v, struct err *e) MUST_CHECK;
/* Before something is changed: that it may be, the lock, the journal as it is now. */
int vtune_lock(struct vtune *v, struct err *e) MUST_CHECK;
/* Frees all; returns @status. */
int vtune_end(struct vtune *v, int status);
/* Says what failed and ends with exit code 1. */
int vtune_fail(struct vtune *v, const struct err *e);
/* Set by SIGINT, SIGTERM and SIGHUP from now on. */
const atomic_bool *vtune_stop_flag(void);
/* "this machine" or "the image DIR" */
const char *vtune_host_name(const struct vtune *v, char *buf, size_t size);

/* ---- text: cmd_show.c ---- */

/* "load the module tun", "change /etc/fstab"; free() it. */
char *show_sentence(const struct change *c, bool back);
/* Indented, at most @max lines of a diff (0: all). */
void show_diff(const char *indent, const char *path, const char *from, const char *to,
	       size_t max);
/* All changes by step, each with its reason. */
void show_changes(const struct plan *p);
/* @apart: after an empty line. */
void show_notes(const struct plan *p, bool apart);
/* What ends "is as the profile wants it": that a step's purpose waits for somebody, or "". */
const char *show_but(const struct plan *p);
/* "1 needs a reboot, 2 a new login" of the changes, or "". */
void show_when(const struct plan *p, char *buf, size_t size);
const char *show_color(const char *name);
/* "1 change", "2 changes" */
const char *show_count(char *buf, size_t size, size_t n, const char *what);

/* ---- JSON: cmd_json.c ---- */

/* {"schema": @schema, "root": .., "profile": ..} */
json_t *json_head(const struct vtune *v, const char *schema);
json_t *json_change(const struct change *c);
json_t *json_changes(const struct plan *p);
json_t *json_notes(const struct plan *p);
/* Prints and drops the reference; an exit code. */
int json_print(json_t *obj);

#endif
