/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_devices.h"

#include "base/mem.h"
#include "emu/dev/i6300esb.h"
#include "emu/dev/pc_testdev.h"
#include "emu/dev/pci_testdev.h"
#include "emu/dev/pvpanic.h"
#include "emu/machines/pc_devices_int.h"
#include "emu/virtio/balloon.h"
#include "emu/virtio/rng.h"

#include <stdlib.h>
#include <string.h>

/* ---- random numbers ---- */

static int make_rng(struct making *k, void **out, struct err *e)
{
	const struct machine *m = k->all->m;
	struct virtio_rng_config c = { .file = k->c->file, .where = &k->c->pci };
	uint64_t ms = 65536;
	int r = optset_u64(&k->o, "max-bytes", &c.most, e);

	if (r == 0)
		r = optset_u64(&k->o, "period", &ms, e);
	if (r == 0 && (!ms || ms > INT32_MAX))
		r = err_set(e, -EINVAL, "%s: period=%llu: 1 to %d milliseconds", k->c->name,
			    (unsigned long long)ms, INT32_MAX);
	c.period = ms * 1000000;
	return r < 0 ? r
		     : virtio_rng_new((struct virtio **)out, k->all->pci, m->mem, m->loop, &c,
				      e);
}

static void reset_virtio(void *dev)
{
	virtio_reset(dev);
}

static const struct pci_dev *virtio_place(const void *dev)
{
	const struct virtio *v = dev;

	return &v->pci;
}

static void free_rng(void *dev)
{
	virtio_rng_free(dev);
}

/* ---- memory ---- */

static void give_back(void *arg, uint64_t gpa, uint64_t len)
{
	machine_give_back(arg, gpa, len);
}

static void ballooned(void *arg, uint32_t pages)
{
	machine_ballooned(arg, (uint64_t)pages << 12);
}

static int make_balloon(struct making *k, void **out, struct err *e)
{
	struct machine *m = k->all->m;
	struct virtio_balloon_config c = {
		.give_back = give_back, .changed = ballooned, .arg = m, .where = &k->c->pci
	};
	int r = optset_bool(&k->o, "deflate-on-oom", &c.oom, e);

	if (r == 0)
		r = optset_bool(&k->o, "free-page-reporting", &c.reports, e);
	if (r == 0 && k->all->balloon)
		r = err_set(e, -EINVAL, "%s: one is enough", k->c->name);
	if (r == 0)
		r = virtio_balloon_new(&k->all->balloon, k->all->pci, m->mem, &c, e);
	*out = k->all->balloon;
	return r;
}

static void reset_balloon(void *dev)
{
	virtio_balloon_reset(dev);
}

static const struct pci_dev *balloon_place(const void *dev)
{
	return virtio_balloon_pci(dev);
}

static void free_balloon(void *dev)
{
	virtio_balloon_free(dev);
}

/* ---- pvpanic ---- */

static void on_panic(void *arg, unsigned events)
{
	if (events & PVPANIC_LOADED)
		machine_crash_loaded(arg);
	if (events & PVPANIC_PANICKED)
		machine_panicked(arg);
}

static int panic_env(struct making *k, struct pvpanic_env *env, struct err *e)
{
	uint64_t events = PVPANIC_PANICKED | PVPANIC_LOADED;
	int r = optset_u64(&k->o, "events", &events, e);

	*env = (struct pvpanic_env){ (uint8_t)events, on_panic, k->all->m };
	if (r == 0 && events > (PVPANIC_PANICKED | PVPANIC_LOADED))
		r = err_set(e, -EINVAL, "%s: events=%llu: 1, 2 or both, 3", k->c->name,
			    (unsigned long long)events);
	return r;
}

static int make_panic(struct making *k, void **out, struct err *e)
{
	uint64_t port = PVPANIC_PORT;
	struct pvpanic_env env;
	int r = panic_env(k, &env, e);

	if (r == 0)
		r = optset_u64(&k->o, "ioport", &port, e);
	if (r == 0 && (port > UINT16_MAX || k->all->pvpanic))
		r = err_set(e, -EINVAL, "pvpanic: one, at a port up to 65535");
	if (r < 0)
		return r;
	k->all->pvpanic = (uint16_t)port;
	return pvpanic_isa_new((struct pvpanic **)out, k->all->m->bus, (uint16_t)port, &env, e);
}

static int make_panic_pci(struct making *k, void **out, struct err *e)
{
	struct pvpanic_env env;
	int r = panic_env(k, &env, e);

	return r < 0 ? r
		     : pvpanic_pci_new((struct pvpanic **)out, k->all->pci, k->c->pci.slot,
				       &env, e);
}

static void free_panic(void *dev)
{
	pvpanic_free(dev);
}

/* ---- the watchdog ---- */

static void on_bite(void *arg)
{
	machine_watchdog(arg);
}

static int make_watchdog(struct making *k, void **out, struct err *e)
{
	return i6300esb_new((struct i6300esb **)out, k->all->pci, k->c->pci.slot,
			    k->all->m->clock, on_bite, k->all->m, e);
}

static void reset_watchdog(void *dev)
{
	i6300esb_reset(dev);
}

static void free_watchdog(void *dev)
{
	i6300esb_free(dev);
}

/* ---- for tests ---- */

static int make_pci_test(struct making *k, void **out, struct err *e)
{
	uint64_t size = 0;
	int r = optset_size(&k->o, "membar", &size, e);

	if (r == 0 && size && (size < 4096 || size & (size - 1) || size > UINT64_C(1) << 35))
		r = err_set(e, -EINVAL, "pci-testdev: membar= is a power of two, 4K to 32G");
	return r < 0 ? r
		     : pci_testdev_new((struct pci_testdev **)out, k->all->pci, k->c->pci.slot,
				       size, e);
}

static void reset_pci_test(void *dev)
{
	pci_testdev_reset(dev);
}

static void free_pci_test(void *dev)
{
	pci_testdev_free(dev);
}

static int make_pc_test(struct making *k, void **out, struct err *e)
{
	const struct irq *isa = &k->all->isa, *apic = &k->all->ioapic;
	struct irq line[PC_TESTDEV_LINES];

	for (unsigned i = 0; i < PC_TESTDEV_LINES; i++)
		line[i] = i < 16 ? (struct irq){ isa->set, isa->arg, isa->pin + i }
				 : (struct irq){ apic->set, apic->arg, apic->pin + i };
	return pc_testdev_new((struct pc_testdev **)out, k->all->m->bus, line, e);
}

static void reset_pc_test(void *dev)
{
	pc_testdev_reset(dev);
}

static void free_pc_test(void *dev)
{
	pc_testdev_free(dev);
}

/* ---- all of them ---- */

static const struct pc_kind kinds[] = {
	{ "virtio-rng-pci", make_rng, reset_virtio, free_rng, virtio_place },
	{ "virtio-balloon-pci", make_balloon, reset_balloon, free_balloon, balloon_place },
	{ "virtio-serial-pci", pc_serial_make, pc_serial_reset, pc_serial_free, NULL },
	{ "virtconsole", pc_serial_port, NULL, NULL, NULL },
	{ "virtserialport", pc_serial_port, NULL, NULL, NULL },
	{ "pvpanic", make_panic, NULL, free_panic, NULL },
	{ "pvpanic-pci", make_panic_pci, NULL, free_panic, NULL },
	{ "i6300esb", make_watchdog, reset_watchdog, free_watchdog, NULL },
	{ "pci-testdev", make_pci_test, reset_pci_test, free_pci_test, NULL },
	{ "pc-testdev", make_pc_test, reset_pc_test, free_pc_test, NULL },
};

static int make(struct pc_devices *d, unsigned n, struct err *e)
{
	struct making k = { .all = d, .c = &d->m->config->device[n], .o = OPTSET_INIT };
	const struct pc_kind *kind = NULL;
	int r = *k.c->options ? optset_parse(&k.o, k.c->options, NULL, e) : 0;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, k.c->name))
			kind = &kinds[i];
	if (r == 0 && kind)
		r = kind->make(&k, &d->entry[n].dev, e);
	/* those of others are not ours */
	if (r == 0)
		d->entry[n].kind = kind;
	optset_free(&k.o);
	return r;
}

/* ---- while the machine runs ---- */

bool pc_devices_pluggable(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].place != NULL;
	return false;
}

int pc_devices_plug(struct pc_devices *d, unsigned n, struct err *e)
{
	return make(d, n, e);
}

void pc_devices_unplug(struct pc_devices *d, unsigned n)
{
	struct pc_entry *v = &d->entry[n];

	if (v->dev == d->balloon)
		d->balloon = NULL;
	v->kind->free(v->dev);
	*v = (struct pc_entry){ NULL, NULL };
}

const struct pci_dev *pc_devices_place(const struct pc_devices *d, unsigned n)
{
	const struct pc_entry *v = &d->entry[n];

	return v->kind && v->kind->place ? v->kind->place(v->dev) : NULL;
}

int pc_devices_new(struct pc_devices **out, struct machine *m, struct pci *p,
		   const struct irq *isa, const struct irq *ioapic, struct err *e)
{
	struct pc_devices *d = mem_zalloc(1, sizeof(*d), e);
	int r = 0;

	if (!d)
		return -ENOMEM;
	*out = d; /* whoever gets an error frees what is there */
	d->m = m;
	d->pci = p;
	d->isa = *isa;
	d->ioapic = *ioapic;
	for (unsigned i = 0; i < m->config->devices && r == 0; i++)
		r = make(d, i, e);
	return r;
}

void pc_devices_reset(struct pc_devices *d)
{
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (d->entry[i].kind && d->entry[i].kind->reset)
			d->entry[i].kind->reset(d->entry[i].dev);
}

void pc_devices_free(struct pc_devices *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (d->entry[i].kind && d->entry[i].kind->free)
			d->entry[i].kind->free(d->entry[i].dev);
	free(d);
}

uint16_t pc_devices_pvpanic(const struct pc_devices *d)
{
	return d->pvpanic;
}

struct virtio_balloon *pc_devices_balloon(const struct pc_devices *d)
{
	return d->balloon;
}
