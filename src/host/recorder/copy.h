/* SPDX-License-Identifier: MIT */
/* Copies parts of a host's tree, and gathers the lines of its record. */
#ifndef HOST_RECORDER_COPY_H
#define HOST_RECORDER_COPY_H

#include "base/str.h"
#include "host/host.h"
#include "host/recorder/table.h"

struct rec {
	const struct host *h;
	int dir;            /* where the record is made */
	struct str answers; /* of HOST_RECORD_FILE */
	char release[66];   /* of the kernel, for %k; "" if not known */
	unsigned left;      /* files that may still be made */
};

/* All that @row's path matches; nothing is no error. */
int rec_copy(struct rec *r, const struct rec_row *row, struct err *e) MUST_CHECK;
/* "access PATH = EACCES": what kept it from being read. */
void rec_access(struct rec *r, const char *path, int code);

#endif
