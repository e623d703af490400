/* SPDX-License-Identifier: MIT */
/*
 * Kernel command lines, read as Linux reads them (next_arg() and parameq() of kernel/params.c):
 * words are parted by blanks outside of double quotes; '-' and '_' are the same in names; what
 * is behind a word "--" is for init.  The last of several values counts for most names;
 * hugepages= belongs to the hugepagesz= before it.
 *
 * The editing functions make a new text (free() it) and leave every byte of the words they
 * do not touch; they put new words in front of "--".  A word with a blank or quote in its value
 * is given as it is to stand there: name="a b".
 */
#ifndef HOST_CMDLINE_H
#define HOST_CMDLINE_H

#include "host/host.h"
#include "host/words.h"

struct cmdline_word {
	struct span raw;  /* as it stands, quotes and all */
	struct span name; /* without quotes */
	struct span value;
	bool has_value; /* there is a '=' */
};

/* The first word of @text is taken off; false at the end and at "--". */
bool cmdline_next(struct span *text, struct cmdline_word *w);

/* The kernel's that runs, /proc/cmdline.  -ENOTSUP on an image. */
int cmdline_read(const struct host *h, char **text, struct err *e) MUST_CHECK;

/* Some word is @word, name and value ("iommu=pt", "quiet"). */
bool cmdline_has(const char *text, const char *word);
/* The last value of @name; "" for a word without value.  -ENOENT: no such name; -ERANGE:
 * longer than @size. */
int cmdline_get(const char *text, const char *name, char *buf, size_t size) MUST_CHECK;
/* What counts for the name of @word is its value: the last word of that name is @word. */
bool cmdline_effective(const char *text, const char *word);
/* Value of MODULE.PARAM=; "" where it stands alone, which is "on" for a bool. */
int cmdline_param(const char *text, const char *module, const char *param, char *buf,
		  size_t size) MUST_CHECK;

/* Behind the last word, unless cmdline_has() it. */
int cmdline_add(const char *text, const char *word, char **out, struct err *e) MUST_CHECK;
/* Makes @word effective: puts it in place of the last one of its name, or adds it. */
int cmdline_set(const char *text, const char *word, char **out, struct err *e) MUST_CHECK;
/* Takes away all words that are @word; if it has no '=', all words of that name. */
int cmdline_remove(const char *text, const char *word, char **out, struct err *e) MUST_CHECK;

/* One pool: hugepagesz=1G hugepages=4. */
struct cmdline_pool {
	uint64_t size;  /* bytes; 0: the kernel's default size */
	uint64_t count; /* of all nodes */
	bool per_node;  /* was written "0:2,1:2" */
	bool bad;       /* the kernel will not take it */
	char text[64];  /* the value as written */
};

struct cmdline_pools {
	struct cmdline_pool v[8];
	size_t n;
	uint64_t default_size; /* default_hugepagesz=, 0 if not said */
};

/* In order.  Of a size that comes twice the first pair counts, as in Linux.  -E2BIG: more
 * than 8. */
int cmdline_pools(const char *text, struct cmdline_pools *out, struct err *e) MUST_CHECK;
/* Makes hugepages= of the pool @size (0: default size) be @count ("4", "0:2,1:2"), NULL: takes
 * its words away.  The pairs of other sizes stay as they are. */
int cmdline_set_pool(const char *text, uint64_t size, const char *count, char **out,
		     struct err *e) MUST_CHECK;

#endif
