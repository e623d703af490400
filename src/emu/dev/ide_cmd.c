/* SPDX-License-Identifier: MIT */
/* Commands, and bytes that go through the data port. */
#include "base/bytes.h"
#include "emu/dev/ide_int.h"
#include "img/blk.h"

#include <string.h>

void ide_done(struct ide_channel *c, uint8_t status, uint8_t error)
{
	struct ide_unit *u = ide_at_work(c);

	c->state = IDE_IDLE;
	u->status = status;
	u->error = error;
	ide_raise(c);
}

void ide_window(struct ide_channel *c, enum ide_state s, uint32_t at, uint32_t end)
{
	c->state = s;
	c->at = at;
	c->end = end;
	ide_at_work(c)->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

void ide_job(struct ide_channel *c)
{
	c->state = IDE_JOB;
	ide_at_work(c)->status = ATA_BSY | ATA_DSC;
	jobs_do(c->jobs, &c->job);
}

static void finish(struct ide_channel *c)
{
	struct ata_plan *p = &c->plan;
	struct ide_unit *u = ide_at_work(c);

	if (p->has_lba) {
		u->lbal = (uint16_t)((p->lba & 255) | (p->lba >> 24 & 255) << 8);
		u->lbam = (uint16_t)((p->lba >> 8 & 255) | (p->lba >> 32 & 255) << 8);
		u->lbah = (uint16_t)((p->lba >> 16 & 255) | (p->lba >> 40 & 255) << 8);
		/* the short command has the last four bits elsewhere */
		if (p->lba >> 28 == 0)
			u->device = (uint8_t)((u->device & 0xf0) | (p->lba >> 24 & 15));
	}
	if (p->has_count)
		u->count = p->count;
	ide_done(c, p->status, p->error);
}

static void reset_command(struct ide_channel *c)
{
	struct ide_unit *u = ide_at_work(c);
	bool all = c->plan.error == 1; /* EXECUTE DEVICE DIAGNOSTIC is both drives' */

	for (unsigned i = 0; i < 2; i++) {
		if (!all && &c->unit[i] != u)
			continue;
		ide_signature(&c->unit[i]);
		c->unit[i].error = c->plan.error;
		c->unit[i].status = c->unit[i].ata.cdrom ? 0 : ATA_DRDY | ATA_DSC;
	}
	c->state = IDE_IDLE;
	if (c->plan.status & ATA_ERR) {
		u->status = c->plan.status;
		ide_raise(c);
	} else if (all) {
		c->selected = 0;
		ide_raise(c);
	}
}

/* The next block of a PIO transfer. */
static uint32_t next_block(const struct ide_channel *c)
{
	uint64_t n = c->plan.len - c->done;

	n = n < c->plan.block ? n : c->plan.block;
	return (uint32_t)(n < IDE_BUF ? n : IDE_BUF);
}

void ide_command(struct ide_channel *c, uint8_t command)
{
	struct ide_unit *u = &c->unit[c->selected];
	const struct ata_regs r = {
		.feature = u->feature,
		.count = u->count,
		.lba = (u->lbal & 255) | (u->lbam & 255) << 8 |
		       (uint64_t)(u->lbah & 255) << 16 | (uint64_t)(u->lbal >> 8) << 24 |
		       (uint64_t)(u->lbam >> 8) << 32 | (uint64_t)(u->lbah >> 8) << 40,
		.device = u->device,
		.command = command,
	};

	/* DEVICE RESET of a drive at work: what is in work ends, but is not told of */
	if (c->state != IDE_IDLE) {
		if (!u->ata.cdrom || c->selected != c->active || c->state == IDE_JOB)
			return;
		c->generation++;
	}
	c->active = c->selected;
	c->done = 0;
	c->packet = false;
	u->error = 0;
	ata_plan(&u->ata, &r, &c->plan);
	switch (c->plan.move) {
	case ATA_NONE:
		finish(c);
		break;
	case ATA_RESET:
		reset_command(c);
		break;
	case ATA_GIVE:
		memcpy(c->buf, c->plan.buf, c->plan.len);
		c->done = c->plan.len;
		ide_window(c, IDE_IN, 0, c->plan.len);
		ide_raise(c);
		break;
	case ATA_PACKET:
		u->count = 1; /* a command comes */
		ide_window(c, IDE_CDB, 0, CDB_LEN);
		break;
	case ATA_FLUSH:
		ide_job(c);
		break;
	default:
		if (c->plan.dma) {
			ide_window(c, IDE_WAIT, 0, 0);
			ide_dma_try(c);
		} else if (c->plan.move == ATA_READ) {
			ide_job(c);
		} else {
			ide_window(c, IDE_OUT, 0, next_block(c));
		}
	}
}

void ide_window_end(struct ide_channel *c)
{
	if (c->state == IDE_CDB) {
		ide_packet_start(c);
	} else if (c->state == IDE_OUT) {
		ide_job(c);
	} else if (c->packet) {
		ide_packet_next(c);
	} else if (c->done < c->plan.len) {
		ide_job(c);
	} else {
		/* the last block was told of when it was ready */
		c->state = IDE_IDLE;
		ide_at_work(c)->status = c->plan.status;
	}
}

/* ---- in the thread ---- */

static int pio(struct ide_channel *c, struct disk *d, uint32_t n)
{
	uint64_t off = c->plan.off + c->done;
	bool write = c->plan.move == ATA_WRITE;
	int r;

	do
		r = write ? blk_pwrite(d->image, c->buf, n, off, NULL)
			  : blk_pread(d->image, c->buf, n, off, NULL);
	while (disk_again(d, &r, write));
	return r;
}

static int work(struct ide_channel *c, struct ata_drive *d)
{
	int r;

	if (c->packet && !c->plan.dma) {
		uint64_t left = c->cmd.len - c->done;
		uint32_t n = (uint32_t)min_u64(left, IDE_BUF);

		do
			r = !d->disk->image ? -ENOMEDIUM
					    : blk_pread(d->disk->image, c->buf, n,
							c->cmd.off + c->done, NULL);
		while (disk_again(d->disk, &r, false));
		c->have = n;
		return r;
	}
	if (c->plan.move == ATA_FLUSH)
		return ata_flush(d);
	r = c->plan.dma ? ide_dma_run(c) : pio(c, d->disk, next_block(c));
	/* with the cache off, or where the command asks for it, written is written */
	if (r == 0 && c->plan.move == ATA_WRITE && (c->plan.fua || !d->write_cache))
		r = ata_flush(d);
	return r;
}

static void worked(struct ide_channel *c, int r)
{
	if (c->packet && r < 0)
		scsi_io_error(&ide_at_work(c)->ata.unit, &c->cmd, r, false);
	if (c->plan.dma)
		ide_dma_end(c, r);
	if (c->packet) {
		c->done += c->plan.dma ? c->cmd.len : c->have;
		c->at = c->end = 0;
		if (r < 0 || c->plan.dma)
			ide_packet_end(c);
		else
			ide_packet_next(c);
		return;
	}
	ata_finish(&c->plan, r);
	if (r < 0 || c->plan.dma || c->plan.move == ATA_FLUSH) {
		finish(c);
		return;
	}
	if (c->plan.move == ATA_READ) {
		uint32_t n = next_block(c);

		c->done += n;
		ide_window(c, IDE_IN, 0, n);
		ide_raise(c);
		return;
	}
	c->done += next_block(c);
	if (c->done == c->plan.len) {
		finish(c);
		return;
	}
	ide_window(c, IDE_OUT, 0, next_block(c));
	ide_raise(c);
}

void ide_run(struct job *j, unsigned worker)
{
	struct ide_channel *c = j->arg;
	struct disk *d;
	unsigned generation;
	int r;

	(void)worker;
	pthread_mutex_lock(&c->lock);
	generation = c->generation;
	if (c->plan.dma)
		ide_dma_begin(c);
	pthread_mutex_unlock(&c->lock);
	/* nobody else touches what a job uses: a reset waits for its end */
	d = ide_at_work(c)->ata.disk;
	disk_begin(d);
	r = work(c, &ide_at_work(c)->ata);
	disk_end(d);
	pthread_mutex_lock(&c->lock);
	if (generation == c->generation)
		worked(c, r);
	pthread_mutex_unlock(&c->lock);
}
