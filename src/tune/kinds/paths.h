/* SPDX-License-Identifier: MIT */
/* What kinds whose targets are paths have in common. */
#ifndef TUNE_KINDS_PATHS_H
#define TUNE_KINDS_PATHS_H

#include "base/below.h"
#include "host/host.h"

/* What a new file or folder gets: root's, or who changes a tree that is not root's. */
struct below_new paths_fresh(uint32_t mode);
/* -EINVAL unless @target is an absolute path without "..". */
int paths_check(const char *target, struct err *e) MUST_CHECK;

/* "0640 0:36" */
#define PATHS_ATTR_SIZE 48
void paths_attr_print(char out[PATHS_ATTR_SIZE], uint32_t mode, uint32_t uid, uint32_t gid);
int paths_attr_parse(const char *text, struct below_new *out, struct err *e) MUST_CHECK;

/*
 * Mode, owner and extended attributes of a file or folder as text, "0640 0:36 user.x=6869":
 * what it takes to make it again once it is gone.  NULL in *@meta if it is not there.
 */
int paths_meta(const struct host *h, const char *path, char **meta, struct err *e) MUST_CHECK;
/* Mode and owner of what paths_meta() told, for making it anew. */
int paths_meta_fresh(const char *meta, struct below_new *out, struct err *e) MUST_CHECK;
/* Gives @path what paths_meta() told. */
int paths_restore(const struct host *h, const char *path, const char *meta, struct err *e)
	MUST_CHECK;

#endif
