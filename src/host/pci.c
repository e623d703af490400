/* SPDX-License-Identifier: MIT */
#include "host/pci.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"

/* Fixed width, hexadecimal; *s moves behind it and behind @sep. */
static bool hex_field(const char **s, unsigned digits, char sep, uint32_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < digits; i++) {
		char c = *(*s)++;
		char low = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (unsigned)(c - '0');
		else if (low >= 'a' && low <= 'f')
			*out = *out << 4 | (unsigned)(low - 'a' + 10);
		else
			return false;
	}
	return *(*s)++ == sep;
}

int pci_addr_parse(const char *text, uint32_t *domain, uint8_t *bus, uint8_t *dev, uint8_t *fn,
		   struct err *e)
{
	const char *colon = strchr(text, ':'), *s = text;
	bool has_domain = colon && strchr(colon + 1, ':');
	/* a domain behind a bridge of the host (VMD) has five digits and more */
	unsigned digits = has_domain ? (unsigned)(colon - text) : 0;
	uint32_t b, d, f;

	*domain = 0;
	if ((has_domain && (digits < 4 || digits > 8 || !hex_field(&s, digits, ':', domain))) ||
	    !hex_field(&s, 2, ':', &b) || !hex_field(&s, 2, '.', &d) || d > 31 ||
	    !hex_field(&s, 1, '\0', &f) || f > 7)
		return err_set(e, -EINVAL, "'%.40s' is no PCI address like 0000:03:00.0", text);
	*bus = (uint8_t)b;
	*dev = (uint8_t)d;
	*fn = (uint8_t)f;
	return 0;
}

/* "-1", "12"; -1 for what is none. */
static int small_number(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return end == s || *end || v < 0 || v > INT32_MAX ? -1 : (int)v;
}

/* False if it does not fit: a name that is cut would be another one. */
static bool last_part(const char *link, char *out, size_t size)
{
	const char *slash = strrchr(link, '/');
	size_t n;

	link = slash ? slash + 1 : link;
	n = strlen(link);
	if (n >= size)
		return false;
	memcpy(out, link, n + 1);
	return true;
}

static bool read_attr(const struct host *h, const char *addr, const char *attr, char *buf,
		      size_t size)
{
	char path[96];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", addr, attr);
	if (host_read_line(h, path, buf, size, NULL) == 0)
		return true;
	buf[0] = '\0';
	return false;
}

static uint32_t read_number(const struct host *h, const char *addr, const char *attr)
{
	char buf[24];

	return read_attr(h, addr, attr, buf, sizeof(buf)) ? (uint32_t)strtoul(buf, NULL, 0) : 0;
}

static bool read_link(const struct host *h, const char *addr, const char *attr, char *out,
		      size_t size)
{
	char path[96], link[512];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", addr, attr);
	if (host_readlink(h, path, link, sizeof(link), NULL) < 0)
		return false;
	return last_part(link, out, size);
}

/* The device's link goes through the bridges above it:
 * ../../../devices/pci0000:00/0000:00:1c.0/0000:03:00.0 */
static void read_parent(const struct host *h, struct pci_dev *d)
{
	char path[96], link[512], *slash;
	uint32_t domain;
	uint8_t x;

	snprintf(path, sizeof(path), DEVICES "/%s", d->addr);
	if (host_readlink(h, path, link, sizeof(link), NULL) < 0)
		return;
	slash = strrchr(link, '/');
	if (!slash)
		return;
	*slash = '\0';
	if (!last_part(link, d->parent, sizeof(d->parent)) ||
	    pci_addr_parse(d->parent, &domain, &x, &x, &x, NULL) < 0)
		d->parent[0] = '\0';
}

static void read_device(const struct host *h, struct pci_dev *d)
{
	char buf[32], path[96];

	d->vendor = (uint16_t)read_number(h, d->addr, "vendor");
	d->device = (uint16_t)read_number(h, d->addr, "device");
	d->class = read_number(h, d->addr, "class") & 0xffffff;
	d->boot_vga = read_number(h, d->addr, "boot_vga") == 1;
	d->node = read_attr(h, d->addr, "numa_node", buf, sizeof(buf)) ? small_number(buf) : -1;
	read_attr(h, d->addr, "driver_override", d->override, sizeof(d->override));
	if (!strcmp(d->override, "(null)"))
		d->override[0] = '\0';
	/* neither file is there for a device that has no way of being reset */
	snprintf(path, sizeof(path), DEVICES "/%s/reset", d->addr);
	d->resets = read_attr(h, d->addr, "reset_method", d->reset, sizeof(d->reset)) ||
		    host_exists(h, path);
	read_link(h, d->addr, "driver", d->driver, sizeof(d->driver));
	d->group =
		read_link(h, d->addr, "iommu_group", buf, sizeof(buf)) ? small_number(buf) : -1;
	read_parent(h, d);
}

static int by_addr(const void *a, const void *b)
{
	const struct pci_dev *x = a, *y = b;
	uint64_t p = (uint64_t)x->domain << 24 | x->bus << 16 | x->dev << 8 | x->fn;
	uint64_t q = (uint64_t)y->domain << 24 | y->bus << 16 | y->dev << 8 | y->fn;

	return p < q ? -1 : p > q;
}

int pci_read(const struct host *h, struct pci_devs *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	struct err mine = { 0 };
	bool known = host_is_live(h);
	int r;

	memset(out, 0, sizeof(*out));
	r = host_list(h, DEVICES, &l, &mine);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	out->v = mem_zalloc(l.n, sizeof(*out->v), e);
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; i < l.n; i++) {
		struct pci_dev *d = &out->v[out->n];

		if (strlen(l.v[i]) >= sizeof(d->addr) ||
		    pci_addr_parse(l.v[i], &d->domain, &d->bus, &d->dev, &d->fn, NULL) < 0)
			continue;
		snprintf(d->addr, sizeof(d->addr), "%s", l.v[i]);
		read_device(h, d);
		known = known || d->resets;
		out->n++;
	}
	for (size_t i = 0; i < out->n; i++)
		out->v[i].reset_known = known;
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_addr);
	return 0;
}

void pci_free(struct pci_devs *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

const struct pci_dev *pci_find(const struct pci_devs *l, const char *addr)
{
	uint32_t domain;
	uint8_t bus, dev, fn;

	if (pci_addr_parse(addr, &domain, &bus, &dev, &fn, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < l->n; i++) {
		const struct pci_dev *d = &l->v[i];

		if (d->domain == domain && d->bus == bus && d->dev == dev && d->fn == fn)
			return d;
	}
	return NULL;
}
