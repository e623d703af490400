/* SPDX-License-Identifier: MIT */
/*
 * Where accesses go that are not memory: device registers in the address space of memory and
 * of ports.  Regions may overlap; the one added last wins, and what it covered is there again
 * when it is removed (a BAR moved over another).  Reads of nothing are all ones, writes to
 * nothing are dropped.
 *
 * A region's handler runs under the region's lock.  It gets an offset inside the region and
 * a size of 1, 2, 4 or 8 that is naturally aligned and within what it says it takes: the bus
 * splits and joins other accesses.  Offset, size and value are the guest's choice.
 */
#ifndef EMU_BUS_H
#define EMU_BUS_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum bus_space { BUS_MEM, BUS_PORT };

struct bus_ops {
	uint64_t (*read)(void *dev, uint64_t off, unsigned size);
	void (*write)(void *dev, uint64_t off, unsigned size, uint64_t value);
	unsigned min, max; /* sizes a handler takes; 0: 1 and 8 (ports: 1 and 4) */
};

struct bus_region {
	const char *name; /* for `info mtree` */
	enum bus_space space;
	uint64_t base, size;
	const struct bus_ops *ops;
	void *dev;
	pthread_mutex_t *lock; /* NULL: the handler needs none */
};

struct bus;
struct log;

int bus_new(struct bus **out, struct err *e) MUST_CHECK;
void bus_free(struct bus *b);
/* Who is told of accesses where nothing is; before anybody makes one. */
void bus_log(struct bus *b, struct log *l);
/* @r stays the caller's and must live until it is removed. */
int bus_add(struct bus *b, const struct bus_region *r, struct err *e) MUST_CHECK;
void bus_remove(struct bus *b, const struct bus_region *r);

/* From any thread.  @size 1..8 at any address. */
uint64_t bus_read(struct bus *b, enum bus_space space, uint64_t addr, unsigned size);
void bus_write(struct bus *b, enum bus_space space, uint64_t addr, unsigned size,
	       uint64_t value);

/* Calls @each for every region, lowest base first, later ones of the same base first. */
void bus_each(struct bus *b, enum bus_space space,
	      void (*each)(void *arg, const struct bus_region *r), void *arg);

#endif
