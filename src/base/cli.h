/* SPDX-License-Identifier: MIT */
/*
 * Command lines.  A tool is a table of commands; a command has a table of
 * options.  Parsing follows getopt_long's habits, which scripts rely on:
 * options and operands in any order, "--" ends options, long options may be
 * shortened while unambiguous, "-ofoo" and "-o foo", "--opt=x" and "--opt x".
 *
 * Each option found is handed to a callback, in order of appearance.  An options
 * table ends with an entry that has neither name nor letter.
 */
#ifndef BASE_CLI_H
#define BASE_CLI_H

#include "base/err.h"

#include <stdbool.h>

struct cli_opt {
	const char *name; /* long form without "--"; NULL if there is only a letter */
	char letter;      /* or 0 */
	/* "FMT", or NULL for a flag; "[KIND]": may be left out, and is then given
	 * as "--name=KIND" only. */
	const char *arg;
	unsigned id; /* unique in its command; what cli_each gets */
};

struct cli_cmd {
	const char *name;                  /* "convert" */
	const char *help;                  /* text of its manual section, from docs/man */
	int (*run)(int argc, char **argv); /* exit status; argv[0] is the command */
};

/* Called for each option in turn.  Non-zero stops the parse and is returned. */
typedef int cli_each(void *ctx, unsigned id, const char *value, struct err *e);

/*
 * Parses argv[1..argc), calls @each for each option, and moves the operands to
 * the front of argv[1..]; *@nargs is how many.  -EINVAL with a message that
 * names the option for an unknown or ambiguous one, or a missing or
 * unwanted value.
 */
int cli_parse(const struct cli_opt *opts, int argc, char **argv, cli_each *each, void *ctx,
	      int *nargs, struct err *e) MUST_CHECK;

/* The command called @name, or NULL.  @cmds ends with a NULL name. */
const struct cli_cmd *cli_find(const struct cli_cmd *cmds, const char *name);

#endif
