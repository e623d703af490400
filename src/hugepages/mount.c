/* SPDX-License-Identifier: MIT */
#include "hugepages/mount.h"

#include "base/below.h"
#include "base/mem.h"
#include "host/mounts.h"
#include "hugepages/pools.h"

#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hugemount_check(const struct host *h, const char *path, uint64_t page, struct err *e)
{
	char have[HUGEPAGE_TEXT], want[HUGEPAGE_TEXT];
	uint64_t type = 0, bsize = 0;
	struct host_stat st;
	int r = host_stat(h, path, &st, e);

	if (r < 0)
		return r;
	if (st.node == NODE_FILE)
		return err_set(
			e, -ENOTDIR,
			"%s is a plain file: a guest's memory was put there while nothing "
			"was mounted; stop that guest and remove the file",
			path);
	if (st.node != NODE_DIR)
		return err_set(e, -ENOTDIR, "%s is no folder", path);
	r = host_statfs(h, path, &type, &bsize, e);
	if (r < 0)
		return r;
	if (type != HUGETLBFS_MAGIC)
		return err_set(e, -ENODEV,
			       "%s is a folder where no hugetlbfs is mounted: a guest that is "
			       "sent there gets no huge pages",
			       path);
	if (page && bsize != page)
		return err_set(e, -EMEDIUMTYPE, "%s has pages of %s, not of %s", path,
			       hugepage_text(bsize, have), hugepage_text(page, want));
	return 0;
}

/* The live host, and a path that says the same to libmount and to us. */
static int check_path(const struct host *h, const char *path, struct err *e)
{
	size_t n = strlen(path);

	if (!host_is_live(h))
		return err_set(e, -ENOTSUP, "only the running host mounts, not %s",
			       host_root(h));
	if (path[0] != '/' || n < 2 || n > 1000 || strstr(path, "/../") || strstr(path, "//") ||
	    (n > 2 && !strcmp(path + n - 3, "/..")))
		return err_set(e, -EINVAL, "'%.200s' is no path for a mount", path);
	return 0;
}

static int say(struct libmnt_context *cxt, int rc, const char *verb, const char *path,
	       struct err *e)
{
	char text[256] = "";
	int code = mnt_context_get_syscall_errno(cxt);

	mnt_context_get_excode(cxt, rc, text, sizeof(text));
	if (code <= 0)
		code = rc < 0 ? -rc : EIO;
	return err_set(e, -code, "%s %s: %s", verb, path, text[0] ? text : strerror(code));
}

static int context(const char *path, struct libmnt_context **out, struct err *e)
{
	*out = mnt_new_context();
	if (!*out || mnt_context_set_target(*out, path) < 0) {
		mnt_free_context(*out);
		return err_set(e, -ENOMEM, "libmount does not start");
	}
	/* neither helper programs nor /etc/mtab */
	mnt_context_disable_helpers(*out, 1);
	mnt_context_disable_mtab(*out, 1);
	return 0;
}

static int do_mount(const char *path, const char *opts, struct err *e)
{
	struct libmnt_context *cxt;
	int r = context(path, &cxt, e), rc;

	if (r < 0)
		return r;
	if (mnt_context_set_source(cxt, "hugetlbfs") < 0 ||
	    mnt_context_set_fstype(cxt, "hugetlbfs") < 0 ||
	    mnt_context_set_options(cxt, opts) < 0)
		r = err_set(e, -ENOMEM, "libmount: out of memory");
	rc = r < 0 ? 0 : mnt_context_mount(cxt);
	if (rc)
		r = say(cxt, rc, "mount", path, e);
	mnt_free_context(cxt);
	return r;
}

/* Something is there already: fine if it is what is wanted but for the owner and mode of its
 * root, which can be changed. */
static int adopt(const struct host *h, const struct mount *m, const char *path,
		 const struct hugemount_opts *o, uint64_t page, struct err *e)
{
	struct host_stat st;
	int r;

	if (strcmp(m->type, "hugetlbfs"))
		return err_set(e, -EEXIST, "%s is mounted on %s", m->type, path);
	r = hugemount_check(h, path, page, e);
	if (r == -EMEDIUMTYPE)
		return err_wrap(e, -EEXIST, "another one is mounted");
	if (r == 0)
		r = host_stat(h, path, &st, e);
	if (r < 0)
		return r;
	if (st.mode == o->mode && st.uid == o->uid && st.gid == o->gid)
		return 0;
	r = below_attr(host_root_fd(h), path, o->uid, o->gid, o->mode, e);
	return r < 0 ? r : 1;
}

static int default_page(const struct host *h, uint64_t *page, struct err *e)
{
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	char size[HUGEPAGE_TEXT];
	int r = hugepools_read(h, &p, e);

	if (r < 0)
		return r;
	if (!*page)
		*page = p.default_page;
	if (!*page || !hugepools_find(&p, *page, HUGEPOOL_ALL))
		return err_set(e, -ENODEV, "this kernel has no pages of %s",
			       hugepage_text(*page, size));
	return 0;
}

static int make_place(const struct host *h, const char *path, struct err *e)
{
	struct host_stat st;

	if (host_stat(h, path, &st, NULL) < 0)
		return below_mkdirs(host_root_fd(h), path, e);
	if (st.node == NODE_FILE)
		/* says what to do about it */
		return hugemount_check(h, path, 0, e) < 0 ? -EEXIST : 0;
	return 0;
}

int hugemount_mount(const struct host *h, const char *path, const struct hugemount_opts *o,
		    struct err *e)
{
	AUTO_FREE char *opts = NULL;
	struct mounts all = { 0 };
	struct hugemount_opts full = *o;
	const struct mount *there;
	int r = check_path(h, path, e);

	if (r == 0)
		r = default_page(h, &full.page, e);
	if (r == 0)
		r = mounts_read(h, &all, e);
	if (r < 0)
		return r;
	there = mounts_at(&all, path);
	if (there) {
		r = adopt(h, there, path, o, full.page, e);
		mounts_free(&all);
		return r;
	}
	mounts_free(&all);
	r = make_place(h, path, e);
	if (r < 0)
		return r;
	opts = hugemount_options(&full, e);
	r = opts ? do_mount(path, opts, e) : -ENOMEM;
	if (r == 0)
		r = hugemount_check(h, path, full.page, e);
	return r < 0 ? r : 1;
}

int hugemount_umount(const struct host *h, const char *path, struct err *e)
{
	struct libmnt_context *cxt;
	struct mounts all = { 0 };
	const struct mount *there;
	int r = check_path(h, path, e), rc;

	if (r == 0)
		r = mounts_read(h, &all, e);
	if (r < 0)
		return r;
	there = mounts_at(&all, path);
	if (!there || strcmp(there->type, "hugetlbfs"))
		r = err_set(e, -EINVAL, "no hugetlbfs is mounted on %s", path);
	mounts_free(&all);
	if (r == 0)
		r = context(path, &cxt, e);
	if (r < 0)
		return r;
	rc = mnt_context_umount(cxt);
	if (rc && mnt_context_get_syscall_errno(cxt) == EBUSY)
		r = err_set(e, -EBUSY, "%s is in use: a guest has its memory there", path);
	else if (rc)
		r = say(cxt, rc, "unmount", path, e);
	mnt_free_context(cxt);
	return r;
}
