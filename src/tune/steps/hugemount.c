/* SPDX-License-Identifier: MIT */
/*
 * hugetlbfs where guests look for it: mounted now, and in fstab with a numeric group (busybox'
 * mount takes no name), a page size with its suffix, and mode 1770.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/fstab.h"
#include "hugepages/mount.h"
#include "hugepages/pools.h"
#include "tune/steps/huge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE 01770u

static int fstab(const struct stepping *s, const char *path, const char *options, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	const struct fstab_want want = { "hugetlbfs", path, "hugetlbfs", options, 0, 0 };
	const struct fstab_entry *there;
	struct fstab f = { 0 };
	struct err why = { 0 };
	size_t len;
	int r = step_text(s, FSTAB, &text, e);

	if (r == 0)
		r = fstab_parse(text ? text : "", text ? strlen(text) : 0, &f, e);
	if (r < 0)
		return r;
	there = fstab_find(&f, path, "hugetlbfs");
	r = fstab_set(text ? text : "", text ? strlen(text) : 0, &want, &fresh, &len, &why);
	if (r > 0 && there)
		r = STEP_CHANGE(s, &kind_file, FSTAB, fresh, WHEN_REBOOT, e,
				"line %u asks for '%s', which is not what guests need",
				there->line, there->options);
	else if (r > 0)
		r = STEP_CHANGE(s, &kind_file, FSTAB, fresh, WHEN_REBOOT, e,
				"mounted at each boot");
	else if (r == -EEXIST)
		r = STEP_NOTE(s, true, e, "%s", why.msg);
	else if (r < 0)
		r = err_set(e, r, "%s", why.msg);
	fstab_free(&f);
	return r;
}

/* What is mounted there has the right pages: then mode and owner of its root are what counts,
 * and can be set while guests use it. */
static int access_now(const struct stepping *s, const char *path, uint32_t gid, struct err *e)
{
	char attr[48];

	snprintf(attr, sizeof(attr), "%04o 0:%u", MODE, gid);
	return STEP_CHANGE(
		s, &kind_attr, path, attr, WHEN_NOW, e,
		"members of the group make files there, and none takes another's away");
}

static int mount_now(const struct stepping *s, const char *path, uint64_t page, uint32_t gid,
		     const char *options, struct err *e)
{
	AUTO_FREE char *value = str_printf(e, "hugetlbfs %s", options);
	struct err why = { 0 };
	int r;

	if (!value)
		return -ENOMEM;
	if (!host_has_kernel(s->h))
		return 0;
	r = hugemount_check(s->h, path, page, &why);
	if (r == 0)
		return access_now(s, path, gid, e);
	if (r == -ENOTDIR)
		return STEP_NOTE(s, true, e,
				 "%s is a plain file, as QEMU makes it for -mem-path when "
				 "nothing is mounted there; no guest must be using it, then "
				 "remove it",
				 path);
	if (r != -ENOENT && r != -ENODEV && r != -EMEDIUMTYPE)
		return err_set(e, r, "%s", why.msg);
	return STEP_CHANGE(s, &kind_mount, path, value, WHEN_NOW, e,
			   r == -EMEDIUMTYPE
				   ? "the pages that are mounted there are of another "
				     "size"
				   : "guests take their memory from files there");
}

static int both(const struct stepping *s, uint64_t page, struct err *e)
{
	struct hugemount_opts o = { .page = page, .mode = MODE };
	AUTO_FREE char *options = NULL;
	const char *group = s->p->huge_group;
	int r = group ? 0 : step_guest_group(s, &group, e);

	if (r < 0)
		return r;
	if (step_gid(s, group, &o.gid, NULL) < 0)
		return STEP_NOTE(
			s, true, e,
			"there is no group %s to mount %s for; a mount with an empty gid= "
			"fails at each boot",
			group, s->p->huge_mount);
	options = hugemount_options(&o, e);
	if (!options)
		return -ENOMEM;
	r = fstab(s, s->p->huge_mount, options, e);
	return r == 0 ? mount_now(s, s->p->huge_mount, page, o.gid, options, e) : r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "hugepages.mount" };
	AUTO_HUGE struct huge_answer *a = NULL;
	int r;

	if (!p->huge_mount)
		return 0;
	r = huge_work_out(&s, &a, e);
	/* a host that is too small for the pool may well have its mount; one without such pages
	 * not, which the pool's step tells */
	if (r == 0 && a->state != HUGE_NONE && a->page &&
	    (!host_has_kernel(h) || a->size.host.have_page))
		r = both(&s, a->page, e);
	return r;
}

const struct step step_hugepages_mount = {
	.id = "hugepages.mount",
	.title = "Huge page mount",
	.why = "Where nothing is mounted QEMU makes a plain file of the guest's size instead, "
	       "without a word.",
	.plan = plan,
};
