/* SPDX-License-Identifier: MIT */
/* Where huge pages are mounted now, and what /etc/fstab makes of it. */
#include "host/access.h"
#include "hostcheck/checks/hugepages.h"

#include <stdlib.h>
#include <string.h>

static bool any_pages(struct facts *f)
{
	const struct hugepools *p;

	if (facts_pools(f, &p, NULL) < 0)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].nr || p->v[i].overcommit)
			return true;
	return false;
}

/* Nothing is mounted as huge pages. */
static int none_mounted(struct facts *f, struct finding *out)
{
	struct err why = { 0 };

	if (hugemount_check(f->h, HUGEMOUNT_PATH, 0, &why) == -ENOTDIR) {
		found(out, V_WARN, "%s is a plain file", HUGEMOUNT_PATH);
		return advise(
			out, "hugepages.mount", R_NOW,
			"QEMU made it as a guest's memory when nothing was mounted there. It "
			"takes real memory: remove it when that guest has ended, then mount "
			"hugetlbfs.");
	}
	found(out, any_pages(f) ? V_WARN : V_INFO, "none");
	return advise(out, "hugepages.mount", R_NOW,
		      "%s: mount -t hugetlbfs -o pagesize=2M,mode=1770,gid=N hugetlbfs "
		      "/dev/hugepages, and the same in /etc/fstab.",
		      any_pages(f) ? "Pages are reserved and no program reaches them by a path"
				   : "To use them, when pages are reserved");
}

static void mount_one(struct facts *f, struct finding *out, const struct hugemount *m,
		      const struct who *w)
{
	const struct hugepools *p;
	const struct hugepool *pool = NULL;
	char page[HUGEPAGE_TEXT];
	struct err why = { 0 };

	if (!m->verified) {
		found_item(out, V_WARN, m->path, "statfs does not say that it is a hugetlbfs");
		return;
	}
	hugepage_text(m->opts.page, page);
	if (facts_pools(f, &p, NULL) == 0)
		pool = hugepools_find(p, m->opts.page, HUGEPOOL_ALL);
	if (pool && !pool->nr && !pool->overcommit && any_pages(f)) {
		found_item(out, V_WARN, m->path, "pages of %s, of which none is reserved",
			   page);
		return;
	}
	/* systemd mounts it on every host; without pages nobody misses the right */
	if (!any_pages(f)) {
		found_item(out, V_INFO, m->path, "pages of %s, none reserved", page);
		return;
	}
	if (w && !w->root &&
	    who_may(f, w, m->path, ACCESS_R | ACCESS_W | ACCESS_X, &why) == -EACCES) {
		found_item(out, V_WARN, m->path, "pages of %s; %s", page, why.msg);
		return;
	}
	if ((m->opts.mode & 01002) == 2) {
		found_item(out, V_WARN, m->path, "pages of %s, open to everybody (mode %04o)",
			   page, m->opts.mode);
		return;
	}
	found_item(out, V_OK, m->path, "pages of %s, mode %04o, gid %u", page, m->opts.mode,
		   m->opts.gid);
}

int hugepages_mount(struct facts *f, struct finding *out, struct err *e)
{
	const struct hugemounts *m;
	struct who w;
	bool known;
	int r = facts_hugemounts(f, &m, e);

	if (r < 0)
		return r;
	if (!m->n)
		return none_mounted(f, out);
	known = who_read(f, &w, NULL) == 0;
	for (size_t i = 0; i < m->n; i++)
		mount_one(f, out, &m->v[i], known ? &w : NULL);
	for (size_t i = 0; i < out->n_items; i++)
		if (out->items[i].verdict == V_WARN) {
			found(out, V_WARN, "%s: %s", out->items[i].name, out->items[i].text);
			return advise(
				out, "hugepages.mount", R_NOW,
				"Mount it with the size that is reserved, mode=1770 and the "
				"gid of those who run guests.");
		}
	return found(out, finding_worst(out), "%s: %s", out->items[0].name, out->items[0].text);
}

/* A number that busybox and the kernel take: they know no names. */
static bool is_gid(const char *s, size_t len)
{
	return len && strspn(s, "0123456789") >= len;
}

static void fstab_one(struct facts *f, struct finding *out, const struct fstab_entry *t)
{
	struct hugemount_opts want = { 0 };
	const struct hugemounts *m;
	const struct hugemount *now;
	const struct hugepools *p;
	struct err why = { 0 };
	size_t len;
	const char *gid = mounts_option(t->options, "gid", &len);

	if (gid && !is_gid(gid, len)) {
		found_item(
			out, V_WARN, t->target,
			"line %u: gid=%.*s is no number, which the kernel and busybox refuse",
			t->line, (int)len, gid);
		return;
	}
	if (hugemount_options_parse(t->options, &want, &why) < 0) {
		found_item(out, V_WARN, t->target, "line %u: %s", t->line, why.msg);
		return;
	}
	free(want.rest);
	want.rest = NULL;
	now = host_has_kernel(f->h) && facts_hugemounts(f, &m, NULL) == 0
		      ? hugemounts_find(m, t->target)
		      : NULL;
	if (!host_has_kernel(f->h)) {
		found_item(out, V_OK, t->target, "line %u", t->line);
	} else if (!now) {
		found_item(out, V_WARN, t->target, "in fstab line %u, but not mounted",
			   t->line);
	} else if (facts_pools(f, &p, NULL) == 0) {
		struct hugemount_opts have = now->opts;

		have.rest = NULL;
		if (hugemount_options_same(&want, &have, p->default_page))
			found_item(out, V_OK, t->target, "mounted as line %u says", t->line);
		else
			found_item(out, V_WARN, t->target, "line %u says other options (%s)",
				   t->line, t->options);
	}
}

/* Somebody else's mount: systemd makes one for every host. */
static bool mounted_by_init(struct facts *f)
{
	return host_exists(f->h, "/usr/lib/systemd/system/dev-hugepages.mount") ||
	       host_exists(f->h, "/lib/systemd/system/dev-hugepages.mount");
}

int hugepages_fstab(struct facts *f, struct finding *out, struct err *e)
{
	const struct hugemounts *m;
	const struct fstab *t;
	int r = facts_fstab(f, &t, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->v[i].type, "hugetlbfs"))
			fstab_one(f, out, &t->v[i]);
	if (host_has_kernel(f->h) && facts_hugemounts(f, &m, NULL) == 0)
		for (size_t i = 0; i < m->n; i++)
			if (!fstab_find(t, m->v[i].path, "hugetlbfs") && !mounted_by_init(f))
				found_item(out, V_WARN, m->v[i].path,
					   "mounted, and not in fstab");
	if (!out->n_items)
		return found(out, V_INFO, "no huge pages in /etc/fstab");
	if (finding_worst(out) == V_OK)
		return found(out, V_OK, "%s: %s", out->items[0].name, out->items[0].text);
	for (size_t i = 0; i < out->n_items; i++)
		if (out->items[i].verdict == V_WARN) {
			found(out, V_WARN, "%s: %s", out->items[i].name, out->items[i].text);
			break;
		}
	return advise(out, "hugepages.mount", R_NOW,
		      "Write the line as: hugetlbfs /dev/hugepages hugetlbfs "
		      "pagesize=2M,mode=1770,gid=NUMBER 0 0; then mount /dev/hugepages.");
}
