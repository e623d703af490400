/* SPDX-License-Identifier: MIT */
/*
 * Protocols: where images lie that are not in local files.  A name that begins with
 * "scheme:", or "driver=" in a list of options, chooses one; img/proto.c has the table.
 *
 * Local files ("file", "host_device") are none of these: locks, block sharing and holes make
 * them what the rest of the engine knows by name (img/proto/file.h).
 */
#ifndef IMG_PROTO_H
#define IMG_PROTO_H

#include "base/optset.h"
#include "img/blk.h"

/* What to open.  Everything belongs to the caller and lives as long as the call. */
struct proto_open {
	const char *driver; /* which name of the protocol was used: "https" */
	const char *name;   /* "https://host/disk.qcow2", or NULL: the options say it all */
	/* What was said beside the name, without "file.".  Those that open does not get with the
	 * optset_get family are refused by its caller; never NULL. */
	struct optset *opts;
	unsigned flags;                   /* enum blk_open_flags */
	const struct secret_set *secrets; /* what "password-secret" names; may be NULL */
	const struct blk_log *log;        /* may be NULL */
};

struct img_protocol {
	const char *const *names; /* schemes and driver names; ends with NULL */
	/*
	 * blk.filename of the new node is a name that opens the same image again, as canonical
	 * as can be: a chain that comes to one twice is a loop.  A protocol that cannot write
	 * refuses BLK_WRITE (-EACCES), or opens read-only with BLK_AUTO_RDONLY; blk.flags tells.
	 */
	int (*open)(const struct proto_open *o, struct blk **out, struct err *e);
	/*
	 * Makes @name for an image of @size bytes, or empties what is there; one that cannot be
	 * made or emptied is only looked at (its node says blk.fixed).  *made: it was not there before.
	 * NULL: images are not created here (-ENOTSUP).
	 */
	int (*create)(const char *name, uint64_t size, bool *made, struct err *e);
	/* Removes what create has made, if all that followed was in vain; may be NULL. */
	void (*remove)(const char *name);
};

/* The protocol called by the first @len bytes of @name, or NULL. */
const struct img_protocol *proto_find(const char *name, size_t len);

/* A name taken apart: *proto is NULL and *path a local path, or the protocol is found and *path
 * is @name itself.  -ENOTSUP: a protocol that is not here, or none that is known. */
int proto_of_name(const char *name, const struct img_protocol **proto, const char **path,
		  struct err *e) MUST_CHECK;

/* proto.open for a name, without options. */
int proto_open_name(const struct img_protocol *p, const char *name, unsigned flags,
		    const struct blk_log *log, struct blk **out, struct err *e) MUST_CHECK;

/* For open: @what (a protocol's name) only reads.  Takes BLK_WRITE out of *flags if that is
 * allowed, else -EACCES. */
int proto_read_only(const char *what, unsigned *flags, struct err *e) MUST_CHECK;

/* What to say where create is NULL; -ENOTSUP. */
int proto_cannot_create(const char *name, struct err *e) MUST_CHECK;

#endif
