/* SPDX-License-Identifier: MIT */
/* How the files that open images share the work: open.c, open_opts.c, chain.c. */
#ifndef IMG_OPEN_H
#define IMG_OPEN_H

#include "img/img.h"
#include "img/proto.h"

#include <sys/types.h>

/* The images above the one being opened, to find loops. */
struct open_seen {
	dev_t dev;
	ino_t ino;
	const char *name; /* NULL: a local file; else it is known by its name alone */
	unsigned depth;
	const struct open_seen *up;
};

/* img_open below the images of @up (NULL: none). */
int open_image(const struct img_open *o, const struct open_seen *up, struct blk **out,
	       struct err *e) MUST_CHECK;

/* Fills @id for the open file @file.  -ELOOP: it is among those above, or too deep. */
int open_seen_add(struct open_seen *id, const struct open_seen *up, struct blk *file,
		  struct err *e) MUST_CHECK;
/* Opens the backing image that the header of @b, or @opts, name; none is fine. */
int open_backing(struct blk *b, struct optset *opts, const struct open_seen *seen,
		 struct err *e) MUST_CHECK;

/* May the @what that an image opened with @flags names be opened?  -EACCES: it comes from elsewhere
 * (BLK_UNTRUSTED). */
int open_may_follow(unsigned flags, const char *what, const char *name, struct err *e)
	MUST_CHECK;

/* A path without "file:".  -ENOTSUP: a protocol, be it known or not. */
int open_local_path(const char *name, const char **path, struct err *e) MUST_CHECK;
bool open_has_protocol(const char *name);

/* The object in @text ("{...}") as dotted keys, without those already in @out. */
int open_json_opts(const char *text, struct optset *out, struct err *e) MUST_CHECK;

/* What to open and how, from name and options together. */
struct open_plan {
	struct optset own, file, backing; /* "file." and "backing." are cut off */
	const struct img_protocol *proto; /* NULL: a local file */
	char *driver;                     /* which of its names was used; NULL for a file */
	char *path;                       /* NULL: a protocol's options say it all */
	const struct img_format *format;  /* NULL: probe */
	unsigned flags;
	bool no_backing;
};

int open_plan_make(struct open_plan *p, const struct img_open *o, struct err *e) MUST_CHECK;
void open_plan_free(struct open_plan *p);

#endif
