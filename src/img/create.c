/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/img.h"
#include "img/open.h"
#include "img/proto/file.h"

#include <string.h>
#include <unistd.h>

void img_create_defaults(struct img_create *c)
{
	*c = (struct img_create){
		.compat = 3,
		.cluster_size = 65536,
		.refcount_bits = 16,
		.extent_size_hint = 1 << 20,
	};
}

/* ---- options ---- */

const struct img_create_opt img_file_create_opts[] = {
	{ "nocow", "bool (on/off)", "No copy-on-write by the file system (btrfs)", false,
	  NULL },
	{ "preallocation", "str", "Preallocation mode (allowed values: off, falloc, full)",
	  false, NULL },
	{ "extent_size_hint", "size", "Space the file system sets aside at a time, 0: no hint",
	  false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

static const struct img_create_opt *find(const struct img_create_opt *o, const char *name)
{
	for (; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

const struct img_create_opt *img_create_opt_find(const struct img_format *fmt, const char *name)
{
	return find(fmt->create_opts, name);
}

int img_create_bool(struct optset *set, const char *key, bool *out, struct err *e)
{
	const char *val = set ? optset_get(set, key) : NULL;

	if (val && optset_bool(set, key, out, NULL) < 0)
		return err_set(e, -EINVAL, "Parameter '%s' expects 'on' or 'off'", key);
	return 0;
}

static int get_number(struct optset *set, const char *key, uint64_t *out, struct err *e)
{
	const char *val = optset_get(set, key);

	if (val && *val == '-') /* a number to qemu-img, and a large one */
		*out = UINT64_MAX;
	else
		return optset_u64(set, key, out, e);
	return 0;
}

int img_create_word(struct optset *set, const char *key, const char *shown,
		    const char *const *words, unsigned *out, struct err *e)
{
	const char *val = set ? optset_get(set, key) : NULL;

	if (!val)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(words[i], val))
			continue;
		*out = i;
		return 0;
	}
	return err_set(e, -EINVAL, "Parameter '%s' does not accept value '%s'", shown, val);
}

/* Of the format, or of the file: then there is no metadata to prepare, and a file that does not
 * hold the bytes of the disk one by one has nothing to prepare at all. */
static int get_prealloc(const struct img_format *fmt, struct optset *set, struct img_create *c,
			struct err *e)
{
	static const char *const words[] = { "off", "metadata", "falloc", "full", NULL };
	bool own = img_create_opt_find(fmt, "preallocation") != NULL;
	unsigned v = c->prealloc;

	if (img_create_word(set, "preallocation", "preallocation", words, &v, e) < 0)
		return own ? -EINVAL
			   : err_set(e, -EINVAL, "invalid parameter value: %s",
				     optset_get(set, "preallocation"));
	c->prealloc = (enum blk_prealloc)v;
	/* luks: the file's as well, and no metadata to prepare beside what is always written */
	if (!strcmp(fmt->name, "luks")) {
		if (c->prealloc == PREALLOC_METADATA)
			c->prealloc = PREALLOC_OFF;
		return 0;
	}
	if (!own && (c->prealloc == PREALLOC_METADATA ||
		     (c->prealloc != PREALLOC_OFF && strcmp(fmt->name, "raw"))))
		return err_set(e, -ENOTSUP, "Unsupported preallocation mode: %s", words[v]);
	return 0;
}

static int get_numbers(struct optset *set, struct img_create *c, struct err *e)
{
	static const char *const compats[] = { "0.10", "v2", "1.1", "v3", NULL };
	static const char *const compressions[] = { "zlib", "zstd", NULL };
	static const char *const levels[] = { "fast", "small", NULL };
	unsigned level = c->compression_level && !strcmp(c->compression_level, "small");
	unsigned compat = c->compat == 2 ? 0 : 2, zstd = c->compression_zstd;
	uint64_t v = c->refcount_bits;
	int r;

	r = img_create_word(set, "compat", "version", compats, &compat, e);
	if (r == 0)
		r = img_create_word(set, "compression_type", "compression-type", compressions,
				    &zstd, e);
	if (r < 0)
		return r;
	c->compat = compat < 2 ? 2 : 3;
	c->compression_zstd = zstd != 0;
	r = img_create_word(set, "compression_level", "compression-level", levels, &level, e);
	if (r < 0)
		return r;
	c->compression_level = level ? levels[level] : NULL;
	r = get_number(set, "refcount_bits", &v, e);
	if (r < 0)
		return r;
	c->refcount_bits = v > UINT32_MAX ? UINT32_MAX : (unsigned)v;
	return 0;
}

static int refuse_encryption(struct optset *set, struct err *e)
{
	bool on = false;
	int r = img_create_bool(set, "encryption", &on, e);

	if (r < 0)
		return r;
	for (size_t i = 0; !on && i < set->n; i++)
		on = !strncmp(set->v[i].key, "encrypt.", 8);
	return on ? err_set(e, -ENOTSUP, "encryption is not supported") : 0;
}

/* How the value of @key is written: 's'tring, s'i'ze, 'n'umber or 'b'ool; 0: no such option. */
static char type_of(const struct img_format *fmt, bool amend, const char *key)
{
	const struct img_create_opt *o = img_create_opt_find(fmt, key);

	if (!o)
		o = find(amend ? fmt->amend_opts : img_file_create_opts, key);
	if (o)
		return o->type[0] == 's' && o->type[1] == 'i' ? 'i' : o->type[0];
	return fmt->backing && !strcmp(key, "encryption") ? 'b' : 0;
}

static int check_values(const struct img_format *fmt, bool amend, struct optset *set,
			struct err *e)
{
	bool own = find(fmt->create_opts, "encryption");
	int r = fmt->backing && !own ? refuse_encryption(set, e) : 0;

	for (size_t i = 0; i < set->n && r == 0; i++) {
		const char *key = set->v[i].key;
		uint64_t num;
		bool on;

		switch (type_of(fmt, amend, key)) {
		case 0:
			return err_set(e, -EINVAL, "Invalid parameter '%s'", key);
		case 'b':
			r = img_create_bool(set, key, &on, e);
			break;
		case 'i':
			r = optset_size(set, key, &num, e);
			break;
		case 'n':
			r = get_number(set, key, &num, e);
			break;
		default:
			break;
		}
	}
	return r;
}

int img_create_check(const struct img_format *fmt, struct optset *set, struct err *e)
{
	return check_values(fmt, false, set, e);
}

int img_amend_check(const struct img_format *fmt, struct optset *set, struct err *e)
{
	return check_values(fmt, true, set, e);
}

int img_create_parse(const struct img_format *fmt, struct optset *set, struct img_create *c,
		     struct err *e)
{
	const char *s;
	int r = img_create_check(fmt, set, e);

	if (r < 0)
		return r;
	c->own = set;
	if ((s = optset_get(set, "backing_file")))
		c->backing_file = s;
	if ((s = optset_get(set, "backing_fmt")))
		c->backing_fmt = s;
	if (c->backing_fmt && !img_format_exists(c->backing_fmt))
		return err_set(e, -EINVAL, "Parameter 'backing-fmt' does not accept value '%s'",
			       c->backing_fmt);
	if ((s = optset_get(set, "data_file")))
		c->data_file = s;
	r = optset_size(set, "size", &c->size, e);
	if (r == 0)
		r = optset_size(set, "cluster_size", &c->cluster_size, e);
	if (r == 0)
		r = optset_size(set, "extent_size_hint", &c->extent_size_hint, e);
	if (r == 0)
		r = img_create_bool(set, "nocow", &c->nocow, e);
	if (r == 0)
		r = img_create_bool(set, "lazy_refcounts", &c->lazy_refcounts, e);
	if (r == 0)
		r = img_create_bool(set, "extended_l2", &c->extended_l2, e);
	if (r == 0)
		r = img_create_bool(set, "data_file_raw", &c->data_file_raw, e);
	if (r == 0)
		r = get_prealloc(fmt, set, c, e);
	return r < 0 ? r : get_numbers(set, c, e);
}

/* ---- files ---- */

/* A file being made: its node, and whether it goes away if all fails. */
struct made {
	const struct img_protocol *proto; /* NULL: a local file */
	char *path;
	bool fresh;
	struct blk *b;
};

static int make_remote(struct made *m, const struct img_create *c, unsigned flags,
		       const struct blk_log *log, struct err *e)
{
	int r;

	if (!m->proto->create)
		return proto_cannot_create(m->path, e);
	r = m->proto->create(m->path, c->size, &m->fresh, e);
	return r < 0 ? r : proto_open_name(m->proto, m->path, flags, log, &m->b, e);
}

static int make_file(struct made *m, const char *name, const struct img_create *c,
		     unsigned flags, const struct blk_log *log, struct err *e)
{
	const char *path;
	int r = proto_of_name(name, &m->proto, &path, e);

	if (r < 0)
		return r;
	m->path = mem_strdup(path, e);
	if (!m->path)
		return -ENOMEM;
	if (m->proto)
		return make_remote(m, c, flags, log, e);
	r = file_create(path, 0, PREALLOC_OFF, c->nocow, c->extent_size_hint, &m->fresh, e);
	if (r < 0 && r != -EEXIST)
		return r;
	r = file_open(path, NULL, flags, &m->b, e);
	if (r == 0)
		m->b->log = log;
	return r;
}

/* Closes, and removes what was not there before if @r says that all was in vain. */
static int finish_file(struct made *m, int r, struct err *e)
{
	int rc = blk_close(m->b, r < 0 ? NULL : e);

	if (r == 0)
		r = rc;
	if (r < 0 && m->fresh && m->path) {
		if (!m->proto)
			(void)unlink(m->path);
		else if (m->proto->remove)
			m->proto->remove(m->path);
	}
	mem_freep(&m->path);
	return r;
}

int img_create_file(const char *filename, const struct img_format *fmt,
		    const struct img_create *c, unsigned flags, struct progress *p,
		    const struct blk_log *log, struct err *e)
{
	struct made file = { .b = NULL }, data = { .b = NULL };
	int r, rc;

	flags = (flags & (BLK_NOFLUSH | BLK_DIRECT | BLK_NOLOCK)) | BLK_WRITE | BLK_UNMAP;
	if (!fmt->create)
		return err_set(e, -ENOTSUP,
			       "Format driver '%s' does not support image creation", fmt->name);
	r = make_file(&file, filename, c, flags, log, e);
	if (r == 0 && c->data_file) {
		AUTO_FREE char *name = img_relative_name(filename, c->data_file, e);

		r = name ? make_file(&data, name, c, flags, log, e) : -ENOMEM;
	}
	if (r == 0)
		r = fmt->create(file.b, data.b, c, p, e);
	rc = finish_file(&data, r, e);
	r = r < 0 ? r : rc;
	rc = finish_file(&file, r, e);
	return r < 0 ? r : rc;
}
