/* SPDX-License-Identifier: MIT */
/* Between e1000.c, e1000_nvm.c, e1000_rx.c and e1000_tx.c. */
#ifndef EMU_DEV_E1000_INT_H
#define EMU_DEV_E1000_INT_H

#include "base/bytes.h"
#include "emu/dev/e1000.h"
#include "emu/mem.h"
#include "emu/net/net.h"

#include <string.h>

#define E1000_REGS 0x20000u
#define DESC       16u

/* Registers (13.4) that do more than keep what was written. */
enum {
	R_CTRL = 0x0000,
	R_STATUS = 0x0008,
	R_EECD = 0x0010,
	R_EERD = 0x0014,
	R_MDIC = 0x0020,
	R_ICR = 0x00c0,
	R_ICS = 0x00c8,
	R_IMS = 0x00d0,
	R_IMC = 0x00d8,
	R_RCTL = 0x0100,
	R_TCTL = 0x0400,
	R_RDBAL = 0x2800,
	R_RDBAH = 0x2804,
	R_RDLEN = 0x2808,
	R_RDH = 0x2810,
	R_RDT = 0x2818,
	R_TDBAL = 0x3800,
	R_TDBAH = 0x3804,
	R_TDLEN = 0x3808,
	R_TDH = 0x3810,
	R_TDT = 0x3818,
	R_COUNTS = 0x4000, /* statistics, cleared by reading */
	R_COUNTS_END = 0x4128,
	R_GPRC = 0x4074,
	R_GPTC = 0x4080,
	R_MPC = 0x4010,
	R_MTA = 0x5200,
	R_RAL = 0x5400,
};
/* Causes of interrupts. */
#define I_TXDW   0x01u
#define I_TXQE   0x02u
#define I_LSC    0x04u
#define I_RXDMT0 0x10u
#define I_RXO    0x40u
#define I_RXT0   0x80u
#define I_MDAC   0x200u

#define TCTL_EN 0x02u

/* What a context descriptor says of the packets behind it (3.3.6). */
struct e1000_context {
	uint8_t ipcss, ipcso, tucss, tucso, hdr_len;
	uint16_t ipcse, tucse, mss;
	bool ip4, tcp;
};

struct e1000 {
	struct pci_dev pci;
	struct mem *mem;
	struct net *net;
	pthread_mutex_t lock; /* what follows; not held while the network is called */
	uint32_t reg[E1000_REGS / 4];
	uint32_t icr, ims;
	unsigned resets;
	uint32_t io_addr;
	/* EEPROM, as its wires are. */
	uint16_t eeprom[64];
	struct {
		unsigned bits; /* clocked in since it was selected */
		uint16_t command;
		uint32_t out; /* bit 16 is on the wire */
		bool clock, selected;
	} wire;
	uint16_t phy[32];
	/* The network's thread. */
	struct e1000_context context;
	uint8_t packet[NET_FRAME], frame[NET_FRAME];
	size_t len; /* of the packet so far */
	bool too_long;
	uint8_t options; /* of its first descriptor: which sums it wants */
	bool segments;
};

static inline uint32_t *e1000_reg(struct e1000 *n, unsigned off)
{
	return &n->reg[off / 4];
}

/* The lock is held: these causes have come up. */
void e1000_raise(struct e1000 *n, uint32_t causes);
bool e1000_master(const struct e1000 *n);

/* For net.h. */
bool e1000_receive(void *arg, const uint8_t *frame, size_t len);
void e1000_transmit(void *arg, struct net *net);

void e1000_nvm_init(struct e1000 *n, const uint8_t mac[6]);
void e1000_phy_reset(struct e1000 *n);
uint32_t e1000_eecd_read(const struct e1000 *n);
void e1000_eecd_write(struct e1000 *n, uint32_t v);
uint32_t e1000_eerd(const struct e1000 *n, uint32_t v);
uint32_t e1000_mdic(struct e1000 *n, uint32_t v);

#endif
