/* SPDX-License-Identifier: MIT */
/* Controllers of virtio-serial get the ports that name them, or all where there is one. */
#include "emu/chardev/chardev.h"
#include "emu/machines/pc_devices_int.h"
#include "emu/virtio/serial.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool is_port(const struct config_device *c)
{
	return !strcmp(c->name, "virtconsole") || !strcmp(c->name, "virtserialport");
}

/* The controller of a port with this bus=, or NULL. */
static const struct config_device *controller(const struct machine_config *c, const char *bus)
{
	for (unsigned i = 0; i < c->devices; i++) {
		const struct config_device *d = &c->device[i];
		size_t n = d->id ? strlen(d->id) : 0;

		if (strcmp(d->name, "virtio-serial-pci") != 0)
			continue;
		if (!bus || (n && !strncmp(bus, d->id, n) && !strcmp(bus + n, ".0")))
			return d;
	}
	return NULL;
}

/* The first of two passes places those that say where. */
static int place(struct making *k, const struct config_device *d, struct optset *o,
		 unsigned max, bool fixed, struct virtio_serial_config *c, struct err *e)
{
	const char *nr = optset_get(o, "nr"), *chardev = optset_get(o, "chardev");
	struct virtio_serial_port *p;
	bool console = !strcmp(d->name, "virtconsole");
	uint64_t n = console ? 0 : 1; /* the first is for a console */
	int r;

	if (controller(k->all->m->config, optset_get(o, "bus")) != k->c ||
	    fixed != (nr != NULL))
		return 0;
	r = optset_u64(o, "nr", &n, e);
	if (r < 0)
		return r;
	while (!nr && n < max && c->port[n].there)
		n++;
	if (n >= max || c->port[n].there)
		return err_set(e, -EINVAL, "%s: no port is free there; there are %u", d->name,
			       max);
	if (!n && !console)
		return err_set(e, -EINVAL, "%s: nr=0 is for a virtconsole", d->name);
	p = &c->port[n];
	*p = (struct virtio_serial_port){ .there = true,
					  .console = console,
					  .name = optset_get(o, "name"),
					  .id = d->id ? d->id : d->name };
	if (!chardev)
		return 0;
	p->chardev = chardevs_find(k->all->m->chardevs, chardev);
	if (!p->chardev)
		return err_set(e, -EINVAL, "%s: no -chardev has the id '%s'", d->name, chardev);
	return 0;
}

static void opened(void *arg, const char *id, bool open)
{
	json_t *v = json_pack("{s:s, s:b}", "id", id, "open", open);

	machine_event_soon(arg, "VSERPORT_CHANGE", v ? json_dumps(v, JSON_COMPACT) : NULL);
	json_decref(v);
}

int pc_serial_make(struct making *k, void **out, struct err *e)
{
	const struct machine_config *c = k->all->m->config;
	struct virtio_serial_config to = { .opened = opened,
					   .arg = k->all->m,
					   .where = &k->c->pci };
	struct optset o[CONFIG_DEVICES] = { OPTSET_INIT };
	uint64_t max = VIRTIO_SERIAL_PORTS;
	int r = optset_u64(&k->o, "max_ports", &max, e);

	if (r == 0 && (max < 1 || max > VIRTIO_SERIAL_PORTS))
		r = err_set(e, -EINVAL, "%s: max_ports= is 1 to %u", k->c->name,
			    VIRTIO_SERIAL_PORTS);
	for (unsigned i = 0; i < c->devices && r == 0; i++)
		if (is_port(&c->device[i]) && *c->device[i].options)
			r = optset_parse(&o[i], c->device[i].options, NULL, e);
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < c->devices && r == 0; i++)
			if (is_port(&c->device[i]))
				r = place(k, &c->device[i], &o[i], (unsigned)max, !pass, &to,
					  e);
	if (r == 0)
		r = virtio_serial_new((struct virtio_serial **)out, k->all->pci, k->all->m->mem,
				      &to, e);
	for (unsigned i = 0; i < c->devices; i++)
		optset_free(&o[i]);
	return r;
}

int pc_serial_port(struct making *k, void **out, struct err *e)
{
	const char *bus = optset_get(&k->o, "bus");

	(void)out;
	if (controller(k->all->m->config, bus))
		return 0;
	return err_set(e, -EINVAL,
		       "%s: there is no bus '%s'; a -device virtio-serial-pci makes one",
		       k->c->name, bus ? bus : "virtio-serial");
}

void pc_serial_reset(void *dev)
{
	virtio_serial_reset(dev);
}

void pc_serial_free(void *dev)
{
	virtio_serial_free(dev);
}
