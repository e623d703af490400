/* SPDX-License-Identifier: MIT */
/* Networks and devices of the command line. */
#include "base/mem.h"
#include "base/str.h"
#include "emu/devices.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_mac(const char *s, uint8_t mac[6], struct err *e)
{
	unsigned v[6];
	int end = 0;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &end) != 6 ||
	    s[end] || (v[0] & 1))
		return err_set(e, -EINVAL, "mac=%s is no address of one card", s);
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return 0;
}

/* "user,hostfwd=..": the kind goes, the rest is the back end's. */
static int net_backend(struct netdev *n, const char *value, struct optset *o, struct err *e)
{
	static const char *const ours[] = { "type=", "id=", "model=", "mac=", "netdev=" };
	const char *kind = optset_get(o, "type");
	char *rest = mem_zalloc(1, strlen(value) + 1, e);

	if (!rest)
		return -ENOMEM;
	n->net.options = rest;
	if (!kind || (strcmp(kind, "user") != 0 && strcmp(kind, "tap") != 0 &&
		      strcmp(kind, "bridge") != 0))
		return err_set(e, -ENOTSUP, "network '%s': there are user, tap and bridge",
			       value);
	/* parts are copied as they are written: a ",," stays one */
	for (const char *s = value + strcspn(value, ","); *s;) {
		const char *end = ++s;
		bool mine = false;

		while (*end && (*end != ',' || end[1] == ','))
			end += *end == ',' ? 2 : 1;
		for (unsigned i = 0; i < ARRAY_SIZE(ours); i++)
			mine |= !strncmp(s, ours[i], strlen(ours[i]));
		if (!mine) {
			if (rest != n->net.options)
				*rest++ = ',';
			memcpy(rest, s, (size_t)(end - s));
			rest += end - s;
		}
		s = end;
	}
	return options_string(&n->net.kind, kind, e);
}

static int add_net(struct parse *p, struct netdev *n, struct err *e)
{
	struct config_net *to = &p->c->net[p->c->nets];

	if (p->c->nets == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d network cards", CONFIG_DEVICES);
	*to = n->net;
	to->id = n->id;
	n->id = NULL;
	n->net = (struct config_net){ 0 };
	n->taken = true;
	if (!to->has_mac) {
		const uint8_t mac[6] = { 0x52, 0x54, 0x00,
					 0x12, 0x34, (uint8_t)(0x56 + p->c->nets) };

		memcpy(to->mac, mac, 6);
	}
	p->c->nets++;
	return 0;
}

static int new_netdev(struct parse *p, const char *value, struct optset *o, struct netdev **out,
		      struct err *e)
{
	int r = optset_parse(o, value, "type", e);

	if (r == 0 && p->n_netdevs == CONFIG_DEVICES)
		r = err_set(e, -EINVAL, "more than %d networks", CONFIG_DEVICES);
	if (r < 0)
		return r;
	*out = &p->netdevs[p->n_netdevs++];
	return options_take(o, "id", &(*out)->id, e);
}

static int opt_netdev(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct netdev *n = NULL;
	int r = new_netdev(p, value, &o, &n, e);

	if (r == 0 && !n->id)
		r = err_set(e, -EINVAL, "-netdev %s has no id=", value);
	if (r == 0)
		r = net_backend(n, value, &o, e);
	optset_free(&o);
	return r;
}

static int no_model(const char *model, struct err *e)
{
	int r = known_name("-nic model=", model, e);

	return r < 0 ? r
		     : err_set(e, -ENOTSUP, "model=%s: there are virtio-net-pci and e1000",
			       model);
}

static int opt_nic(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct netdev *n = NULL;
	const char *model, *mac;
	int r;

	if (!strcmp(value, "none"))
		return 0;
	r = new_netdev(p, value, &o, &n, e);
	if (r == 0) {
		model = optset_get(&o, "model");
		mac = optset_get(&o, "mac");
		if (model && !strcmp(model, "e1000"))
			n->net.card = CARD_E1000;
		else if (model && strcmp(model, "virtio") != 0 &&
			 strncmp(model, "virtio-net", 10) != 0)
			r = no_model(model, e);
		if (r == 0 && mac) {
			n->net.has_mac = true;
			r = parse_mac(mac, n->net.mac, e);
		}
	}
	if (r == 0)
		r = net_backend(n, value, &o, e);
	if (r == 0)
		r = add_net(p, n, e);
	optset_free(&o);
	return r;
}

/* "5", "05.0" */
static int pci_slot(const char *s, unsigned *slot, struct err *e)
{
	char *end;
	unsigned long v = strtoul(s, &end, 16);

	if (end == s || (strcmp(end, ".0") != 0 && *end) || v < 1 || v > 31)
		return err_set(e, -EINVAL, "addr=%s: a slot of 1 to 1f, function 0", s);
	*slot = (unsigned)v;
	return 0;
}

int options_pci(struct optset *o, const struct device_row *row, struct config_pci *to,
		struct err *e)
{
	const char *addr = optset_get(o, "addr"), *bus = optset_get(o, "bus"), *legacy;
	int r = addr ? pci_slot(addr, &to->slot, e) : 0;

	to->on_pci = bus && !strcmp(bus, "pci.0");
	to->on_pcie = bus && !strcmp(bus, "pcie.0");
	if (r == 0 && bus && !to->on_pci && !to->on_pcie)
		r = err_set(e, -EINVAL,
			    "%s: there is no bus '%s'; there is pci.0, on q35 pcie.0",
			    row->name, bus);
	if (r < 0 || strncmp(row->name, "virtio", 6) != 0)
		return r;
	legacy = optset_get(o, "disable-legacy");
	if (legacy && strcmp(legacy, "auto") != 0)
		r = optset_bool(o, "disable-legacy", &to->no_legacy, e);
	if (r == 0)
		r = optset_bool(o, "disable-modern", &to->no_modern, e);
	if (r == 0 && to->no_legacy && to->no_modern)
		r = err_set(e, -EINVAL,
			    "%s: disable-legacy and disable-modern leave no interface",
			    row->name);
	return r;
}

/* What a guest is told of the cable. */
static int link_keys(struct optset *o, struct config_net *n, struct err *e)
{
	const char *duplex = optset_get(o, "duplex");
	uint64_t mtu = 0, speed = 0;
	int r = optset_u64(o, "host_mtu", &mtu, e);

	if (r == 0 && mtu && (mtu < 68 || mtu > 65535))
		r = err_set(e, -EINVAL, "host_mtu=%llu: 68 to 65535", (unsigned long long)mtu);
	if (r == 0)
		r = optset_u64(o, "speed", &speed, e);
	if (r == 0 && speed > INT32_MAX)
		r = err_set(e, -EINVAL, "speed=%llu: at most %d", (unsigned long long)speed,
			    INT32_MAX);
	if (r == 0 && duplex && strcmp(duplex, "half") != 0 && strcmp(duplex, "full") != 0)
		r = err_set(e, -EINVAL, "duplex=%s: half or full", duplex);
	n->mtu = (uint16_t)mtu;
	n->has_speed = optset_get(o, "speed") || duplex;
	n->speed = optset_get(o, "speed") ? (uint32_t)speed : UINT32_MAX;
	n->duplex = (uint8_t)(!duplex ? 0xff : *duplex == 'f');
	return r;
}

static int device_net(struct parse *p, const struct device_row *row, struct optset *o,
		      struct err *e)
{
	const char *id = optset_get(o, "netdev"), *mac = optset_get(o, "mac");
	int r = 0;

	for (unsigned i = 0; id && i < p->n_netdevs; i++) {
		struct netdev *n = &p->netdevs[i];

		if (n->taken || !n->id || strcmp(n->id, id) != 0)
			continue;
		if (!strcmp(row->name, "e1000"))
			n->net.card = CARD_E1000;
		if (mac) {
			n->net.has_mac = true;
			r = parse_mac(mac, n->net.mac, e);
		}
		if (r == 0 && n->net.card == CARD_VIRTIO)
			r = link_keys(o, &n->net, e);
		if (r == 0)
			r = options_take(o, "id", &n->net.dev, e);
		if (r == 0)
			r = options_bootindex(o, &n->net.boot, e);
		if (r == 0)
			r = options_pci(o, row, &n->net.pci, e);
		return r < 0 ? r : add_net(p, n, e);
	}
	return err_set(e, -EINVAL, "-device %s,netdev=%s: no -netdev has that id", row->name,
		       id ? id : "");
}

static int device_exit(struct parse *p, struct optset *o, struct err *e)
{
	uint64_t base = 0x501, size = 2;
	int r = optset_u64(o, "iobase", &base, e);

	if (r == 0)
		r = optset_u64(o, "iosize", &size, e);
	if (r == 0 && (base > 0xffff || size < 1 || size > 4))
		r = err_set(e, -EINVAL, "isa-debug-exit: a port and 1 to 4 bytes");
	p->c->debug_exit = true;
	p->c->exit_base = (uint16_t)base;
	p->c->exit_size = (uint16_t)size;
	return r;
}

static int device_plain(struct parse *p, const struct device_row *row, const char *value,
			struct optset *o, struct err *e)
{
	struct config_device *d = &p->c->device[p->c->devices];
	int r;

	if (p->c->devices == CONFIG_DEVICES)
		return err_set(e, -EINVAL, "more than %d devices", CONFIG_DEVICES);
	for (unsigned i = 0; row->keys[i].name; i++)
		optset_get(o, row->keys[i].name);
	r = strcmp(row->bus, "PCI") != 0 ? 0 : options_pci(o, row, &d->pci, e);
	if (r < 0)
		return r;
	p->c->devices++;
	value += strcspn(value, ",");
	r = options_string(&d->name, row->name, e);
	if (r == 0)
		r = options_take(o, "id", &d->id, e);
	if (r < 0)
		return r;
	return options_string(&d->options, *value ? value + 1 : "", e);
}

/* Keys that QEMU's device has, too: refused, or left out where they change nothing. */
static int device_known(const struct device_row *row, const struct optset *o, char **clean,
			struct err *e)
{
	struct str left = STR_INIT;
	int r = 0;

	for (size_t i = 0; i < o->n && r >= 0; i++) {
		r = device_has_key(row, o->v[i].key)
			    ? 0
			    : known_device_key(row->name, row->bus, row->kind <= DEVICE_SCSI_CD,
					       &o->v[i], e);
		if (r == 0)
			options_append(&left, &o->v[i]);
	}
	if (r >= 0)
		*clean = str_take(&left, e);
	str_free(&left);
	return r < 0 ? r : *clean ? 0 : -ENOMEM;
}

static int device_do(struct parse *p, const struct device_row *row, const char *value,
		     struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct config_pci where = { 0 };
	const char *id;
	int r = optset_parse(&o, value, "driver", e);

	if (r < 0)
		goto out;
	optset_get(&o, "driver");
	id = optset_get(&o, "id");
	switch (row->kind) {
	case DEVICE_BLK:
	case DEVICE_IDE_HD:
	case DEVICE_IDE_CD:
	case DEVICE_NVME:
	case DEVICE_SCSI_HD:
	case DEVICE_SCSI_CD:
		r = options_device_disk(p, row, &o, e);
		break;
	case DEVICE_SCSI:
		r = options_pci(&o, row, &where, e);
		if (r == 0)
			r = options_device_scsi(p, id, &where, e);
		break;
	case DEVICE_NET:
		r = device_net(p, row, &o, e);
		break;
	case DEVICE_VGA:
	case DEVICE_BOCHS:
		r = options_device_video(p, row, &o, e);
		break;
	case DEVICE_DEBUG_EXIT:
		r = device_exit(p, &o, e);
		break;
	case DEVICE_PLAIN:
		r = device_plain(p, row, value, &o, e);
		break;
	}
	if (r == 0)
		r = options_all_used(&o, row->name, e);
out:
	optset_free(&o);
	return r;
}

/* A card that is plugged in later may use it. */
static void spare_net(struct parse *p, struct netdev *n)
{
	struct config_net *to = &p->c->netdev[p->c->netdevs++];

	*to = n->net;
	to->id = n->id;
	n->net = (struct config_net){ 0 };
	n->id = NULL;
}

static int device_row_of(const char *name, const struct device_row **row, struct err *e)
{
	int r;

	*row = device_find(name);
	if (*row)
		return 0;
	r = known_name("-device driver=", name, e);
	return r < 0 ? r
		     : err_set(e, -ENOTSUP, "there is no device '%s'; -device help lists them",
			       name);
}

static int opt_device(struct parse *p, const char *value, struct err *e)
{
	AUTO_FREE char *clean = NULL;
	struct optset o = OPTSET_INIT;
	const struct device_row *row;
	const char *name;
	int r;

	if (!strcmp(value, "help") || !strcmp(value, "?")) {
		*p->ask = OPTIONS_DEVICES;
		return 0;
	}
	r = optset_parse(&o, value, "driver", e);
	name = r == 0 ? optset_get(&o, "driver") : NULL;
	if (r == 0)
		r = device_row_of(name ? name : "", &row, e);
	if (r == 0 && optset_wants_help(value)) {
		*p->ask = OPTIONS_DEVICE;
		*p->about = row->name;
	} else if (r == 0) {
		r = device_known(row, &o, &clean, e);
		if (r == 0)
			r = device_do(p, row, clean, e);
	}
	optset_free(&o);
	return r;
}

static int bus_there(const struct parse *p, const struct config_pci *c, struct err *e)
{
	if (!(p->c->kind == MACHINE_Q35 ? c->on_pci : c->on_pcie))
		return 0;
	return err_set(e, -EINVAL, "bus=%s: this machine has %s",
		       c->on_pci ? "pci.0" : "pcie.0", c->on_pci ? "pcie.0" : "pci.0");
}

int options_buses_finish(const struct parse *p, struct err *e)
{
	const struct machine_config *c = p->c;
	int r = 0;

	for (unsigned i = 0; i < c->disks && r == 0; i++)
		r = bus_there(p, &c->disk[i].pci, e);
	for (unsigned i = 0; i < c->scsis && r == 0; i++)
		r = bus_there(p, &c->scsi_pci[i], e);
	for (unsigned i = 0; i < c->nets && r == 0; i++)
		r = bus_there(p, &c->net[i].pci, e);
	for (unsigned i = 0; i < c->videos && r == 0; i++)
		r = bus_there(p, &c->video[i].pci, e);
	for (unsigned i = 0; i < c->devices && r == 0; i++)
		r = bus_there(p, &c->device[i].pci, e);
	return r;
}

int options_finish(struct parse *p, struct err *e)
{
	int r = options_disks_finish(p, e);

	if (r == 0)
		r = options_buses_finish(p, e);

	if (r == 0)
		r = options_net_finish(p, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < p->n_netdevs; i++)
		if (!p->netdevs[i].taken)
			spare_net(p, &p->netdevs[i]);
	return 0;
}

void options_free_net(struct config_net *n)
{
	free(n->id);
	free(n->dev);
	free(n->kind);
	free(n->options);
}

void options_free_device(struct config_device *d)
{
	free(d->name);
	free(d->options);
	free(d->file);
	free(d->id);
}

void options_parse_free(struct parse *p)
{
	free(p->net_card);
	free(p->net_kind);
	for (unsigned i = 0; i < p->n_drives; i++)
		options_free_disk(&p->drives[i].disk);
	for (unsigned i = 0; i < p->n_netdevs; i++) {
		free(p->netdevs[i].id);
		free(p->netdevs[i].net.dev);
		free(p->netdevs[i].net.kind);
		free(p->netdevs[i].net.options);
	}
}

static const struct device_key netdev_keys[] = {
	{ "type", "name", "user, tap or bridge" },
	{ "id", "name", "for -device" },
	{ NULL, NULL, NULL },
};
static const struct device_key nic_keys[] = {
	{ "type", "name", "user, tap, bridge or none" },
	{ "id", "name", "of the network" },
	{ "mac", "address", "of the card" },
	{ "model", "name", "virtio-net-pci or e1000" },
	{ NULL, NULL, NULL },
};
static const struct device_key user_keys[] = {
	{ "hostfwd", "rule", "tcp|udp:[HOST]:PORT-[GUEST]:PORT" },
	{ "restrict", "on|off", "the guest reaches nothing but what is forwarded" },
	{ "hostname", "name", "the guest's, by DHCP" },
	{ "net", "address", "the network, ADDR[/MASK]; 10.0.2.0/24 if not given" },
	{ "host", "address", "where the guest finds the host; 2 of the network" },
	{ "dns", "address", "and the name server; 3 of it" },
	{ "dhcpstart", "address", "the first that is given to a guest; 15 of it" },
	{ "dnssearch", "name", "a domain that names are looked for in; several times" },
	{ "domainname", "name", "the guest's domain, by DHCP" },
	{ "tftp", "path", "a folder that the guest reads by TFTP" },
	{ "bootfile", "name", "what firmware loads from there" },
	{ "tftp-server-name", "name", "what DHCP calls that server" },
	{ "ipv4", "on|off", "such addresses" },
	{ "ipv6", "on|off", "such addresses" },
	{ "ipv6-prefix", "address", "the network; fec0:: if not given" },
	{ "ipv6-prefixlen", "num", "its bits; 64" },
	{ "ipv6-host", "address", "where the guest finds the host; 2 of the network" },
	{ "ipv6-dns", "address", "and the name server; 3 of it" },
	{ NULL, NULL, NULL },
};
static const struct device_key tap_keys[] = {
	{ "ifname", "name", "of the host's interface" },
	{ "fd", "num", "an interface that is open already" },
	{ "script", "name", "no" },
	{ "downscript", "name", "no" },
	{ NULL, NULL, NULL },
};
static const struct device_key bridge_keys[] = {
	{ "br", "name", "of the bridge; br0" },
	{ "helper", "path", "of qemu-bridge-helper" },
	{ NULL, NULL, NULL },
};
static const struct option_kind net_kinds[] = {
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ NULL, NULL, NULL },
};
static const struct option_kind nic_kinds[] = {
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ "none", "no card", NULL },
	{ NULL, NULL, NULL },
};

static const struct device_key net_card_keys[] = {
	{ "macaddr", "address", "of the card" },
	{ "model", "name", "virtio-net-pci or e1000" },
	{ NULL, NULL, NULL },
};
static const struct device_key net_type_keys[] = {
	{ "type", "name", "nic, user, tap, bridge or none" },
	{ NULL, NULL, NULL },
};
static const struct option_kind old_net_kinds[] = {
	{ "nic", "the card of the network that is given with another -net", net_card_keys },
	{ "user", "by the host's own connections, without rights", user_keys },
	{ "tap", "an interface of the host", tap_keys },
	{ "bridge", "in a bridge of the host, by QEMU's setuid helper", bridge_keys },
	{ "none", "no card", NULL },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "net",
	  .arg = "OPTS",
	  .fn = options_net,
	  .first = "type",
	  .keys = net_type_keys,
	  .kinds = old_net_kinds },
	{ .name = "device", .arg = "OPTS", .fn = opt_device, .first = "driver" },
	{ .name = "netdev",
	  .arg = "OPTS",
	  .fn = opt_netdev,
	  .first = "type",
	  .keys = netdev_keys,
	  .kinds = net_kinds },
	{ .name = "nic",
	  .arg = "OPTS",
	  .fn = opt_nic,
	  .first = "type",
	  .keys = nic_keys,
	  .kinds = nic_kinds },
	{ .name = NULL },
};

const struct option_group options_dev = { "devices", rows };
