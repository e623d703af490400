/* SPDX-License-Identifier: MIT */
/* Mounts of hugetlbfs. */
#include "hugepages/mount.h"

#include "base/mem.h"
#include "base/str.h"
#include "hugepages/pools.h"
#include "tune/kind.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "hugetlbfs"

/* The options of "hugetlbfs OPTIONS". */
static int options_of(const char *value, struct hugemount_opts *o, struct err *e)
{
	size_t n = strlen(TYPE);

	if (strncmp(value, TYPE, n) != 0 || (value[n] && value[n] != ' '))
		return err_set(e, -EINVAL, "'%s': only " TYPE " is mounted", value);
	return hugemount_options_parse(value[n] ? value + n + 1 : "", o, e);
}

static int mount_current(const struct host *h, const char *target, char **value, struct err *e)
{
	AUTO_HUGEMOUNTS struct hugemounts m = { 0 };
	AUTO_FREE char *opts = NULL;
	const struct hugemount *there;
	int r = hugemounts_read(h, &m, e);

	if (r < 0)
		return r;
	there = hugemounts_find(&m, target);
	if (!there)
		return 0;
	opts = hugemount_options(&there->opts, e);
	*value = opts ? str_printf(e, TYPE "%s%s", *opts ? " " : "", opts) : NULL;
	return *value ? 0 : -ENOMEM;
}

/* A page size that is not named is the kernel's default, and then named by what is there. */
static bool mount_equal(const char *want, const char *have)
{
	struct hugemount_opts a = { 0 }, b = { 0 };
	bool same = false;

	if (options_of(want, &a, NULL) == 0 && options_of(have, &b, NULL) == 0)
		same = hugemount_options_same(&a, &b, a.page ? a.page : b.page);
	free(a.rest);
	free(b.rest);
	return same;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	struct hugemount_opts o = { 0 };
	int r;

	if (!value)
		return hugemount_umount(h, target, e);
	r = options_of(value, &o, e);
	if (r == 0)
		r = hugemount_mount(h, target, &o, e);
	free(o.rest);
	return r < 0 ? r : 0;
}

/* Another mount at the same place goes first: what a guest has open there keeps it. */
static int replace(const struct host *h, const char *target, const char *from, const char *to,
		   struct err *e)
{
	int r = from && to ? put(h, target, NULL, e) : 0;

	return r < 0 ? r : put(h, target, to, e);
}

static int mount_apply(struct host *h, const struct change *c, struct err *e)
{
	return replace(h, c->target, c->old_val, c->value, e);
}

static int mount_revert(struct host *h, const struct change *c, struct err *e)
{
	return replace(h, c->target, c->value, c->old_val, e);
}

const struct change_kind kind_mount = {
	.name = "mount",
	.live = true,
	.fleeting = true,
	.current = mount_current,
	.apply = mount_apply,
	.revert = mount_revert,
	.equal = mount_equal,
};
