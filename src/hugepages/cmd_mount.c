/* SPDX-License-Identifier: MIT */
#include "base/below.h"
#include "host/fstab.h"
#include "host/mounts.h"
#include "host/users.h"
#include "hugepages/cmds.h"
#include "hugepages/mount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_mount_opts[] = {
	{ "page", 'p', "SIZE", OPT_PAGE },
	{ "group", 'G', "GROUP", OPT_GROUP },
	{ "persist", 0, NULL, OPT_PERSIST },
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_ROOT,
	TOOL_OPT_END,
};

const struct cli_opt cmd_umount_opts[] = {
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

/* Guests of one group, who cannot remove each other's memory. */
#define MODE  01770
#define GROUP "kvm"

struct job {
	struct tool_args args;
	const struct host *h;
	const char *path, *group;
	bool persist, mounted;
	struct hugemount_opts opts;
	char *options; /* as text */
	char *line;    /* of fstab, where one is to be written */
	char *fresh;   /* the whole new fstab */
	size_t fresh_len;
};

static int each(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct job *j = ctx;

	if (id == OPT_PAGE)
		return hugepage_parse(value, &j->opts.page, e);
	if (id == OPT_GROUP)
		j->group = value;
	if (id == OPT_PERSIST)
		j->persist = true;
	return 0;
}

/* By the host's own file, and as a number: that is what the kernel takes. */
static int find_group(struct job *j, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	const struct group_row *g;
	uint64_t n;
	int r;

	if (j->group && cmd_number(j->group, "--group", UINT32_MAX - 1, &n, NULL) == 0) {
		j->opts.gid = (uint32_t)n;
		return 0;
	}
	r = users_read(j->h, &u, e);
	if (r < 0)
		return r;
	g = users_group(&u, j->group ? j->group : GROUP);
	if (!g && j->group)
		return err_set(e, -ENOENT, "there is no group '%.60s' in /etc/group", j->group);
	j->opts.gid = g ? g->gid : 0;
	return 0;
}

static int plan_fstab(struct job *j, struct err *e)
{
	struct fstab_want want = { "hugetlbfs", j->path, "hugetlbfs", j->options, 0, 0 };
	char *old = NULL;
	struct err mine = { 0 };
	size_t len = 0;
	int r = host_read(j->h, FSTAB, &old, &len, &mine);

	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "%s", mine.msg);
	r = fstab_set(old ? old : "", len, &want, &j->fresh, &j->fresh_len, e);
	free(old);
	if (r <= 0)
		return r;
	j->line = hugemount_fstab_line(j->path, &j->opts, e);
	return j->line ? 0 : -ENOMEM;
}

static int plan(struct job *j, struct err *e)
{
	size_t n = strlen(j->path);
	int r;

	if (j->path[0] != '/' || n < 2 || n > 1000)
		return err_set(e, -EINVAL, "'%.200s' is no path from the root", j->path);
	j->opts.mode = MODE;
	r = find_group(j, e);
	if (r < 0)
		return r;
	j->options = hugemount_options(&j->opts, e);
	if (!j->options)
		return -ENOMEM;
	return j->persist ? plan_fstab(j, e) : 0;
}

static int carry_out(struct job *j, struct err *e)
{
	static const struct below_new fresh = { 0644, 0, 0 };
	int r = 0;

	if (j->args.dry_run)
		return 0;
	/* what the kernel does not take must not stand in fstab */
	if (host_is_live(j->h))
		r = hugemount_mount(j->h, j->path, &j->opts, e);
	if (r < 0)
		return r;
	j->mounted = r > 0;
	if (!j->fresh)
		return 0;
	r = below_mkdirs(host_root_fd(j->h), "/etc", e);
	return r < 0 ? r
		     : below_replace(host_root_fd(j->h), FSTAB, j->fresh, j->fresh_len, &fresh,
				     e);
}

static int report(const struct job *j)
{
	bool live = host_is_live(j->h), dry = j->args.dry_run;
	const char *did = !live        ? NULL
			  : dry        ? "would-mount"
			  : j->mounted ? "mounted"
				       : "unchanged";

	if (j->args.json)
		return out_json(json_pack("{s:s, s:b, s:o, s:o, s:o, s:o}", "schema",
					  "vhuge-mount/1", "dry_run", dry, "path",
					  out_text(j->path), "options", out_text(j->options),
					  "mount", out_text(did), "fstab_line",
					  out_text(j->line)),
				TOOL_OK);
	if (live && dry)
		printf("would mount a hugetlbfs on %s: %s\n", j->path, j->options);
	else if (live)
		printf("%s: %s%s\n", j->path, j->mounted ? "mounted: " : "mounted so already",
		       j->mounted ? j->options : "");
	if (j->line)
		printf("%s " FSTAB ": %s\n", dry ? "would write into" : "written into",
		       j->line);
	else if (j->persist)
		printf(FSTAB " has it already\n");
	if (!j->opts.gid && !j->group)
		printf("note: there is no group " GROUP
		       ", so only root can use it; --group names "
		       "another\n");
	return TOOL_OK;
}

int cmd_mount(const struct tool_cmd *c, int argc, char **argv)
{
	struct job j = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &j.args, each, &j, 0, 1, &n);

	if (status >= 0)
		return status;
	if (host_open(j.args.root, &h, &e) < 0)
		return tool_fail(&j.args, &e);
	if (!host_is_live(h) && !j.persist)
		return tool_usage(
			"mount: below --root nothing is mounted; --persist writes its "
			"fstab");
	j.h = h;
	j.path = n ? argv[1] : HUGEMOUNT_PATH;
	status =
		plan(&j, &e) < 0 || carry_out(&j, &e) < 0 ? tool_fail(&j.args, &e) : report(&j);
	free(j.options);
	free(j.line);
	free(j.fresh);
	return status;
}

/* For --dry-run: whether there is something to unmount. */
static int look(const struct host *h, const char *path, struct err *e)
{
	struct mounts all = { 0 };
	const struct mount *m;
	int r = mounts_read(h, &all, e);

	if (r < 0)
		return r;
	m = mounts_at(&all, path);
	if (!m || strcmp(m->type, "hugetlbfs"))
		r = err_set(e, -EINVAL, "no hugetlbfs is mounted on %s", path);
	mounts_free(&all);
	return r;
}

int cmd_umount(const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	struct err e = { 0 };
	const char *path;
	int n, r, status = tool_parse(c, argc, argv, &args, NULL, NULL, 0, 1, &n);

	if (status >= 0)
		return status;
	path = n ? argv[1] : HUGEMOUNT_PATH;
	if (host_open(NULL, &h, &e) < 0)
		return tool_fail(&args, &e);
	r = args.dry_run ? look(h, path, &e) : hugemount_umount(h, path, &e);
	if (r < 0)
		return tool_fail(&args, &e);
	if (args.json)
		return out_json(json_pack("{s:s, s:b, s:o}", "schema", "vhuge-umount/1",
					  "dry_run", args.dry_run, "path", out_text(path)),
				TOOL_OK);
	printf("%s %s\n", args.dry_run ? "would unmount" : "unmounted", path);
	return TOOL_OK;
}
