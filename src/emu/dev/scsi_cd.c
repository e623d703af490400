/* SPDX-License-Identifier: MIT */
/* Commands of CD-ROM drives alone: MMC-5. */
#include "emu/dev/scsi_int.h"

#define PROFILE_CD  0x0008
#define PROFILE_DVD 0x0010
/* What is larger is a DVD. */
#define CD_MAX      (UINT64_C(737) << 20)

static void capacity(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint64_t last = scsi_blocks(u) ? scsi_blocks(u) - 1 : 0;

	store_be32(c->buf, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	store_be32(c->buf + 4, SCSI_CD_SECTOR);
	scsi_answer(c, 8, 8);
}

/* An address, as minutes, seconds and frames if the guest wants that. */
static void address(uint8_t *b, uint64_t lba, bool msf)
{
	if (!msf) {
		store_be32(b, (uint32_t)lba);
		return;
	}
	lba += 150;
	b[0] = 0;
	b[1] = (uint8_t)(lba / 75 / 60);
	b[2] = (uint8_t)(lba / 75 % 60);
	b[3] = (uint8_t)(lba % 75);
}

static void track(uint8_t *b, uint8_t n, uint64_t lba, bool msf)
{
	b[1] = 0x14; /* data */
	b[2] = n;
	address(b + 4, lba, msf);
}

/* One track in one session (MMC-5 6.25). */
static void toc(struct scsi_unit *u, struct scsi_cmd *c)
{
	bool msf = c->cdb[1] & 2;
	unsigned format = c->cdb[2] & 15, first = c->cdb[6];
	size_t n = 4;

	/* old drivers say the format at another place */
	if (!format)
		format = c->cdb[9] >> 6;
	c->buf[2] = c->buf[3] = 1;
	if (format == 0 && (first <= 1 || first == 0xaa)) {
		if (first <= 1) {
			track(c->buf + n, 1, 0, msf);
			n += 8;
		}
		track(c->buf + n, 0xaa, scsi_blocks(u), msf);
		c->buf[n + 1] = 0x16;
		n += 8;
	} else if (format == 1) {
		track(c->buf + n, 1, 0, msf);
		n += 8;
	} else {
		bad_field(u, c);
		return;
	}
	store_be16(c->buf, (uint16_t)(n - 2));
	scsi_answer(c, n, load_be16(c->cdb + 7));
}

static uint16_t profile(const struct scsi_unit *u)
{
	if (!u->disk->image || u->open)
		return 0;
	return u->disk->image->size > CD_MAX ? PROFILE_DVD : PROFILE_CD;
}

/* Features (MMC-5 6.6): profiles, core, removable medium. */
static void configuration(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint8_t *b = c->buf;
	uint16_t now = profile(u);

	store_be16(b + 6, now);
	b[10] = 3;
	b[11] = 8;
	store_be16(b + 12, PROFILE_DVD);
	b[14] = now == PROFILE_DVD;
	store_be16(b + 16, PROFILE_CD);
	b[18] = now == PROFILE_CD;
	store_be16(b + 20, 1);
	b[22] = 11;
	b[23] = 8;
	store_be32(b + 24, 2); /* ATAPI */
	b[28] = 1;
	store_be16(b + 32, 3);
	b[34] = 3;
	b[35] = 4;
	b[36] = 0x29; /* tray, eject, lock */
	store_be32(b, 40 - 4);
	scsi_answer(c, 40, load_be16(c->cdb + 7));
}

/* GET EVENT STATUS NOTIFICATION (6.7), by asking only. */
static void event(struct scsi_unit *u, struct scsi_cmd *c)
{
	bool media = c->cdb[4] & 0x10, there = u->disk->image && !u->open;
	uint8_t *b = c->buf;

	if (!(c->cdb[1] & 1)) {
		bad_field(u, c);
		return;
	}
	store_be16(b, media ? 6 : 2);
	b[2] = media ? 4 : 0x80;
	b[3] = 0x10;
	if (media) {
		b[4] = u->asked ? 1 : u->changed ? (there ? 2 : 3) : 0;
		u->asked = false;
		b[5] = (uint8_t)((there ? 2 : 0) | (u->open ? 1 : 0));
	}
	scsi_answer(c, media ? 8 : 4, load_be16(c->cdb + 7));
}

static void disc_info(struct scsi_cmd *c)
{
	uint8_t *b = c->buf;

	b[1] = 32;
	b[2] = 0x0e; /* complete */
	b[3] = b[4] = b[5] = b[6] = 1;
	b[7] = 0x20;
	scsi_answer(c, 34, load_be16(c->cdb + 7));
}

static void start_stop(struct scsi_unit *u, struct scsi_cmd *c)
{
	bool open = !(c->cdb[4] & 1);

	if (!(c->cdb[4] & 2))
		return;
	if (open && u->locked) {
		scsi_fail(u, c, K_ILLEGAL, 0x53, 2);
		return;
	}
	if (u->open == open)
		return;
	u->open = open;
	u->changed |= !open;
	if (u->disk->tray)
		u->disk->tray(u->disk, open);
}

/* READ CD (6.15): the user's bytes of data sectors, nothing else. */
static void read_cd(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint32_t n = load_be32(c->cdb + 5) & 0xffffff;

	switch (c->cdb[9] & 0xf8) {
	case 0x00:
		break;
	case 0x10:
		scsi_range(u, c, SCSI_READ, load_be32(c->cdb + 2), n);
		break;
	default:
		bad_field(u, c);
	}
}

bool scsi_cd_decode(struct scsi_unit *u, struct scsi_cmd *c)
{
	switch (c->cdb[0]) {
	case OP_CAPACITY_10:
		capacity(u, c);
		break;
	case OP_TOC:
		toc(u, c);
		break;
	case OP_CONFIGURATION:
		configuration(u, c);
		break;
	case OP_EVENT:
		event(u, c);
		break;
	case OP_DISC_INFO:
		disc_info(c);
		break;
	case OP_START_STOP:
		start_stop(u, c);
		break;
	case OP_READ_CD:
		read_cd(u, c);
		break;
	case OP_SEEK_10:
	case OP_SET_SPEED:
		break;
	case OP_MECHANISM:
		c->buf[5] = 1;
		scsi_answer(c, 8, load_be16(c->cdb + 8));
		break;
	default:
		return false;
	}
	return true;
}
