/* SPDX-License-Identifier: MIT */
#include "emu/monitor/qmp_query.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "emu/dev/pci.h"
#include "emu/dev/scsi.h"
#include "emu/machine.h"
#include "emu/monitor/chord.h"
#include "emu/monitor/command.h"

#include <string.h>

static json_t *inserted(struct machine *m, unsigned i)
{
	const struct config_disk *d = &m->config->disk[i];
	const struct disk *disk = pc_disk(m, i);
	json_t *v = json_pack("{s:s, s:b, s:s}", "file", d->file, "ro", d->readonly || d->cdrom,
			      "drv", d->format ? d->format : "unknown");

	if (disk->node || (d->node && d->id))
		json_object_set_new(v, "node-name",
				    json_string(disk->node ? disk->node->c.id : d->id));
	return v;
}

json_t *query_block(struct machine *m, const json_t *args, struct err *e)
{
	const struct machine_config *c = m->config;
	json_t *all = json_array();

	for (unsigned i = 0; i < c->disks; i++) {
		const struct config_disk *d = &c->disk[i];
		char name[MACHINE_DISK_NAME];
		struct scsi_unit *scsi;
		bool open = false, locked = false;
		json_t *v;

		if (d->gone)
			continue;
		machine_disk_name(c, i, name);
		scsi = pc_disk(m, i)->unit;
		if (scsi)
			scsi_tray(scsi, &open, &locked);
		v = json_pack("{s:s, s:s, s:b, s:b, s:s}", "device", name, "qdev",
			      d->dev ? d->dev : "", "locked", locked, "removable", d->cdrom,
			      "type", "unknown");
		if (scsi)
			json_object_set_new(v, "tray_open", json_boolean(open));
		if (d->file)
			json_object_set_new(v, "inserted", inserted(m, i));
		json_array_append_new(all, v);
	}
	return all;
}

static void one_region(json_t *to, const struct pci_dev *d, unsigned n)
{
	const struct pci_bar *b = &d->bar[n];
	const uint8_t *at = d->config + PCI_BAR0 + 4 * n;
	uint64_t v;

	if (!b->region.size)
		return;
	v = b->io ? load_le32(at) & ~3u
		  : (b->wide ? load_le64(at) : load_le32(at)) & ~UINT64_C(15);
	json_array_append_new(to, json_pack("{s:i, s:s, s:I, s:I}", "bar", (int)n, "type",
					    b->io ? "io" : "memory", "address", (json_int_t)v,
					    "size", (json_int_t)b->region.size));
	if (!b->io)
		json_object_update_new(json_array_get(to, json_array_size(to) - 1),
				       json_pack("{s:b, s:b}", "prefetch", 0, "mem_type_64",
						 b->wide));
}

static void one_device(void *arg, const struct pci_dev *d)
{
	unsigned class = d->config[PCI_CLASS + 2] * 256u + d->config[PCI_CLASS + 1];
	json_t *regions = json_array();
	json_t *v = json_pack("{s:i, s:i, s:i, s:s, s:{s:i, s:s}, s:{s:i, s:i, s:i, s:i}}",
			      "bus", 0, "slot", (int)d->slot, "function", (int)d->fn, "qdev_id",
			      "", "class_info", "class", (int)class, "desc", d->name, "id",
			      "vendor", (int)load_le16(d->config + PCI_VENDOR), "device",
			      (int)load_le16(d->config + PCI_DEVICE), "subsystem-vendor",
			      (int)load_le16(d->config + PCI_SUB_VENDOR), "subsystem",
			      (int)load_le16(d->config + PCI_SUB_DEVICE));

	for (unsigned n = 0; n < PCI_BARS; n++)
		one_region(regions, d, n);
	json_object_set_new(v, "irq_pin", json_integer(d->config[PCI_INT_PIN]));
	if (d->config[PCI_INT_PIN])
		json_object_set_new(v, "irq", json_integer(d->config[PCI_INT_LINE]));
	json_object_set_new(v, "regions", regions);
	json_array_append_new(arg, v);
}

json_t *query_pci(struct machine *m, const json_t *args, struct err *e)
{
	json_t *devices = json_array();

	pci_each(pc_bus(m), one_device, devices);
	return json_pack("[{s:i, s:o}]", "bus", 0, "devices", devices);
}

json_t *query_memory(struct machine *m, const json_t *args, struct err *e)
{
	return json_pack("{s:I}", "base-memory", (json_int_t)m->config->mem);
}

json_t *query_events(struct machine *m, const json_t *args, struct err *e)
{
	json_t *all = json_array();

	for (unsigned i = 0; schema_event(i); i++)
		json_array_append_new(all, json_pack("{s:s}", "name", schema_event(i)));
	return all;
}

/* {"type": "qcode", "data": "ctrl"} */
static bool add_key(struct str *s, const json_t *key)
{
	const char *type = json_string_value(json_object_get(key, "type"));
	const json_t *data = json_object_get(key, "data");

	str_add(s, s->len ? "-" : "");
	if (type && !strcmp(type, "qcode") && json_is_string(data))
		str_add(s, json_string_value(data));
	else
		return false;
	return true;
}

json_t *send_key(struct machine *m, const json_t *args, struct err *e)
{
	const json_t *keys = json_object_get(args, "keys");
	struct str s = STR_INIT;
	int r = 0;

	if (json_object_get(args, "hold-time"))
		r = err_set(e, -ENOTSUP, "hold-time: keys are let go of at once");
	else if (!json_array_size(keys))
		r = err_set(e, -EINVAL, "Parameter 'keys' is missing");
	for (size_t i = 0; r == 0 && i < json_array_size(keys); i++)
		if (!add_key(&s, json_array_get(keys, i)))
			r = err_set(e, -EINVAL,
				    "Parameter 'keys' expects {'type': 'qcode', 'data': NAME}");
	if (r == 0)
		r = chord_press(m, s.s && !s.failed ? s.s : "", e);
	str_free(&s);
	return r < 0 ? NULL : json_object();
}
