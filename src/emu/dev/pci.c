/* SPDX-License-Identifier: MIT */
#include "emu/dev/pci.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/pci_int.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_ENABLE (1u << 31)
#define ECAM_SIZE      (256u << 20)
/* Wide BARs up to this size lie where 32-bit guests reach them. */
#define BAR_SMALL      (1u << 20)
#define STATUS_CAPS    0x10
#define STATUS_INTX    0x08
#define ROM_ON         1u

/* ---- BARs ---- */

static uint64_t bar_address(const struct pci_dev *d, unsigned n)
{
	const struct pci_bar *b = &d->bar[n];
	const uint8_t *c = d->config + PCI_BAR0 + 4 * n;

	if (b->io)
		return load_le32(c) & ~3u;
	return b->wide ? load_le64(c) & ~UINT64_C(15) : load_le32(c) & ~15u;
}

static bool may_map(const struct pci_dev *d, const struct pci_bar *b, uint64_t at)
{
	uint16_t cmd = load_le16(d->config + PCI_COMMAND);
	uint64_t size = b->region.size;

	if (!size || !(cmd & (b->io ? PCI_CMD_IO : PCI_CMD_MEM)) || !at)
		return false;
	/* all ones: its size is being asked for */
	if (b->io)
		return at + size <= 0x10000;
	return at + size > at && at + size != (b->wide ? 0 : UINT64_C(1) << 32);
}

/* In an exclusive section of the vCPUs. */
static void memory_job(void *arg)
{
	struct pci_bar *b = arg;
	const struct pci_dev *d = b->region.dev;
	struct mem *mem = d->bus->env.mem;
	uint64_t size = b->region.size, to = b->shall_at;
	const struct mem_slot *s;
	size_t n;

	if (b->is_at == to)
		return;
	if (b->is_at && mem_map(mem, b->is_at, size, NULL, false, NULL) < 0)
		return;
	b->is_at = 0;
	s = mem_slots(mem, &n);
	for (size_t i = 0; i < n && to; i++)
		if (s[i].gpa < to + size && to < s[i].gpa + s[i].size)
			to = 0;
	if (to && mem_map(mem, to, size, b->bytes, true, NULL) == 0)
		b->is_at = to;
}

static void move_memory(struct pci_dev *d, struct pci_bar *b, uint64_t to)
{
	struct vcpu_group *group = d->bus->env.group;

	if (b->shall_at == to)
		return;
	b->shall_at = to;
	if (group)
		vcpu_exclusive(group, &b->move);
	else
		memory_job(b);
}

static void update_bar(struct pci_dev *d, struct pci_bar *b, uint64_t at)
{
	bool want = may_map(d, b, at);

	if (b->bytes) {
		move_memory(d, b, want ? at : 0);
		return;
	}
	if (b->mapped && (!want || b->region.base != at)) {
		bus_remove(d->bus->env.bus, &b->region);
		b->mapped = false;
	}
	if (!want || b->mapped)
		return;
	b->region.base = at;
	b->mapped = bus_add(d->bus->env.bus, &b->region, NULL) == 0;
}

/* Brings the bus to what configuration space says. */
static void update_bars(struct pci_dev *d)
{
	uint32_t rom = load_le32(d->config + PCI_ROM);

	for (unsigned n = 0; n < PCI_BARS; n++)
		update_bar(d, &d->bar[n], d->bar[n].region.size ? bar_address(d, n) : 0);
	update_bar(d, &d->rom, rom & ROM_ON ? rom & ~0x7ffu : 0);
}

static uint64_t rom_read(void *dev, uint64_t off, unsigned size)
{
	const struct pci_dev *d = dev;
	uint8_t v[8];

	memset(v, 0xff, sizeof(v));
	if (off < d->rom_len)
		memcpy(v, d->rom_bytes + off, (size_t)min_u64(size, d->rom_len - off));
	return load_le64(v);
}

static const struct bus_ops rom_ops = { rom_read, NULL, 1, 8 };

void pci_rom(struct pci_dev *d, const uint8_t *bytes, size_t len)
{
	uint64_t size = 2048;

	while (size < len)
		size *= 2;
	d->rom_bytes = bytes;
	d->rom_len = len;
	d->rom.region = (struct bus_region){ d->name, BUS_MEM, 0, size, &rom_ops, d, NULL };
	store_le32(d->writable + PCI_ROM, (uint32_t) ~(size - 1) | ROM_ON);
}

void pci_bar(struct pci_dev *d, unsigned n, bool io, bool wide, uint64_t size,
	     const struct bus_ops *ops, void *dev, pthread_mutex_t *lock)
{
	uint8_t *c = d->config + PCI_BAR0 + 4 * n, *w = d->writable + PCI_BAR0 + 4 * n;
	uint64_t bits = ~(size - 1);

	d->bar[n] = (struct pci_bar){ .io = io, .wide = wide };
	d->bar[n].region = (struct bus_region){
		d->name, io ? BUS_PORT : BUS_MEM, 0, size, ops, dev, lock
	};
	c[0] = (uint8_t)(io ? 1 : wide ? 4 : 0);
	store_le32(w, (uint32_t)bits);
	if (wide)
		store_le32(w + 4, (uint32_t)(bits >> 32));
}

void pci_bar_memory(struct pci_dev *d, unsigned n, uint64_t size, uint8_t *bytes)
{
	pci_bar(d, n, false, false, size, NULL, d, NULL);
	d->bar[n].bytes = bytes;
	d->bar[n].move = (struct vcpu_job){ .run = memory_job, .arg = &d->bar[n] };
	d->config[PCI_BAR0 + 4 * n] = 8; /* may be read ahead */
}

/* ---- configuration space ---- */

static uint32_t config_read(struct pci_dev *d, unsigned off, unsigned len)
{
	uint8_t v[4] = { 0 };

	if (d->reading)
		d->reading(d, off, len);
	memcpy(v, d->config + off, len);
	return load_le32(v);
}

static void config_write(struct pci_dev *d, unsigned off, unsigned len, uint32_t v)
{
	for (unsigned i = 0; i < len; i++) {
		uint8_t w = d->writable[off + i];

		d->config[off + i] = (uint8_t)((d->config[off + i] & ~w) | (v >> 8 * i & w));
	}
	if ((off < PCI_BAR0 + 4 * PCI_BARS && off + len > PCI_COMMAND) ||
	    (off < PCI_ROM + 4 && off + len > PCI_ROM))
		update_bars(d);
	if (off <= PCI_COMMAND + 1 && off + len > PCI_COMMAND)
		pci_intx(d, d->intx);
	if (d->msix_n && off < d->msix_cap + 4 && off + len > d->msix_cap + 2)
		pci_msix_control(d);
	if (d->written)
		d->written(d, off, len);
}

static struct pci_dev *at(struct pci *p, unsigned bus, unsigned devfn)
{
	return bus ? NULL : p->dev[devfn >> 3 & 31][devfn & 7];
}

static uint64_t address_read(void *dev, uint64_t off, unsigned size)
{
	struct pci *p = dev;

	return size == 4 && !off ? p->address : 0xffffffff;
}

static void address_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pci *p = dev;

	/* only the whole register; narrower ones are other devices' ports */
	if (size == 4 && !off)
		p->address = (uint32_t)v & ~3u;
}

static uint64_t data_read(void *dev, uint64_t off, unsigned size)
{
	struct pci *p = dev;
	struct pci_dev *d = at(p, p->address >> 16 & 255, p->address >> 8 & 255);

	if (!(p->address & ADDRESS_ENABLE) || !d)
		return UINT32_MAX;
	return config_read(d, (p->address & 0xfc) + (unsigned)off, size);
}

static void data_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pci *p = dev;
	struct pci_dev *d = at(p, p->address >> 16 & 255, p->address >> 8 & 255);

	if ((p->address & ADDRESS_ENABLE) && d)
		config_write(d, (p->address & 0xfc) + (unsigned)off, size, (uint32_t)v);
}

static uint64_t ecam_read(void *dev, uint64_t off, unsigned size)
{
	struct pci_dev *d = at(dev, off >> 20 & 255, off >> 12 & 255);

	if (!d)
		return UINT32_MAX;
	/* there are no extended capabilities */
	return (off & 0xfff) < 256 ? config_read(d, off & 0xff, size) : 0;
}

static void ecam_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_dev *d = at(dev, off >> 20 & 255, off >> 12 & 255);

	if (d && (off & 0xfff) < 256)
		config_write(d, off & 0xff, size, (uint32_t)v);
}

static const struct bus_ops address_ops = { address_read, address_write, 1, 4 };
static const struct bus_ops data_ops = { data_read, data_write, 1, 4 };
static const struct bus_ops ecam_ops = { ecam_read, ecam_write, 1, 4 };

/* ---- interrupts ---- */

void pci_intx(struct pci_dev *d, bool level)
{
	struct pci *p = d->bus;
	unsigned line = (d->slot + d->config[PCI_INT_PIN] - 1u) % PCI_LINES;
	bool pull;

	if (!p || !d->config[PCI_INT_PIN])
		return;
	pthread_mutex_lock(&p->line_lock);
	d->intx = level;
	pull = level && !(load_le16(d->config + PCI_COMMAND) & PCI_CMD_NOINTX);
	if (level)
		d->config[PCI_STATUS] |= STATUS_INTX;
	else
		d->config[PCI_STATUS] &= (uint8_t)~STATUS_INTX;
	if (pull != d->pulls)
		p->raised[line] += pull ? 1 : -1u;
	d->pulls = pull;
	irq_set(&p->env.line[line], p->raised[line] != 0);
	pthread_mutex_unlock(&p->line_lock);
}

/* ---- life ---- */

void pci_ids(struct pci_dev *d, uint16_t vendor, uint16_t device, uint32_t class)
{
	store_le16(d->config + PCI_VENDOR, vendor);
	store_le16(d->config + PCI_DEVICE, device);
	d->config[PCI_CLASS] = (uint8_t) class;
	d->config[PCI_CLASS + 1] = (uint8_t)(class >> 8);
	d->config[PCI_CLASS + 2] = (uint8_t)(class >> 16);
	store_le16(d->writable + PCI_COMMAND,
		   PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER | 0x0140 | PCI_CMD_NOINTX);
	d->writable[PCI_INT_LINE] = 0xff;
	d->writable[0x0c] = 0xff; /* cache line size */
	d->cap_end = 0x40;
}

unsigned pci_cap(struct pci_dev *d, uint8_t id, unsigned len)
{
	unsigned off = d->cap_end;

	d->config[off] = id;
	d->config[off + 1] = d->config[PCI_CAPS];
	d->config[PCI_CAPS] = (uint8_t)off;
	d->config[PCI_STATUS] |= STATUS_CAPS;
	d->cap_end = (off + len + 3) & ~3u;
	return off;
}

int pci_add(struct pci *p, struct pci_dev *d, int slot, unsigned fn, struct err *e)
{
	/* what is at fixed places is added first; others find room behind */
	for (int s = 1; slot < 0 && s < 31; s++)
		if (!p->dev[s][0])
			slot = s;
	if (slot < 0 || p->dev[slot][fn])
		return err_set(e, -ENOSPC, "%s: no room on the PCI bus", d->name);
	pthread_mutex_init(&d->lock, NULL);
	d->slot = (unsigned)slot;
	d->fn = fn;
	d->bus = p;
	if (fn)
		p->dev[slot][0]->config[PCI_HEADER] |= 0x80;
	pthread_mutex_lock(&p->lock);
	p->dev[slot][fn] = d;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

void pci_remove(struct pci_dev *d)
{
	struct pci *p = d->bus;

	if (!p)
		return;
	pci_intx(d, false);
	pthread_mutex_lock(&p->lock);
	store_le16(d->config + PCI_COMMAND, 0);
	update_bars(d);
	p->dev[d->slot][d->fn] = NULL;
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_destroy(&d->lock);
	d->bus = NULL;
}

static uint64_t place(uint64_t *next, uint64_t end, uint64_t size)
{
	uint64_t at = round_up(*next, size);

	if (at < *next || at > end || size > end - at)
		return 0;
	*next = at + size;
	return at;
}

static void assign_one(struct pci *p, struct pci_dev *d, uint64_t next[3])
{
	uint16_t cmd = PCI_CMD_MASTER;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *b = &d->bar[n];
		uint8_t *c = d->config + PCI_BAR0 + 4 * n;
		uint64_t v;

		if (!b->region.size)
			continue;
		if (b->io)
			v = place(&next[0], 0xffff, b->region.size);
		else if (b->wide && b->region.size > BAR_SMALL)
			v = place(&next[2], p->env.high_end, b->region.size);
		else
			v = place(&next[1], p->env.low_end, b->region.size);
		if (!v)
			continue;
		cmd |= b->io ? PCI_CMD_IO : PCI_CMD_MEM;
		store_le32(c, (uint32_t)v | (c[0] & 15));
		if (b->wide)
			store_le32(c + 4, (uint32_t)(v >> 32));
	}
	if (d->config[PCI_INT_PIN])
		d->config[PCI_INT_LINE] = (d->slot & 1) ? 11 : 10;
	config_write(d, PCI_COMMAND, 2, cmd);
}

void pci_assign(struct pci *p)
{
	uint64_t next[3] = { 0xc000, p->env.low, p->env.high };

	pthread_mutex_lock(&p->lock);
	for (unsigned s = 0; s < PCI_SLOTS; s++)
		for (unsigned f = 0; f < 8; f++)
			if (p->dev[s][f])
				assign_one(p, p->dev[s][f], next);
	pthread_mutex_unlock(&p->lock);
}

static void reset_one(struct pci_dev *d)
{
	store_le16(d->config + PCI_COMMAND, 0);
	for (unsigned n = 0; n < PCI_BARS; n++) {
		uint8_t *c = d->config + PCI_BAR0 + 4 * n;

		if (d->bar[n].region.size) {
			store_le32(c, c[0] & 15);
			if (d->bar[n].wide)
				store_le32(c + 4, 0);
		}
	}
	store_le32(d->config + PCI_ROM, 0);
	update_bars(d);
	if (d->msi_cap)
		d->config[d->msi_cap + 2] &= 0xfe;
	if (d->msix_n) {
		pthread_mutex_lock(&d->lock);
		d->config[d->msix_cap + 3] &= 0x3f;
		for (unsigned i = 0; i < d->msix_n; i++)
			d->msix[i] = (struct msix_entry){ .control = 1 };
		d->msix_pending = 0;
		pthread_mutex_unlock(&d->lock);
	}
	pci_intx(d, false);
}

void pci_reset(struct pci *p)
{
	pthread_mutex_lock(&p->lock);
	p->address = 0;
	for (unsigned s = 0; s < PCI_SLOTS; s++)
		for (unsigned f = 0; f < 8; f++)
			if (p->dev[s][f])
				reset_one(p->dev[s][f]);
	pthread_mutex_unlock(&p->lock);
}

void pci_each(struct pci *p, void (*each)(void *arg, const struct pci_dev *d), void *arg)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned s = 0; s < PCI_SLOTS; s++)
		for (unsigned f = 0; f < 8; f++)
			if (p->dev[s][f])
				each(arg, p->dev[s][f]);
	pthread_mutex_unlock(&p->lock);
}

int pci_new(struct pci **out, const struct pci_env *env, struct err *e)
{
	struct pci *p = mem_zalloc(1, sizeof(*p), e);
	pthread_mutex_t *l;
	int r;

	if (!p)
		return -ENOMEM;
	l = &p->lock;
	pthread_mutex_init(l, NULL);
	pthread_mutex_init(&p->line_lock, NULL);
	p->env = *env;
	p->raddress =
		(struct bus_region){ "pci address", BUS_PORT, 0xcf8, 4, &address_ops, p, l };
	p->rdata = (struct bus_region){ "pci data", BUS_PORT, 0xcfc, 4, &data_ops, p, l };
	p->recam = (struct bus_region){ "pci ecam", BUS_MEM, env->ecam, ECAM_SIZE,
					&ecam_ops,  p,       l };
	r = bus_add(env->bus, &p->raddress, e);
	if (r == 0)
		r = bus_add(env->bus, &p->rdata, e);
	if (r == 0 && env->ecam) {
		r = bus_add(env->bus, &p->recam, e);
		p->ecam_there = r == 0;
	}
	if (r < 0) {
		pci_root_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void pci_ecam(struct pci *p, uint64_t base, uint64_t size)
{
	if (p->ecam_there && size && p->recam.base == base && p->recam.size == size)
		return;
	if (p->ecam_there)
		bus_remove(p->env.bus, &p->recam);
	p->recam.base = base;
	p->recam.size = size;
	p->ecam_there = size && bus_add(p->env.bus, &p->recam, NULL) == 0;
}

uint64_t pci_ecam_base(const struct pci *p)
{
	return p->ecam_there ? p->recam.base : 0;
}

void pci_root_free(struct pci *p)
{
	if (!p)
		return;
	bus_remove(p->env.bus, &p->raddress);
	bus_remove(p->env.bus, &p->rdata);
	bus_remove(p->env.bus, &p->recam);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->line_lock);
	free(p);
}
