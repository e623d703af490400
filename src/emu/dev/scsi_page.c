/* SPDX-License-Identifier: MIT */
/* INQUIRY with its pages (SPC-4 6.4, 7.8; SBC-3 6.5) and MODE SENSE. */
#include "base/compiler.h"
#include "emu/dev/scsi_int.h"

#define UNMAP_MAX     0x3fffffu /* blocks */
#define UNMAP_RANGES  255u
#define SAME_MAX      0xffffu
#define MODE_CACHING  0x08
#define MODE_CD       0x2a
#define MODE_RECOVERY 0x01
#define MODE_ALL      0x3f

static void text(uint8_t *to, const char *s, size_t len)
{
	size_t n = strnlen(s, len);

	memset(to, ' ', len);
	memcpy(to, s, n);
}

static void standard(struct scsi_unit *u, struct scsi_cmd *c)
{
	const struct config_traits *t = &u->disk->traits;
	uint8_t *b = c->buf;

	b[0] = u->cdrom ? 5 : 0;
	b[1] = u->cdrom ? 0x80 : 0; /* removable */
	b[2] = 5;
	b[3] = 2;
	b[4] = 36 - 5;
	b[7] = u->cdrom ? 0 : 2; /* queues commands */
	text(b + 8, t->vendor ? t->vendor : "HOSTKIT", 8);
	text(b + 16, t->model ? t->model : u->cdrom ? "vemu CD-ROM" : "vemu HARDDISK", 16);
	text(b + 32, t->version ? t->version : "1", 4);
	scsi_answer(c, 36, load_be16(c->cdb + 3));
}

static size_t page_list(struct scsi_unit *u, uint8_t *b)
{
	static const uint8_t disk[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	static const uint8_t cd[] = { 0x00, 0x80, 0x83 };
	size_t n = u->cdrom ? sizeof(cd) : sizeof(disk);

	memcpy(b + 4, u->cdrom ? cd : disk, n);
	return n;
}

static size_t identification(struct scsi_unit *u, uint8_t *b)
{
	const char *s = u->disk->serial ? u->disk->serial : u->cdrom ? "vemu-cd" : "vemu-disk";
	size_t n = strnlen(s, 32);

	b[4] = 2; /* ASCII */
	b[7] = (uint8_t)n;
	memcpy(b + 8, s, n);
	if (!u->disk->traits.wwn)
		return 4 + n;
	b += 8 + n;
	b[0] = 1; /* bytes */
	b[1] = 3; /* NAA */
	b[3] = 8;
	store_be64(b + 4, u->disk->traits.wwn);
	return 4 + n + 12;
}

static size_t limits(struct scsi_unit *u, uint8_t *b)
{
	uint32_t cluster = u->disk->image ? u->disk->image->cluster_size : 0;

	b[4] = 1; /* WRITE SAME needs a length */
	store_be16(b + 6, (uint16_t)(u->disk->traits.min_io / DISK_SECTOR));
	store_be32(b + 12, u->disk->traits.opt_io / DISK_SECTOR);
	store_be32(b + 20, UNMAP_MAX);
	store_be32(b + 24, UNMAP_RANGES);
	store_be32(b + 28, cluster > DISK_SECTOR ? cluster / DISK_SECTOR : 1);
	store_be64(b + 36, SAME_MAX);
	return 60;
}

static void page(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint8_t *b = c->buf;
	size_t n;

	b[0] = u->cdrom ? 5 : 0;
	b[1] = c->cdb[2];
	switch (c->cdb[2]) {
	case 0x00:
		n = page_list(u, b);
		break;
	case 0x80:
		n = u->disk->serial ? strnlen(u->disk->serial, 36) : 0;
		memcpy(b + 4, n ? u->disk->serial : "", n);
		break;
	case 0x83:
		n = identification(u, b);
		break;
	case 0xb0:
		n = u->cdrom ? 0 : limits(u, b);
		break;
	case 0xb1:
		/* 1: it does not turn */
		store_be16(b + 4, u->disk->traits.rotation ? u->disk->traits.rotation : 1);
		n = u->cdrom ? 0 : 60;
		break;
	case 0xb2:
		b[5] = 0xe0; /* UNMAP, WRITE SAME with it */
		b[6] = 2;    /* thin */
		n = u->cdrom ? 0 : 4;
		break;
	default:
		n = 0;
	}
	if (!n && c->cdb[2] != 0x80) {
		bad_field(u, c);
		return;
	}
	store_be16(b + 2, (uint16_t)n);
	scsi_answer(c, 4 + n, load_be16(c->cdb + 3));
}

void scsi_inquiry(struct scsi_unit *u, struct scsi_cmd *c)
{
	if (c->cdb[1] & 1)
		page(u, c);
	else if (c->cdb[2])
		bad_field(u, c);
	else
		standard(u, c);
}

/* One page at @b; its length, 0: there is none. */
static size_t mode_page(struct scsi_unit *u, unsigned n, bool changeable, uint8_t *b)
{
	size_t len = n == MODE_RECOVERY ? 12 : n == MODE_CACHING ? 20 : n == MODE_CD ? 22 : 0;

	if (!len || (n == MODE_CD) != u->cdrom)
		if (!len || n != MODE_RECOVERY)
			return 0;
	b[0] = (uint8_t)n;
	b[1] = (uint8_t)(len - 2);
	if (changeable)
		return len;
	if (n == MODE_CACHING)
		b[2] = 4; /* writes are cached until they are flushed */
	if (n == MODE_CD) {
		b[2] = 0x3b; /* reads CD-R, CD-RW, DVD */
		b[4] = 0x71;
		b[6] = (uint8_t)(0x29 | (u->locked ? 2 : 0)); /* tray, lock, eject */
		store_be16(b + 8, 706 * 50);
		store_be16(b + 12, 512);
		store_be16(b + 14, 706 * 50);
	}
	return len;
}

void scsi_mode_sense(struct scsi_unit *u, struct scsi_cmd *c)
{
	static const uint8_t pages[] = { MODE_RECOVERY, MODE_CACHING, MODE_CD };
	bool six = c->cdb[0] == OP_MODE_SENSE_6, changeable = c->cdb[2] >> 6 == 1;
	size_t room = six ? c->cdb[4] : load_be16(c->cdb + 7), at = six ? 4 : 8;
	unsigned want = c->cdb[2] & 0x3f;
	uint8_t *b = c->buf;
	bool any = want == MODE_ALL;

	if (c->cdb[2] >> 6 == 3) {
		scsi_fail(u, c, K_ILLEGAL, 0x39, 0); /* nothing is saved */
		return;
	}
	if (!u->cdrom)
		b[six ? 2 : 3] = (uint8_t)(0x10 | (u->disk->readonly ? 0x80 : 0)); /* FUA */
	if (!u->cdrom && !(c->cdb[1] & 8)) {
		uint64_t n = scsi_blocks(u);

		store_be32(b + at, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
		store_be32(b + at + 4, DISK_SECTOR);
		b[six ? 3 : 7] = 8;
		at += 8;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		size_t n;

		if (want != MODE_ALL && want != pages[i])
			continue;
		n = mode_page(u, pages[i], changeable, b + at);
		at += n;
		any |= n != 0;
	}
	if (!any) {
		bad_field(u, c);
		return;
	}
	if (six)
		b[0] = (uint8_t)(at - 1);
	else
		store_be16(b, (uint16_t)(at - 2));
	scsi_answer(c, at, room);
}
