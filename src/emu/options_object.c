/* SPDX-License-Identifier: MIT */
/* -object: memory and random numbers. */
#include "base/mem.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

static int new_id(struct parse *p, struct optset *o, char **to, struct err *e)
{
	const char *id = optset_get(o, "id");

	if (!id || !*id)
		return err_set(e, -EINVAL, "-object %s has no id=", optset_get(o, "qom-type"));
	for (unsigned i = 0; i < p->c->memories; i++)
		if (p->c->memory[i].id && !strcmp(p->c->memory[i].id, id))
			return err_set(e, -EINVAL, "there is an object '%s' already", id);
	for (unsigned i = 0; i < p->c->rngs; i++)
		if (p->c->rng[i].id && !strcmp(p->c->rng[i].id, id))
			return err_set(e, -EINVAL, "there is an object '%s' already", id);
	return options_string(to, id, e);
}

static int negated(struct optset *o, const char *key, bool *to, struct err *e)
{
	bool on = !*to;
	int r = optset_bool(o, key, &on, e);

	*to = !on;
	return r;
}

static int huge_pages(struct optset *o, struct config_memory *m, struct err *e)
{
	int r = optset_bool(o, "hugetlb", &m->huge, e);

	if (r == 0)
		r = optset_size(o, "hugetlbsize", &m->page, e);
	if (r == 0 && optset_get(o, "hugetlbsize") &&
	    (!m->huge || m->page < 4096 || m->page & (m->page - 1)))
		r = err_set(e, -EINVAL,
			    "hugetlbsize= is the size of a page, with hugetlb=on, not %llu",
			    (unsigned long long)m->page);
	return r;
}

static int memory_keys(const char *kind, struct optset *o, struct config_memory *m,
		       struct err *e)
{
	int r = optset_bool(o, "share", &m->shared, e);

	if (r == 0)
		r = optset_bool(o, "prealloc", &m->prealloc, e);
	if (r == 0)
		r = optset_bool(o, "merge", &m->merge, e);
	if (r == 0)
		r = negated(o, "dump", &m->out_of_dumps, e);
	if (r == 0)
		r = negated(o, "reserve", &m->overcommit, e);
	if (r == 0)
		r = optset_size(o, "size", &m->size, e);
	if (r == 0 && !m->size)
		r = err_set(e, -EINVAL, "-object %s has no size=", kind);
	if (r == 0 && m->memfd) {
		r = negated(o, "seal", &m->unsealed, e);
		if (r == 0)
			r = huge_pages(o, m, e);
	} else if (r == 0 && strcmp(kind, "memory-backend-file") == 0) {
		r = options_take(o, "mem-path", &m->path, e);
		if (r == 0 && !m->path)
			r = err_set(e, -EINVAL, "-object %s has no mem-path=", kind);
	}
	return r;
}

static int add_memory(struct parse *p, const char *kind, struct optset *o, struct err *e)
{
	struct config_memory *m = &p->c->memory[p->c->memories];
	int r;

	if (p->c->memories == CONFIG_OBJECTS)
		return err_set(e, -EINVAL, "more than %d memories", CONFIG_OBJECTS);
	p->c->memories++;
	m->memfd = !strcmp(kind, "memory-backend-memfd");
	m->shared = m->memfd;
	r = new_id(p, o, &m->id, e);
	return r < 0 ? r : memory_keys(kind, o, m, e);
}

static int add_rng(struct parse *p, const char *kind, struct optset *o, struct err *e)
{
	struct config_rng *g = &p->c->rng[p->c->rngs];
	int r;

	if (p->c->rngs == CONFIG_OBJECTS)
		return err_set(e, -EINVAL, "more than %d sources of random numbers",
			       CONFIG_OBJECTS);
	p->c->rngs++;
	r = new_id(p, o, &g->id, e);
	if (r == 0 && !strcmp(kind, "rng-random")) {
		const char *file = optset_get(o, "filename");

		r = options_string(&g->file, file ? file : "/dev/urandom", e);
	}
	return r;
}

static int opt_object(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *kind;
	int r = optset_parse(&o, v, "qom-type", e);

	if (r == 0) {
		kind = optset_get(&o, "qom-type");
		r = !strncmp(kind, "memory-", 7) ? add_memory(p, kind, &o, e)
						 : add_rng(p, kind, &o, e);
	}
	optset_free(&o);
	return r;
}

static int opt_overcommit(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r = optset_parse(&o, v, NULL, e);

	if (r == 0)
		r = optset_bool(&o, "mem-lock", &p->c->mem_lock, e);
	optset_free(&o);
	return r;
}

/* ---- who uses them ---- */

static int check_memory(struct parse *p, struct err *e)
{
	struct machine_config *c = p->c;
	const struct config_memory *used = NULL;

	for (unsigned i = 0; i < c->memories; i++) {
		if (!c->memory_backend || strcmp(c->memory[i].id, c->memory_backend) != 0)
			return err_set(e, -EINVAL,
				       "nothing uses the object %s; -machine memory-backend=%s "
				       "makes it the guest's memory",
				       c->memory[i].id, c->memory[i].id);
		used = &c->memory[i];
	}
	if (!c->memory_backend)
		return 0;
	if (!used)
		return err_set(e, -EINVAL,
			       "-machine memory-backend=%s: no memory -object has that id",
			       c->memory_backend);
	if (c->mem_path)
		return err_set(e, -EINVAL, "-mem-path and memory-backend= exclude each other");
	if (p->mem_given && c->mem != used->size)
		return err_set(e, -EINVAL,
			       "the object %s has %llu bytes, -m says %llu: they must be equal",
			       used->id, (unsigned long long)used->size,
			       (unsigned long long)c->mem);
	c->mem = used->size;
	return options_memory_size(c->mem, e);
}

static int check_rng(struct parse *p, struct config_device *d, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *id;
	int r = *d->options ? optset_parse(&o, d->options, NULL, e) : 0;

	id = r == 0 ? optset_get(&o, "rng") : NULL;
	if (id) {
		r = err_set(e, -EINVAL, "-device virtio-rng-pci,rng=%s: no -object has that id",
			    id);
		for (unsigned i = 0; i < p->c->rngs; i++) {
			if (strcmp(p->c->rng[i].id, id) != 0)
				continue;
			r = p->c->rng[i].file ? options_string(&d->file, p->c->rng[i].file, e)
					      : 0;
			break;
		}
	}
	optset_free(&o);
	return r;
}

int options_objects_finish(struct parse *p, struct err *e)
{
	struct machine_config *c = p->c;
	int r = check_memory(p, e);

	for (unsigned i = 0; i < c->devices && r == 0; i++)
		if (!strcmp(c->device[i].name, "virtio-rng-pci"))
			r = check_rng(p, &c->device[i], e);
	return r;
}

void options_objects_free(struct machine_config *c)
{
	for (unsigned i = 0; i < c->memories; i++) {
		free(c->memory[i].id);
		free(c->memory[i].path);
	}
	for (unsigned i = 0; i < c->rngs; i++) {
		free(c->rng[i].id);
		free(c->rng[i].file);
	}
}

/* ---- what help says ---- */

#define MEMORY_KEYS                                                                       \
	{ "size", "size", "of the memory, as -m has it" },                                \
		{ "share", "on|off", "others who have the file see the guest's writes" }, \
		{ "prealloc", "on|off", "take all of it now" },                           \
		{ "reserve", "on|off",                                                    \
		  "set space aside for pages not yet used; on if not given" },            \
		{ "merge", "on|off",                                                      \
		  "equal pages of machines may become one; off if not given" },           \
	{                                                                                 \
		"dump", "on|off", "core dumps have it"                                    \
	}

static const struct device_key object_keys[] = {
	{ "qom-type", "name", "the kind" },
	{ "id", "name", "for who uses it" },
	{ NULL, NULL, NULL },
};
static const struct device_key ram_keys[] = {
	MEMORY_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key file_keys[] = {
	MEMORY_KEYS,
	{ "mem-path", "path", "a folder, such as a mount of huge pages, or a file" },
	{ NULL, NULL, NULL },
};
static const struct device_key memfd_keys[] = {
	MEMORY_KEYS,
	{ "hugetlb", "on|off", "of huge pages" },
	{ "hugetlbsize", "size", "how large; the system's default if not given" },
	{ "seal", "on|off", "its size cannot be changed; on if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key random_keys[] = {
	{ "filename", "path", "what is read; /dev/urandom if not given" },
	{ NULL, NULL, NULL },
};
static const struct option_kind object_kinds[] = {
	{ "memory-backend-ram", "memory", ram_keys },
	{ "memory-backend-file", "memory from a file", file_keys },
	{ "memory-backend-memfd", "memory from a file of the kernel's", memfd_keys },
	{ "rng-random", "random numbers from a file", random_keys },
	{ "rng-builtin", "random numbers from the kernel, by getrandom()", NULL },
	{ NULL, NULL, NULL },
};
static const struct device_key overcommit_keys[] = {
	{ "mem-lock", "on|off", "keep all memory of the process out of swap space" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "object",
	  .arg = "OPTS",
	  .fn = opt_object,
	  .first = "qom-type",
	  .keys = object_keys,
	  .kinds = object_kinds },
	{ .name = "overcommit", .arg = "OPTS", .fn = opt_overcommit, .keys = overcommit_keys },
	{ .name = NULL },
};

const struct option_group options_object = { "objects", rows };
