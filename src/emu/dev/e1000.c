/* SPDX-License-Identifier: MIT */
/* Registers, interrupts and life. */
#include "base/mem.h"
#include "emu/dev/e1000_int.h"

#include <stdlib.h>

#define IO_SIZE  64u
#define CTRL_RST (1u << 26)
#define CTRL_PHY (1u << 31)
#define STATUS   0x00000083u /* full duplex, link, 1000 */

void e1000_raise(struct e1000 *n, uint32_t causes)
{
	n->icr |= causes;
	pci_intx(&n->pci, (n->icr & n->ims) != 0);
}

bool e1000_master(const struct e1000 *n)
{
	return load_le16(n->pci.config + PCI_COMMAND) & PCI_CMD_MASTER;
}

/* The lock is held. */
static void reset(struct e1000 *n)
{
	memset(n->reg, 0, sizeof(n->reg));
	memset(&n->wire, 0, sizeof(n->wire));
	*e1000_reg(n, R_CTRL) = 0x00140240;
	*e1000_reg(n, R_STATUS) = STATUS;
	*e1000_reg(n, 0x1000) = 0x00100030; /* of the packet buffer */
	*e1000_reg(n, R_RAL) = (uint32_t)n->eeprom[1] << 16 | n->eeprom[0];
	*e1000_reg(n, R_RAL + 4) = 1u << 31 | n->eeprom[2];
	n->icr = n->ims = 0;
	n->io_addr = 0;
	n->len = 0;
	n->too_long = n->segments = false;
	n->options = 0;
	n->resets++;
	e1000_phy_reset(n);
	pci_intx(&n->pci, false);
}

static uint32_t reg_read(struct e1000 *n, unsigned off)
{
	uint32_t v;

	switch (off) {
	case R_ICR:
		v = n->icr;
		n->icr = 0;
		pci_intx(&n->pci, false);
		return v;
	case R_IMS:
		return n->ims;
	case R_ICS:
	case R_IMC:
		return 0;
	case R_EECD:
		return e1000_eecd_read(n);
	default:
		break;
	}
	v = n->reg[off / 4];
	if (off >= R_COUNTS && off < R_COUNTS_END)
		n->reg[off / 4] = 0;
	return v;
}

/* True: the network has to be told. */
static bool reg_write(struct e1000 *n, unsigned off, uint32_t v)
{
	switch (off) {
	case R_CTRL:
		if (v & CTRL_RST) {
			reset(n);
			return false;
		}
		if (v & CTRL_PHY)
			e1000_phy_reset(n);
		*e1000_reg(n, off) = v & ~CTRL_PHY;
		break;
	case R_STATUS:
		break;
	case R_EECD:
		e1000_eecd_write(n, v);
		break;
	case R_EERD:
		*e1000_reg(n, off) = e1000_eerd(n, v);
		break;
	case R_MDIC:
		*e1000_reg(n, off) = e1000_mdic(n, v);
		break;
	case R_ICR:
		n->icr &= ~v;
		e1000_raise(n, 0);
		break;
	case R_ICS:
		e1000_raise(n, v);
		break;
	case R_IMS:
		n->ims |= v;
		e1000_raise(n, 0);
		break;
	case R_IMC:
		n->ims &= ~v;
		e1000_raise(n, 0);
		break;
	case R_RDH:
	case R_TDH:
		*e1000_reg(n, off) = v & 0xffff;
		break;
	case R_RDLEN:
	case R_TDLEN:
		*e1000_reg(n, off) = v & 0xfff80;
		break;
	case R_RDBAL:
	case R_TDBAL:
		*e1000_reg(n, off) = v & ~15u;
		break;
	case R_RDT:
	case R_TDT:
		*e1000_reg(n, off) = v & 0xffff;
		return true;
	case R_RCTL:
	case R_TCTL:
		*e1000_reg(n, off) = v;
		return true;
	default:
		if (off < R_COUNTS || off >= R_COUNTS_END)
			*e1000_reg(n, off) = v;
	}
	return false;
}

static uint64_t mem_get(void *dev, uint64_t off, unsigned size)
{
	struct e1000 *n = dev;
	uint32_t v;

	(void)size;
	pthread_mutex_lock(&n->lock);
	v = reg_read(n, (unsigned)off);
	pthread_mutex_unlock(&n->lock);
	return v;
}

static void mem_put(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct e1000 *n = dev;
	bool kick;

	(void)size;
	pthread_mutex_lock(&n->lock);
	kick = reg_write(n, (unsigned)off, (uint32_t)v);
	pthread_mutex_unlock(&n->lock);
	if (kick && n->net)
		net_kick(n->net);
}

/* IOADDR and IODATA: the registers for who cannot reach memory (13.2.2). */
static uint64_t io_get(void *dev, uint64_t off, unsigned size)
{
	struct e1000 *n = dev;

	if (off == 0)
		return n->io_addr;
	return off == 4 && n->io_addr < E1000_REGS ? mem_get(dev, n->io_addr & ~3u, size) : 0;
}

static void io_put(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct e1000 *n = dev;

	if (off == 0)
		n->io_addr = (uint32_t)v;
	else if (off == 4 && n->io_addr < E1000_REGS)
		mem_put(dev, n->io_addr & ~3u, size, v);
}

static const struct bus_ops mem_ops = { mem_get, mem_put, 4, 4 };
static const struct bus_ops io_ops = { io_get, io_put, 4, 4 };

int e1000_new(struct e1000 **out, struct pci *p, struct mem *m, const struct config_net *c,
	      struct err *e)
{
	struct e1000 *n = mem_zalloc(1, sizeof(*n), e);
	const struct net_user u = { e1000_receive, e1000_transmit, n };
	int r;

	if (!n)
		return -ENOMEM;
	n->mem = m;
	pthread_mutex_init(&n->lock, NULL);
	e1000_nvm_init(n, c->mac);
	n->pci.name = "e1000";
	pci_ids(&n->pci, 0x8086, 0x100e, 0x020000);
	n->pci.config[PCI_REVISION] = 3;
	store_le16(n->pci.config + PCI_SUB_VENDOR, 0x1af4);
	store_le16(n->pci.config + PCI_SUB_DEVICE, 0x1100);
	n->pci.config[PCI_INT_PIN] = 1;
	pci_bar(&n->pci, 0, false, false, E1000_REGS, &mem_ops, n, NULL);
	pci_bar(&n->pci, 1, true, false, IO_SIZE, &io_ops, n, NULL);
	r = pci_add(p, &n->pci, c->pci.slot ? (int)c->pci.slot : -1, 0, e);
	if (r == 0) {
		e1000_reset(n);
		r = c->net ? 0 : net_open(c->kind, c->options, &u, &n->net, e);
	}
	if (r == 0 && c->net) {
		n->net = c->net;
		net_use(n->net, &u);
	}
	if (r < 0) {
		e1000_free(n);
		return r;
	}
	*out = n;
	return 0;
}

void e1000_reset(struct e1000 *n)
{
	pthread_mutex_lock(&n->lock);
	reset(n);
	pthread_mutex_unlock(&n->lock);
}

void e1000_free(struct e1000 *n)
{
	if (!n)
		return;
	net_close(n->net);
	pci_remove(&n->pci);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

const struct pci_dev *e1000_pci(const struct e1000 *n)
{
	return &n->pci;
}

struct net *e1000_net(const struct e1000 *n)
{
	return n->net;
}

struct net *e1000_let_go(struct e1000 *n)
{
	struct net *net = n->net;

	n->net = NULL;
	if (net)
		net_use(net, NULL);
	return net;
}
