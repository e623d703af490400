/* SPDX-License-Identifier: MIT */
/*
 * What the programs of the house have in common beside their work: dispatch to commands,
 * --help and --version, messages, exit codes, JSON.  The one file of a library room that
 * prints, for main.c and cmd_*.c to call; nothing else may.
 *
 * stdout is the answer, stderr everything else.  vimg has its own in img/cmd_common.h, since
 * it speaks as qemu-img does.
 */
#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include "base/cli.h"

#include <stdbool.h>

/* Exit codes. */
enum tool_exit { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_NEGATIVE = 3 };

/* Ids of the option rows below; a command's own begin at 1. */
enum tool_opt_id { TOOL_HELP = 1000, TOOL_VERSION, TOOL_LIST, TOOL_JSON, TOOL_ROOT, TOOL_DRY };

#define TOOL_OPT_JSON                      \
	{                                  \
		"json", 0, NULL, TOOL_JSON \
	}
#define TOOL_OPT_ROOT                       \
	{                                   \
		"root", 0, "DIR", TOOL_ROOT \
	}
#define TOOL_OPT_DRY                           \
	{                                      \
		"dry-run", 'n', NULL, TOOL_DRY \
	}
/* Ends every table: --help, then the end mark. */
#define TOOL_OPT_END                      \
	{ "help", 'h', NULL, TOOL_HELP }, \
	{                                 \
		NULL, 0, NULL, 0          \
	}

struct tool_cmd {
	const char *name;
	int (*run)(const struct tool_cmd *c, int argc, char **argv); /* exit code */
	const struct cli_opt *opts;
	const char *help; /* its text in help_TOOL_cmds; set by the table's owner or NULL */
};

/* A program: with commands (cmds ends with a NULL name), or with cmds NULL and one run(). */
struct tool {
	const char *name;
	const char *help; /* help_TOOL of the generated header */
	const struct tool_cmd *cmds;
	struct tool_cmd only; /* where cmds is NULL */
	/* Help of a command by its name, from help_TOOL_cmds; may be NULL with `only`. */
	const char *(*cmd_help)(const char *cmd);
};

/* What the shared options were set to. */
struct tool_args {
	const char *root; /* NULL: this machine */
	bool json, dry_run;
};

/* All of main(): dispatch, flush, exit code. */
int tool_main(const struct tool *t, int argc, char **argv);

/*
 * Parses a command's options: the shared ones into @args, the others through @own (may be
 * NULL), which returns 0 or a negative errno with a message.  Operands go to
 * argv[1..*nargs], of which there must be @min to @max (-1: no limit).  Returns -1 to go
 * on, or the exit code, with everything said.
 */
int tool_parse(const struct tool_cmd *c, int argc, char **argv, struct tool_args *args,
	       cli_each *own, void *ctx, int min, int max, int *nargs);

/* "NAME: message" on stderr. */
void tool_error(const char *fmt, ...) PRINTF(1, 2);
void tool_warn(const char *fmt, ...) PRINTF(1, 2);
/* Wrong usage: message and where help is.  Returns TOOL_USAGE. */
int tool_usage(const char *fmt, ...) PRINTF(1, 2);
/* What @e says; with args->json also {"error": {"code": .., "message": ..}} on stdout.
 * Returns TOOL_FAILED. */
int tool_fail(const struct tool_args *args, const struct err *e);
/* "EBUSY" for -EBUSY or EBUSY; "E<number>" for what has no name here. */
const char *tool_errno_name(int code);

/* Whether stdout wants colour: a terminal, and NO_COLOR not set. */
bool tool_color(void);
/* Columns of the terminal on stdout, 80 where it is none. */
int tool_columns(void);

#endif
