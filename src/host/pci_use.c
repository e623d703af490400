/* SPDX-License-Identifier: MIT */
#include "host/pci_use.h"

#include "base/mem.h"
#include "host/memory.h"
#include "host/mounts.h"
#include "host/pci.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK   "/sys/class/block/"
#define NET     "/sys/class/net"
#define TTY     "/sys/class/tty"
#define DEVICES "/sys/bus/pci/devices"

/* Layers of block devices (LUKS on LVM on RAID) and of network ones (bridge on VLAN on bond), and
 * how many devices are looked at in all of them. */
enum { DEPTH = 8, VISITS = 512 };

struct seen {
	const struct host *h;
	struct pci_uses *out;
	unsigned visits; /* left for one use */
	char why[176];
	struct err *e;
};

const char *pci_use_of(const struct pci_uses *u, const char *addr)
{
	for (size_t i = 0; i < u->n; i++)
		if (!strcmp(u->v[i].addr, addr))
			return u->v[i].why;
	return NULL;
}

static int add(struct seen *s, const char *addr)
{
	struct pci_use *u;
	int r;

	if (pci_use_of(s->out, addr))
		return 0;
	r = mem_grow((void **)&s->out->v, s->out->n + 1, sizeof(*u), s->e);
	if (r < 0)
		return r;
	u = &s->out->v[s->out->n++];
	snprintf(u->addr, sizeof(u->addr), "%s", addr);
	snprintf(u->why, sizeof(u->why), "%s", s->why);
	return 0;
}

/* The last PCI address among the folders that @link of /sys goes through, "" if there is none;
 * with @s all of them are in use. */
static int addresses(const char *link, char last[20], struct seen *s)
{
	int r = 0;

	*last = '\0';
	for (const char *at = link; r == 0 && *at;) {
		size_t n = strcspn(at, "/");
		uint32_t domain;
		uint8_t x;
		char part[20];

		if (n && n < sizeof(part)) {
			memcpy(part, at, n);
			part[n] = '\0';
			if (pci_addr_parse(part, &domain, &x, &x, &x, NULL) == 0) {
				memcpy(last, part, n + 1);
				r = s ? add(s, part) : 0;
			}
		}
		at += n + (at[n] == '/');
	}
	return r;
}

/* ---- storage ---- */

static int block(struct seen *s, const char *path, unsigned depth);

static int blocks_in(struct seen *s, const char *dir, unsigned depth)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[320];
	int r = 0;

	if (!depth || host_list(s->h, dir, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		snprintf(path, sizeof(path), BLOCK "%.64s", l.v[i]);
		r = block(s, path, depth - 1);
	}
	return r;
}

/* A disk of NVMe with several paths lies under its subsystem, whose controllers are links. */
static int controllers(struct seen *s, const char *link)
{
	static const char word[] = "/nvme-subsystem/";
	const char *at = strstr(link, word);
	AUTO_LIST struct host_list l = { 0 };
	char dir[128], path[320], to[512], last[20];
	int r = 0;

	if (!at)
		return 0;
	at += sizeof(word) - 1;
	snprintf(dir, sizeof(dir), "/sys/class/nvme-subsystem/%.*s", (int)strcspn(at, "/"), at);
	if (host_list(s->h, dir, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		snprintf(path, sizeof(path), "%s/%.64s", dir, l.v[i]);
		if (host_readlink(s->h, path, to, sizeof(to), NULL) == 0)
			r = addresses(to, last, s);
	}
	return r;
}

/* @path: a block device in /sys, "/sys/dev/block/8:1" or "/sys/class/block/sda1". */
static int block(struct seen *s, const char *path, unsigned depth)
{
	char to[512], last[20], below[340];
	int r;

	if (!s->visits || host_readlink(s->h, path, to, sizeof(to), NULL) < 0)
		return 0;
	s->visits--;
	r = addresses(to, last, s);
	if (r == 0)
		r = controllers(s, to);
	snprintf(below, sizeof(below), "%s/slaves", path);
	if (r == 0)
		r = blocks_in(s, below, depth);
	/* what is below a partition of a RAID is with the whole of it */
	snprintf(below, sizeof(below), "%s/partition", path);
	if (r < 0 || !host_exists(s->h, below))
		return r;
	snprintf(below, sizeof(below), "%s/../slaves", path);
	return blocks_in(s, below, depth);
}

/* "/dev/sda2", or a link to it as /dev/mapper has them. */
static int file(struct seen *s, const char *dev)
{
	char path[320], to[256];
	const char *name = strrchr(dev, '/');

	if (strncmp(dev, "/dev/", 5) || !name)
		return 0;
	if (host_readlink(s->h, dev, to, sizeof(to), NULL) == 0)
		name = strrchr(to, '/') ? strrchr(to, '/') : to;
	snprintf(path, sizeof(path), BLOCK "%.64s", *name == '/' ? name + 1 : name);
	return block(s, path, DEPTH);
}

static int storage(struct seen *s)
{
	struct mounts m = { 0 };
	int r = mounts_read(s->h, &m, s->e);

	for (size_t i = 0; r == 0 && i < m.n; i++) {
		const struct mount *at = &m.v[i];
		char path[64];

		s->visits = VISITS;
		snprintf(s->why, sizeof(s->why), "%.100s is on it", at->target);
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", at->major, at->minor);
		/* btrfs and its kin have a number of no device */
		r = at->major ? block(s, path, DEPTH) : file(s, at->source);
	}
	mounts_free(&m);
	return r;
}

static int swaps(struct seen *s)
{
	struct memory_swaps *l = mem_zalloc(1, sizeof(*l), s->e);
	int r = 0;

	if (!l)
		return -ENOMEM;
	if (memory_swaps_read(s->h, l, NULL) == 0)
		for (size_t i = 0; r == 0 && i < l->n; i++) {
			s->visits = VISITS;
			snprintf(s->why, sizeof(s->why), "swap %.100s is on it", l->v[i].path);
			r = file(s, l->v[i].path);
		}
	free(l);
	return r;
}

/* ---- network ---- */

static int net(struct seen *s, const char *name, unsigned depth)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[64], to[512], last[20];
	int r = 0;

	if (!s->visits)
		return 0;
	s->visits--;
	snprintf(path, sizeof(path), NET "/%.32s", name);
	if (host_readlink(s->h, path, to, sizeof(to), NULL) == 0)
		r = addresses(to, last, s);
	if (r < 0 || !depth || host_list(s->h, path, &l, NULL) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (!strncmp(l.v[i], "lower_", 6))
			r = net(s, l.v[i] + 6, depth - 1);
	return r;
}

static bool zeros(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.s[i] != '0')
			return false;
	return true;
}

/* Interfaces of routes to everywhere: columns @iface and @dest, which is all zeros, as is the
 * mask or its length at @len. */
static int routes(struct seen *s, const char *path, unsigned iface, unsigned dest, unsigned len)
{
	AUTO_FREE char *text = NULL;
	struct span rest, line;
	int r = 0;

	if (host_read(s->h, path, &text, &rest.len, NULL) < 0)
		return 0;
	rest.s = text;
	while (r == 0 && span_line(&rest, &line)) {
		char name[33] = "";
		struct span word;
		bool all = false, none = false;

		for (unsigned col = 0; span_word(&line, &word); col++) {
			if (col == iface)
				span_copy(word, name, sizeof(name));
			if (col == dest)
				all = zeros(word);
			if (col == len)
				none = zeros(word);
		}
		if (!all || !none || !*name)
			continue;
		s->visits = VISITS;
		snprintf(s->why, sizeof(s->why), "the default route goes through it, by %s",
			 name);
		r = net(s, name, DEPTH);
	}
	return r;
}

/* All interfaces with a device are on the same one. */
static int only_network(struct seen *s)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[96], to[512], last[20], one[20] = "";
	const char *name = NULL;

	if (host_list(s->h, NET, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		snprintf(path, sizeof(path), NET "/%.32s/device", l.v[i]);
		if (!host_exists(s->h, path))
			continue;
		*strrchr(path, '/') = '\0';
		if (host_readlink(s->h, path, to, sizeof(to), NULL) < 0)
			return 0;
		(void)addresses(to, last, NULL);
		if (!*last || (*one && strcmp(one, last)))
			return 0;
		memcpy(one, last, sizeof(one));
		name = l.v[i];
	}
	if (!name)
		return 0;
	s->visits = 1;
	snprintf(s->why, sizeof(s->why), "%.32s on it is the host's only way to a network",
		 name);
	return net(s, name, 0);
}

/* ---- console ---- */

/* The adapter that firmware showed the boot on is what the virtual terminals are on, unless it
 * was given away already. */
static int screen(struct seen *s)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[96], to[512], line[8];
	int r = 0;

	if (host_list(s->h, DEVICES, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		const char *driver;

		snprintf(path, sizeof(path), DEVICES "/%.32s/boot_vga", l.v[i]);
		if (host_read_line(s->h, path, line, sizeof(line), NULL) < 0 || *line != '1')
			continue;
		snprintf(path, sizeof(path), DEVICES "/%.32s/driver", l.v[i]);
		if (host_readlink(s->h, path, to, sizeof(to), NULL) < 0)
			*to = '\0';
		driver = strrchr(to, '/');
		if (strlen(l.v[i]) < sizeof(s->out->v->addr) &&
		    !pci_driver_yields(driver ? driver + 1 : to))
			r = add(s, l.v[i]);
	}
	return r;
}

static int consoles(struct seen *s)
{
	char line[128], path[64], to[512], last[20], name[17];
	struct span rest, word;
	int r = 0;

	if (host_read_line(s->h, TTY "/console/active", line, sizeof(line), NULL) < 0)
		return 0;
	rest = (struct span){ line, strlen(line) };
	while (r == 0 && span_word(&rest, &word)) {
		span_copy(word, name, sizeof(name));
		snprintf(s->why, sizeof(s->why),
			 "the console %s is on it (console= of the kernel's command line moves "
			 "it)",
			 name);
		if (!strncmp(name, "tty", 3) && strspn(name + 3, "0123456789") + 3 == word.len)
			r = screen(s);
		snprintf(path, sizeof(path), TTY "/%s", name);
		if (r == 0 && host_readlink(s->h, path, to, sizeof(to), NULL) == 0)
			r = addresses(to, last, s);
	}
	return r;
}

int pci_uses_read(const struct host *h, struct pci_uses *out, struct err *e)
{
	struct seen s = { .h = h, .out = out, .e = e };
	int r;

	*out = (struct pci_uses){ 0 };
	r = storage(&s);
	if (r == 0)
		r = swaps(&s);
	if (r == 0)
		r = routes(&s, "/proc/net/route", 0, 1, 7);
	if (r == 0)
		r = routes(&s, "/proc/net/ipv6_route", 9, 0, 1);
	if (r == 0)
		r = only_network(&s);
	if (r == 0)
		r = consoles(&s);
	if (r < 0)
		pci_uses_free(out);
	return r;
}

void pci_uses_free(struct pci_uses *u)
{
	free(u->v);
	*u = (struct pci_uses){ 0 };
}
