/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/unpack_int.h"

#include <stdlib.h>
#include <string.h>

static const char kinds[][5] = { "none", "xz", "gz", "zst", "bz2" };

int unpack_kind_named(const char *name, enum unpack_kind *kind, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i])) {
			*kind = (enum unpack_kind)i;
			return 0;
		}
	return err_set(e, -EINVAL, "cannot unpack '%s': there are none, xz, gz, zst and bz2",
		       name);
}

enum unpack_kind unpack_kind_of_name(const char *name)
{
	size_t n = strcspn(name, "?#");

	for (unsigned i = 1; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i]);

		if (n > len + 1 && name[n - len - 1] == '.' &&
		    !strncmp(name + n - len, kinds[i], len))
			return (enum unpack_kind)i;
	}
	return UNPACK_NONE;
}

static const struct unpack_ops *ops_of(enum unpack_kind kind)
{
	switch (kind) {
	case UNPACK_GZ:
		return &unpack_gz;
	case UNPACK_ZST:
		return &unpack_zst;
#ifdef HAVE_LIBLZMA
	case UNPACK_XZ:
		return &unpack_xz;
#endif
#ifdef HAVE_BZIP2
	case UNPACK_BZ2:
		return &unpack_bz2;
#endif
	default:
		return NULL;
	}
}

int unpack_new(enum unpack_kind kind, unpack_sink *sink, void *arg, struct unpack **out,
	       struct err *e)
{
	const struct unpack_ops *ops = ops_of(kind);
	struct unpack *u;
	int r = 0;

	if (kind != UNPACK_NONE && !ops)
		return err_set(e, -ENOTSUP, "this vimg was built without %s", kinds[kind]);
	u = mem_zalloc(1, sizeof(*u), e);
	if (!u)
		return -ENOMEM;
	u->kind = kind;
	u->sink = sink;
	u->arg = arg;
	if (ops)
		r = ops->start(u, e);
	if (r < 0) {
		free(u);
		return r;
	}
	*out = u;
	return 0;
}

static int pass_on(struct unpack *u, struct err *e)
{
	size_t n = u->out_n;

	u->out_n = 0;
	return n ? u->sink(u->arg, u->out, n, e) : 0;
}

int unpack_feed(struct unpack *u, const void *buf, size_t n, struct err *e)
{
	const struct unpack_ops *ops = ops_of(u->kind);
	int r = 0;

	if (!n)
		return 0;
	if (!ops)
		return u->sink(u->arg, buf, n, e);
	u->in = buf;
	u->in_n = n;
	/* Until all is taken and a step has had room left for what it still held. */
	do {
		bool full;

		u->at_end = false;
		u->started = true;
		r = ops->step(u, e);
		full = u->out_n == UNPACK_STEP;
		if (r == 0)
			r = pass_on(u, e);
		if (r == 0 && !u->in_n && !full)
			break;
		if (u->at_end && !u->in_n)
			break;
	} while (r == 0);
	return r;
}

int unpack_end(struct unpack *u, struct err *e)
{
	if (u->kind == UNPACK_NONE || u->at_end)
		return 0;
	return err_set(e, u->started ? -ENODATA : -EUCLEAN,
		       "the packed data (%s) ends too early", kinds[u->kind]);
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (ops_of(u->kind))
		ops_of(u->kind)->stop(u);
	free(u);
}
