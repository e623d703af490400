/* SPDX-License-Identifier: MIT */
/* What disks and CD-ROM drives have in common. */
#include "emu/dev/scsi_int.h"

void scsi_init(struct scsi_unit *u, struct disk *d, bool cdrom)
{
	*u = (struct scsi_unit){ .disk = d, .cdrom = cdrom };
	pthread_mutex_init(&u->lock, NULL);
	if (cdrom && d)
		d->unit = u;
}

void scsi_fini(struct scsi_unit *u)
{
	if (u->disk)
		pthread_mutex_destroy(&u->lock);
}

void scsi_reset(struct scsi_unit *u)
{
	pthread_mutex_lock(&u->lock);
	u->open = u->locked = u->changed = u->asked = false;
	u->key = u->asc = u->ascq = 0;
	pthread_mutex_unlock(&u->lock);
}

bool scsi_tray_move(struct scsi_unit *u, bool open)
{
	bool moves;

	pthread_mutex_lock(&u->lock);
	moves = u->open != open;
	u->open = open;
	u->changed |= moves && !open;
	pthread_mutex_unlock(&u->lock);
	return moves;
}

void scsi_tray(struct scsi_unit *u, bool *open, bool *locked)
{
	pthread_mutex_lock(&u->lock);
	*open = u->open;
	*locked = u->locked;
	pthread_mutex_unlock(&u->lock);
}

void scsi_tray_button(struct scsi_unit *u)
{
	pthread_mutex_lock(&u->lock);
	u->asked = true;
	pthread_mutex_unlock(&u->lock);
}

unsigned scsi_block(const struct scsi_unit *u)
{
	return u->cdrom ? SCSI_CD_SECTOR : DISK_SECTOR;
}

unsigned scsi_cdb_len(uint8_t op)
{
	static const uint8_t by_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return by_group[op >> 5];
}

/* Fixed format (SPC-4 4.5.3). */
static void fill_sense(uint8_t *s, uint8_t key, uint8_t asc, uint8_t ascq)
{
	memset(s, 0, SCSI_SENSE);
	s[0] = 0x70;
	s[2] = key;
	s[7] = SCSI_SENSE - 8;
	s[12] = asc;
	s[13] = ascq;
}

static void fail(struct scsi_cmd *c, uint8_t key, uint8_t asc, uint8_t ascq)
{
	c->op = SCSI_NONE;
	c->len = 0;
	c->status = SCSI_CHECK;
	fill_sense(c->sense, key, asc, ascq);
}

void scsi_fail(struct scsi_unit *u, struct scsi_cmd *c, uint8_t key, uint8_t asc, uint8_t ascq)
{
	fail(c, key, asc, ascq);
	u->key = key;
	u->asc = asc;
	u->ascq = ascq;
}

void scsi_io_error(struct scsi_unit *u, struct scsi_cmd *c, int error, bool write)
{
	pthread_mutex_lock(&u->lock);
	if (error == -ENOMEDIUM)
		scsi_fail(u, c, K_NOT_READY, 0x3a, 0);
	else if (error == -ENOSPC)
		scsi_fail(u, c, 7, 0x27, 7); /* space allocation failed write protect */
	else if (error == -EFAULT || error == -EINVAL)
		scsi_fail(u, c, K_HARDWARE, 0x44, 0);
	else
		scsi_fail(u, c, K_MEDIUM, write ? 0x0c : 0x11, 0);
	pthread_mutex_unlock(&u->lock);
}

void scsi_range(struct scsi_unit *u, struct scsi_cmd *c, enum scsi_op op, uint64_t lba,
		uint64_t n)
{
	uint64_t blocks = scsi_blocks(u);

	if (op == SCSI_WRITE && u->disk->readonly) {
		scsi_fail(u, c, K_PROTECT, 0x27, 0);
		return;
	}
	if (lba > blocks || n > blocks - lba) {
		scsi_fail(u, c, K_ILLEGAL, 0x21, 0);
		return;
	}
	c->op = n ? op : SCSI_NONE;
	c->off = lba * scsi_block(u);
	c->len = n * scsi_block(u);
}

static void request_sense(struct scsi_unit *u, struct scsi_cmd *c)
{
	fill_sense(c->buf, u->key, u->asc, u->ascq);
	u->key = u->asc = u->ascq = 0;
	scsi_answer(c, SCSI_SENSE, c->cdb[4]);
}

static void report_luns(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint32_t room = load_be32(c->cdb + 6);

	if (room < 16) {
		bad_field(u, c);
		return;
	}
	store_be32(c->buf, 8);
	scsi_answer(c, 16, room);
}

/* What moves bytes of the image, in its five lengths. */
static bool transfers(struct scsi_unit *u, struct scsi_cmd *c)
{
	const uint8_t *p = c->cdb;
	enum scsi_op op = SCSI_READ;

	switch (*p) {
	case OP_WRITE_6:
		op = SCSI_WRITE;
		/* fall through */
	case OP_READ_6:
		scsi_range(u, c, op, load_be32(p) & 0x1fffff, p[4] ? p[4] : 256);
		return true;
	case OP_WRITE_10:
		op = SCSI_WRITE;
		/* fall through */
	case OP_READ_10:
		scsi_range(u, c, op, load_be32(p + 2), load_be16(p + 7));
		break;
	case OP_WRITE_12:
		op = SCSI_WRITE;
		/* fall through */
	case OP_READ_12:
		scsi_range(u, c, op, load_be32(p + 2), load_be32(p + 6));
		break;
	case OP_WRITE_16:
		op = SCSI_WRITE;
		/* fall through */
	case OP_READ_16:
		scsi_range(u, c, op, load_be64(p + 2), load_be32(p + 10));
		break;
	default:
		return false;
	}
	c->fua = c->op == SCSI_WRITE && (p[1] & 8);
	return true;
}

/* Commands that work without a medium, and do not take away a unit attention. */
static bool always(struct scsi_unit *u, struct scsi_cmd *c)
{
	switch (c->cdb[0]) {
	case OP_INQUIRY:
		scsi_inquiry(u, c);
		return true;
	case OP_REQUEST_SENSE:
		request_sense(u, c);
		return true;
	case OP_REPORT_LUNS:
		report_luns(u, c);
		return true;
	default:
		return false;
	}
}

/* Those that need none either. */
static bool without_medium(uint8_t op)
{
	static const uint8_t ops[] = { OP_MODE_SENSE_6, OP_MODE_SENSE_10, OP_START_STOP,
				       OP_PREVENT,      OP_CONFIGURATION, OP_EVENT,
				       OP_MECHANISM,    OP_SET_SPEED };

	return memchr(ops, op, sizeof(ops)) != NULL;
}

static void decode(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint8_t op = c->cdb[0];

	if (always(u, c))
		return;
	if (u->changed && op != OP_EVENT && op != OP_CONFIGURATION) {
		u->changed = false;
		scsi_fail(u, c, K_ATTENTION, 0x28, 0);
		return;
	}
	if ((!u->disk->image || u->open) && !without_medium(op)) {
		scsi_fail(u, c, K_NOT_READY, 0x3a, u->open ? 2 : 1);
		return;
	}
	if (op == OP_TEST_READY)
		return;
	if (op == OP_MODE_SENSE_6 || op == OP_MODE_SENSE_10) {
		scsi_mode_sense(u, c);
		return;
	}
	if (op == OP_PREVENT) {
		u->locked = c->cdb[4] & 1;
		return;
	}
	if (transfers(u, c))
		return;
	if (u->cdrom ? scsi_cd_decode(u, c) : scsi_disk_decode(u, c))
		return;
	scsi_fail(u, c, K_ILLEGAL, 0x20, 0);
}

static void begin(struct scsi_cmd *c)
{
	c->op = SCSI_NONE;
	c->off = c->len = 0;
	c->fua = false;
	c->status = SCSI_GOOD;
	memset(c->sense, 0, sizeof(c->sense));
	memset(c->buf, 0, sizeof(c->buf));
}

void scsi_decode(struct scsi_unit *u, struct scsi_cmd *c)
{
	begin(c);
	pthread_mutex_lock(&u->lock);
	decode(u, c);
	pthread_mutex_unlock(&u->lock);
}

void scsi_decode_absent(struct scsi_cmd *c, bool first)
{
	begin(c);
	switch (c->cdb[0]) {
	case OP_INQUIRY:
		if (c->cdb[1] & 1) {
			fail(c, K_ILLEGAL, 0x24, 0);
			break;
		}
		/* no device; of the first unit: but there may be one */
		c->buf[0] = first ? 0x3f : 0x7f;
		c->buf[2] = 5;
		c->buf[3] = 0x12;
		c->buf[4] = 36 - 5;
		scsi_answer(c, 36, load_be16(c->cdb + 3));
		break;
	case OP_REPORT_LUNS:
		if (load_be32(c->cdb + 6) < 16)
			fail(c, K_ILLEGAL, 0x24, 0);
		else
			scsi_answer(c, 16, 16);
		break;
	case OP_REQUEST_SENSE:
		fill_sense(c->buf, K_ILLEGAL, 0x25, 0);
		scsi_answer(c, SCSI_SENSE, c->cdb[4]);
		break;
	default:
		fail(c, K_ILLEGAL, 0x25, 0);
	}
}
