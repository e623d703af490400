/* SPDX-License-Identifier: MIT */
/* Bus mastering: SFF-8038i. */
#include "base/bytes.h"
#include "emu/dev/ide_int.h"
#include "emu/mem.h"

#define PRD       8u
#define PRD_LAST  0x80000000u
#define TABLE_END 0x10000u /* a table lies within 64 KiB */

/* ---- the table, in the thread ---- */

static int64_t next(struct feed *f, struct sg *s, bool write)
{
	struct ide_channel *c = f->owner;
	int64_t all = 0;

	for (;;) {
		uint8_t raw[PRD];
		int64_t n;

		if (!c->prd_len) {
			if (c->prd_last)
				return all;
			if (mem_read(f->mem, c->prd_at, raw, PRD) < 0)
				return -EFAULT;
			c->prd_gpa = load_le32(raw) & ~1u;
			c->prd_len = load_le32(raw + 4) & 0xfffe;
			if (!c->prd_len)
				c->prd_len = 0x10000;
			c->prd_at += PRD;
			c->prd_last =
				(load_le32(raw + 4) & PRD_LAST) || !(c->prd_at % TABLE_END);
		}
		n = sg_add(s, f->mem, c->prd_gpa, c->prd_len, write);
		if (n < 0)
			return n;
		c->prd_gpa += (uint32_t)n;
		c->prd_len -= (uint32_t)n;
		all += n;
		if (c->prd_len)
			return all;
	}
}

void ide_dma_begin(struct ide_channel *c)
{
	c->prd_at = c->bm_table;
	c->prd_len = 0;
	c->prd_last = false;
	c->feed.next = next;
	feed_start(&c->feed);
}

int ide_dma_run(struct ide_channel *c)
{
	struct ata_drive *d = &ide_at_work(c)->ata;
	struct feed *f = &c->feed;
	int r = 0;

	if (c->packet)
		return c->cmd.op == SCSI_READ
			       ? feed_disk(f, d->disk, c->cmd.off, c->cmd.len, true)
			       : feed_buf(f, c->cmd.buf, c->cmd.len, true);
	if (c->plan.move != ATA_TRIM)
		return feed_disk(f, d->disk, c->plan.off, c->plan.len,
				 c->plan.move == ATA_READ);
	for (uint32_t i = 0; i < c->plan.len && r == 0; i += ATA_SECTOR) {
		r = feed_buf(f, c->buf, ATA_SECTOR, false);
		if (r == 0)
			r = ata_trim(d, c->buf);
	}
	return r;
}

void ide_dma_end(struct ide_channel *c, int result)
{
	if (result == -EFAULT || result == -EINVAL)
		c->bm_status |= BM_ERROR;
	/* a table with more than the drive moved stays active */
	if (c->prd_last && !c->prd_len && !c->feed.sg.len)
		c->bm_status &= (uint8_t)~BM_ACTIVE;
}

/* ---- registers ---- */

void ide_dma_try(struct ide_channel *c)
{
	if (c->state == IDE_WAIT && (c->bm_command & BM_START))
		ide_job(c);
}

static void set_command(struct ide_channel *c, uint8_t v)
{
	bool was = c->bm_command & BM_START;

	c->bm_command = v & (BM_START | BM_TO_MEM);
	if (!(v & BM_START)) {
		c->bm_status &= (uint8_t)~BM_ACTIVE;
	} else if (!was) {
		c->bm_status |= BM_ACTIVE;
		ide_dma_try(c);
	}
}

static uint64_t bm_read(void *dev, uint64_t off, unsigned size)
{
	struct ide *d = dev;
	struct ide_channel *c = &d->channel[off >> 3 & 1];
	uint64_t v;

	pthread_mutex_lock(&c->lock);
	switch (off & 7) {
	case 0:
		v = c->bm_command;
		break;
	case 2:
		v = c->bm_status;
		break;
	default:
		v = off & 4 ? c->bm_table >> 8 * (off & 3) : 0xff;
	}
	pthread_mutex_unlock(&c->lock);
	return size < 4 ? v & ((1u << 8 * size) - 1) : v;
}

static void bm_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ide *d = dev;
	struct ide_channel *c = &d->channel[off >> 3 & 1];
	uint32_t mask = size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
	unsigned shift = 8 * (off & 3);

	pthread_mutex_lock(&c->lock);
	switch (off & 7) {
	case 0:
		set_command(c, (uint8_t)v);
		break;
	case 2:
		c->bm_status = (uint8_t)((v & 0x60) | (c->bm_status & BM_ACTIVE) |
					 (c->bm_status & ~v & (BM_ERROR | BM_INT)));
		break;
	default:
		if (off & 4)
			c->bm_table = ((c->bm_table & ~(mask << shift)) | ((uint32_t)v & mask)
										  << shift) &
				      ~3u;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Registers are bytes but the table's address. */
const struct bus_ops ide_bm_ops = { bm_read, bm_write, 1, 4 };
