/* SPDX-License-Identifier: MIT */
/* The EEPROM behind its wires and registers (5.3, 5.4), and the PHY (a Marvell 88E1011). */
#include "emu/dev/e1000_int.h"

#define WORDS   64u
#define SUM     0xbabau
#define PHY     1u /* its address */
#define PHY_ID1 0x0141
#define PHY_ID2 0x0c20

/* EECD */
#define EE_CLOCK  0x01u
#define EE_SELECT 0x02u
#define EE_IN     0x04u /* to the EEPROM */
#define EE_OUT    0x08u
#define EE_ASK    0x40u
#define EE_GRANT  0x80u
#define EE_THERE  0x100u

/* A start bit, two of the operation, six of the address. */
#define COMMAND_BITS 9u
#define OP_READ      6u

void e1000_nvm_init(struct e1000 *n, const uint8_t mac[6])
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < 3; i++)
		n->eeprom[i] = load_le16(mac + 2 * i);
	n->eeprom[0x0a] = 0x4408;
	n->eeprom[0x0b] = 0x1100;
	n->eeprom[0x0c] = 0x1af4;
	n->eeprom[0x0d] = 0x100e;
	n->eeprom[0x0e] = 0x8086;
	n->eeprom[0x0f] = 0x3040;
	for (unsigned i = 0; i < WORDS - 1; i++)
		sum = (uint16_t)(sum + n->eeprom[i]);
	n->eeprom[WORDS - 1] = (uint16_t)(SUM - sum);
}

uint32_t e1000_eecd_read(const struct e1000 *n)
{
	uint32_t v = n->reg[R_EECD / 4] | EE_THERE;

	if (v & EE_ASK)
		v |= EE_GRANT;
	/* nothing is driven but the word that was asked for */
	if (!n->wire.selected || n->wire.bits < COMMAND_BITS || n->wire.out & 0x10000)
		v |= EE_OUT;
	return v;
}

static void clocked(struct e1000 *n, bool in)
{
	if (n->wire.bits >= COMMAND_BITS) {
		n->wire.out <<= 1;
		/* word after word, while it is clocked */
		if (++n->wire.bits == COMMAND_BITS + 17) {
			n->wire.command++;
			n->wire.out = (uint32_t)n->eeprom[n->wire.command % WORDS] << 1;
			n->wire.bits = COMMAND_BITS + 1;
		}
		return;
	}
	/* zeroes before the start bit are none of it */
	if (!n->wire.bits && !in)
		return;
	n->wire.command = (uint16_t)(n->wire.command << 1 | in);
	if (++n->wire.bits < COMMAND_BITS)
		return;
	/* a zero comes in front of the word; what is no read finds it write protected */
	n->wire.out = 0;
	if (n->wire.command >> 6 == OP_READ)
		n->wire.out = n->eeprom[n->wire.command % WORDS];
}

void e1000_eecd_write(struct e1000 *n, uint32_t v)
{
	bool clock = v & EE_CLOCK, selected = v & EE_SELECT;

	n->reg[R_EECD / 4] = v & (EE_CLOCK | EE_SELECT | EE_IN | EE_ASK);
	if (!selected || !n->wire.selected) {
		n->wire.bits = 0;
		n->wire.command = 0;
	}
	if (selected && clock && !n->wire.clock)
		clocked(n, v & EE_IN);
	n->wire.clock = clock;
	n->wire.selected = selected;
}

uint32_t e1000_eerd(const struct e1000 *n, uint32_t v)
{
	unsigned at = v >> 8 & 0xff;

	if (!(v & 1))
		return v;
	return (at < WORDS ? (uint32_t)n->eeprom[at] << 16 : 0) | at << 8 | 0x10;
}

void e1000_phy_reset(struct e1000 *n)
{
	static const struct {
		uint8_t at;
		uint16_t v;
	} values
		[] = {
			{ 0x00, 0x1140 }, /* control: negotiates, full duplex, 1000 */
			{ 0x01, 0x796d }, /* status: done, link */
			{ 0x02, PHY_ID1 }, { 0x03, PHY_ID2 },
			{ 0x04, 0x0de1 }, /* what it offers, and the other side */
			{ 0x05, 0x45e1 },  { 0x06, 0x0001 },
			{ 0x09, 0x0e00 },  { 0x0a, 0x3c00 },
			{ 0x0f, 0x3000 },  { 0x10, 0x0360 },
			{ 0x11, 0xac08 }, /* 1000, full duplex, resolved, link */
			{ 0x14, 0x0d60 },
		};

	memset(n->phy, 0, sizeof(n->phy));
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		n->phy[values[i].at] = values[i].v;
}

/* What a driver may change, and what comes of it. */
static void phy_write(struct e1000 *n, unsigned at, uint16_t v)
{
	switch (at) {
	case 0x00:
		if (v & 0x8000)
			e1000_phy_reset(n);
		else
			n->phy[0] = v & 0x3dff; /* a reset and a negotiation end at once */
		if (v & 0x0200) {
			*e1000_reg(n, R_STATUS) |= 2;
			e1000_raise(n, I_LSC);
		}
		break;
	case 0x04:
	case 0x09:
	case 0x10:
	case 0x14:
		n->phy[at] = v;
		break;
	default:
		break;
	}
}

uint32_t e1000_mdic(struct e1000 *n, uint32_t v)
{
	unsigned at = v >> 16 & 31, op = v >> 26 & 3;

	if ((v >> 21 & 31) != PHY || (op != 1 && op != 2)) {
		v |= 1u << 30;
	} else if (op == 1) {
		phy_write(n, at, (uint16_t)v);
	} else {
		v = (v & 0xffff0000) | n->phy[at];
	}
	if (v & 1u << 29)
		e1000_raise(n, I_MDAC);
	return v | 1u << 28;
}
