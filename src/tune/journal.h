/* SPDX-License-Identifier: MIT */
/*
 * What vtune has changed on a host, in /var/lib/hostkit/journal below its root: the base of
 * revert, verify and status.  JSON, one record a line, only ever added to; a change is
 * recorded, and the record is on disk, before the change is made.
 *
 *	{"rec": "journal", "version": 1, "made": ["/var/lib"]}	first: folders made for it
 *	{"rec": "apply", "n": 1, "time": .., "boot": .., "profile": ..}
 *	{"rec": "change", "seq": 1, "apply": 1, "step": .., "kind": .., "target": ..,
 *	 "old": .., "meta": .., "value": .., "when": "now", "pid": ..}
 *	{"rec": "done", "seq": 1}	it is made and was read back
 *	{"rec": "undo", "seq": 1, "pid": ..}	a revert of it begins
 *	{"rec": "undone", "seq": 1}
 *	{"rec": "boot", "boot": .., "time": ..}	what the kernel forgot was set again
 *
 * A value that is not there is absent; one that is not UTF-8 is under "old_hex" or
 * "value_hex".  A last line that is cut short or garbled is a crash while it was written:
 * nothing of what it announces was begun, so it is as good as not there.
 */
#ifndef TUNE_JOURNAL_H
#define TUNE_JOURNAL_H

#include "host/host.h"
#include "tune/kind.h"
#include "tune/plan.h"

#include <jansson.h>

#define JOURNAL_DIR  "/var/lib/hostkit"
#define JOURNAL_FILE JOURNAL_DIR "/journal"
/* Some thousands of changes. */
#define JOURNAL_MAX  (64u << 20)

struct journal_apply {
	unsigned n; /* from 1, rising */
	char *time; /* "2025-03-01T12:00:00Z" */
	char *boot; /* id of the boot it ran in, "" in an image */
	char *profile;
	size_t offset; /* where its record begins */
};

struct journal_change {
	unsigned seq;    /* from 1, rising */
	unsigned apply;  /* number of its apply */
	struct change c; /* c.step is owned too, as @step */
	char *step;
	long pid; /* of the vtune that made it or, while undoing, takes it back */
	bool done, undoing, undone;
};

struct journal {
	bool exists; /* the file is there and has a first record */
	struct journal_apply *applies;
	size_t n_applies;
	struct journal_change *v;
	size_t n;
	char **made; /* folders above JOURNAL_DIR that were made for it, outermost first */
	size_t n_made;
	char *boot;     /* of the last "boot" record, or NULL */
	size_t boot_at; /* where that begins, if it is the last record; else == @end */
	size_t end;     /* bytes up to the end of the last whole record */
	bool torn;      /* something incomplete follows */
	int fd;         /* open for adding; -1 */
};

/* Parses @len bytes; -EUCLEAN names the line that is no record. */
int journal_parse(const char *text, size_t len, struct journal *out, struct err *e) MUST_CHECK;
/* Reads that of @h; one that is not there is empty. */
int journal_read(const struct host *h, struct journal *out, struct err *e) MUST_CHECK;
void journal_free(struct journal *j);
void journal_change_free(struct journal_change *c);
#define AUTO_JOURNAL CLEANUP(journal_free)

/* The last change of this target that was not taken back, or NULL. */
const struct journal_change *journal_last(const struct journal *j,
					  const struct change_kind *kind, const char *target);
/* The apply with number @n, or NULL. */
const struct journal_apply *journal_apply_of(const struct journal *j, unsigned n);
/* Begun and perhaps not finished, or being taken back: its target may be in between. */
bool journal_in_flight(const struct journal_change *c);
/* Id of the running boot, "" on an image.  */
#define JOURNAL_BOOT_SIZE 64
void journal_boot_id(const struct host *h, char out[JOURNAL_BOOT_SIZE]);
/* The last change of a live value was made in boot @boot, or set again in it. */
bool journal_same_boot(const struct journal *j, const struct journal_change *c,
		       const char *boot);

/* Sets @key of @obj to @text, or, where it is no UTF-8, KEY_hex; nothing for NULL.  0 or
 * -ENOMEM. */
int journal_put_text(json_t *obj, const char *key, const char *text);
const char *journal_when_name(enum change_when when);

#endif
