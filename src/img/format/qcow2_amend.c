/* SPDX-License-Identifier: MIT */
/* Changing the features of an existing image, and the name of its backing file. */
#include "img/format/qcow2_amend.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_swap.h"

#include <stdlib.h>
#include <string.h>

/* What is asked for, and what holds where nothing is. */
struct wish {
	unsigned version;
	uint64_t refcount_bits, size; /* size 0: as it is */
	bool lazy, lazy_asked, data_file_raw;
	const char *backing_file, *backing_fmt, *data_file; /* NULL: as it is */
};

static int check_names(const struct optset *set, struct err *e)
{
	for (size_t i = 0; set && i < set->n; i++) {
		const struct img_create_opt *o = qcow2_create_opts;

		while (o->name && strcmp(o->name, set->v[i].key))
			o++;
		if (!o->name)
			for (o = qcow2_amend_opts; o->name; o++)
				if (!strcmp(o->name, set->v[i].key))
					break;
		if (!o->name)
			return err_set(e, -EINVAL, "Invalid parameter '%s'", set->v[i].key);
		if (!o->amend)
			return err_set(e, -EINVAL,
				       "Invalid parameter '%s'\n"
				       "This option is only supported for image creation",
				       o->name);
	}
	return 0;
}

static int parse_version(const char *text, unsigned *out, struct err *e)
{
	if (!text)
		return 0;
	if (!strcmp(text, "0.10") || !strcmp(text, "v2"))
		*out = 2;
	else if (!strcmp(text, "1.1") || !strcmp(text, "v3"))
		*out = 3;
	else
		return err_set(e, -EINVAL, "Unknown compatibility level %s", text);
	return 0;
}

static int parse(struct qcow2 *s, struct optset *set, struct wish *w, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	const char *lazy = optset_get(set, "lazy_refcounts");
	const char *bits = optset_get(set, "refcount_bits");
	int r = check_names(set, e);

	*w = (struct wish){
		.version = h->version,
		.refcount_bits = 1u << h->refcount_order,
		.lazy = h->compat & QCOW2_COMPAT_LAZY,
		.data_file_raw = h->autoclear & QCOW2_AUTOCLEAR_RAW_DATA,
		.backing_file = optset_get(set, "backing_file"),
		.backing_fmt = optset_get(set, "backing_fmt"),
		.data_file = optset_get(set, "data_file"),
	};
	if (r == 0)
		r = img_amend_check(s->blk.format, set, e);
	if (r == 0)
		r = parse_version(optset_get(set, "compat"), &w->version, e);
	if (r == 0)
		r = optset_bool(set, "lazy_refcounts", &w->lazy, e);
	if (r == 0)
		r = optset_bool(set, "data_file_raw", &w->data_file_raw, e);
	/* A negative number passes for one, as one that is too large. */
	if (r == 0 && bits && *bits == '-')
		w->refcount_bits = UINT64_MAX;
	else if (r == 0)
		r = optset_u64(set, "refcount_bits", &w->refcount_bits, e);
	if (r == 0)
		r = optset_size(set, "size", &w->size, e);
	w->lazy_asked = lazy != NULL;
	return r;
}

static bool same(const char *want, const char *have)
{
	return !strcmp(want ? want : "", have ? have : "");
}

static int check(struct qcow2 *s, const struct wish *w, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	uint64_t now = 1u << h->refcount_order;

	if (w->data_file && !(h->incompat & QCOW2_INCOMPAT_DATA_FILE))
		return err_set(
			e, -EINVAL,
			"data-file can only be set for images that use an external data file");
	if (w->data_file_raw && !(h->autoclear & QCOW2_AUTOCLEAR_RAW_DATA))
		return err_set(e, -EINVAL, "data-file-raw cannot be set on existing images");
	if (w->refcount_bits < 1 || w->refcount_bits > 64 ||
	    w->refcount_bits & (w->refcount_bits - 1))
		return err_set(
			e, -EINVAL,
			"Refcount width must be a power of two and may not exceed 64 bits");
	if (w->version < 3 && w->refcount_bits != 16 && w->refcount_bits == now)
		return err_set(e, -ENOTSUP, "compat=0.10 requires refcount_bits=16");
	if (w->version < 3 && w->refcount_bits != 16)
		return err_set(e, -EINVAL,
			       "Refcount widths other than 16 bits require compatibility level "
			       "1.1 or above (use compat=1.1 or greater)");
	if (w->version < h->version && !w->size) {
		int r = qcow2_downgrade_check(s, e);

		if (r < 0)
			return r;
	}
	/* A downgrade takes it away unless it is asked for by name. */
	if (w->lazy && w->lazy_asked && w->version < 3)
		return err_set(e, -EINVAL,
			       "Lazy refcounts only supported with compatibility level 1.1 and "
			       "above (use compat=1.1 or greater)");
	if ((w->backing_file || w->backing_fmt) &&
	    (!same(w->backing_file, h->backing_file) || !same(w->backing_fmt, h->backing_fmt)))
		return err_set(e, -EINVAL,
			       "Cannot amend the backing file\n"
			       "You can use 'qemu-img rebase' instead.");
	return 0;
}

/* Writes s->h, which differs from @old in plain fields only. */
static int commit_header(struct qcow2 *s, const struct qcow2_header *old, struct err *e)
{
	struct qcow2_swap none = { 0 };
	int r = qcow2_swap_commit(s, &none, e);

	if (r < 0) {
		s->h = *old;
		qcow2_swap_undo(s, &none);
	}
	return r;
}

int qcow2_stop_lazy(struct qcow2 *s, struct err *e)
{
	int r = qcow2_flush_meta(s, e);

	if (!s->lazy || r < 0)
		return r;
	r = qcow2_write_refcounts(s, e);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r == 0)
		r = qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, false, e);
	if (r == 0)
		s->lazy = false;
	return r;
}

static int set_flags(struct qcow2 *s, const struct wish *w, struct err *e)
{
	struct qcow2_header old = s->h;
	int r;

	if (w->version > s->h.version)
		s->h.version = w->version;
	if (w->lazy)
		s->h.compat |= QCOW2_COMPAT_LAZY;
	else
		s->h.compat &= ~(uint64_t)QCOW2_COMPAT_LAZY;
	if (!w->data_file_raw)
		s->h.autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_RAW_DATA;
	if (s->h.version == old.version && s->h.compat == old.compat &&
	    s->h.autoclear == old.autoclear)
		return 0;
	r = w->lazy ? 0 : qcow2_stop_lazy(s, e);
	if (r < 0) {
		s->h = old;
		return r;
	}
	/* qcow2_stop_lazy may have taken the dirty bit away. */
	old.incompat = s->h.incompat;
	return commit_header(s, &old, e);
}

/* A new name in place of *@name; an empty one removes it. */
static int swap_name(char **name, const char *to, char **old, struct err *e)
{
	char *copy = NULL;

	if (to && *to) {
		copy = mem_strdup(to, e);
		if (!copy)
			return -ENOMEM;
	}
	*old = *name;
	*name = copy;
	return 0;
}

static int set_data_file(struct qcow2 *s, const char *name, struct err *e)
{
	struct qcow2_header saved = s->h;
	char *now, *old;
	int r;

	if (same(name, s->h.data_file))
		return 0;
	r = swap_name(&s->h.data_file, name, &old, e);
	if (r < 0)
		return r;
	now = s->h.data_file;
	r = commit_header(s, &saved, e);
	free(r < 0 ? now : old);
	return r;
}

/* All but size and downgrade; under both locks. */
static int amend_locked(struct qcow2 *s, const struct wish *w, struct progress *p,
			struct err *e)
{
	unsigned order = (unsigned)__builtin_ctzll(w->refcount_bits);
	int r = qcow2_begin_change(s, e);

	if (r == 0)
		r = set_flags(s, w, e);
	if (r == 0 && order != s->h.refcount_order)
		r = qcow2_reorder(s, order, p, e);
	if (r == 0 && w->data_file)
		r = set_data_file(s, w->data_file, e);
	return r;
}

int qcow2_amend(struct blk *b, struct optset *set, bool force, struct progress *p,
		struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct wish w;
	int r = parse(s, set, &w, e);

	if (r == 0)
		r = check(s, &w, e);
	if (r == 0)
		r = qcow2_crypt_amend(s, set, force, e);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = amend_locked(s, &w, p, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	if (r == 0 && w.size)
		r = blk_resize(b, w.size, PREALLOC_OFF, e);
	if (r == 0 && w.version < s->h.version) {
		pthread_rwlock_wrlock(&s->io);
		pthread_mutex_lock(&s->lock);
		r = qcow2_downgrade(s, p, e);
		pthread_mutex_unlock(&s->lock);
		pthread_rwlock_unlock(&s->io);
	}
	return r;
}

static int set_backing(struct qcow2 *s, const char *file, const char *fmt, struct err *e)
{
	struct qcow2_header saved = s->h;
	char *old_file, *old_fmt, *new_file, *new_fmt;
	int r = qcow2_begin_change(s, e);

	if (r == 0)
		r = swap_name(&s->h.backing_file, file, &old_file, e);
	if (r < 0)
		return r;
	r = swap_name(&s->h.backing_fmt, s->h.backing_file ? fmt : NULL, &old_fmt, e);
	if (r < 0) {
		free(s->h.backing_file);
		s->h.backing_file = old_file;
		return r;
	}
	new_file = s->h.backing_file;
	new_fmt = s->h.backing_fmt;
	/* begin_change may have cleared bits: those stay. */
	saved.incompat = s->h.incompat;
	saved.autoclear = s->h.autoclear;
	r = commit_header(s, &saved, e);
	free(r < 0 ? new_file : old_file);
	free(r < 0 ? new_fmt : old_fmt);
	return r;
}

int qcow2_set_backing(struct blk *b, const char *file, const char *fmt, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	if (file && *file && s->h.autoclear & QCOW2_AUTOCLEAR_RAW_DATA)
		return err_set(e, -EINVAL,
			       "an image with a raw data file cannot have a backing file");
	if (fmt && strlen(fmt) > QCOW2_BACKING_FMT_MAX)
		return err_set(e, -EINVAL, "backing format name '%s' is too long", fmt);
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = set_backing(s, file, fmt, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
