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

/* What every new file takes, whatever its format. */
static const struct img_create_opt file_opts[] = {
	{ "extent_size_hint", "size", "Space the file system sets aside at a time, 0: no hint",
	  false },
	{ "nocow", "bool (on/off)", "No copy-on-write by the file system (btrfs)", false },
	{ NULL, NULL, NULL, false },
};

static void print_opt(const struct img_create_opt *o)
{
	char name[64];

	snprintf(name, sizeof(name), "%s=<%s>", o->name, o->type);
	printf("  %-22s - %s\n", name, o->help);
}

static bool is_file_opt(const char *name)
{
	return !strcmp(name, "nocow") || !strcmp(name, "extent_size_hint");
}

/* Raw has no options of its own but the size: those are its file's. */
static bool shown(const struct img_format *f, const char *name, bool with_file)
{
	if (with_file || f->backing)
		return true;
	return !strcmp(name, "size");
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

static void print_opts(const struct img_format *f, bool with_file)
{
	const struct img_create_opt *all[64];
	size_t n = 0;

	for (const struct img_create_opt *o = f->create_opts; o && o->name && n < 60; o++)
		if (!is_file_opt(o->name) && shown(f, o->name, with_file) &&
		    !(cmd_is_qemu_img() && is_our_own(o->name)))
			all[n++] = o;
	for (const struct img_create_opt *o = file_opts; o->name && with_file; o++)
		all[n++] = o;
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++)
		print_opt(all[i]);
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
	printf("Amend options for '%s':\n", f->name);
	for (const struct img_create_opt *o = f->create_opts; o && o->name; o++)
		if (o->amend)
			print_opt(o);
	return 0;
}

/* ---- the line that says what is made ---- */

/* In the order in which qemu-img names them, with its defaults. */
static const struct {
	const char *name, *qcow2_default;
} order[] = {
	{ "encryption", NULL },
	{ "cluster_size", "65536" },
	{ "extended_l2", "off" },
	{ "preallocation", NULL }, /* raw has it below */
	{ "compression_type", "zlib" },
	{ "size", NULL },
	{ "compat", NULL },
	{ "backing_file", NULL },
	{ "backing_fmt", NULL },
	{ "data_file", NULL },
	{ "data_file_raw", NULL },
	{ "lazy_refcounts", "off" },
	{ "refcount_bits", "16" },
	{ "nocow", NULL },
	{ "preallocation", NULL },
	{ "extent_size_hint", NULL },
};

static void print_value(const char *name, const char *val)
{
	static const char *const sizes[] = { "cluster_size", "extent_size_hint" };
	uint64_t bytes;

	printf(" %s=", name);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (strcmp(name, sizes[i]) || size_parse(val, 'b', &bytes, NULL) < 0)
			continue;
		printf("%llu", (unsigned long long)bytes);
		return;
	}
	for (; *val; val++)
		printf("%s%c", *val == ',' ? "," : "", *val);
}

void newimg_print(const char *filename, const struct img_format *f, struct optset *set,
		  uint64_t size)
{
	printf("Formatting '%s', fmt=%s", filename, f->name);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const char *name = order[i].name, *val = optset_get(set, name);
		bool early = i < ARRAY_SIZE(order) / 2;

		if (!strcmp(name, "size"))
			printf(" size=%llu", (unsigned long long)size);
		else if (!strcmp(name, "preallocation") && early != f->backing)
			continue;
		else if (val || (f->backing && order[i].qcow2_default))
			print_value(name, val ? val : order[i].qcow2_default);
	}
	printf("\n");
	fflush(stdout);
}
