/* SPDX-License-Identifier: MIT */
#include "emu/dev/ports.h"

#include "base/mem.h"

#include <stdlib.h>

#define P92_RESET 0x01
#define P92_A20   0x02
#define CF9_HARD  0x02
#define CF9_GO    0x04

struct ports {
	pthread_mutex_t lock;
	struct bus *bus;
	struct ports_env env;
	uint8_t p80, p92, cf9;
	struct bus_region r80, r92, rcf9, rexit;
};

static uint64_t p80_read(void *dev, uint64_t off, unsigned size)
{
	(void)off;
	(void)size;
	return ((struct ports *)dev)->p80;
}

static void p80_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	(void)off;
	(void)size;
	((struct ports *)dev)->p80 = (uint8_t)v;
}

static uint64_t p92_read(void *dev, uint64_t off, unsigned size)
{
	(void)off;
	(void)size;
	return ((struct ports *)dev)->p92;
}

static void p92_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ports *p = dev;
	bool pulse = (v & P92_RESET) && !(p->p92 & P92_RESET);

	(void)off;
	(void)size;
	p->p92 = (uint8_t)v;
	if (p->env.a20)
		p->env.a20(p->env.arg, v & P92_A20);
	if (pulse)
		p->env.reset(p->env.arg);
}

static uint64_t cf9_read(void *dev, uint64_t off, unsigned size)
{
	(void)off;
	(void)size;
	return ((struct ports *)dev)->cf9;
}

static void cf9_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ports *p = dev;
	bool go = (v & CF9_GO) && !(p->cf9 & CF9_GO);

	(void)off;
	(void)size;
	p->cf9 = v & (CF9_HARD | CF9_GO);
	if (go)
		p->env.reset(p->env.arg);
}

static void exit_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ports *p = dev;

	(void)off;
	(void)size;
	p->env.exit(p->env.arg, (unsigned)v);
}

static const struct bus_ops p80_ops = { p80_read, p80_write, 1, 1 };
static const struct bus_ops p92_ops = { p92_read, p92_write, 1, 1 };
static const struct bus_ops cf9_ops = { cf9_read, cf9_write, 1, 1 };
static const struct bus_ops exit_ops = { NULL, exit_write, 1, 4 };

void ports_reset(struct ports *p)
{
	pthread_mutex_lock(&p->lock);
	p->p80 = p->cf9 = 0;
	p->p92 = P92_A20;
	pthread_mutex_unlock(&p->lock);
}

int ports_new(struct ports **out, struct bus *b, const struct ports_env *env, struct err *e)
{
	struct ports *p = mem_zalloc(1, sizeof(*p), e);
	pthread_mutex_t *l;
	int r;

	if (!p)
		return -ENOMEM;
	l = &p->lock;
	pthread_mutex_init(l, NULL);
	p->bus = b;
	p->env = *env;
	p->r80 = (struct bus_region){ "port 80", BUS_PORT, 0x80, 1, &p80_ops, p, l };
	p->r92 = (struct bus_region){ "port 92", BUS_PORT, 0x92, 1, &p92_ops, p, l };
	p->rcf9 = (struct bus_region){ "reset control", BUS_PORT, 0xcf9, 1, &cf9_ops, p, l };
	p->rexit = (struct bus_region){
		"debug exit", BUS_PORT, env->exit_base, env->exit_size, &exit_ops, p, l
	};
	r = bus_add(b, &p->r80, e);
	if (r == 0)
		r = bus_add(b, &p->r92, e);
	if (r == 0)
		r = bus_add(b, &p->rcf9, e);
	if (r == 0 && env->debug_exit)
		r = bus_add(b, &p->rexit, e);
	if (r < 0) {
		ports_free(p);
		return r;
	}
	ports_reset(p);
	*out = p;
	return 0;
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	bus_remove(p->bus, &p->r80);
	bus_remove(p->bus, &p->r92);
	bus_remove(p->bus, &p->rcf9);
	bus_remove(p->bus, &p->rexit);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
