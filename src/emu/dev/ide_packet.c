/* SPDX-License-Identifier: MIT */
/* ATAPI: SCSI commands in packets (ATA8-ACS 7.23), their answers in pieces. */
#include "base/bytes.h"
#include "emu/dev/ide_int.h"

#include <string.h>

/* The count register then says what goes where. */
#define REASON_COMMAND 1u
#define REASON_IN      2u
#define KEY_SHIFT      4

void ide_packet_end(struct ide_channel *c)
{
	struct ide_unit *u = ide_at_work(c);
	bool ok = c->cmd.status == SCSI_GOOD;

	c->packet = false;
	u->count = REASON_COMMAND | REASON_IN;
	ide_done(c, (uint8_t)(ATA_DRDY | ATA_DSC | (ok ? 0 : ATA_ERR)),
		 (uint8_t)(ok ? 0 : c->cmd.sense[2] << KEY_SHIFT | ATA_ABRT));
}

/* What the guest takes at a time. */
static uint32_t limit(const struct ide_unit *u)
{
	uint32_t n = (u->lbam & 255u) | (u->lbah & 255u) << 8;

	/* an odd number only at the end */
	return !n || n == 0xffff ? 0xfffe : n > 1 ? n & ~1u : 2;
}

void ide_packet_next(struct ide_channel *c)
{
	struct ide_unit *u = ide_at_work(c);
	uint32_t n;

	if (c->end == c->have) {
		if (c->done == c->cmd.len) {
			ide_packet_end(c);
			return;
		}
		ide_job(c);
		return;
	}
	n = c->have - c->end;
	n = n < c->plan.block ? n : c->plan.block;
	u->count = REASON_IN;
	u->lbam = n & 255;
	u->lbah = (uint16_t)(n >> 8);
	ide_window(c, IDE_IN, c->end, c->end + n);
	ide_raise(c);
}

void ide_packet_start(struct ide_channel *c)
{
	struct ide_unit *u = ide_at_work(c);

	c->packet = true;
	memset(c->cmd.cdb, 0, sizeof(c->cmd.cdb));
	memcpy(c->cmd.cdb, c->buf, CDB_LEN);
	scsi_decode(&u->ata.unit, &c->cmd);
	c->plan.block = limit(u);
	c->done = 0;
	c->have = c->at = c->end = 0;
	switch (c->cmd.op) {
	case SCSI_IN:
	case SCSI_READ:
		if (!c->cmd.len)
			break;
		if (c->plan.dma) {
			u->count = REASON_IN;
			ide_window(c, IDE_WAIT, 0, 0);
			ide_dma_try(c);
		} else if (c->cmd.op == SCSI_READ) {
			ide_job(c);
		} else {
			memcpy(c->buf, c->cmd.buf, c->cmd.len);
			c->have = (uint32_t)c->cmd.len;
			c->done = c->cmd.len;
			ide_packet_next(c);
		}
		return;
	default:
		break;
	}
	ide_packet_end(c);
}
