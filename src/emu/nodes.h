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
	struct blk *image;    /* NULL: an empty drive of if=none */
	bool used;            /* a disk has it */
};

struct nodes {
	struct node v[2 * CONFIG_DEVICES];
	const struct blk_log *log;
};

/* Opens the image of @c, whose strings it takes over on success. */
int nodes_open(struct nodes *n, struct config_disk *c, struct err *e) MUST_CHECK;
/* The same with an image that is open. */
int nodes_adopt(struct nodes *n, struct config_disk *c, struct blk *image, struct node **out,
		struct err *e) MUST_CHECK;
struct node *nodes_find(struct nodes *n, const char *id);
/* -EBUSY: a disk has it.  What its closing lost is an error, too; it is gone then. */
int nodes_close(struct node *v, struct err *e) MUST_CHECK;
/* All, used or not; the first error. */
int nodes_end(struct nodes *n, struct err *e) MUST_CHECK;

#endif
