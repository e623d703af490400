/* SPDX-License-Identifier: MIT */
/*
 * What the commands of vimg share: messages, option rows, opening, sizes.
 *
 * A command is run(argc, argv) with argv[0] its name; it returns the exit status.  It
 * collects its options with cmd_parse(), which deals with those that mean the
 * same everywhere, and opens images with cmd_open(), which prints why it failed.
 *
 * Messages on stderr begin with the name the program was called by, as scripts
 * written for qemu-img expect.
 */
#ifndef IMG_CMD_COMMON_H
#define IMG_CMD_COMMON_H

#include "base/cli.h"
#include "img/img.h"

#include <jansson.h>
#include <stdatomic.h>

/* One command of the tool; the table is in main.c. */
struct cmd {
	const char *name;
	int (*run)(int argc, char **argv);
	const struct cli_opt *opts;
};

/* Options with one meaning in all commands, as rows for their tables. */
enum cmd_opt_id {
	CMD_HELP = 1000,
	CMD_FORMAT,
	CMD_IMAGE_OPTS,
	CMD_OBJECT,
	CMD_SHARE,
	CMD_QUIET,
	CMD_PROGRESS,
	CMD_OUTPUT,
};

#define CMD_OPT_HELP                        \
	{                                   \
		"help", 'h', NULL, CMD_HELP \
	}
#define CMD_OPT_FORMAT                           \
	{                                        \
		"format", 'f', "FMT", CMD_FORMAT \
	}
#define CMD_OPT_IMAGE_OPTS                            \
	{                                             \
		"image-opts", 0, NULL, CMD_IMAGE_OPTS \
	}
#define CMD_OPT_OBJECT                         \
	{                                      \
		"object", 0, "DEF", CMD_OBJECT \
	}
#define CMD_OPT_SHARE                               \
	{                                           \
		"force-share", 'U', NULL, CMD_SHARE \
	}
#define CMD_OPT_QUIET                         \
	{                                     \
		"quiet", 'q', NULL, CMD_QUIET \
	}
#define CMD_OPT_PROGRESS                                \
	{                                               \
		"progress", 'p', "[KIND]", CMD_PROGRESS \
	}
#define CMD_OPT_OUTPUT                          \
	{                                       \
		"output", 0, "KIND", CMD_OUTPUT \
	}
#define CMD_OPT_END              \
	{                        \
		NULL, 0, NULL, 0 \
	}

enum cmd_progress_kind {
	PROGRESS_AUTO, /* on a terminal, when it takes long */
	PROGRESS_NONE,
	PROGRESS_QEMU,  /* percent on stdout, as qemu-img -p */
	PROGRESS_HUMAN, /* bytes, rate and time left on stderr */
	PROGRESS_JSON,  /* an object per line on stderr */
};

/* What those rows were set to. */
struct cmd_opts {
	const char *cmd; /* name of the command */
	const char *fmt;
	bool image_opts, share, quiet, json;
	bool bad_output;     /* see cmd_check_output() */
	bool stdout_is_data; /* an image goes there: progress goes to stderr */
	uint64_t stdin_max;  /* so much of standard input is enough; 0: all of it */
	enum cmd_progress_kind progress;
};

/* What a command's own option callback returns to end the program now. */
#define CMD_EXIT(status) ((status) + 1)

/* An option that is not among those above.  0: go on; else CMD_EXIT(). */
typedef int cmd_own_opt(void *ctx, unsigned id, const char *value);

/*
 * Parses argv; the operands are argv[1..*nargs].  Returns -1 to go on, or the exit
 * status, with everything said already.
 */
int cmd_parse(const struct cli_opt *opts, int argc, char **argv, struct cmd_opts *common,
	      cmd_own_opt *own, void *ctx, int *nargs);

/* Complains if --output is of no known kind: after the operands, as qemu-img does.  0 or 1. */
int cmd_check_output(const struct cmd_opts *o);

/* ---- messages ---- */

/* True if called as qemu-img: scripts written for it are listening. */
bool cmd_is_qemu_img(void);
const char *cmd_program(void);
void cmd_error(const char *fmt, ...) PRINTF(1, 2);
/* "warning: ..." */
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);
/* The same with what is in @e behind it.  Return 1, an exit status. */
int cmd_fail(const struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* Wrong usage: message and where to find help, of the command of @o (NULL: of the tool).
 * Returns 1. */
int cmd_usage(const struct cmd_opts *o, const char *fmt, ...) PRINTF(2, 3);
/* The same where qemu-img only says @theirs and gives no such hint. */
int cmd_misuse(const struct cmd_opts *o, const char *theirs, const char *ours);
/* What @e says, or at least what its code means. */
const char *cmd_reason(const struct err *e);
/* Shows the help of a command (NULL: of the tool). In main.c. */
void cmd_help(const char *cmd);
/* Where the library's warnings go. */
const struct blk_log *cmd_log(void);

/* ---- values ---- */

/* A size between @min and @max; 0, or -EINVAL when it was refused with a message
 * that calls it @what. */
int cmd_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* Decimal number in [min, max]; false if @text is not one. */
bool cmd_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* Adds the blk_open_flags of a cache mode, if @mode is not NULL.  0, or 1 after a
 * message about the @what ("cache", "source cache") option (NULL: no message). */
int cmd_cache_mode(const char *mode, const char *what, unsigned *flags);
/* For -l: "snapshot.id=..,snapshot.name=.." or an id or name.  The part that
 * selects the snapshot, in @set; NULL after a message. */
const char *cmd_snapshot_name(const char *text, struct optset *set);
/* Prints @v as qemu-img prints JSON, and drops the reference.  0 or 1. */
int cmd_print_json(json_t *v);

/* ---- opening ---- */

/* Opens @name with the common options, @fmt in place of common->fmt; "-" is standard input, which
 * is kept in a temporary file if it is a pipe.  A message says why it
 * fails.  Returns 0 or a negative errno. */
int cmd_open(const struct cmd_opts *o, const char *name, const char *fmt, unsigned flags,
	     struct blk **out);
/* The same without the message, which cmd_say_why prints of what is in @e. */
int cmd_try_open(const struct cmd_opts *o, const char *name, const char *fmt, unsigned flags,
		 struct blk **out, struct err *e);
void cmd_say_why(const char *name, const struct err *e);
/*
 * For commands that can do with one pass over raw bytes: 1 if @name is "-", a pipe, and holds
 * a raw image; @s is ready to be read then.  0: use cmd_open.  -1 after a message.
 */
struct stream_in;
int cmd_stdin_raw(const struct cmd_opts *o, const char *name, struct stream_in *s);
/* blk_close with a message.  Returns 0 or 1, an exit status. */
int cmd_close(struct blk **b, const char *name);

#endif
