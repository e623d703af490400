/* SPDX-License-Identifier: MIT */
#include "base/cli.h"

#include <stddef.h>
#include <string.h>

struct parse {
	const struct cli_opt *opts; /* ends with neither name nor letter */
	int argc;
	char **argv;
	int at; /* the argument after the one being looked at */
	cli_each *each;
	void *ctx;
};

static bool opt_is_end(const struct cli_opt *o)
{
	return !o->name && !o->letter;
}

/*
 * The option that @name (@len bytes of it) means: an exact match, or the only
 * one that starts so.  Several names of one option do not clash.
 */
static int find_long(const struct cli_opt *opts, const char *name, size_t len,
		     const struct cli_opt **out, struct err *e)
{
	const struct cli_opt *found = NULL, *other = NULL;

	for (const struct cli_opt *o = opts; !opt_is_end(o); o++) {
		if (!o->name || strncmp(o->name, name, len))
			continue;
		if (!o->name[len]) {
			*out = o;
			return 0;
		}
		if (!found)
			found = o;
		else if (found->id != o->id)
			other = o;
	}
	if (!found || !len)
		return err_set(e, -EINVAL, "unrecognized option '--%.*s'", (int)len, name);
	if (other)
		return err_set(e, -EINVAL, "option '--%.*s' is ambiguous: --%s or --%s",
			       (int)len, name, found->name, other->name);
	*out = found;
	return 0;
}

static int take_long(struct parse *p, const char *text, struct err *e)
{
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;
	const struct cli_opt *o = NULL;
	int r;

	r = find_long(p->opts, text, len, &o, e);
	if (r < 0)
		return r;
	if (value && !o->arg)
		return err_set(e, -EINVAL, "option '--%s' takes no argument", o->name);
	if (!value && o->arg && o->arg[0] != '[') {
		if (p->at >= p->argc)
			return err_set(e, -EINVAL, "missing argument for option '--%s'", text);
		value = p->argv[p->at++];
	}
	return p->each(p->ctx, o->id, value, e);
}

/* "-pq", "-ofoo", "-pOqcow2": flags in a row, the last may have a value. */
static int take_letters(struct parse *p, const char *text, struct err *e)
{
	while (*text) {
		const struct cli_opt *o = p->opts;
		const char *value = NULL;
		int r;

		while (!opt_is_end(o) && o->letter != *text)
			o++;
		if (opt_is_end(o))
			return err_set(e, -EINVAL, "unrecognized option '-%s'", text);
		text++;
		if (o->arg && o->arg[0] == '[') {
			/* only the long form takes it */
		} else if (o->arg && *text) {
			value = text;
			text = "";
		} else if (o->arg) {
			if (p->at >= p->argc)
				return err_set(e, -EINVAL, "missing argument for option '-%c'",
					       o->letter);
			value = p->argv[p->at++];
		}
		r = p->each(p->ctx, o->id, value, e);
		if (r)
			return r;
	}
	return 0;
}

int cli_parse(const struct cli_opt *opts, int argc, char **argv, cli_each *each, void *ctx,
	      int *nargs, struct err *e)
{
	struct parse p = { opts, argc, argv, 1, each, ctx };
	int n = 0;

	while (p.at < argc) {
		char *arg = argv[p.at++];
		int r = 0;

		if (!strcmp(arg, "--")) {
			while (p.at < argc)
				argv[1 + n++] = argv[p.at++];
			break;
		}
		if (arg[0] == '-' && arg[1] == '-')
			r = take_long(&p, arg + 2, e);
		else if (arg[0] == '-' && arg[1])
			r = take_letters(&p, arg + 1, e);
		else
			argv[1 + n++] = arg;
		if (r)
			return r;
	}
	*nargs = n;
	return 0;
}

const struct cli_cmd *cli_find(const struct cli_cmd *cmds, const char *name)
{
	for (; cmds->name; cmds++)
		if (!strcmp(cmds->name, name))
			return cmds;
	return NULL;
}
