/* SPDX-License-Identifier: MIT */
/* Commands from the list in memory (AHCI 4.2.2), and their work. */
#include "base/bytes.h"
#include "emu/dev/ahci_int.h"
#include "emu/mem.h"

#include <string.h>

#define HEADER    32u
#define FIS_H2D   0x27
#define FIS_CMD   0x80 /* a command, not the control register */
#define CTL_SRST  0x04
#define H_ATAPI   0x20u
#define H_RESET   0x100u
#define H_CLEAR   0x400u /* BSY goes as soon as it was sent */
#define TABLE_CDB 0x40u
#define TABLE_PRD 0x80u
#define PRD       16u
#define PRD_BYTES 0x3fffffu

/* ---- pieces, in the thread ---- */

int64_t ahci_pieces(struct feed *f, struct sg *s, bool write)
{
	struct ahci_slot *slot = f->owner;
	int64_t all = 0;

	for (;;) {
		uint8_t raw[PRD];
		int64_t n;

		if (!slot->left) {
			if (slot->entry == slot->entries)
				return all;
			if (mem_read(f->mem,
				     slot->table + TABLE_PRD + (uint64_t)slot->entry * PRD, raw,
				     PRD) < 0)
				return -EFAULT;
			slot->entry++;
			slot->gpa = load_le64(raw) & ~UINT64_C(1);
			slot->left = (load_le32(raw + 12) & PRD_BYTES) + 1;
		}
		n = sg_add(s, f->mem, slot->gpa, slot->left, write);
		if (n < 0)
			return n;
		slot->gpa += (uint64_t)n;
		slot->left -= (uint32_t)n;
		all += n;
		if (slot->left)
			return all;
	}
}

static int packet(struct ahci_slot *s, struct ata_drive *d)
{
	struct scsi_cmd *c = s->cmd;
	int r = 0;

	scsi_decode(&d->unit, c);
	if (c->op == SCSI_IN)
		r = feed_buf(&s->feed, c->buf, c->len, true);
	else if (c->op == SCSI_READ)
		r = feed_disk(&s->feed, d->disk, c->off, c->len, true);
	if (r < 0)
		scsi_io_error(&d->unit, c, r, false);
	s->plan.status = ATA_DRDY | ATA_DSC;
	s->plan.count = 3; /* over, in the words of ATAPI */
	s->plan.lba = 0;
	if (c->status != SCSI_GOOD) {
		s->plan.status |= ATA_ERR;
		s->plan.error = (uint8_t)(c->sense[2] << 4 | ATA_ABRT);
	}
	return 0;
}

static int work(struct ahci_slot *s, struct ata_drive *d)
{
	struct ata_plan *p = &s->plan;
	int r = 0;

	switch (p->move) {
	case ATA_PACKET:
		return packet(s, d);
	case ATA_FLUSH:
		return ata_flush(d);
	case ATA_GIVE:
		return feed_buf(&s->feed, p->buf, p->len, true);
	case ATA_READ:
		return feed_disk(&s->feed, d->disk, p->off, p->len, true);
	case ATA_WRITE:
		r = feed_disk(&s->feed, d->disk, p->off, p->len, false);
		if (r == 0 && (p->fua || !d->write_cache))
			r = ata_flush(d);
		return r;
	case ATA_TRIM:
		for (uint32_t i = 0; i < p->len && r == 0; i += ATA_SECTOR) {
			r = feed_buf(&s->feed, s->sector, ATA_SECTOR, false);
			if (r == 0)
				r = ata_trim(d, s->sector);
		}
		return r;
	default:
		return 0;
	}
}

/* ---- ends ---- */

/* PRDBC: how many bytes were moved. */
static void moved(struct ahci_slot *s)
{
	struct ahci_port *p = s->port;
	uint8_t n[4];
	int r;

	store_le32(n, (uint32_t)s->feed.moved);
	r = mem_write(p->a->env.mem, p->list + HEADER * s->n + 4, n, 4);
	if (r < 0)
		ahci_port_is(p, IS_HBF);
}

/* The lock is held. */
static void finish(struct ahci_slot *s)
{
	struct ahci_port *p = s->port;
	struct ata_plan *plan = &s->plan;
	bool error = plan->status & ATA_ERR;

	p->at_work &= ~(1u << s->n);
	if (plan->queued) {
		ahci_fis_sdb(p, error ? 0 : 1u << plan->tag, plan->status, plan->error);
	} else {
		moved(s);
		if (!error)
			p->ci &= ~(1u << s->n);
		if (!error && !plan->dma && s->feed.moved)
			ahci_fis_pio(p, plan, (uint32_t)s->feed.moved);
		ahci_fis_d2h(p, plan, true);
	}
	if (error) {
		p->stuck = true;
		p->cmd = (p->cmd & ~CCS(31u)) | CCS(s->n);
		ahci_port_is(p, IS_TFE);
	}
	ahci_start(p);
}

void ahci_run(struct job *j, unsigned worker)
{
	struct ahci_slot *s = j->arg;
	struct ahci_port *p = s->port;
	unsigned generation;
	int r;

	(void)worker;
	pthread_mutex_lock(&p->lock);
	generation = p->generation;
	pthread_mutex_unlock(&p->lock);
	/* the slot is this job's: resets wait for its end */
	feed_start(&s->feed);
	disk_begin(p->ata.disk);
	r = work(s, &p->ata);
	disk_end(p->ata.disk);
	pthread_mutex_lock(&p->lock);
	if (generation == p->generation) {
		ata_finish(&s->plan, r);
		finish(s);
	}
	pthread_mutex_unlock(&p->lock);
}

/* ---- beginnings ---- */

static struct ata_regs registers(const uint8_t *f)
{
	return (struct ata_regs){
		.feature = (uint16_t)(f[3] | f[11] << 8),
		.count = (uint16_t)(f[12] | f[13] << 8),
		.lba = f[4] | f[5] << 8 | f[6] << 16 | (uint64_t)f[8] << 24 |
		       (uint64_t)f[9] << 32 | (uint64_t)f[10] << 40,
		.device = f[7],
		.command = f[2],
	};
}

/* A FIS that is no command: the software reset of ATA, in two of them. */
static void control(struct ahci_slot *s, uint8_t ctl)
{
	struct ahci_port *p = s->port;
	uint32_t sig = ata_signature(&p->ata);

	p->ci &= ~(1u << s->n);
	if (ctl & CTL_SRST)
		return;
	s->plan = (struct ata_plan){ .status = p->ata.cdrom ? 0 : ATA_DRDY | ATA_DSC,
				     .error = 1,
				     .count = sig & 255,
				     .lba = sig >> 8 };
	p->sig = sig;
	ahci_fis_d2h(p, &s->plan, false);
}

static void reset_command(struct ahci_slot *s)
{
	struct ahci_port *p = s->port;
	uint32_t sig = ata_signature(&p->ata);

	s->plan.count = sig & 255;
	s->plan.lba = sig >> 8;
	p->at_work |= 1u << s->n;
	finish(s);
}

/* Fetches the command in slot @s and hands it over.  False: there is none to fetch. */
static bool begin(struct ahci_slot *s)
{
	struct ahci_port *p = s->port;
	struct mem *m = p->a->env.mem;
	uint8_t head[HEADER], fis[20];
	struct ata_regs r;

	if (mem_read(m, p->list + HEADER * s->n, head, HEADER) < 0)
		return false;
	s->table = load_le64(head + 8) & ~UINT64_C(0x7f);
	s->entries = load_le16(head + 2);
	s->entry = s->left = 0;
	if (mem_read(m, s->table, fis, sizeof(fis)) < 0 || fis[0] != FIS_H2D)
		return false;
	if (!(fis[1] & FIS_CMD)) {
		feed_start(&s->feed);
		control(s, fis[15]);
		return true;
	}
	r = registers(fis);
	ata_plan(&p->ata, &r, &s->plan);
	feed_start(&s->feed);
	if (s->plan.move == ATA_PACKET) {
		memset(s->cmd->cdb, 0, sizeof(s->cmd->cdb));
		if (mem_read(m, s->table + TABLE_CDB, s->cmd->cdb, 12) < 0)
			return false;
	}
	if (s->plan.move == ATA_RESET) {
		reset_command(s);
		return true;
	}
	/* a queued command is off the list as soon as it is taken */
	if (s->plan.queued)
		p->ci &= ~(1u << s->n);
	else
		p->tfd |= ATA_BSY;
	p->at_work |= 1u << s->n;
	jobs_do(p->a->jobs, &s->job);
	return true;
}

static bool is_queued(const struct ahci_port *p)
{
	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		if (p->at_work >> i & 1)
			return p->slot[i].plan.queued;
	return true;
}

void ahci_start(struct ahci_port *p)
{
	/* one command at a time, but that queued ones go together */
	while ((p->cmd & CMD_ST) && !p->stuck && p->ata.present && is_queued(p)) {
		uint32_t ready = p->ci & ~p->at_work;
		unsigned n;

		if (!ready)
			return;
		n = (unsigned)__builtin_ctz(ready);
		if (p->at_work && !(p->sact >> n & 1))
			return;
		if (!begin(&p->slot[n])) {
			p->stuck = true;
			ahci_port_is(p, IS_HBF);
		}
	}
}
