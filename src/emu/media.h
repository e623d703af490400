/* SPDX-License-Identifier: MIT */
/*
 * What a person does to a machine's drives while it runs: trays of CD-ROM drives, what lies in them,
 * images committed to those below them.  Disks are numbers in the configuration.  The loop's
 * thread; whatever the disk is doing is over before its image changes.
 */
#ifndef EMU_MEDIA_H
#define EMU_MEDIA_H

#include "base/err.h"

#include <stdbool.h>

struct machine;
struct node;

/* By the name of the drive, or the id of its device. */
int media_find(const struct machine *m, const char *name, unsigned *i, struct err *e)
	MUST_CHECK;

/* -EACCES: the guest has locked it, is asked to let go, and @force was not given.  What is open
 * already stays so. */
int media_open_tray(struct machine *m, unsigned i, bool force, struct err *e) MUST_CHECK;
int media_close_tray(struct machine *m, unsigned i, struct err *e) MUST_CHECK;
/* Both need an open tray. */
int media_remove(struct machine *m, unsigned i, struct err *e) MUST_CHECK;
int media_insert(struct machine *m, unsigned i, struct node *v, struct err *e) MUST_CHECK;

/* Opens the tray, and takes out what is in it. */
int media_eject(struct machine *m, unsigned i, bool force, struct err *e) MUST_CHECK;
/* The file @file instead of what is in it.  @format NULL: found out; @mode: QMP's read-only-mode, or
 * NULL.  The drive is as it was where the file cannot be opened. */
int media_change(struct machine *m, unsigned i, const char *file, const char *format,
		 const char *mode, bool force, struct err *e) MUST_CHECK;

/* Writes what the image holds into the one below it, while the guest stands. */
int media_commit(struct machine *m, unsigned i, struct err *e) MUST_CHECK;
/* Whether that can be done to the disk at all. */
bool media_commits(const struct machine *m, unsigned i);

#endif
