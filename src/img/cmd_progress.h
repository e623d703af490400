/* SPDX-License-Identifier: MIT */
/*
 * Showing how far a command is.
 *
 *	struct cmd_progress cp;
 *	struct progress *p = cmd_progress_start(&cp, &o, 1);
 *	... the library works and adds to p ...
 *	cmd_progress_end(&cp, r == 0);
 *
 * SIGUSR1 makes it say the percentage on stderr at the next step, as qemu-img does.
 */
#ifndef IMG_CMD_PROGRESS_H
#define IMG_CMD_PROGRESS_H

#include "base/progress.h"
#include "img/cmd_common.h"

#include <signal.h>

struct cmd_progress {
	struct progress p;
	enum cmd_progress_kind kind;
	double step; /* percent to move before qemu-img's line is printed again */
	double last; /* percent last printed */
	bool shown;
	bool to_stderr; /* even qemu-img's line */
};

/* @step as above.  @cp must stay where it is until the end. */
struct progress *cmd_progress_start(struct cmd_progress *cp, const struct cmd_opts *o,
				    unsigned step);
/* @complete: all is done, whatever was counted.  Ends the line. */
void cmd_progress_end(struct cmd_progress *cp, bool complete);
/* The same in two, for text that qemu-img prints before it ends the line. */
void cmd_progress_full(struct cmd_progress *cp, bool complete);
void cmd_progress_close(struct cmd_progress *cp);

/* ---- signals ---- */

/* Set by SIGUSR1. */
extern volatile sig_atomic_t cmd_asked_for_progress;

/* From now on SIGUSR1 asks for progress, and a closed pipe is an error like others. */
void cmd_signals_init(void);
/* From now on SIGINT, SIGTERM and SIGHUP set the flag returned instead of ending the program;
 * a second one ends it. */
const atomic_bool *cmd_stop_flag(void);
/* If one came: ends the program by it, so that the caller sees why.  Else returns. */
void cmd_stop_now(void);
/* Until called with NULL: a file that is not there yet, to be removed if a signal ends
 * the program.  At most two. */
void cmd_remove_on_signal(const char *path);

#endif
