/* SPDX-License-Identifier: MIT */
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/compare.h"

#include <stdio.h>

enum { OPT_FORMAT1 = 1, OPT_FORMAT2, OPT_STRICT, OPT_CACHE };

/* qemu-img's exit codes; those of a failed comparison come from the library. */
enum { COMPARE_DIFFER = 1, COMPARE_NOT_OPEN = 2 };

const struct cli_opt cmd_compare_opts[] = {
	CMD_OPT_HELP,
	{ "a-format", 'f', "FMT", OPT_FORMAT1 },
	{ "b-format", 'F', "FMT", OPT_FORMAT2 },
	{ "strict", 's', NULL, OPT_STRICT },
	{ "cache", 'T', "MODE", OPT_CACHE },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_OUTPUT,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct compare {
	struct cmd_opts o;
	const char *fmt1, *fmt2, *cache;
	bool strict;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct compare *c = ctx;

	switch (id) {
	case OPT_FORMAT1:
		c->fmt1 = value;
		break;
	case OPT_FORMAT2:
		c->fmt2 = value;
		break;
	case OPT_STRICT:
		c->strict = true;
		break;
	default:
		c->cache = value;
	}
	return 0;
}

static int print_verdict(const struct img_compare *k)
{
	unsigned long long at = k->offset;

	if (k->size_differs)
		printf("Warning: Image size mismatch!\n");
	switch (k->verdict) {
	case COMPARE_IDENTICAL:
		printf("Images are identical.\n");
		return 0;
	case COMPARE_CONTENT:
		printf("Content mismatch at offset %llu!\n", at);
		break;
	case COMPARE_SIZE:
		printf("Strict mode: Image size mismatch!\n");
		break;
	case COMPARE_STATUS:
		printf("Strict mode: Offset %llu block status mismatch!\n", at);
		break;
	}
	return COMPARE_DIFFER;
}

static int print_json(const struct img_compare *k, const struct blk *a, const struct blk *b)
{
	static const char *const verdicts[] = {
		[COMPARE_IDENTICAL] = "identical",
		[COMPARE_CONTENT] = "content",
		[COMPARE_SIZE] = "size",
		[COMPARE_STATUS] = "allocation",
	};
	json_t *o = json_pack("{s:s, s:b, s:s, s:s}", "schema", "vimg-compare/1", "identical",
			      k->verdict == COMPARE_IDENTICAL, "verdict", verdicts[k->verdict],
			      "warning", k->size_differs ? "sizes differ" : "");

	if (o && (k->verdict == COMPARE_CONTENT || k->verdict == COMPARE_STATUS))
		json_object_set_new(o, "offset", json_integer((json_int_t)k->offset));
	if (o && !k->size_differs)
		json_object_del(o, "warning");
	if (o)
		json_object_set_new(o, "virtual-sizes",
				    json_pack("[I, I]", (json_int_t)a->size,
					      (json_int_t)b->size));
	return cmd_print_json(o) ? COMPARE_FAIL_STATUS : k->verdict != COMPARE_IDENTICAL;
}

static int compare(const struct compare *c, struct blk *a, struct blk *b)
{
	struct cmd_progress cp;
	struct img_compare k = { .strict = c->strict };
	struct err e = { 0 };
	int r;

	k.progress = cmd_progress_start(&cp, &c->o, 2);
	r = img_compare(a, b, &k, &e);
	cmd_progress_full(&cp, r == 0 && k.verdict == COMPARE_IDENTICAL);
	if (r < 0)
		cmd_fail(&e, "%s", "");
	else if (c->o.json)
		r = print_json(&k, a, b);
	else if (!c->o.quiet)
		r = print_verdict(&k);
	else
		r = k.verdict != COMPARE_IDENTICAL;
	cmd_progress_close(&cp);
	return r < 0 ? (int)k.failure : r;
}

int cmd_compare(int argc, char **argv)
{
	struct compare c = { 0 };
	struct blk *a = NULL, *b = NULL;
	unsigned flags = 0;
	int n = 0, r;

	r = cmd_parse(cmd_compare_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (cmd_check_output(&c.o))
		return COMPARE_NOT_OPEN;
	if (n != 2)
		return cmd_usage(&c.o, "Expecting two image file names");
	if (cmd_cache_mode(c.cache, "source cache", &flags))
		return COMPARE_NOT_OPEN;
	if (cmd_open(&c.o, argv[1], c.fmt1, flags, &a) < 0)
		return COMPARE_NOT_OPEN;
	if (cmd_open(&c.o, argv[2], c.fmt2, flags, &b) < 0)
		r = COMPARE_NOT_OPEN;
	else
		r = compare(&c, a, b);
	blk_closep(&a);
	blk_closep(&b);
	return r;
}
