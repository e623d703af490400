/* SPDX-License-Identifier: MIT */
/* Devices that come and go. */
#include "emu/hot.h"

#include "base/mem.h"
#include "base/now.h"
#include "emu/dev/pci.h"
#include "emu/dev/pci_hotplug.h"
#include "emu/hot_int.h"
#include "emu/machine.h"
#include "emu/machines/pc_devices.h"
#include "emu/machines/pc_disks.h"
#include "emu/machines/pc_pci.h"
#include "img/blk.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* QEMU's: how soon the guest may be asked again. */
#define AGAIN_NS INT64_C(1000000000)

static const char *id_of(const struct machine *m, struct hot_ref r)
{
	const struct machine_config *c = m->config;

	return r.kind == HOT_DISK  ? c->disk[r.n].dev
	       : r.kind == HOT_NET ? c->net[r.n].dev
				   : c->device[r.n].id;
}

static bool gone(const struct machine *m, struct hot_ref r)
{
	const struct machine_config *c = m->config;

	return r.kind == HOT_DISK  ? r.n >= c->disks || c->disk[r.n].gone
	       : r.kind == HOT_NET ? r.n >= c->nets || c->net[r.n].gone
				   : r.n >= c->devices || c->device[r.n].gone;
}

static bool find(const struct machine *m, const char *id, struct hot_ref *r)
{
	for (r->kind = HOT_DISK; r->kind <= HOT_PLAIN; r->kind++) {
		for (r->n = 0; r->n < CONFIG_DEVICES; r->n++) {
			const char *own = gone(m, *r) ? NULL : id_of(m, *r);

			if (own && !strcmp(own, id))
				return true;
		}
	}
	return false;
}

/* ---- going ---- */

/* What the disk's image is now: of its node, of a node of its own, or closed. */
static void drop_disk(struct machine *m, unsigned i)
{
	struct config_disk *c = &m->config->disk[i];
	struct node *v;
	struct blk *image = pc_disks_unplug(pc_pci_disks(pc_pci_of(m)), i, &v);
	struct err e = { 0 };
	int r = 0;

	if (v) {
		v->used = false;
		/* a drive goes with its device, a node stays */
		r = v->c.node ? blk_flush(v->image, &e) : nodes_close(&m->nodes, v, &e);
	} else if (c->node && c->id) {
		struct config_disk copy = { 0 };

		r = hot_copy_disk(c, &copy, &e);
		if (r == 0)
			r = nodes_adopt(&m->nodes, &copy, image, NULL, &e);
		if (r == 0)
			image = NULL;
		options_free_disk(&copy);
		if (r == 0)
			r = blk_flush(nodes_find(&m->nodes, c->id)->image, &e);
		else
			(void)!blk_close(image, NULL);
	} else {
		r = blk_close(image, &e);
	}
	if (r < 0)
		machine_lost(m, e.msg);
	options_free_disk(c);
	*c = (struct config_disk){ .gone = true };
}

static void drop_net(struct machine *m, unsigned i)
{
	struct config_net *c = &m->config->net[i];
	struct net *n = pc_pci_unplug_net(pc_pci_of(m), i);

	/* one of -nic has no name by which another card could find it */
	if (!c->id || !hot_keep_net(m, c, n))
		net_close(n);
	options_free_net(c);
	*c = (struct config_net){ .gone = true };
}

static void drop_plain(struct machine *m, unsigned i)
{
	struct config_device *c = &m->config->device[i];

	pc_devices_unplug(pc_pci_devices(pc_pci_of(m)), i);
	options_free_device(c);
	*c = (struct config_device){ .gone = true };
}

static void tell_gone(struct machine *m, const char *id)
{
	json_t *v =
		id ? json_pack("{s:s, s:s+}", "device", id, "path", "/machine/peripheral/", id)
		   : json_pack("{s:s}", "path", "/machine/peripheral-anon/device");

	machine_event_soon(m, "DEVICE_DELETED", v ? json_dumps(v, JSON_COMPACT) : NULL);
	json_decref(v);
}

static void drop(struct machine *m, unsigned slot)
{
	struct hot_ref r;

	m->hot.asked &= ~(1u << slot);
	if (!pc_pci_in_slot(pc_pci_of(m), slot, &r))
		return;
	tell_gone(m, id_of(m, r));
	if (r.kind == HOT_DISK)
		drop_disk(m, r.n);
	else if (r.kind == HOT_NET)
		drop_net(m, r.n);
	else
		drop_plain(m, r.n);
}

static void drop_all(struct machine *m, uint32_t slots)
{
	for (; slots; slots &= slots - 1)
		drop(m, (unsigned)__builtin_ctz(slots));
}

void hot_ejected(struct machine *m, unsigned slot)
{
	pthread_mutex_lock(&m->lock);
	m->hot.ejected |= 1u << slot;
	pthread_mutex_unlock(&m->lock);
	machine_request(m, MACHINE_EJECT, NULL);
}

void hot_eject(struct machine *m)
{
	uint32_t slots;

	pthread_mutex_lock(&m->lock);
	slots = m->hot.ejected;
	m->hot.ejected = 0;
	pthread_mutex_unlock(&m->lock);
	drop_all(m, slots);
}

void hot_reset(struct machine *m)
{
	hot_eject(m);
	drop_all(m, m->hot.asked);
}

int hot_device_del(struct machine *m, const char *id, struct err *e)
{
	static const char path[] = "/machine/peripheral/";
	struct pc_pci *p = pc_pci_of(m);
	const struct pci_dev *d;
	struct hot_ref r;
	unsigned slot;

	if (!strncmp(id, path, sizeof(path) - 1))
		id += sizeof(path) - 1;
	if (!find(m, id, &r))
		return err_set(e, -ENODEV, "Device '%.100s' not found", id);
	d = pc_pci_place(p, r);
	slot = d ? d->slot : 0;
	if (!pc_pci_hotplug(p) || !(pci_hotplug_slots(pc_pci_hotplug(p)) >> slot & 1))
		return err_set(e, -ENOTSUP, "Device '%.100s' does not support hotplugging", id);
	if ((m->hot.asked >> slot & 1) && now_ns() - m->hot.asked_at[slot] < AGAIN_NS)
		return err_set(e, -EBUSY, "Device %.100s is already in the process of unplug",
			       id);
	m->hot.asked |= 1u << slot;
	m->hot.asked_at[slot] = now_ns();
	pci_hotplug_ask(pc_pci_hotplug(p), slot);
	return 0;
}

/* ---- coming ---- */

/* Where it goes: *@slot, or the first that is free where that is 0. */
static int place(struct machine *m, unsigned *slot, struct err *e)
{
	uint32_t slots = pc_pci_free_slots(pc_pci_of(m));

	if (!pc_pci_hotplug(pc_pci_of(m)))
		return err_set(e, -ENOTSUP,
			       "Bus '%s' does not support hotplugging: ACPI is off",
			       m->config->kind == MACHINE_Q35 ? "pcie.0" : "pci.0");
	if (*slot && !(slots >> *slot & 1))
		return err_set(e, -EBUSY, "addr=%x: that slot is taken", *slot);
	if (!*slot && !slots)
		return err_set(e, -ENOSPC, "no slot of the PCI bus is free");
	if (!*slot)
		*slot = (unsigned)__builtin_ctz(slots);
	return 0;
}

/* A free number in its list. */
static int number(const struct machine *m, struct hot_ref *r, struct err *e)
{
	for (r->n = 0; r->n < CONFIG_DEVICES; r->n++)
		if (gone(m, *r))
			return 0;
	return err_set(e, -ENOSPC, "more than %d devices of that kind", CONFIG_DEVICES);
}

static int plug_disk(struct machine *m, unsigned i, struct hot_plan *p, struct err *e)
{
	struct machine_config *c = m->config;
	int r;

	c->disk[i] = p->disk;
	c->disks += i == c->disks;
	machine_hold(m);
	r = pc_disks_plug(pc_pci_disks(pc_pci_of(m)), i, p->node, e);
	machine_release(m);
	p->disk = (struct config_disk){ 0 };
	if (r == 0) {
		p->node->used = true;
		return 0;
	}
	options_free_disk(&c->disk[i]);
	c->disk[i] = (struct config_disk){ .gone = true };
	return r;
}

static int plug_net(struct machine *m, unsigned i, struct hot_plan *p, struct err *e)
{
	struct machine_config *c = m->config;
	int r;

	if (!p->net.has_mac)
		p->net.mac[5] = (uint8_t)(0x56 + i);
	c->net[i] = p->net;
	c->nets += i == c->nets;
	p->net = (struct config_net){ 0 };
	machine_hold(m);
	r = pc_pci_plug_net(pc_pci_of(m), i, e);
	machine_release(m);
	if (r == 0) {
		hot_forget_net(m, c->net[i].id);
		return 0;
	}
	options_free_net(&c->net[i]);
	c->net[i] = (struct config_net){ .gone = true };
	return r;
}

static int plug_plain(struct machine *m, unsigned i, struct hot_plan *p, struct err *e)
{
	struct machine_config *c = m->config;
	int r;

	c->device[i] = p->device;
	c->devices += i == c->devices;
	p->device = (struct config_device){ 0 };
	machine_hold(m);
	r = pc_devices_plug(pc_pci_devices(pc_pci_of(m)), i, e);
	machine_release(m);
	if (r == 0)
		return 0;
	options_free_device(&c->device[i]);
	c->device[i] = (struct config_device){ .gone = true };
	return r;
}

static int plug(struct machine *m, struct hot_plan *p, struct err *e)
{
	struct hot_ref ref = { p->kind, 0 };
	struct config_pci *where = p->kind == HOT_DISK  ? &p->disk.pci
				   : p->kind == HOT_NET ? &p->net.pci
							: &p->device.pci;
	const char *id = p->kind == HOT_DISK  ? p->disk.dev
			 : p->kind == HOT_NET ? p->net.dev
					      : p->device.id;
	struct hot_ref other;
	unsigned slot;
	int r;

	if (id && find(m, id, &other))
		return err_set(e, -EEXIST, "Duplicate device ID '%.100s'", id);
	r = place(m, &where->slot, e);
	slot = where->slot;
	if (r == 0)
		r = number(m, &ref, e);
	if (r == 0)
		r = p->kind == HOT_DISK  ? plug_disk(m, ref.n, p, e)
		    : p->kind == HOT_NET ? plug_net(m, ref.n, p, e)
					 : plug_plain(m, ref.n, p, e);
	if (r == 0)
		pci_hotplug_came(pc_pci_hotplug(pc_pci_of(m)), slot);
	return r;
}

int hot_device_add(struct machine *m, const char *text, struct err *e)
{
	struct hot_plan p = { .kind = HOT_PLAIN };
	int r = hot_plan_device(m, text, &p, e);

	if (r == 0)
		r = plug(m, &p, e);
	options_free_disk(&p.disk);
	options_free_net(&p.net);
	options_free_device(&p.device);
	return r;
}
