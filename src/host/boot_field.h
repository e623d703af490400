/* SPDX-License-Identifier: MIT */
/* Parts of boot_text.h: where in a file a command line stands. */
#ifndef HOST_BOOT_FIELD_H
#define HOST_BOOT_FIELD_H

#include "base/err.h"
#include "host/boot_text.h"

#include <stdbool.h>
#include <stddef.h>

struct boot_field {
	size_t off, len; /* of the words, without quotes around them */
	char quote;      /* shell: '"', '\'', or 0 for a bare word */
	unsigned line;
	unsigned var;    /* shell: which of the names asked for */
	bool is_default; /* entries: the one that boots */
};

struct boot_fields {
	struct boot_field *v; /* in the order of the text */
	size_t n;
};

void boot_fields_free(struct boot_fields *f);
int boot_fields_add(struct boot_fields *f, const struct boot_field *field, struct err *e)
	MUST_CHECK;

/* All assignments to @names (ends with NULL) in a shell file.  -ENOTSUP: one of them is
 * conditional, in a function, appends with += or has a value of several pieces. */
int boot_shell_fields(const char *text, size_t len, const char *const *names,
		      struct boot_fields *out, struct err *e) MUST_CHECK;
/* What the shell makes of a field, free() it: escapes are resolved, a reference to @name
 * becomes @value.  -ENOTSUP: other references, commands. */
int boot_shell_value(const char *text, const struct boot_field *f, const char *name,
		     const char *value, char **out, struct err *e) MUST_CHECK;
/* Words that no shell takes apart between double quotes. */
bool boot_shell_plain(const char *word);

/* Command lines of entries in extlinux.conf, limine.conf or a loader entry. */
int boot_entry_fields(enum boot_syntax syntax, const char *text, size_t len,
		      struct boot_fields *out, struct err *e) MUST_CHECK;
/* The one of a file that is nothing else. */
int boot_plain_field(enum boot_syntax syntax, const char *text, size_t len,
		     struct boot_fields *out, struct err *e) MUST_CHECK;

#endif
