/* SPDX-License-Identifier: MIT */
/*
 * modprobe.d(5): options, blacklist, alias, install, remove, softdep, weakdep.  A line
 * may go on on the next one after a backslash; '#' begins a comment line.  In names '-' is '_'.
 */
#ifndef HOST_MODPROBE_CONF_H
#define HOST_MODPROBE_CONF_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

enum modprobe_cmd {
	MODPROBE_OPTIONS,
	MODPROBE_BLACKLIST,
	MODPROBE_ALIAS,
	MODPROBE_INSTALL,
	MODPROBE_REMOVE,
	MODPROBE_SOFTDEP,
	MODPROBE_WEAKDEP,
};

struct modprobe_line {
	enum modprobe_cmd cmd;
	char *module;     /* with '_'; of an alias its wildcard as it is */
	char *rest;       /* blanks single; "" for blacklist */
	const char *file; /* belongs to the struct modprobe_conf; "/proc/cmdline" for options
			   * of the kernel's command line */
	unsigned line;
};

/* A line that modprobe passes over with a word on stderr. */
struct modprobe_fault {
	const char *file;
	unsigned line;
	char text[96];
};

struct modprobe_conf {
	char **files;
	size_t n_files;
	struct modprobe_line *v; /* in the order they count */
	size_t n;
	struct modprobe_fault *faults;
	size_t n_faults;
};

/* Adds the lines of one file. */
int modprobe_conf_parse(struct modprobe_conf *c, const char *file, const char *text, size_t len,
			struct err *e) MUST_CHECK;
/* Adds "module.param=value" words and module_blacklist= of a kernel command line. */
int modprobe_conf_cmdline(struct modprobe_conf *c, const char *text, size_t len, struct err *e)
	MUST_CHECK;
/* All folders in their order, then /proc/cmdline. */
int modprobe_conf_read(const struct host *h, struct modprobe_conf *out, struct err *e)
	MUST_CHECK;
void modprobe_conf_free(struct modprobe_conf *c);

/* One "param=value" of an options line; a word without '=' has value NULL. */
struct modprobe_option {
	const struct modprobe_line *from;
	char *param;   /* with '_' */
	char *value;   /* quotes as they are */
	bool final;    /* no later one sets the same: what the module gets */
	bool conflict; /* another line gives the parameter a different value */
};

struct modprobe_options {
	struct modprobe_option *v;
	size_t n;
};

/* All options for @module (NULL: of every one), in the order the kernel sees them. */
int modprobe_options(const struct modprobe_conf *c, const char *module,
		     struct modprobe_options *out, struct err *e) MUST_CHECK;
void modprobe_options_free(struct modprobe_options *o);
/* The first line of @cmd for @module, or NULL. */
const struct modprobe_line *modprobe_conf_find(const struct modprobe_conf *c,
					       enum modprobe_cmd cmd, const char *module);

/* Where the command ends that begins at @at: at its newline, past those that a backslash takes
 * in, or at @len. */
size_t modprobe_conf_end(const char *text, size_t len, size_t at);

/* Is it the same module, or parameter?  '-' and '_' are one. */
bool modprobe_same_name(const char *a, const char *b);
/* The same, of a word that is no string of its own. */
bool modprobe_same_word(const char *word, size_t len, const char *name);

#endif
