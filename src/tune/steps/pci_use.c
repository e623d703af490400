/* SPDX-License-Identifier: MIT */
#include "tune/steps/pci_use.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/memory.h"
#include "host/mounts.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Layers of block devices (LUKS on LVM on RAID) and of network ones (bridge on VLAN on bond). */
#define DEPTH 8

/* The device is one of the folders that the link in /sys leads through. */
static bool leads_through(const struct host *h, const char *link, const char *addr)
{
	char to[512], part[32];

	if (host_readlink(h, link, to, sizeof(to), NULL) < 0)
		return false;
	snprintf(part, sizeof(part), "/%s/", addr);
	return strstr(to, part) != NULL;
}

/* @link: a block device in /sys, "/sys/dev/block/8:1" or "/sys/class/block/sda1". */
static bool block_on(const struct host *h, const char *link, const char *addr, unsigned depth)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[320];

	if (leads_through(h, link, addr))
		return true;
	snprintf(path, sizeof(path), "%s/slaves", link);
	if (!depth || host_list(h, path, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n; i++) {
		snprintf(path, sizeof(path), "/sys/class/block/%.64s", l.v[i]);
		if (block_on(h, path, addr, depth - 1))
			return true;
	}
	return false;
}

/* "/dev/sda2", or a link to it as /dev/mapper has them. */
static bool file_on(const struct host *h, const char *dev, const char *addr)
{
	char path[320], to[256];
	const char *name = strrchr(dev, '/');

	if (strncmp(dev, "/dev/", 5) || !name)
		return false;
	if (host_readlink(h, dev, to, sizeof(to), NULL) == 0)
		name = strrchr(to, '/') ? strrchr(to, '/') : to;
	snprintf(path, sizeof(path), "/sys/class/block/%.64s", *name == '/' ? name + 1 : name);
	return block_on(h, path, addr, DEPTH);
}

static int storage(const struct host *h, const char *addr, char *why, size_t size,
		   struct err *e)
{
	struct memory_swaps *swaps = NULL;
	struct mounts m = { 0 };
	int r = mounts_read(h, &m, e), found = 0;

	for (size_t i = 0; r == 0 && !found && i < m.n; i++) {
		const struct mount *at = &m.v[i];
		char path[64];

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", at->major, at->minor);
		/* btrfs and its kin have a number of no device */
		found = at->major ? block_on(h, path, addr, DEPTH)
				  : file_on(h, at->source, addr);
		if (found)
			snprintf(why, size, "%.100s is on it", at->target);
	}
	mounts_free(&m);
	if (r < 0 || found)
		return r < 0 ? r : 1;
	swaps = mem_zalloc(1, sizeof(*swaps), e);
	if (!swaps)
		return -ENOMEM;
	if (memory_swaps_read(h, swaps, NULL) == 0)
		for (size_t i = 0; !found && i < swaps->n; i++) {
			found = file_on(h, swaps->v[i].path, addr);
			if (found)
				snprintf(why, size, "swap %.100s is on it", swaps->v[i].path);
		}
	free(swaps);
	return found;
}

static bool net_on(const struct host *h, const char *name, const char *addr, unsigned depth)
{
	AUTO_LIST struct host_list l = { 0 };
	char path[320];

	snprintf(path, sizeof(path), "/sys/class/net/%.32s", name);
	if (leads_through(h, path, addr))
		return true;
	if (!depth || host_list(h, path, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!strncmp(l.v[i], "lower_", 6) && net_on(h, l.v[i] + 6, addr, depth - 1))
			return true;
	return false;
}

/* Interfaces of routes to everywhere: columns @iface and @dest, which is all zeros. */
static int routes(const struct host *h, const char *file, unsigned iface, unsigned dest,
		  unsigned len, const char *addr, char *why, size_t size)
{
	AUTO_FREE char *text = NULL;
	struct span rest, line;

	if (host_read(h, file, &text, &rest.len, NULL) < 0)
		return 0;
	rest.s = text;
	while (span_line(&rest, &line)) {
		char name[33] = "";
		struct span word;
		bool all = false, none = false;

		for (unsigned col = 0; span_word(&line, &word); col++) {
			if (col == iface)
				span_copy(word, name, sizeof(name));
			if (col == dest)
				all = strspn(word.s, "0") >= word.len;
			if (col == len)
				none = strspn(word.s, "0") >= word.len;
		}
		if (all && none && *name && net_on(h, name, addr, DEPTH)) {
			snprintf(why, size, "the default route goes through it, by %s", name);
			return 1;
		}
	}
	return 0;
}

int pci_in_use(const struct host *h, const char *addr, char *why, size_t size, struct err *e)
{
	int r = storage(h, addr, why, size, e);

	if (r == 0)
		r = routes(h, "/proc/net/route", 0, 1, 7, addr, why, size);
	if (r == 0)
		r = routes(h, "/proc/net/ipv6_route", 9, 0, 1, addr, why, size);
	return r;
}
