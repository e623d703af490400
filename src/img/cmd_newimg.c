/* SPDX-License-Identifier: MIT */
#include "img/cmd_newimg.h"

#include "base/mem.h"
#include "base/size.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int newimg_add(char **all, const char *text)
{
	struct optset probe = OPTSET_INIT;
	struct err e = { 0 };
	char *joined;
	int r = optset_parse(&probe, text, NULL, &e);

	optset_free(&probe);
	if (r < 0) {
		cmd_error("Invalid option list: %s", text);
		return CMD_EXIT(1);
	}
	joined = str_printf(&e, "%s%s%s", *all ? *all : "", *all ? "," : "", text);
	if (!joined)
		return CMD_EXIT(cmd_fail(&e, "-o: "));
	free(*all);
	*all = joined;
	return 0;
}

int newimg_options(const char *all, struct optset *set, struct err *e)
{
	return all ? optset_parse(set, all, NULL, e) : 0;
}

/* ---- help ---- */

static void print_opt(const struct img_create_opt *o)
{
	char name[64];

	snprintf(name, sizeof(name), "%s=<%s>", o->name, o->type);
	printf("  %-22s - %s\n", name, o->help);
}

static int by_name(const void *a, const void *b)
{
	const struct img_create_opt *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* qemu-img has no such option. */
static bool is_our_own(const char *name)
{
	return !strcmp(name, "compression_level");
}

enum { OPTS_MAX = 64 };

static void print_sorted(const struct img_create_opt **all, size_t n)
{
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++)
		print_opt(all[i]);
}

static void print_opts(const struct img_format *f, bool with_file)
{
	const struct img_create_opt *all[OPTS_MAX] = { NULL };
	size_t n = 0;

	for (const struct img_create_opt *o = f->create_opts; o && o->name && n < OPTS_MAX; o++)
		if (!(cmd_is_qemu_img() && is_our_own(o->name)))
			all[n++] = o;
	for (const struct img_create_opt *o = img_file_create_opts; o->name && n < OPTS_MAX;
	     o++)
		if (with_file && !img_create_opt_find(f, o->name))
			all[n++] = o;
	print_sorted(all, n);
}

int newimg_help(const char *fmt, const char *filename)
{
	const struct img_format *f = img_format_find(fmt);

	if (!f) {
		cmd_error("Unknown file format '%s'", fmt);
		return 1;
	}
	if (filename)
		printf("Supported options:\n");
	else
		printf("Supported %s options:\n", f->name);
	print_opts(f, filename != NULL);
	if (!filename)
		printf("\nThe protocol level may support further options.\n"
		       "Specify the target filename to include those options.\n");
	return 0;
}

int newimg_amend_help(const struct img_format *f)
{
	const struct img_create_opt *all[OPTS_MAX] = { NULL };
	size_t n = 0;

	printf("Amend options for '%s':\n", f->name);
	for (const struct img_create_opt *o = f->create_opts; o && o->name && n < OPTS_MAX; o++)
		if (o->amend)
			all[n++] = o;
	for (const struct img_create_opt *o = f->amend_opts; o && o->name && n < OPTS_MAX; o++)
		all[n++] = o;
	print_sorted(all, n);
	return 0;
}

/* ---- the line that says what is made ---- */

static void print_value(const struct img_create_opt *o, const char *val)
{
	uint64_t bytes;

	printf(" %s=", o->name);
	if (!strcmp(o->type, "size") && size_parse(val, 'b', &bytes, NULL) == 0) {
		printf("%llu", (unsigned long long)bytes);
		return;
	}
	for (; *val; val++)
		printf("%s%c", *val == ',' ? "," : "", *val);
}

static void print_given(const struct img_create_opt *o, struct optset *set, uint64_t size)
{
	const char *val = optset_get(set, o->name);

	if (!strcmp(o->name, "size"))
		printf(" size=%llu", (unsigned long long)size);
	else if (!is_our_own(o->name) && (val || o->def))
		print_value(o, val ? val : o->def);
}

void newimg_print(const char *filename, const struct img_format *f, struct optset *set,
		  uint64_t size)
{
	const char *encryption = optset_get(set, "encryption");

	printf("Formatting '%s', fmt=%s", filename, f->name);
	if (encryption && !img_create_opt_find(f, "encryption"))
		printf(" encryption=%s", encryption);
	for (const struct img_create_opt *o = f->create_opts; o && o->name; o++)
		print_given(o, set, size);
	for (const struct img_create_opt *o = img_file_create_opts; o->name; o++)
		if (!img_create_opt_find(f, o->name))
			print_given(o, set, size);
	printf("\n");
	fflush(stdout);
}
