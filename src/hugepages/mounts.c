/* SPDX-License-Identifier: MIT */
#include "host/mounts.h"

#include "base/mem.h"
#include "hugepages/mount.h"

#include <stdlib.h>
#include <string.h>

/* What a mount was given beside what its root shows: size=, min_size=, nr_inodes=. */
static int rest_of(const struct mounts *all, const char *path, char **rest, struct err *e)
{
	const struct mount *m = mounts_at(all, path);
	struct hugemount_opts o = { 0 };
	int r = m ? hugemount_options_parse(m->super, &o, NULL) : 0;

	*rest = o.rest;
	return r == -ENOMEM ? err_set(e, r, "out of memory") : 0;
}

static int fill(const struct mounts *all, const struct huge_mounts *huge,
		struct hugemounts *out, struct err *e)
{
	out->v = mem_zalloc(huge->n + 1, sizeof(*out->v), e);
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; i < huge->n; i++) {
		const struct huge_mount *from = &huge->v[i];
		struct hugemount *m = &out->v[out->n];
		int r;

		m->path = mem_strdup(from->target, e);
		if (!m->path)
			return -ENOMEM;
		out->n++;
		m->verified = from->verified;
		m->opts.page = from->page;
		m->opts.mode = from->mode;
		m->opts.uid = from->uid;
		m->opts.gid = from->gid;
		r = rest_of(all, m->path, &m->opts.rest, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int hugemounts_read(const struct host *h, struct hugemounts *out, struct err *e)
{
	struct huge_mounts huge = { 0 };
	struct mounts all = { 0 };
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "%s is no running host, nothing is mounted there",
			       host_root(h));
	r = mounts_read(h, &all, e);
	if (r == 0)
		r = huge_mounts_read(h, &all, &huge, e);
	if (r == 0)
		r = fill(&all, &huge, out, e);
	huge_mounts_free(&huge);
	mounts_free(&all);
	if (r < 0)
		hugemounts_free(out);
	return r;
}

void hugemounts_free(struct hugemounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].opts.rest);
	}
	free(m->v);
	memset(m, 0, sizeof(*m));
}

const struct hugemount *hugemounts_find(const struct hugemounts *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].path, path))
			return &m->v[i];
	return NULL;
}
