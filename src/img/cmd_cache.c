/* SPDX-License-Identifier: MIT */
/* vimg cache: the qcow2 cache sizes that suit an image and its chain. */
#include "base/size.h"
#include "img/advice.h"
#include "img/cmd_common.h"
#include "img/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1, CLUSTER_SIZE, EXTENDED_L2, BUDGET, COVERAGE, JSON };

const struct cli_opt cmd_cache_opts[] = {
	{ "size", 0, "SIZE", SIZE },
	{ "cluster-size", 0, "SIZE", CLUSTER_SIZE },
	{ "extended-l2", 0, NULL, EXTENDED_L2 },
	{ "budget", 0, "BYTES", BUDGET },
	{ "coverage", 0, "PERCENT", COVERAGE },
	{ "json", 0, NULL, JSON },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_SHARE,
	CMD_OPT_OUTPUT,
	CMD_OPT_OBJECT,
	CMD_OPT_HELP,
	CMD_OPT_END,
};

struct cache_args {
	struct cache_geometry g;
	uint64_t budget;
	double coverage;
	bool sized, shaped, json;
};

static int own(void *ctx, unsigned id, const char *value)
{
	struct cache_args *a = ctx;
	char *end;

	switch (id) {
	case SIZE:
		a->sized = true;
		return cmd_size("image", value, 1, INT64_MAX, &a->g.size) < 0 ? CMD_EXIT(1) : 0;
	case CLUSTER_SIZE:
		a->shaped = true;
		return cmd_size("cluster", value, 512, 2 << 20, &a->g.cluster_size) < 0
			       ? CMD_EXIT(1)
			       : 0;
	case EXTENDED_L2:
		a->shaped = a->g.extended_l2 = true;
		return 0;
	case BUDGET:
		return cmd_size("budget", value, 1, INT64_MAX, &a->budget) < 0 ? CMD_EXIT(1)
									       : 0;
	case COVERAGE:
		a->coverage = strtod(value, &end) / 100;
		if (!strcmp(end, "%"))
			end++;
		if (end == value || *end || !(a->coverage > 0 && a->coverage <= 1)) {
			cmd_error("'%s' is not a percentage above 0 and up to 100", value);
			return CMD_EXIT(1);
		}
		return 0;
	case JSON:
		a->json = true;
		return 0;
	default:
		return CMD_EXIT(1);
	}
}

static json_t *number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *image_json(const struct advice_image *i)
{
	const struct cache_advice *c = &i->advice;
	json_t *o = json_object();

	json_object_set_new_nocheck(o, "filename",
				    json_stringn_nocheck(i->filename, strlen(i->filename)));
	json_object_set_new(o, "format", json_string(i->format));
	if (!i->cached)
		return o;
	json_object_set_new(o, "virtual-size", number(i->geometry.size));
	json_object_set_new(o, "cluster-size", number(i->geometry.cluster_size));
	json_object_set_new(o, "extended-l2", json_boolean(i->geometry.extended_l2));
	json_object_set_new(o, "snapshots", number(i->snapshots));
	json_object_set_new(o, "l1-bytes", number(i->l1_bytes));
	json_object_set_new(o, "l2-bytes", number(c->l2_full));
	json_object_set_new(o, "l2-cache-size", number(c->l2_cache));
	json_object_set_new(o, "l2-cache-entry-size", number(c->l2_entry_size));
	json_object_set_new(o, "refcount-cache-size", number(c->refcount_cache));
	json_object_set_new(o, "cache-clean-interval", number(c->clean_interval));
	json_object_set_new(o, "covered", number(c->covered));
	json_object_set_new(o, "default-l2-cache-size", number(c->qemu_default_l2));
	json_object_set_new(o, "default-covered", number(c->qemu_default_covered));
	return o;
}

static int show_json(const struct advice *a, const char *drive, const char *blockdev)
{
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "schema", json_string("vimg-cache/1"));
	json_object_set_new(o, "images", list);
	for (size_t i = 0; i < a->n; i++)
		json_array_append_new(list, image_json(&a->v[i]));
	json_object_set_new(o, "memory", number(a->memory));
	json_object_set_new_nocheck(o, "drive", json_string_nocheck(drive));
	json_object_set_new_nocheck(o, "blockdev", json_string_nocheck(blockdev));
	return cmd_print_json(o);
}

/* 99.97 % must not be shown as all of the disk. */
static double percent(double part)
{
	return part >= 1 ? 100 : (double)(unsigned)(part * 1000) / 10;
}

static void show_row(const struct advice_image *i)
{
	char cluster[SIZE_TEXT], l2[SIZE_TEXT], refs[SIZE_TEXT], covered[SIZE_TEXT];
	const struct cache_advice *c = &i->advice;
	double before = i->geometry.size
				? (double)c->qemu_default_covered / (double)i->geometry.size
				: 1;

	if (!i->cached) {
		printf("%-10s %10s %10s %10s %19s %8s  %s\n", i->format, "-", "-", "-", "-",
		       "-", i->filename);
		return;
	}
	size_human(i->geometry.cluster_size, cluster);
	size_human(c->l2_cache, l2);
	size_human(c->refcount_cache, refs);
	size_human(c->covered, covered);
	printf("%-10s %10s %10s %10s %10s (%5.1f%%) %7.1f%%  %s\n", i->format, cluster, l2,
	       refs, covered, percent(c->coverage), percent(before), i->filename);
}

static void show_table(const struct advice *a, const char *drive, const char *blockdev)
{
	char memory[SIZE_TEXT];
	unsigned snapshots = 0;

	printf("%-10s %10s %10s %10s %19s %8s  %s\n", "FORMAT", "CLUSTER", "L2 CACHE",
	       "REFCOUNTS", "COVERS", "DEFAULT", "IMAGE");
	for (size_t i = 0; i < a->n; i++) {
		show_row(&a->v[i]);
		snapshots += a->v[i].snapshots;
	}
	printf("\nMemory for caches and L1 tables of all: %s\n", size_human(a->memory, memory));
	if (snapshots)
		printf("Internal snapshots (%u) take none of it: their tables are read when they "
		       "are used.\n",
		       snapshots);
	if (a->v[0].cached && a->v[0].advice.coverage < 1)
		printf("Random access beyond what the cache covers costs one more read each.\n");
	printf("\n-drive %s\n\n-blockdev %s\n", drive, blockdev);
}

static int show(const struct advice *a, bool json)
{
	struct str drive = STR_INIT, blockdev = STR_INIT;
	struct err e = { 0 };
	char *d, *b;
	int r = 1;

	advice_drive(a, NULL, &drive);
	advice_blockdev(a, false, NULL, &blockdev);
	d = str_take(&drive, &e);
	b = str_take(&blockdev, &e);
	if (!d || !b)
		cmd_fail(&e, "%s", "");
	else if (json)
		r = show_json(a, d, b);
	else {
		show_table(a, d, b);
		r = 0;
	}
	free(d);
	free(b);
	return r;
}

static int for_image(const struct cmd_opts *o, const struct cache_args *args, const char *name,
		     struct advice *a)
{
	struct err e = { 0 };
	struct blk *b;
	int r;

	/* Only headers are looked at, so a running guest's image may be asked about. */
	if (cmd_open(o, name, o->fmt, BLK_SHARE, &b) < 0)
		return 1;
	r = advice_for_image(b, args->coverage, args->budget, a, &e);
	r = r < 0 ? cmd_fail(&e, "%s: ", name) : show(a, o->json || args->json);
	return cmd_close(&b, name) || r;
}

int cmd_cache(int argc, char **argv)
{
	struct cache_args args = { .g.cluster_size = 64 << 10, .coverage = 1 };
	struct advice a = { 0 };
	struct err e = { 0 };
	struct cmd_opts o = { 0 };
	int n, r = cmd_parse(cmd_cache_opts, argc, argv, &o, own, &args, &n);

	if (r >= 0)
		return r;
	if (args.sized ? n != 0 : n != 1)
		return cmd_usage(&o, "%s",
				 args.sized ? "Either an image or --size, not both"
					    : "Expecting one image file name, or --size");
	if (args.shaped && !args.sized)
		return cmd_usage(
			&o,
			"--cluster-size and --extended-l2 need --size; an image has its own");
	if (cmd_check_output(&o))
		return 1;
	if (args.sized) {
		r = advice_for_geometry(&args.g, args.coverage, args.budget, &a, &e);
		r = r < 0 ? cmd_fail(&e, "%s", "") : show(&a, o.json || args.json);
	} else {
		r = for_image(&o, &args, argv[1], &a);
	}
	advice_free(&a);
	return r;
}
