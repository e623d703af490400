/* SPDX-License-Identifier: MIT */
#include "img/checksum.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/proto/stream.h"

#include <stdio.h>

enum { OPT_ALGORITHM = 1, OPT_PLAIN, OPT_SNAPSHOT, OPT_CACHE };

const struct cli_opt cmd_checksum_opts[] = {
	CMD_OPT_HELP,
	{ "algorithm", 'a', "NAME", OPT_ALGORITHM },
	{ "plain", 0, NULL, OPT_PLAIN },
	{ "snapshot", 'l', "SNAPSHOT", OPT_SNAPSHOT },
	{ "cache", 'T', "MODE", OPT_CACHE },
	CMD_OPT_FORMAT,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_SHARE,
	CMD_OPT_OUTPUT,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct checksum {
	struct cmd_opts o;
	struct img_checksum k;
	const char *snapshot, *cache;
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct checksum *c = ctx;

	switch (id) {
	case OPT_ALGORITHM:
		c->k.algorithm = value;
		break;
	case OPT_PLAIN:
		c->k.plain = true;
		break;
	case OPT_SNAPSHOT:
		c->snapshot = value;
		break;
	default:
		c->cache = value;
	}
	return 0;
}

static int load_snapshot(const struct checksum *c, struct blk *b)
{
	struct optset set = OPTSET_INIT;
	const char *name = cmd_snapshot_name(c->snapshot, &set);
	struct err e = { 0 };
	int r = 0;

	if (!name)
		r = 1;
	else if (!b->format->snapshot_load)
		r = cmd_fail(&e, "%s images cannot hold snapshots", b->format->name);
	else if (b->format->snapshot_load(b, name, &e) < 0)
		r = cmd_fail(&e, "Failed to load snapshot: ");
	optset_free(&set);
	return r;
}

static int print(const struct checksum *c, const struct blk *b, const char *name)
{
	char hex[2 * DIGEST_MAX + 1];

	for (size_t i = 0; i < c->k.sum_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->k.sum[i]);
	if (c->o.json)
		return cmd_print_json(
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "schema", "vimg-checksum/1",
				  "filename", name, "format", b ? b->format->name : "raw",
				  "algorithm", c->k.algorithm, "virtual-size",
				  (json_int_t)c->k.size, c->k.plain ? "plain" : "blocks", hex));
	printf("%s  %s\n", hex, name);
	return 0;
}

static int one(struct checksum *c, const char *name, unsigned flags)
{
	struct cmd_progress cp;
	struct blk *b = NULL;
	struct stream_in in;
	struct err e = { 0 };
	int r = c->snapshot ? 0 : cmd_stdin_raw(&c->o, name, &in);

	c->k.in = r > 0 ? &in : NULL;
	if (r < 0 || (r == 0 && cmd_open(&c->o, name, c->o.fmt, flags, &b) < 0))
		return 1;
	r = c->snapshot ? load_snapshot(c, b) : 0;
	if (r == 0) {
		c->k.progress = cmd_progress_start(&cp, &c->o, 1);
		r = img_checksum(b, &c->k, &e);
		cmd_progress_end(&cp, r == 0);
		cmd_stop_now();
		r = r < 0 ? cmd_fail(&e, "%s", "") : print(c, b, name);
	}
	blk_closep(&b);
	return r;
}

int cmd_checksum(int argc, char **argv)
{
	struct checksum c = { .k = { .algorithm = "sha256" } };
	struct digest known;
	struct err e = { 0 };
	unsigned flags = 0;
	int n = 0, r;

	r = cmd_parse(cmd_checksum_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (cmd_check_output(&c.o))
		return 1;
	if (n < 1)
		return cmd_usage(&c.o, "Expecting at least one image file name");
	if (digest_init(&known, c.k.algorithm, &e) < 0)
		return cmd_usage(&c.o, "%s", e.msg);
	if (cmd_cache_mode(c.cache, "source cache", &flags))
		return 1;
	c.k.stop = cmd_stop_flag();
	r = 0;
	for (int i = 1; i <= n; i++)
		r |= one(&c, argv[i], flags);
	return r;
}
