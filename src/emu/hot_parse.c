/* SPDX-License-Identifier: MIT */
/* Texts of the command line, read while the machine runs, and what is behind devices. */
#include "base/mem.h"
#include "emu/devices.h"
#include "emu/hot_int.h"
#include "emu/machine.h"
#include "emu/machines/pc_devices.h"

#include <stdlib.h>
#include <string.h>

/* The parser with a configuration of its own. */
struct reading {
	struct parse p;
	struct machine_config c;
	enum options_ask ask;
	const char *about;
	const struct option_kind *kind;
};

static struct reading *begin(struct machine *m, struct err *e)
{
	struct reading *r = mem_zalloc(1, sizeof(*r), e);

	if (!r)
		return NULL;
	r->p.c = &r->c;
	r->p.ask = &r->ask;
	r->p.about = &r->about;
	r->p.kind = &r->kind;
	r->c.kind = m->config->kind;
	return r;
}

static void end(struct reading *r)
{
	if (!r)
		return;
	options_parse_free(&r->p);
	options_free(&r->c);
	free(r);
}

static int read_one(struct reading *r, const char *option, const char *text, struct err *e)
{
	int code = options_one(&r->p, option, text, e);

	if (code == 0 && r->ask != OPTIONS_RUN)
		code = err_set(e, -EINVAL, "%s: help is on the command line (-%s help)", option,
			       option);
	return code;
}

static int copy(char **to, const char *from, struct err *e)
{
	return from ? options_string(to, from, e) : 0;
}

int hot_copy_disk(const struct config_disk *from, struct config_disk *to, struct err *e)
{
	int r;

	*to = *from;
	/* a device says them, each time anew */
	to->traits = (struct config_traits){ 0 };
	to->id = to->dev = to->file = to->format = to->blk_opts = to->serial = NULL;
	r = copy(&to->id, from->id, e);
	if (r == 0)
		r = copy(&to->file, from->file, e);
	if (r == 0)
		r = copy(&to->format, from->format, e);
	if (r == 0)
		r = copy(&to->blk_opts, from->blk_opts, e);
	return r == 0 ? copy(&to->serial, from->serial, e) : r;
}

/* ---- devices ---- */

/* The driver that @text names comes and goes. */
static int pluggable(const char *text, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const struct device_row *row;
	const char *name = NULL;
	int r = optset_parse(&o, text, "driver", e);

	if (r == 0)
		name = optset_get(&o, "driver");
	row = name ? device_find(name) : NULL;
	if (r == 0 && !name)
		r = err_set(e, -EINVAL, "Parameter 'driver' is missing");
	else if (r == 0 && !row)
		r = err_set(e, -EINVAL, "'%.100s' is not a valid device model name", name);
	else if (r == 0 && row->kind != DEVICE_BLK && row->kind != DEVICE_NVME &&
		 row->kind != DEVICE_NET &&
		 (row->kind != DEVICE_PLAIN || !pc_devices_pluggable(name)))
		r = err_set(e, -ENOTSUP, "Device '%s' does not support hotplugging", name);
	optset_free(&o);
	return r;
}

/* The images and networks that are free, for the device to find. */
static int offer(struct reading *r, struct machine *m, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; i < 2 * CONFIG_DEVICES && code == 0; i++) {
		const struct node *v = &m->nodes.v[i];

		if (!v->c.id || v->used || r->p.n_drives == CONFIG_DEVICES)
			continue;
		r->p.drives[r->p.n_drives] = (struct drive){
			.loose = true, .node = v->c.node, .index = -1, .bus = -1, .unit = -1
		};
		code = hot_copy_disk(&v->c, &r->p.drives[r->p.n_drives++].disk, e);
	}
	for (unsigned i = 0; i < CONFIG_DEVICES && code == 0; i++) {
		const struct config_net *c = &m->hot.net[i].c;
		struct netdev *n = &r->p.netdevs[r->p.n_netdevs];

		if (!c->id)
			continue;
		r->p.n_netdevs++;
		code = options_string(&n->id, c->id, e);
		if (code == 0)
			code = options_string(&n->net.kind, c->kind, e);
		if (code == 0)
			code = options_string(&n->net.options, c->options, e);
		n->net.net = m->hot.net[i].net;
	}
	for (unsigned i = 0; i < m->config->rngs && code == 0; i++) {
		struct config_rng *to = &r->c.rng[r->c.rngs++];

		code = options_string(&to->id, m->config->rng[i].id, e);
		if (code == 0)
			code = copy(&to->file, m->config->rng[i].file, e);
	}
	return code;
}

static int take_disk(struct reading *r, struct machine *m, struct hot_plan *out, struct err *e)
{
	for (unsigned i = 0; i < r->p.n_drives; i++) {
		struct drive *d = &r->p.drives[i];

		if (d->loose)
			continue;
		out->kind = HOT_DISK;
		out->disk = d->disk;
		d->disk = (struct config_disk){ 0 };
		out->node = nodes_find(&m->nodes, out->disk.id);
		/* one that was part of another node meanwhile */
		if (out->node && !out->node->image)
			return nodes_wake(&m->nodes, out->node, e);
		return 0;
	}
	return err_set(e, -EINVAL, "that is no device");
}

int hot_plan_device(struct machine *m, const char *text, struct hot_plan *out, struct err *e)
{
	int code = pluggable(text, e);
	struct reading *r = code < 0 ? NULL : begin(m, e);

	if (!r)
		return code < 0 ? code : -ENOMEM;
	code = offer(r, m, e);
	if (code == 0)
		code = read_one(r, "device", text, e);
	if (code == 0)
		code = options_buses_finish(&r->p, e);
	if (code == 0)
		code = options_objects_finish(&r->p, e);
	if (code < 0)
		goto out;
	if (r->c.nets) {
		out->kind = HOT_NET;
		out->net = r->c.net[0];
		r->c.nets = 0;
	} else if (r->c.devices) {
		out->kind = HOT_PLAIN;
		out->device = r->c.device[0];
		r->c.devices = 0;
	} else {
		code = take_disk(r, m, out, e);
	}
out:
	end(r);
	return code;
}

/* ---- networks ---- */

bool hot_keep_net(struct machine *m, struct config_net *c, struct net *n)
{
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		if (m->hot.net[i].c.id)
			continue;
		m->hot.net[i].c = (struct config_net){ .id = c->id,
						       .kind = c->kind,
						       .options = c->options };
		m->hot.net[i].net = n;
		c->id = c->kind = c->options = NULL;
		return true;
	}
	return false;
}

static int find_net(const struct machine *m, const char *id)
{
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (m->hot.net[i].c.id && !strcmp(m->hot.net[i].c.id, id))
			return (int)i;
	return -ENOENT;
}

static bool card_has(const struct machine *m, const char *id)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->nets; i++)
		if (c->net[i].id && !strcmp(c->net[i].id, id))
			return true;
	return false;
}

static int open_net(struct machine *m, struct config_net *c, struct err *e)
{
	struct net *n = NULL;
	int r = 0;

	if (find_net(m, c->id) >= 0 || card_has(m, c->id))
		r = err_set(e, -EEXIST, "Duplicate ID '%.100s' for netdev", c->id);
	if (r == 0)
		r = net_open(c->kind, c->options, NULL, &n, e);
	if (r == 0 && !hot_keep_net(m, c, n)) {
		net_close(n);
		r = err_set(e, -ENOSPC, "more than %d networks", CONFIG_DEVICES);
	}
	return r;
}

int hot_netdev_add(struct machine *m, const char *text, struct err *e)
{
	struct reading *r = begin(m, e);
	struct netdev *n;
	int code;

	if (!r)
		return -ENOMEM;
	n = &r->p.netdevs[0];
	code = read_one(r, "netdev", text, e);
	if (code == 0) {
		n->net.id = n->id;
		n->id = NULL;
		code = open_net(m, &n->net, e);
		free(n->net.id);
	}
	end(r);
	return code;
}

void hot_forget_net(struct machine *m, const char *id)
{
	int i = find_net(m, id);

	if (i < 0)
		return;
	options_free_net(&m->hot.net[i].c);
	m->hot.net[i].c = (struct config_net){ 0 };
	m->hot.net[i].net = NULL;
}

int hot_netdev_del(struct machine *m, const char *id, struct err *e)
{
	int i = find_net(m, id);

	if (i < 0)
		return card_has(m, id)
			       ? err_set(e, -EBUSY, "Device '%.100s' is in use by a card", id)
			       : err_set(e, -ENODEV, "Device '%.100s' not found", id);
	net_close(m->hot.net[i].net);
	hot_forget_net(m, id);
	return 0;
}

int hot_begin(struct machine *m, struct err *e)
{
	struct machine_config *c = m->config;
	int r = 0;

	m->nodes.log = c->log;
	for (unsigned i = 0; i < c->nodes && r == 0; i++)
		r = nodes_open(&m->nodes, &c->node[i], NULL, e);
	for (unsigned i = 0; i < c->netdevs && r == 0; i++)
		r = open_net(m, &c->netdev[i], e);
	return r;
}

void hot_end(struct machine *m)
{
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		net_close(m->hot.net[i].net);
		options_free_net(&m->hot.net[i].c);
		m->hot.net[i].c = (struct config_net){ 0 };
		m->hot.net[i].net = NULL;
	}
}

/* ---- images ---- */

static bool disk_has(const struct machine *m, const char *id)
{
	const struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->disks; i++)
		if (!c->disk[i].gone && c->disk[i].id && !strcmp(c->disk[i].id, id))
			return true;
	return false;
}

/* The new one is the last of the parser's. */
static int open_last(struct reading *r, struct machine *m, struct node **out, struct err *e)
{
	struct config_disk *c = &r->p.drives[r->p.n_drives - 1].disk;

	if (nodes_find(&m->nodes, c->id) || disk_has(m, c->id))
		return err_set(e, -EEXIST, "Duplicate node or drive '%.100s'", c->id);
	return nodes_open(&m->nodes, c, out, e);
}

int hot_drive_add(struct machine *m, const char *text, struct err *e)
{
	struct reading *r = begin(m, e);
	const struct drive *d;
	int code;

	if (!r)
		return -ENOMEM;
	d = &r->p.drives[0];
	code = read_one(r, "drive", text, e);
	if (code == 0 && (!d->loose || !d->disk.id))
		code = err_set(e, -EINVAL,
			       "drive_add: if=none and id= are needed, for device_add");
	if (code == 0)
		code = open_last(r, m, NULL, e);
	end(r);
	return code;
}

/* The new node has eaten those that it refers to: they are closed, so that it can open them. */
static int eat(struct reading *r, struct machine *m, bool on, struct node *by, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; i + 1 < r->p.n_drives && code == 0; i++) {
		struct node *v;

		if (!r->p.drives[i].taken)
			continue;
		v = nodes_find(&m->nodes, r->p.drives[i].disk.id);
		if (!v)
			continue;
		v->used = on;
		v->parent = by;
		if (on && !by)
			code = nodes_sleep(v, e);
	}
	return code;
}

int hot_blockdev_add(struct machine *m, const char *json, struct err *e)
{
	struct reading *r = begin(m, e);
	struct node *v = NULL;
	int code;

	if (!r)
		return -ENOMEM;
	code = offer(r, m, e);
	if (code == 0)
		code = read_one(r, "blockdev", json, e);
	if (code == 0)
		code = eat(r, m, true, NULL, e);
	if (code == 0)
		code = open_last(r, m, &v, e);
	if (v)
		code = eat(r, m, true, v, e);
	else
		(void)!eat(r, m, false, NULL, NULL);
	end(r);
	return code;
}

int hot_image_del(struct machine *m, const char *id, bool node, struct err *e)
{
	struct node *v = nodes_find(&m->nodes, id);

	if (v && v->c.node == node)
		return nodes_close(&m->nodes, v, e);
	if (v || !disk_has(m, id))
		return err_set(e, -ENODEV,
			       node ? "Failed to find node with node-name='%.100s'"
				    : "Device '%.100s' not found",
			       id);
	return err_set(e, -EBUSY, "'%.100s' is in use by a device", id);
}

/* ---- objects ---- */

int hot_object_add(struct machine *m, const char *text, struct err *e)
{
	struct machine_config *c = m->config;
	struct reading *r = begin(m, e);
	int code;

	if (!r)
		return -ENOMEM;
	code = offer(r, m, e);
	if (code == 0)
		code = read_one(r, "object", text, e);
	if (code == 0 && r->c.memories)
		code = err_set(e, -ENOTSUP, "memory cannot be plugged in");
	if (code == 0 && c->rngs == CONFIG_OBJECTS)
		code = err_set(e, -ENOSPC, "more than %d objects", CONFIG_OBJECTS);
	if (code == 0)
		c->rng[c->rngs++] = r->c.rng[--r->c.rngs];
	end(r);
	return code;
}

int hot_object_del(struct machine *m, const char *id, struct err *e)
{
	struct machine_config *c = m->config;

	for (unsigned i = 0; i < c->memories; i++)
		if (!strcmp(c->memory[i].id, id))
			return err_set(e, -EBUSY,
				       "object '%.100s' is in use, it can not be deleted", id);
	for (unsigned i = 0; i < c->rngs; i++) {
		if (strcmp(c->rng[i].id, id) != 0)
			continue;
		/* devices have their own file of it */
		free(c->rng[i].id);
		free(c->rng[i].file);
		memmove(&c->rng[i], &c->rng[i + 1], (--c->rngs - i) * sizeof(*c->rng));
		return 0;
	}
	return err_set(e, -ENOENT, "object '%.100s' not found", id);
}
