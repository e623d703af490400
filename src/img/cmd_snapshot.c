/* SPDX-License-Identifier: MIT */
#include "img/cmd_info.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"

#include <stdio.h>
#include <string.h>

/* What QEMU has room for. */
enum { NAME_BYTES = 255 };

enum { OPT_LIST = 1, OPT_CREATE, OPT_APPLY, OPT_DELETE };

const struct cli_opt cmd_snapshot_opts[] = {
	CMD_OPT_HELP,
	CMD_OPT_FORMAT,
	{ "list", 'l', NULL, OPT_LIST },
	{ "create", 'c', "NAME", OPT_CREATE },
	{ "apply", 'a', "SNAPSHOT", OPT_APPLY },
	{ "delete", 'd', "SNAPSHOT", OPT_DELETE },
	CMD_OPT_SHARE,
	CMD_OPT_IMAGE_OPTS,
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct snapshot {
	struct cmd_opts o;
	unsigned action; /* 0: none given */
	const char *name;
	char cut[NAME_BYTES + 1];
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct snapshot *c = ctx;

	if (c->action)
		return CMD_EXIT(cmd_usage(&c->o, "Cannot mix '-l', '-a', '-c', '-d'"));
	c->action = id;
	c->name = value;
	return 0;
}

static int list(struct blk *b)
{
	struct img_snapshot *v = NULL;
	struct err e = { 0 };
	size_t n = 0;
	int r;

	if (!b->format->snapshot_list)
		return 0;
	r = b->format->snapshot_list(b, &v, &n, &e);
	if (r < 0)
		return cmd_fail(&e, "Could not list snapshots: ");
	if (n)
		info_print_snapshots(v, n);
	img_snapshots_free(v, n);
	return 0;
}

static void print_failure(const struct snapshot *c, int r, const struct err *e)
{
	bool missing = r == -ENOENT;

	if (!cmd_is_qemu_img()) {
		static const char *const verbs[] = {
			[OPT_CREATE] = "create",
			[OPT_APPLY] = "apply",
			[OPT_DELETE] = "delete",
		};

		cmd_error("Could not %s snapshot '%s': %s", verbs[c->action], c->name,
			  missing ? "there is no such snapshot" : cmd_reason(e));
		return;
	}
	switch (c->action) {
	case OPT_CREATE:
		cmd_error("Could not create snapshot '%s': %d (%s)", c->name, r, strerror(-r));
		break;
	case OPT_APPLY:
		cmd_error("Could not apply snapshot '%s': %s", c->name,
			  missing ? "Failed to load snapshot: No such file or directory"
				  : cmd_reason(e));
		break;
	default:
		cmd_error("Could not delete snapshot '%s': %s", c->name,
			  missing ? "snapshot not found" : cmd_reason(e));
	}
}

static int change(const struct snapshot *c, struct blk *b)
{
	static const enum img_snapshot_verb verbs[] = {
		[OPT_CREATE] = SNAPSHOT_CREATE,
		[OPT_APPLY] = SNAPSHOT_APPLY,
		[OPT_DELETE] = SNAPSHOT_DELETE,
	};
	struct cmd_progress cp;
	struct progress *p;
	struct err e = { 0 };
	int r;

	if (!b->format->snapshot) {
		err_set(&e, -ENOTSUP, "%s images cannot hold snapshots", b->format->name);
		/* nothing that could be deleted is there */
		if (cmd_is_qemu_img())
			err_set(&e, c->action == OPT_DELETE ? -ENOENT : -ENOTSUP,
				"Block driver does not support internal snapshots");
		print_failure(c, e.code, &e);
		return 1;
	}
	p = cmd_progress_start(&cp, &c->o, 1);
	r = b->format->snapshot(b, verbs[c->action], c->name, p, &e);
	cmd_progress_end(&cp, r == 0);
	if (r < 0)
		print_failure(c, r, &e);
	return r < 0;
}

/* qemu-img makes a longer name as long as fits, and says nothing.  0 or 1. */
static int fit_name(struct snapshot *c)
{
	if (!c->name || strlen(c->name) <= NAME_BYTES)
		return 0;
	if (!cmd_is_qemu_img()) {
		cmd_error("snapshot names have at most %d bytes", NAME_BYTES);
		return 1;
	}
	memcpy(c->cut, c->name, NAME_BYTES);
	c->name = c->cut;
	return 0;
}

int cmd_snapshot(int argc, char **argv)
{
	struct snapshot c = { 0 };
	struct blk *b = NULL;
	bool lists;
	int n = 0, r;

	r = cmd_parse(cmd_snapshot_opts, argc, argv, &c.o, own_opt, &c, &n);
	if (r >= 0)
		return r;
	if (n != 1)
		return cmd_usage(&c.o, "Expecting one image file name");
	if (c.action == OPT_CREATE && fit_name(&c))
		return 1;
	lists = !c.action || c.action == OPT_LIST;
	if (cmd_open(&c.o, argv[1], c.o.fmt, lists ? 0 : BLK_WRITE | BLK_UNMAP, &b) < 0)
		return 1;
	r = lists ? list(b) : change(&c, b);
	return cmd_close(&b, argv[1]) ? 1 : r;
}
