/* SPDX-License-Identifier: MIT */
/*
 * /etc/qemu/bridge.conf as qemu-bridge-helper reads it (its only specification):
 *
 * - a line is cut after 4095 bytes, and what follows is a line of its own;
 * - the command ends at the first blank; only if the line has no blank at all, at the first
 *   tab.  So "allow<tab>br0 " is an unknown command;
 * - all behind it is the bridge's name, a comment too: "allow br0 # lan" allows nothing that
 *   exists.  A name is cut after 15 bytes;
 * - a command other than allow, deny and include, or one without an argument, ends the
 *   reading: in the main file everybody is refused, in an included one the lines before
 *   it stay;
 * - an included file that cannot be read is passed over without a word;
 * - deny wins over allow wherever they stand, nothing said is denied.
 */
#ifndef HOST_BRIDGE_CONF_H
#define HOST_BRIDGE_CONF_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

#define BRIDGE_CONF     "/etc/qemu/bridge.conf"
#define BRIDGE_NAME_MAX 15

enum bridge_rule_kind { BRIDGE_ALLOW, BRIDGE_ALLOW_ALL, BRIDGE_DENY, BRIDGE_DENY_ALL };

struct bridge_rule {
	enum bridge_rule_kind kind;
	char bridge[BRIDGE_NAME_MAX + 1];
	size_t file; /* index into files */
	unsigned line;
};

struct bridge_lint {
	size_t file;
	unsigned line; /* 0: the file as a whole */
	bool fatal;    /* the helper stops here */
	char text[160];
};

struct bridge_conf {
	char **files; /* [0] is the main file */
	size_t n_files;
	struct bridge_rule *rules;
	size_t n_rules;
	struct bridge_lint *lints;
	size_t n_lints;
	bool refused; /* the main file is not readable as a whole: nobody gets a bridge */
};

/* Gives the text of an included file: 0, or a negative errno if it cannot be read. */
typedef int bridge_include(void *arg, const char *path, char **text, size_t *len);

/* Parses the main file @name.  @include NULL: included files are not read. */
int bridge_conf_parse(const char *name, const char *text, size_t len, bridge_include *include,
		      void *arg, struct bridge_conf *out, struct err *e) MUST_CHECK;
/* Reads @path (NULL: BRIDGE_CONF) and what it includes.  -ENOENT, -EACCES as they are. */
int bridge_conf_read(const struct host *h, const char *path, struct bridge_conf *out,
		     struct err *e) MUST_CHECK;
void bridge_conf_free(struct bridge_conf *c);

enum bridge_answer {
	BRIDGE_ALLOWED,
	BRIDGE_NO_RULE, /* nothing allows it */
	BRIDGE_DENIED,  /* a deny rule names it, or all */
	BRIDGE_REFUSED, /* a bad line: everybody is refused */
};

/* What the helper would say; *@rule (may be NULL) is the rule that decided, or NULL. */
enum bridge_answer bridge_conf_ask(const struct bridge_conf *c, const char *bridge,
				   const struct bridge_rule **rule);

/*
 * The text with "allow @bridge" added at its end, everything else as it was.  Returns 1 with
 * the new text in *@out (free() it), 0 with *@out NULL when the bridge is allowed already.
 * -EPERM: a deny rule stands against it; -EUCLEAN: a line of the file is refused by the
 * helper, @e says which; -EINVAL: no name of a bridge.  Included files are read by
 * @include as above.
 */
int bridge_conf_allow(const char *text, size_t len, const char *bridge, bridge_include *include,
		      void *arg, char **out, size_t *out_len, struct err *e) MUST_CHECK;
/* The same with files included below @h. */
int bridge_conf_allow_on(const struct host *h, const char *text, size_t len, const char *bridge,
			 char **out, size_t *out_len, struct err *e) MUST_CHECK;

#endif
