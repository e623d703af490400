/* SPDX-License-Identifier: MIT */
/*
 * Images that are open and belong to no disk: those of -blockdev, blockdev-add, -drive if=none and
 * drive_add.  A disk borrows one.  The loop's thread.
 */
#ifndef EMU_NODES_H
#define EMU_NODES_H

#include "base/err.h"
#include "emu/config.h"

struct blk;
struct blk_log;

struct node {
	struct config_disk c; /* id NULL: this one is free */
	struct blk *image;    /* NULL: an empty drive of if=none, or asleep */
	bool used;            /* a disk has it, or @parent */
	struct node *parent;  /* opened with the same options for itself; or NULL */
};

struct nodes {
	struct node v[2 * CONFIG_DEVICES];
	const struct blk_log *log;
};

/* Opens the image of @c, whose strings it takes over on success.  @out may be NULL. */
int nodes_open(struct nodes *n, struct config_disk *c, struct node **out, struct err *e)
	MUST_CHECK;
/* The same with an image that is open. */
int nodes_adopt(struct nodes *n, struct config_disk *c, struct blk *image, struct node **out,
		struct err *e) MUST_CHECK;
struct node *nodes_find(struct nodes *n, const char *id);
/* Closes the image, and opens it again. */
int nodes_sleep(struct node *v, struct err *e) MUST_CHECK;
int nodes_wake(struct nodes *n, struct node *v, struct err *e) MUST_CHECK;
/* -EBUSY: a disk has it, or another node.  What its closing lost is an error, too; it is gone then. */
int nodes_close(struct nodes *n, struct node *v, struct err *e) MUST_CHECK;
/* All, used or not; the first error. */
int nodes_end(struct nodes *n, struct err *e) MUST_CHECK;

#endif
