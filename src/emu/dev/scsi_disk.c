/* SPDX-License-Identifier: MIT */
/* Commands of disks alone: SBC-3. */
#include "emu/dev/scsi_int.h"

#define RANGES_MAX 255u
#define SAME_MAX   0xffffu

static void capacity_10(struct scsi_unit *u, struct scsi_cmd *c)
{
	uint64_t last = scsi_blocks(u) - 1;

	if (!scsi_blocks(u)) {
		scsi_fail(u, c, K_NOT_READY, 0x3a, 0);
		return;
	}
	store_be32(c->buf, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	store_be32(c->buf + 4, scsi_block(u));
	scsi_answer(c, 8, 8);
}

static void capacity_16(struct scsi_unit *u, struct scsi_cmd *c)
{
	if ((c->cdb[1] & 0x1f) != 0x10 || !scsi_blocks(u)) {
		bad_field(u, c);
		return;
	}
	store_be64(c->buf, scsi_blocks(u) - 1);
	store_be32(c->buf + 8, scsi_block(u));
	if (u->disk->traits.physical > DISK_SECTOR)
		c->buf[13] = (uint8_t)__builtin_ctz(u->disk->traits.physical / DISK_SECTOR);
	c->buf[14] = 0x80; /* thin */
	scsi_answer(c, 32, load_be32(c->cdb + 10));
}

static void verify(struct scsi_unit *u, struct scsi_cmd *c, uint64_t lba, uint32_t n)
{
	if (c->cdb[1] & 6) { /* comparing with bytes of the guest */
		bad_field(u, c);
		return;
	}
	scsi_range(u, c, SCSI_READ, lba, n);
	c->op = SCSI_NONE;
	c->len = 0;
}

/* Ask for the parameters; what they say comes in scsi_params(). */
static void parameters(struct scsi_unit *u, struct scsi_cmd *c, uint64_t len)
{
	if (u->disk->readonly) {
		scsi_fail(u, c, K_PROTECT, 0x27, 0);
	} else if (len > SCSI_BUF) {
		bad_field(u, c);
	} else {
		c->op = len ? SCSI_OUT : SCSI_NONE;
		c->len = len;
	}
}

static void write_same(struct scsi_unit *u, struct scsi_cmd *c, uint64_t lba, uint32_t n)
{
	if (!n || n > SAME_MAX || (c->cdb[1] & 1)) {
		bad_field(u, c);
		return;
	}
	scsi_range(u, c, SCSI_WRITE, lba, n);
	if (c->status == SCSI_GOOD)
		parameters(u, c, DISK_SECTOR);
}

static void start_stop(struct scsi_unit *u, struct scsi_cmd *c)
{
	/* a disk that stops has written what it holds */
	if (!(c->cdb[4] & 1) && u->disk->image)
		c->op = SCSI_FLUSH;
}

bool scsi_disk_decode(struct scsi_unit *u, struct scsi_cmd *c)
{
	const uint8_t *p = c->cdb;

	switch (*p) {
	case OP_CAPACITY_10:
		capacity_10(u, c);
		break;
	case OP_SERVICE_IN_16:
		capacity_16(u, c);
		break;
	case OP_VERIFY_10:
		verify(u, c, load_be32(p + 2), load_be16(p + 7));
		break;
	case OP_VERIFY_16:
		verify(u, c, load_be64(p + 2), load_be32(p + 10));
		break;
	case OP_SYNC_10:
	case OP_SYNC_16:
		c->op = SCSI_FLUSH;
		break;
	case OP_WRITE_SAME_10:
		write_same(u, c, load_be32(p + 2), load_be16(p + 7));
		break;
	case OP_WRITE_SAME_16:
		write_same(u, c, load_be64(p + 2), load_be32(p + 10));
		break;
	case OP_UNMAP:
		parameters(u, c, load_be16(p + 7));
		break;
	case OP_START_STOP:
		start_stop(u, c);
		break;
	default:
		return false;
	}
	return true;
}

static int unmap(struct scsi_unit *u, const struct scsi_cmd *c)
{
	size_t n = c->len < 8 ? 0 : load_be16(c->buf + 2) / 16;
	int r = 0;

	if (c->len < 8 || n > RANGES_MAX || 8 + 16 * n > c->len)
		return -ERANGE;
	for (size_t i = 0; i < n && r == 0; i++) {
		uint64_t lba = load_be64(c->buf + 8 + 16 * i);
		uint64_t len = load_be32(c->buf + 16 + 16 * i), all = scsi_blocks(u);

		if (lba > all || len > all - lba)
			return -ERANGE;
		if (len)
			r = blk_discard(u->disk->image, lba * DISK_SECTOR, len * DISK_SECTOR,
					NULL);
	}
	return r;
}

static int same(struct scsi_unit *u, const struct scsi_cmd *c)
{
	bool ten = c->cdb[0] == OP_WRITE_SAME_10, zero = true;
	uint64_t lba = ten ? load_be32(c->cdb + 2) : load_be64(c->cdb + 2);
	uint64_t n = ten ? load_be16(c->cdb + 7) : load_be32(c->cdb + 10);
	int r = 0;

	for (unsigned i = 0; i < DISK_SECTOR; i++)
		zero &= !c->buf[i];
	if (zero)
		return blk_zero(u->disk->image, lba * DISK_SECTOR, n * DISK_SECTOR,
				c->cdb[1] & 8 ? BLK_MAY_UNMAP : 0, NULL);
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = blk_pwrite(u->disk->image, c->buf, DISK_SECTOR, (lba + i) * DISK_SECTOR,
			       NULL);
	return r;
}

void scsi_params(struct scsi_unit *u, struct scsi_cmd *c)
{
	int r;

	do
		r = c->cdb[0] == OP_UNMAP ? unmap(u, c) : same(u, c);
	while (disk_again(u->disk, &r, true));
	if (r == -ERANGE) {
		pthread_mutex_lock(&u->lock);
		scsi_fail(u, c, K_ILLEGAL, 0x26, 0);
		pthread_mutex_unlock(&u->lock);
	} else if (r < 0) {
		scsi_io_error(u, c, r, true);
	}
}
