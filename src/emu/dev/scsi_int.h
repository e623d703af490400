/* SPDX-License-Identifier: MIT */
/* Between scsi.c, scsi_cd.c, scsi_disk.c and scsi_page.c. */
#ifndef EMU_DEV_SCSI_INT_H
#define EMU_DEV_SCSI_INT_H

#include "base/bytes.h"
#include "emu/dev/scsi.h"
#include "img/blk.h"

#include <string.h>

enum {
	OP_TEST_READY = 0x00,
	OP_REQUEST_SENSE = 0x03,
	OP_READ_6 = 0x08,
	OP_WRITE_6 = 0x0a,
	OP_INQUIRY = 0x12,
	OP_MODE_SELECT_6 = 0x15,
	OP_MODE_SENSE_6 = 0x1a,
	OP_START_STOP = 0x1b,
	OP_PREVENT = 0x1e,
	OP_CAPACITY_10 = 0x25,
	OP_READ_10 = 0x28,
	OP_WRITE_10 = 0x2a,
	OP_SEEK_10 = 0x2b,
	OP_VERIFY_10 = 0x2f,
	OP_SYNC_10 = 0x35,
	OP_WRITE_SAME_10 = 0x41,
	OP_UNMAP = 0x42,
	OP_TOC = 0x43, /* of CDs */
	OP_CONFIGURATION = 0x46,
	OP_EVENT = 0x4a,
	OP_DISC_INFO = 0x51,
	OP_MODE_SELECT_10 = 0x55,
	OP_MODE_SENSE_10 = 0x5a,
	OP_READ_16 = 0x88,
	OP_WRITE_16 = 0x8a,
	OP_VERIFY_16 = 0x8f,
	OP_SYNC_16 = 0x91,
	OP_WRITE_SAME_16 = 0x93,
	OP_SERVICE_IN_16 = 0x9e,
	OP_REPORT_LUNS = 0xa0,
	OP_READ_12 = 0xa8,
	OP_WRITE_12 = 0xaa,
	OP_SET_SPEED = 0xbb,
	OP_MECHANISM = 0xbd,
	OP_READ_CD = 0xbe,
};

/* Sense keys. */
enum { K_NONE, K_NOT_READY = 2, K_MEDIUM, K_HARDWARE, K_ILLEGAL, K_ATTENTION, K_PROTECT };

static inline void bad_field(struct scsi_unit *u, struct scsi_cmd *c)
{
	scsi_fail(u, c, K_ILLEGAL, 0x24, 0);
}

/* The answer is buf[0..len), or as much as the guest has room for. */
static inline void scsi_answer(struct scsi_cmd *c, size_t len, size_t room)
{
	c->op = SCSI_IN;
	c->len = len < room ? len : room;
}

/* Blocks, 0: nothing is in the drive. */
static inline uint64_t scsi_blocks(const struct scsi_unit *u)
{
	return u->disk->image ? u->disk->image->size / scsi_block(u) : 0;
}

/* READ, WRITE or VERIFY of @n blocks from @lba on; VERIFY moves nothing. */
void scsi_range(struct scsi_unit *u, struct scsi_cmd *c, enum scsi_op op, uint64_t lba,
		uint64_t n);

/* These return false where the command is not theirs. */
bool scsi_cd_decode(struct scsi_unit *u, struct scsi_cmd *c);
bool scsi_disk_decode(struct scsi_unit *u, struct scsi_cmd *c);
void scsi_inquiry(struct scsi_unit *u, struct scsi_cmd *c);
void scsi_mode_sense(struct scsi_unit *u, struct scsi_cmd *c);

#endif
