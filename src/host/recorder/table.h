/* SPDX-License-Identifier: MIT */
/* What a record takes along. */
#ifndef HOST_RECORDER_TABLE_H
#define HOST_RECORDER_TABLE_H

#include "host/recorder/clean.h"

#include <stddef.h>

enum rec_how {
	REC_TEXT,  /* the content, cleaned */
	REC_BYTES, /* the content as it is: tables of firmware, indexes of modules */
	REC_CONF,  /* as REC_TEXT, with owner and mode: somebody may have set them wrong */
	REC_NODE,  /* that it is there, with kind, owner, mode and access list; no content */
	REC_DIR,   /* that it is there: an empty folder */
};

/* In a path '*' stands for a name or a part of one; %k for the release of the kernel that
 * runs, as a whole component.  Links on the way are kept as links. */
struct rec_row {
	const char *path;
	enum rec_how how;
	enum clean_how clean;
};

extern const struct rec_row rec_rows[];
extern const size_t rec_rows_n;

#endif
