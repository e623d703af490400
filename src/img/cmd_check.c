/* SPDX-License-Identifier: MIT */
#include "img/cmd_progress.h"
#include "img/cmds.h"

#include <stdio.h>
#include <string.h>

enum { OPT_REPAIR = 1, OPT_CACHE, OPT_DRY_RUN, OPT_JSON };

/* qemu-img's exit codes, which scripts tell apart. */
enum { CHECK_FAILED = 1, CHECK_CORRUPT = 2, CHECK_LEAKS = 3, CHECK_UNSUPPORTED = 63 };

const struct cli_opt cmd_check_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "repair", 'r', "WHAT", OPT_REPAIR },
	{ "dry-run", 0, NULL, OPT_DRY_RUN },
	{ "json", 0, NULL, OPT_JSON },
	CMD_OPT_OUTPUT,
	{ "cache", 'T', "MODE", OPT_CACHE },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct check {
	struct cmd_opts o;
	unsigned repair;
	const char *cache;
	bool dry_run;
	json_t *problems; /* --json: the lines that were told, in order; else NULL */
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct check *c = ctx;

	if (id == OPT_CACHE)
		c->cache = value;
	else if (id == OPT_DRY_RUN)
		c->dry_run = true;
	else if (id == OPT_JSON)
		c->problems = c->problems ? c->problems : json_array();
	else if (!strcmp(value, "leaks"))
		c->repair = IMG_FIX_LEAKS;
	else if (!strcmp(value, "all"))
		c->repair = IMG_FIX_LEAKS | IMG_FIX_ERRORS;
	else
		return CMD_EXIT(cmd_usage(
			&c->o, "Unknown option value for -r (expecting 'leaks' or 'all'): %s",
			value));
	return 0;
}

/* @arg: the JSON array that takes them, or NULL. */
static void tell_problem(void *arg, const char *line)
{
	if (arg)
		json_array_append_new(arg, json_string_nocheck(line));
	else
		fprintf(stderr, "%s\n", line);
}

static void print_counts(const struct img_check *k)
{
	if (!k->corruptions && !k->leaks && !k->check_errors)
		printf("No errors were found on the image.\n");
	if (k->corruptions)
		printf("\n%llu errors were found on the image.\n"
		       "Data may be corrupted, or further writes to the image may corrupt "
		       "it.\n",
		       (unsigned long long)k->corruptions);
	if (k->leaks)
		printf("\n%llu leaked clusters were found on the image.\n"
		       "This means waste of disk space, but no harm to data.\n",
		       (unsigned long long)k->leaks);
	if (k->check_errors)
		printf("\n%llu internal errors have occurred during the check.\n",
		       (unsigned long long)k->check_errors);
}

static void print_human(const struct img_check *k)
{
	double allocated = (double)k->allocated_clusters;

	print_counts(k);
	if (k->total_clusters && k->allocated_clusters)
		printf("%llu/%llu = %0.2f%% allocated, %0.2f%% fragmented, %0.2f%% compressed "
		       "clusters\n",
		       (unsigned long long)k->allocated_clusters,
		       (unsigned long long)k->total_clusters,
		       allocated * 100.0 / (double)k->total_clusters,
		       (double)k->fragmented_clusters * 100.0 / allocated,
		       (double)k->compressed_clusters * 100.0 / allocated);
	if (k->image_end_offset)
		printf("Image end offset: %llu\n", (unsigned long long)k->image_end_offset);
}

static int print_json(const struct img_check *k, const char *name, const char *format)
{
	const struct {
		const char *key;
		uint64_t v;
	} all[] = {
		{ "image-end-offset", k->image_end_offset },
		{ "total-clusters", k->total_clusters },
		{ "allocated-clusters", k->allocated_clusters },
		{ "fragmented-clusters", k->fragmented_clusters },
		{ "compressed-clusters", k->compressed_clusters },
		{ "corruptions", k->corruptions },
		{ "corruptions-fixed", k->corruptions_fixed },
		{ "leaks", k->leaks },
		{ "leaks-fixed", k->leaks_fixed },
	};
	json_t *o = json_object();

	json_object_set_new(o, "filename", json_string_nocheck(name));
	json_object_set_new(o, "format", json_string(format));
	json_object_set_new(o, "check-errors", json_integer((json_int_t)k->check_errors));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].v)
			json_object_set_new(o, all[i].key, json_integer((json_int_t)all[i].v));
	return cmd_print_json(o);
}

/* Everything that was found, and what a repair did or would do about it. */
static int print_report(const struct check *c, const struct img_check *k, const char *name,
			const char *format)
{
	static const char *const repairs[] = {
		[0] = "none",
		[IMG_FIX_LEAKS] = "leaks",
		[IMG_FIX_LEAKS | IMG_FIX_ERRORS] = "all",
	};
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "schema",
			      "vimg-check/1", "format", format, "repair", repairs[c->repair],
			      "dry-run", (int)c->dry_run, "corruptions",
			      (json_int_t)k->corruptions, "leaks", (json_int_t)k->leaks,
			      "check-errors", (json_int_t)k->check_errors, "corruptions-fixed",
			      (json_int_t)k->corruptions_fixed, "leaks-fixed",
			      (json_int_t)k->leaks_fixed);

	json_object_set_new(o, "filename", json_string_nocheck(name));
	json_object_set_new(o, "image-end-offset",
			    json_integer((json_int_t)k->image_end_offset));
	json_object_set(o, "problems", c->problems);
	return cmd_print_json(o);
}

static int run_check(const struct check *c, struct blk *b, bool again, struct img_check *k,
		     struct err *e)
{
	struct cmd_progress cp;
	int r;

	memset(k, 0, sizeof(*k));
	k->repair = again ? 0 : c->repair;
	k->report = tell_problem;
	k->arg = again ? NULL : c->problems;
	k->progress = cmd_progress_start(&cp, &c->o, 1);
	r = b->format->check(b, k, e);
	cmd_progress_end(&cp, r == 0);
	return r;
}

/* What was mended is looked at again: only that tells what is left. */
static int check_again(const struct check *c, struct blk *b, struct img_check *k, struct err *e)
{
	uint64_t leaks = k->leaks_fixed, corruptions = k->corruptions_fixed;
	int r;

	if (!c->o.json && !c->problems && !c->o.quiet)
		printf("The following inconsistencies %s:\n\n"
		       "    %llu leaked clusters\n    %llu corruptions\n\n"
		       "Double checking the fixed image now...\n",
		       c->dry_run ? "were found and would be repaired"
				  : "were found and repaired",
		       (unsigned long long)leaks, (unsigned long long)corruptions);
	fflush(stdout);
	r = run_check(c, b, true, k, e);
	k->leaks_fixed = leaks;
	k->corruptions_fixed = corruptions;
	return r;
}

static int check_image(const struct check *c, struct blk *b, const char *name)
{
	struct img_check k;
	struct err e = { 0 };
	int r;

	if (!b->format->check) {
		cmd_error("This image format does not support checks");
		return CHECK_UNSUPPORTED;
	}
	r = run_check(c, b, false, &k, &e);
	if (r == 0 && (k.corruptions_fixed || k.leaks_fixed))
		r = check_again(c, b, &k, &e);
	if (r == -ENOTSUP) {
		cmd_error("%s", cmd_is_qemu_img() ? "This image format does not support checks"
						  : cmd_reason(&e));
		return CHECK_UNSUPPORTED;
	}
	if (r < 0) {
		/* what went wrong was told line by line; scripts know this one */
		cmd_error("Check failed: %s", strerror(-r));
		return CHECK_FAILED;
	}
	if (c->problems)
		r = print_report(c, &k, name, b->format->name);
	else if (c->o.json)
		r = print_json(&k, name, b->format->name);
	else if (!c->o.quiet)
		print_human(&k);
	if (c->dry_run && !c->problems && !c->o.json && !c->o.quiet)
		printf("Nothing was changed: this was a dry run.\n");
	if (r)
		return CHECK_FAILED;
	if (k.check_errors) {
		cmd_error("Check failed");
		return CHECK_FAILED;
	}
	return k.corruptions ? CHECK_CORRUPT : k.leaks ? CHECK_LEAKS : 0;
}

int cmd_check(int argc, char **argv)
{
	struct check c = { 0 };
	unsigned flags = BLK_CHECK | BLK_UNMAP;
	struct blk *b = NULL;
	int n = 0, status;

	status = cmd_parse(cmd_check_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (status >= 0)
		return status;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (cmd_check_output(&c.o) || cmd_cache_mode(c.cache, "source cache", &flags))
		return CHECK_FAILED;
	if (c.dry_run && !c.repair)
		return cmd_usage(&c.o, "--dry-run says what -r leaks or -r all would do");
	if (c.repair)
		flags |= BLK_WRITE | (c.dry_run ? BLK_DRY : 0);
	if (cmd_open(&c.o, argv[1], c.o.fmt, flags, &b) < 0)
		return CHECK_FAILED;
	status = check_image(&c, b, argv[1]);
	if (cmd_close(&b, argv[1]))
		status = CHECK_FAILED;
	json_decref(c.problems);
	return status;
}
