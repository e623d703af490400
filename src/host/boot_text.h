/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line inside the files of boot loaders: found, read, and changed word by
 * word (host/cmdline.h) with every other byte left as it is: comments, quotes, order,
 * continued lines, references to variables.  What only a shell could follow is refused with
 * -ENOTSUP, never guessed.
 */
#ifndef HOST_BOOT_TEXT_H
#define HOST_BOOT_TEXT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum boot_syntax {
	BOOT_TEXT_LINE,     /* the first line: cmdline.txt */
	BOOT_TEXT_WORDS,    /* the whole file: /etc/kernel/cmdline */
	BOOT_TEXT_GRUB,     /* shell: GRUB_CMDLINE_LINUX, GRUB_CMDLINE_LINUX_DEFAULT */
	BOOT_TEXT_SYSLINUX, /* shell: default_kernel_opts of update-extlinux.conf */
	BOOT_TEXT_UBOOT,    /* shell: U_BOOT_PARAMETERS of /etc/default/u-boot */
	BOOT_TEXT_EXTLINUX, /* append lines below labels */
	BOOT_TEXT_LIMINE,   /* cmdline: of entries */
	BOOT_TEXT_ENTRY,    /* options of a file in loader/entries */
};

enum boot_verb {
	BOOT_SET,  /* @word is what counts for its name; its other words stay before it */
	BOOT_ADD,  /* @word is there, whatever else of its name is ("console=ttyS0") */
	BOOT_DROP, /* no word is @word; without a '=' no word has that name */
	BOOT_POOL, /* hugepages= of the pool @size is @word ("4", "0:2,1:2"); NULL: no pool */
};

struct boot_edit {
	enum boot_verb verb;
	const char *word;
	uint64_t size; /* BOOT_POOL: bytes, 0: the default size */
};

/* The words, by single blanks; free() them.  -ENODATA: the text has no command line.  Of
 * several entries the default one is read. */
int boot_cmdline(enum boot_syntax syntax, const char *text, size_t len, char **words,
		 struct err *e) MUST_CHECK;

struct boot_source {
	char *text;
	size_t len;
};

/* The same of shell files that are sourced one after the other, later ones refer to what
 * those before have set. */
int boot_cmdline_of_all(enum boot_syntax syntax, const struct boot_source *v, size_t n,
			char **words, struct err *e) MUST_CHECK;

/*
 * Makes the edits in order.  1 with *@out new, free() it; 0 and NULL when all hold already.
 * Of several entries all are changed, but for memory tests and the like.  Shell files
 * without the variable get it in a new line.  -ENODATA: nothing to put words into; -EINVAL:
 * a word that cannot stand there; -ENOTSUP: too clever a file, @e says where.
 */
int boot_edit(enum boot_syntax syntax, const char *text, size_t len,
	      const struct boot_edit *edits, size_t n, char **out, size_t *out_len,
	      struct err *e) MUST_CHECK;

#endif
