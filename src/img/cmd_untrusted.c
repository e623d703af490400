/* SPDX-License-Identifier: MIT */
#include "img/cmd_untrusted.h"

#include "base/confine.h"
#include "base/mem.h"
#include "img/cmd_common.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATHS_MAX = 256, LOOK_SECONDS = 60, WORK_SECONDS = 4 * 3600 };
#define MEMORY_MAX (4ull << 30) /* of addresses: threads reserve more than they use */

static unsigned flags_in_force;

unsigned cmd_untrusted_flags(void)
{
	return flags_in_force;
}

/* What each command needs beside the files that its words name. */
static const struct needs {
	char name[12];
	bool makes;  /* files, in the folder of its last word */
	bool spools; /* standard input or output by way of a temporary file */
	bool quick;  /* headers and tables only */
	bool barred; /* lives by what images name */
} all_needs[] = {
	{ "amend", false, false, false, false },   { "bench", false, false, false, false },
	{ "bitmap", false, false, false, false },  { "cache", false, true, true, false },
	{ "check", false, true, false, false },    { "checksum", false, true, false, false },
	{ "commit", false, false, false, true },   { "compact", false, false, false, false },
	{ "compare", false, true, false, false },  { "convert", true, true, false, false },
	{ "create", true, false, false, false },   { "dd", true, true, false, false },
	{ "info", false, true, true, false },      { "map", false, true, true, false },
	{ "measure", false, true, true, false },   { "probe", false, true, true, false },
	{ "rebase", false, false, false, true },   { "resize", false, false, false, false },
	{ "snapshot", false, false, true, false }, { "tune", false, true, true, false },
};

static const struct needs *needs_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_needs); i++)
		if (!strcmp(all_needs[i].name, name))
			return &all_needs[i];
	return NULL;
}

struct paths {
	struct confine_path v[PATHS_MAX];
	char *text[PATHS_MAX]; /* owned */
	size_t n;
};

static int add(struct paths *p, const char *path, unsigned rights)
{
	if (p->n == PATHS_MAX || !(p->text[p->n] = strdup(path))) {
		cmd_error("too many words for --untrusted");
		return 1;
	}
	p->v[p->n] = (struct confine_path){ p->text[p->n], rights };
	p->n++;
	return 0;
}

/* The folder in which @path is, or will be. */
static int add_folder(struct paths *p, const char *path, unsigned rights)
{
	char *real = realpath(path, NULL), *copy = strdup(real ? real : path);
	int r = copy ? add(p, dirname(copy), rights) : 1;

	free(real);
	free(copy);
	return r;
}

/* The parts of a word that may be names: all of it, and what follows each '=' up to a comma. */
static int add_word(struct paths *p, const char *word)
{
	AUTO_FREE char *copy = strdup(word);
	char *at = copy;
	int r = copy ? 0 : 1;

	if (r == 0 && word[0] != '-')
		r = add(p, !strncmp(word, "file:", 5) ? word + 5 : word,
			CONFINE_READ | CONFINE_WRITE);
	while (r == 0 && (at = strchr(at, '='))) {
		char *end = at + 1 + strcspn(at + 1, ",");
		char was = *end;

		*end = '\0';
		r = add(p, at + 1, CONFINE_READ | CONFINE_WRITE);
		*end = was;
		at = end;
	}
	return r;
}

/* Where the result of a command goes: its last word, or that of dd's of=. */
static const char *result(const char *cmd, int argc, char **argv)
{
	for (int i = argc - 1; i > 0; i--) {
		if (!strcmp(cmd, "dd") && !strncmp(argv[i], "of=", 3))
			return argv[i] + 3;
		if (strcmp(cmd, "dd") != 0 && argv[i][0] != '-')
			return argv[i];
	}
	return NULL;
}

static int collect(struct paths *p, const struct cmd_untrusted *u, const struct needs *n,
		   int argc, char **argv)
{
	const unsigned make = CONFINE_READ | CONFINE_WRITE | CONFINE_MAKE;
	const char *tmp = getenv("TMPDIR"), *to = n->makes ? result(n->name, argc, argv) : NULL;
	int r = 0;

	for (int i = 1; i < argc && r == 0; i++)
		r = add_word(p, argv[i]);
	for (unsigned i = 0; i < u->allow_n && r == 0; i++)
		r = add(p, u->allow[i], CONFINE_READ);
	/* create names the file before its size */
	for (int i = 1; i < argc && r == 0 && !strcmp(n->name, "create"); i++)
		if (argv[i][0] != '-')
			r = add_folder(p, argv[i], make);
	if (r == 0 && to && strcmp(to, "-") != 0)
		r = add_folder(p, !strncmp(to, "file:", 5) ? to + 5 : to, make);
	for (int i = 1; i < argc && r == 0 && n->spools; i++)
		if (!strcmp(argv[i], "-") || !strcmp(argv[i], "if=-") ||
		    !strcmp(argv[i], "of=-"))
			r = add(p, tmp && *tmp ? tmp : "/var/tmp", make);
	return r;
}

/* Remote images would need the network, and a name inside them leads anywhere. */
static int no_remote(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(argv[i], "://") || !strncmp(argv[i], "nbd:", 4)) {
			cmd_error("--untrusted has no network: fetch '%s' first", argv[i]);
			return 1;
		}
	return 0;
}

static int confine(const struct cmd_untrusted *u, const struct needs *n, const struct paths *p)
{
	struct err e = { 0 };
	int r;

	tzset(); /* /etc/localtime will be out of reach */
	r = confine_files(p->v, p->n, &e);
	if (r == -EOPNOTSUPP && u->allow_n)
		return cmd_fail(&e, "--allow cannot be kept: ");
	if (r == -EOPNOTSUPP)
		cmd_warn("%s: only names inside images are checked", e.msg);
	else if (r < 0)
		return cmd_fail(&e, "--untrusted: ");
	r = confine_limits(MEMORY_MAX, n->quick ? LOOK_SECONDS : WORK_SECONDS, &e);
	if (r == 0)
		r = confine_calls(&e);
	if (r == -EOPNOTSUPP)
		cmd_warn("%s", e.msg);
	else if (r < 0)
		return cmd_fail(&e, "--untrusted: ");
	flags_in_force = BLK_UNTRUSTED | (u->allow_n ? BLK_CONFINED : 0);
	return 0;
}

int cmd_untrusted(const struct cmd_untrusted *u, int argc, char **argv)
{
	const struct needs *n = needs_of(argv[0]);
	struct paths *p;
	int r;

	if (!n || n->barred) {
		cmd_error("'%s' cannot be used with --untrusted", argv[0]);
		return 1;
	}
	r = no_remote(argc, argv);
	if (r)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p) {
		cmd_error("out of memory");
		return 1;
	}
	r = collect(p, u, n, argc, argv);
	if (r == 0)
		r = confine(u, n, p);
	while (p->n)
		free(p->text[--p->n]);
	free(p);
	return r;
}
