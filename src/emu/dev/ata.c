/* SPDX-License-Identifier: MIT */
#include "emu/dev/ata.h"

#include "base/bytes.h"
#include "img/blk.h"

#include <string.h>

#define LBA      0x40 /* of the device register */
#define LBA28    (UINT64_C(1) << 28)
#define TRIM_NUM 64u

enum {
	CMD_NOP = 0x00,
	CMD_TRIM = 0x06,
	CMD_DEVICE_RESET = 0x08,
	CMD_RECALIBRATE = 0x10, /* to 0x1f */
	CMD_READ = 0x20,
	CMD_READ_EXT = 0x24,
	CMD_READ_DMA_EXT = 0x25,
	CMD_MAX_EXT = 0x27,
	CMD_READ_MULTIPLE_EXT = 0x29,
	CMD_WRITE = 0x30,
	CMD_WRITE_EXT = 0x34,
	CMD_WRITE_DMA_EXT = 0x35,
	CMD_WRITE_MULTIPLE_EXT = 0x39,
	CMD_WRITE_DMA_FUA = 0x3d,
	CMD_VERIFY = 0x40,
	CMD_VERIFY_EXT = 0x42,
	CMD_READ_QUEUED = 0x60,
	CMD_WRITE_QUEUED = 0x61,
	CMD_SEEK = 0x70, /* to 0x7f */
	CMD_DIAGNOSTIC = 0x90,
	CMD_SET_GEOMETRY = 0x91,
	CMD_PACKET = 0xa0,
	CMD_IDENTIFY_PACKET = 0xa1,
	CMD_READ_MULTIPLE = 0xc4,
	CMD_WRITE_MULTIPLE = 0xc5,
	CMD_SET_MULTIPLE = 0xc6,
	CMD_READ_DMA = 0xc8,
	CMD_WRITE_DMA = 0xca,
	CMD_WRITE_MULTIPLE_FUA = 0xce,
	CMD_POWER_94 = 0x94, /* to 0x99, the same as the next */
	CMD_STANDBY_NOW = 0xe0,
	CMD_CHECK_POWER = 0xe5,
	CMD_SLEEP = 0xe6,
	CMD_FLUSH = 0xe7,
	CMD_FLUSH_EXT = 0xea,
	CMD_IDENTIFY = 0xec,
	CMD_FEATURES = 0xef,
	CMD_MAX = 0xf8,
};

void ata_init(struct ata_drive *d, struct disk *disk, bool cdrom, unsigned number)
{
	*d = (struct ata_drive){
		.disk = disk, .cdrom = cdrom, .present = true, .number = number
	};
	if (cdrom)
		scsi_init(&d->unit, disk, true);
	ata_reset(d);
}

void ata_fini(struct ata_drive *d)
{
	if (d->present && d->cdrom)
		scsi_fini(&d->unit);
}

void ata_reset(struct ata_drive *d)
{
	d->multiple = ATA_MULTIPLE_MAX;
	d->write_cache = true;
	d->mode = 0x45; /* UDMA 5 */
	d->heads = 16;
	d->sectors = 63;
	if (d->present && d->cdrom)
		scsi_reset(&d->unit);
}

uint32_t ata_signature(const struct ata_drive *d)
{
	return d->cdrom ? 0xeb140101 : 0x00000101;
}

static uint64_t sectors(const struct ata_drive *d)
{
	return d->disk->image ? d->disk->image->size / ATA_SECTOR : 0;
}

static void fail(struct ata_plan *p, uint8_t error)
{
	p->move = ATA_NONE;
	p->status = ATA_DRDY | ATA_DSC | ATA_ERR;
	p->error = error;
}

void ata_finish(struct ata_plan *p, int result)
{
	if (result >= 0)
		return;
	/* the medium is at fault, or where the guest wanted the bytes */
	fail(p, result == -EFAULT || result == -EINVAL ? ATA_ABRT : ATA_UNC);
}

/* ---- addresses ---- */

/* The first sector; false: there is no such. */
static bool first_sector(const struct ata_drive *d, const struct ata_regs *r, bool ext,
			 uint64_t *out)
{
	unsigned head = r->device & 15, sector = r->lba & 255, cyl = r->lba >> 8 & 0xffff;

	if (ext) {
		*out = r->lba;
	} else if (r->device & LBA) {
		*out = (r->lba & 0xffffff) | (uint64_t)head << 24;
	} else {
		if (!sector || sector > d->sectors || head >= d->heads)
			return false;
		*out = ((uint64_t)cyl * d->heads + head) * d->sectors + sector - 1;
	}
	return true;
}

static void range(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p, bool ext,
		  enum ata_move move)
{
	uint32_t n =
		ext ? (r->count ? r->count : 0x10000) : (r->count & 255 ? r->count & 255 : 256);
	uint64_t at, all = sectors(d);

	if (move == ATA_WRITE && d->disk->readonly) {
		fail(p, ATA_ABRT);
		return;
	}
	if (!first_sector(d, r, ext, &at) || at > all || n > all - at) {
		fail(p, ATA_IDNF);
		return;
	}
	p->move = move;
	p->off = at * ATA_SECTOR;
	p->len = n * ATA_SECTOR;
	p->block = ATA_SECTOR;
}

/* ---- commands ---- */

static void queued(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p,
		   bool write)
{
	uint32_t n = r->feature ? r->feature : 0x10000;
	uint64_t all = sectors(d);

	if (!d->queued || (write && d->disk->readonly)) {
		fail(p, ATA_ABRT);
	} else if (r->lba > all || n > all - r->lba) {
		fail(p, ATA_IDNF);
	} else {
		p->move = write ? ATA_WRITE : ATA_READ;
		p->off = r->lba * ATA_SECTOR;
		p->len = n * ATA_SECTOR;
		p->dma = true;
		p->fua = write && (r->device & 0x80);
	}
	p->queued = d->queued;
	p->tag = r->count >> 3 & 31;
}

static void features(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	switch (r->feature & 255) {
	case 0x02:
		d->write_cache = true;
		break;
	case 0x82:
		d->write_cache = false;
		p->move = ATA_FLUSH;
		break;
	case 0x03:
		d->mode = (uint8_t)r->count;
		break;
	case 0x05: /* power management, noise, defaults, look-ahead: nothing to do */
	case 0x42:
	case 0x55:
	case 0x66:
	case 0x85:
	case 0xaa:
	case 0xc2:
	case 0xcc:
		break;
	default:
		fail(p, ATA_ABRT);
	}
}

static void set_multiple(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	unsigned n = r->count & 255;

	if (n > ATA_MULTIPLE_MAX || (n & (n - 1)))
		fail(p, ATA_ABRT);
	else
		d->multiple = (uint8_t)n;
}

static void multiple(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p,
		     bool ext, enum ata_move move)
{
	if (!d->multiple) {
		fail(p, ATA_ABRT);
		return;
	}
	range(d, r, p, ext, move);
	p->block = d->multiple * ATA_SECTOR;
}

static void dma(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p, bool ext,
		enum ata_move move)
{
	range(d, r, p, ext, move);
	p->dma = true;
}

static void trim(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	if (!(r->feature & 1) || !r->count || r->count > 64 || d->disk->readonly) {
		fail(p, ATA_ABRT);
		return;
	}
	p->move = ATA_TRIM;
	p->len = r->count * ATA_SECTOR;
	p->dma = true;
}

static void give_identity(struct ata_drive *d, struct ata_plan *p)
{
	ata_identify(d, p->buf);
	p->move = ATA_GIVE;
	p->len = p->block = ATA_SECTOR;
}

static void give_max(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p,
		     bool ext)
{
	uint64_t last = sectors(d) - 1;

	if (!sectors(d) || !(r->device & LBA)) {
		fail(p, ATA_ABRT);
		return;
	}
	p->has_lba = true;
	p->lba = ext || last < LBA28 ? last : LBA28 - 1;
}

/* What moves bytes of the image.  False: another command. */
static bool transfers(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	switch (r->command) {
	case CMD_READ:
	case CMD_READ + 1:
		range(d, r, p, false, ATA_READ);
		break;
	case CMD_READ_EXT:
		range(d, r, p, true, ATA_READ);
		break;
	case CMD_WRITE:
	case CMD_WRITE + 1:
		range(d, r, p, false, ATA_WRITE);
		break;
	case CMD_WRITE_EXT:
		range(d, r, p, true, ATA_WRITE);
		break;
	case CMD_READ_MULTIPLE:
	case CMD_READ_MULTIPLE_EXT:
		multiple(d, r, p, r->command == CMD_READ_MULTIPLE_EXT, ATA_READ);
		break;
	case CMD_WRITE_MULTIPLE:
	case CMD_WRITE_MULTIPLE_EXT:
	case CMD_WRITE_MULTIPLE_FUA:
		multiple(d, r, p, r->command != CMD_WRITE_MULTIPLE, ATA_WRITE);
		p->fua = r->command == CMD_WRITE_MULTIPLE_FUA;
		break;
	case CMD_READ_DMA:
	case CMD_READ_DMA + 1:
		dma(d, r, p, false, ATA_READ);
		break;
	case CMD_READ_DMA_EXT:
		dma(d, r, p, true, ATA_READ);
		break;
	case CMD_WRITE_DMA:
	case CMD_WRITE_DMA + 1:
		dma(d, r, p, false, ATA_WRITE);
		break;
	case CMD_WRITE_DMA_EXT:
	case CMD_WRITE_DMA_FUA:
		dma(d, r, p, true, ATA_WRITE);
		p->fua = r->command == CMD_WRITE_DMA_FUA;
		break;
	case CMD_READ_QUEUED:
	case CMD_WRITE_QUEUED:
		queued(d, r, p, r->command == CMD_WRITE_QUEUED);
		break;
	case CMD_VERIFY:
	case CMD_VERIFY + 1:
	case CMD_VERIFY_EXT:
		range(d, r, p, r->command == CMD_VERIFY_EXT, ATA_READ);
		p->move = ATA_NONE;
		break;
	default:
		return false;
	}
	return true;
}

static void disk_command(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	if (transfers(d, r, p))
		return;
	switch (r->command) {
	case CMD_TRIM:
		trim(d, r, p);
		break;
	case CMD_MAX:
	case CMD_MAX_EXT:
		give_max(d, r, p, r->command == CMD_MAX_EXT);
		break;
	case CMD_SET_GEOMETRY:
		d->heads = (r->device & 15) + 1u;
		d->sectors = r->count & 255 ? r->count & 255 : 63;
		break;
	case CMD_SET_MULTIPLE:
		set_multiple(d, r, p);
		break;
	case CMD_FLUSH:
	case CMD_FLUSH_EXT:
		p->move = ATA_FLUSH;
		break;
	case CMD_IDENTIFY:
		give_identity(d, p);
		break;
	default:
		if ((r->command & 0xf0) != CMD_RECALIBRATE && (r->command & 0xf0) != CMD_SEEK)
			fail(p, ATA_ABRT);
	}
}

static void packet_command(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	switch (r->command) {
	case CMD_PACKET:
		p->move = ATA_PACKET;
		p->dma = r->feature & 1;
		break;
	case CMD_IDENTIFY_PACKET:
		give_identity(d, p);
		break;
	case CMD_DEVICE_RESET:
		p->move = ATA_RESET;
		break;
	case CMD_IDENTIFY:
	case CMD_READ:
		/* says what it is */
		fail(p, ATA_ABRT);
		p->move = ATA_RESET;
		break;
	default:
		fail(p, ATA_ABRT);
	}
}

void ata_plan(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p)
{
	memset(p, 0, sizeof(*p));
	p->status = ATA_DRDY | ATA_DSC;
	switch (r->command) {
	case CMD_DIAGNOSTIC:
		p->error = 1;
		p->move = ATA_RESET;
		break;
	case CMD_FEATURES:
		features(d, r, p);
		break;
	case CMD_CHECK_POWER:
	case CMD_POWER_94 + 4:
		p->has_count = true; /* at work */
		p->count = 0xff;
		break;
	case CMD_POWER_94:
	case CMD_POWER_94 + 1:
	case CMD_POWER_94 + 2:
	case CMD_POWER_94 + 3:
	case CMD_POWER_94 + 5:
	case CMD_STANDBY_NOW:
	case CMD_STANDBY_NOW + 1:
	case CMD_STANDBY_NOW + 2:
	case CMD_STANDBY_NOW + 3:
	case CMD_SLEEP:
		break;
	default:
		if (d->cdrom)
			packet_command(d, r, p);
		else
			disk_command(d, r, p);
	}
}

/* ---- what takes time ---- */

int ata_flush(struct ata_drive *d)
{
	int r;

	if (!d->disk->image || d->disk->readonly)
		return 0;
	do
		r = blk_flush(d->disk->image, NULL);
	while (disk_again(d->disk, &r, true));
	return r;
}

int ata_trim(struct ata_drive *d, const uint8_t *sector)
{
	uint64_t all = sectors(d);

	for (unsigned i = 0; i < TRIM_NUM; i++) {
		uint64_t v = load_le64(sector + 8 * i), at = v & ((UINT64_C(1) << 48) - 1);
		uint64_t n = v >> 48;
		int r;

		if (!n)
			continue;
		if (at > all || n > all - at)
			return -EINVAL;
		do
			r = blk_discard(d->disk->image, at * ATA_SECTOR, n * ATA_SECTOR, NULL);
		while (disk_again(d->disk, &r, true));
		if (r < 0)
			return r;
	}
	return 0;
}
