/* SPDX-License-Identifier: MIT */
/*
 * /etc/fstab, read as libmount reads it and edited so that no other byte changes: tabs,
 * comments, a missing last newline and CRLF stay.  fstab(5).
 */
#ifndef HOST_FSTAB_H
#define HOST_FSTAB_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

#define FSTAB "/etc/fstab"

struct fstab_entry {
	unsigned line;
	size_t off, len;                        /* of the line in the text, without its end */
	size_t opts_off, opts_len;              /* of the options, 0 0 when left out */
	char *source, *target, *type, *options; /* \040 resolved; options "" when left out */
	unsigned freq, pass;
};

struct fstab_fault {
	unsigned line;
	char text[96];
};

struct fstab {
	struct fstab_entry *v;
	size_t n;
	struct fstab_fault *faults; /* lines that mount passes over */
	size_t n_faults;
};

int fstab_parse(const char *text, size_t len, struct fstab *out, struct err *e) MUST_CHECK;
/* No file: an empty table. */
int fstab_read(const struct host *h, struct fstab *out, struct err *e) MUST_CHECK;
void fstab_free(struct fstab *f);
/* The entry for @target (slashes at the end do not count) of @type (NULL: any), or NULL. */
const struct fstab_entry *fstab_find(const struct fstab *f, const char *target,
				     const char *type);

/* Does a list of options @have ask for all that @want asks?  Their order does not count; of
 * a key given twice the last does; "defaults" asks for nothing; for hugetlbfs pagesize, size
 * and min_size are compared as numbers, mode as octal. */
bool fstab_has_options(const char *type, const char *have, const char *want);
/* Do both ask for the same? */
bool fstab_same_options(const char *type, const char *a, const char *b);

struct fstab_want {
	const char *source, *target, *type, *options;
	unsigned freq, pass;
};

/*
 * Text with an entry for want's target and type that has want's options: an entry that has
 * them is left alone, whatever else it asks for; in one that has not, they are set among
 * its own, which stay; if there is none a line is added at the end.  Returns 1 with *@out
 * new, free() it; 0 and *@out NULL: nothing to do.  -EEXIST: something of another type stands
 * at the target; -EINVAL: @want cannot be written (empty, a control character).
 */
int fstab_set(const char *text, size_t len, const struct fstab_want *want, char **out,
	      size_t *out_len, struct err *e) MUST_CHECK;
/* Text without the entries of @target and @type; 1 or 0 as above. */
int fstab_remove(const char *text, size_t len, const char *target, const char *type, char **out,
		 size_t *out_len, struct err *e) MUST_CHECK;

#endif
