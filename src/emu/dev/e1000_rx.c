/* SPDX-License-Identifier: MIT */
/* Frames for the guest (3.2). */
#include "emu/dev/e1000_int.h"

#define SHORTEST 60u
#define FCS      4u
#define LONGEST  1518u
#define RING_MAX 65536u

#define RCTL_EN    0x00000002u
#define RCTL_UPE   0x00000008u /* any card's */
#define RCTL_MPE   0x00000010u /* any group's */
#define RCTL_LPE   0x00000020u /* long ones */
#define RCTL_BAM   0x00008000u
#define RCTL_BSEX  0x02000000u
#define RCTL_SECRC 0x04000000u

#define S_DONE 0x01
#define S_END  0x02
#define S_IXSM 0x04 /* its sums were not looked at */

static unsigned buffer_size(uint32_t rctl)
{
	unsigned size = 2048u >> (rctl >> 16 & 3);

	return rctl & RCTL_BSEX && size != 2048 ? 16 * size : size;
}

static bool to_me(const struct e1000 *n, const uint8_t *to)
{
	for (unsigned i = 0; i < 16; i++) {
		uint32_t low = n->reg[R_RAL / 4 + 2 * i], high = n->reg[R_RAL / 4 + 2 * i + 1];

		if (high >> 31 && low == load_le32(to) && (high & 0xffff) == load_le16(to + 4))
			return true;
	}
	return false;
}

/* 13.5.1: twelve bits of the address choose a bit of the table. */
static bool in_group(const struct e1000 *n, const uint8_t *to, uint32_t rctl)
{
	static const uint8_t shifts[4] = { 4, 3, 2, 0 };
	unsigned bit = (load_le16(to + 4) >> shifts[rctl >> 12 & 3]) & 0xfff;

	return n->reg[R_MTA / 4 + bit / 32] >> bit % 32 & 1;
}

static bool wanted(const struct e1000 *n, const uint8_t *frame, size_t len)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	uint32_t rctl = n->reg[R_RCTL / 4];

	if (len > LONGEST && !(rctl & RCTL_LPE))
		return false;
	if (!memcmp(frame, all, 6))
		return rctl & (RCTL_BAM | RCTL_MPE | RCTL_UPE);
	if (frame[0] & 1)
		return rctl & RCTL_MPE || in_group(n, frame, rctl);
	return rctl & RCTL_UPE || to_me(n, frame);
}

/* One buffer of the ring; false: the ring is none. */
static bool fill(struct e1000 *n, const uint8_t *p, size_t len, size_t count, bool last)
{
	uint32_t *head = e1000_reg(n, R_RDH), size = n->reg[R_RDLEN / 4] / DESC;
	uint64_t at = ((uint64_t)n->reg[R_RDBAH / 4] << 32 | n->reg[R_RDBAL / 4]) +
		      (uint64_t)*head * DESC;
	uint8_t d[DESC];

	if (mem_read(n->mem, at, d, DESC) < 0)
		return false;
	/* a buffer that is nowhere loses its bytes, and comes back */
	if (len && load_le64(d) && mem_write(n->mem, load_le64(d), p, len) < 0)
		count = 0;
	store_le16(d + 8, (uint16_t)count);
	store_le16(d + 10, 0);
	d[12] = S_DONE | S_IXSM | (last ? S_END : 0);
	d[13] = 0;
	store_le16(d + 14, 0);
	if (mem_write(n->mem, at + 8, d + 8, DESC - 8) < 0)
		return false;
	*head = *head + 1 < size ? *head + 1 : 0;
	return true;
}

static unsigned left(const struct e1000 *n)
{
	uint32_t size = n->reg[R_RDLEN / 4] / DESC, h = n->reg[R_RDH / 4],
		 t = n->reg[R_RDT / 4];

	if (size > RING_MAX || h >= size || t >= size)
		return 0;
	return h <= t ? t - h : size - h + t;
}

/* False: there is no room. */
static bool put(struct e1000 *n, const uint8_t *frame, size_t len)
{
	uint32_t rctl = n->reg[R_RCTL / 4];
	size_t size = buffer_size(rctl), total = len + (rctl & RCTL_SECRC ? 0 : FCS), done = 0;
	unsigned buffers = (unsigned)((total + size - 1) / size), free = left(n);

	if (free < buffers) {
		e1000_raise(n, I_RXO);
		return false;
	}
	while (done < total) {
		size_t take = total - done < size ? total - done : size;
		/* the check sequence is left as it is: nobody looks at it */
		size_t bytes = done >= len ? 0 : len - done < take ? len - done : take;

		if (!fill(n, frame + (done < len ? done : 0), bytes, take,
			  done + take == total))
			return true;
		done += take;
	}
	(*e1000_reg(n, R_GPRC))++;
	free = left(n);
	e1000_raise(n, I_RXT0 | (free <= n->reg[R_RDLEN / 4] / DESC >> ((rctl >> 8 & 3) + 1)
					 ? I_RXDMT0
					 : 0));
	return true;
}

bool e1000_receive(void *arg, const uint8_t *frame, size_t len)
{
	struct e1000 *n = arg;
	uint8_t padded[SHORTEST] = { 0 };
	bool taken = true;

	if (len < 14)
		return true;
	if (len < SHORTEST) {
		memcpy(padded, frame, len);
		frame = padded;
		len = SHORTEST;
	}
	pthread_mutex_lock(&n->lock);
	/* a card that is off loses what comes */
	if ((n->reg[R_RCTL / 4] & RCTL_EN) && e1000_master(n) && wanted(n, frame, len))
		taken = put(n, frame, len);
	pthread_mutex_unlock(&n->lock);
	return taken;
}
