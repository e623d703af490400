/* SPDX-License-Identifier: MIT */
#include "emu/bus.h"

#include "base/mem.h"
#include "emu/log.h"

#include <stdlib.h>
#include <string.h>

struct list {
	const struct bus_region **v; /* in the order they were added */
	size_t n;
};

struct bus {
	pthread_rwlock_t lock;
	struct list spaces[2];
	struct log *log;
};

int bus_new(struct bus **out, struct err *e)
{
	struct bus *b = mem_zalloc(1, sizeof(*b), e);

	if (!b)
		return -ENOMEM;
	pthread_rwlock_init(&b->lock, NULL);
	*out = b;
	return 0;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	pthread_rwlock_destroy(&b->lock);
	free(b->spaces[0].v);
	free(b->spaces[1].v);
	free(b);
}

void bus_log(struct bus *b, struct log *l)
{
	b->log = l;
}

static void nobody(const struct bus *b, enum bus_space space, uint64_t addr, const char *what)
{
	if (log_on(b->log, LOG_GUEST))
		log_line(b->log, "guest_errors: %s of nothing at %s %#llx", what,
			 space == BUS_PORT ? "port" : "address", (unsigned long long)addr);
}

int bus_add(struct bus *b, const struct bus_region *r, struct err *e)
{
	struct list *l = &b->spaces[r->space];
	uint64_t end = r->space == BUS_PORT ? 0xffff : UINT64_MAX;
	int code;

	if (!r->size || r->base > end || r->size - 1 > end - r->base)
		return err_set(e, -EINVAL, "%s: no registers can lie at %#llx, %#llx bytes",
			       r->name, (unsigned long long)r->base,
			       (unsigned long long)r->size);
	pthread_rwlock_wrlock(&b->lock);
	code = mem_grow((void **)&l->v, l->n + 1, sizeof(*l->v), e);
	if (code == 0)
		l->v[l->n++] = r;
	pthread_rwlock_unlock(&b->lock);
	return code;
}

void bus_remove(struct bus *b, const struct bus_region *r)
{
	struct list *l = &b->spaces[r->space];

	pthread_rwlock_wrlock(&b->lock);
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i] != r)
			continue;
		memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(*l->v));
		l->n--;
		break;
	}
	pthread_rwlock_unlock(&b->lock);
}

/* The region that answers at @addr, and where in it: by the next moment it may have been moved. */
static const struct bus_region *find(struct bus *b, enum bus_space space, uint64_t addr,
				     uint64_t *off)
{
	struct list *l = &b->spaces[space];
	const struct bus_region *r = NULL;

	pthread_rwlock_rdlock(&b->lock);
	for (size_t i = l->n; i-- > 0 && !r;) {
		*off = addr - l->v[i]->base;
		if (*off < l->v[i]->size)
			r = l->v[i];
	}
	pthread_rwlock_unlock(&b->lock);
	return r;
}

static unsigned largest(const struct bus_region *r)
{
	return r->ops->max ? r->ops->max : r->space == BUS_PORT ? 4 : 8;
}

/* The size of the next access at @off with @left bytes to go: aligned, and not more than
 * the device takes. */
static unsigned step(const struct bus_region *r, uint64_t off, unsigned left)
{
	unsigned n = largest(r);

	while (n > 1 && (n > left || off % n || n > r->size - off))
		n /= 2;
	return n;
}

static uint64_t mask(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
}

static uint64_t read_one(const struct bus_region *r, uint64_t off, unsigned n)
{
	unsigned min = r->ops->min ? r->ops->min : 1;
	uint64_t v;

	if (!r->ops->read)
		return mask(n);
	if (r->lock)
		pthread_mutex_lock(r->lock);
	/* a register is read whole, and what was asked for cut out of it */
	if (n < min)
		v = r->ops->read(r->dev, off & ~(uint64_t)(min - 1), min) >>
		    8 * (off & (min - 1));
	else
		v = r->ops->read(r->dev, off, n);
	if (r->lock)
		pthread_mutex_unlock(r->lock);
	return v & mask(n);
}

static void write_one(const struct bus_region *r, uint64_t off, unsigned n, uint64_t v)
{
	unsigned min = r->ops->min ? r->ops->min : 1;

	if (!r->ops->write)
		return;
	if (r->lock)
		pthread_mutex_lock(r->lock);
	if (n < min)
		r->ops->write(r->dev, off & ~(uint64_t)(min - 1), min,
			      v << 8 * (off & (min - 1)));
	else
		r->ops->write(r->dev, off, n, v);
	if (r->lock)
		pthread_mutex_unlock(r->lock);
}

uint64_t bus_read(struct bus *b, enum bus_space space, uint64_t addr, unsigned size)
{
	uint64_t v = 0;

	for (unsigned done = 0; done < size;) {
		uint64_t off = 0, part = 0xff;
		const struct bus_region *r = find(b, space, addr + done, &off);
		unsigned n = 1;

		if (r) {
			n = step(r, off, size - done);
			part = read_one(r, off, n);
		} else if (!done) {
			nobody(b, space, addr, "read");
		}
		v |= part << 8 * done;
		done += n;
	}
	return v;
}

void bus_write(struct bus *b, enum bus_space space, uint64_t addr, unsigned size,
	       uint64_t value)
{
	for (unsigned done = 0; done < size;) {
		uint64_t off = 0;
		const struct bus_region *r = find(b, space, addr + done, &off);
		unsigned n = 1;

		if (r) {
			n = step(r, off, size - done);
			write_one(r, off, n, value >> 8 * done & mask(n));
		} else if (!done) {
			nobody(b, space, addr, "write");
		}
		done += n;
	}
}

void bus_each(struct bus *b, enum bus_space space,
	      void (*each)(void *arg, const struct bus_region *r), void *arg)
{
	struct list *l = &b->spaces[space];
	uint64_t at = 0;
	bool more = true;

	pthread_rwlock_rdlock(&b->lock);
	while (more) {
		uint64_t next = UINT64_MAX;

		more = false;
		for (size_t i = l->n; i-- > 0;) {
			if (l->v[i]->base == at)
				each(arg, l->v[i]);
			if (l->v[i]->base > at && l->v[i]->base <= next) {
				next = l->v[i]->base;
				more = true;
			}
		}
		at = next;
	}
	pthread_rwlock_unlock(&b->lock);
}
