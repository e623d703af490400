/* SPDX-License-Identifier: MIT */
/*
 * SCSI commands with any bytes, to a disk and to a CD-ROM drive: what is to be moved lies in
 * the image, answers fit their buffer, a command that fails moves nothing and says why.
 *
 * The input: a byte that chooses the unit, a CDB of 16 bytes, parameters.
 */
#include "emu/dev/scsi.h"

#include "tests/lib/diskrig.h"
#include "tests/lib/fuzz.h"

static struct disk disks[2];
static struct scsi_unit units[2];

static void check(const struct scsi_unit *u, const struct scsi_cmd *c)
{
	must(c->status == SCSI_GOOD || c->status == SCSI_CHECK);
	if (c->status == SCSI_CHECK) {
		must(c->op == SCSI_NONE && c->len == 0);
		must(c->sense[0] == 0x70 && c->sense[2]);
	}
	switch (c->op) {
	case SCSI_IN:
	case SCSI_OUT:
		must(c->len <= SCSI_BUF);
		break;
	case SCSI_WRITE:
		must(!u->disk->readonly);
		/* fall through */
	case SCSI_READ:
		must(c->len && c->len % scsi_block(u) == 0 && c->off % scsi_block(u) == 0);
		must(c->off <= RIG_DISK && c->len <= RIG_DISK - c->off);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct scsi_cmd c;
	struct err e = { 0 };

	if (!disks[0].image) {
		must(rig_disk(&disks[0], &e) == 0 && rig_disk(&disks[1], &e) == 0);
		disks[1].readonly = true;
		scsi_init(&units[0], &disks[0], false);
		scsi_init(&units[1], &disks[1], true);
	}
	for (unsigned i = 0; i < 2; i++)
		scsi_reset(&units[i]);
	while (len >= 17) {
		struct scsi_unit *u = &units[data[0] & 1];
		size_t n;

		if (data[0] & 2)
			scsi_tray_move(u, !u->open);
		memset(c.cdb, 0, sizeof(c.cdb));
		memcpy(c.cdb, data + 1, 16);
		data += 17;
		len -= 17;
		scsi_decode(u, &c);
		check(u, &c);
		if (c.op != SCSI_OUT)
			continue;
		n = c.len < len ? (size_t)c.len : len;
		memcpy(c.buf, data, n);
		data += n;
		len -= n;
		scsi_params(u, &c);
		must(c.status == SCSI_GOOD || c.sense[2]);
	}
	for (unsigned i = 0; i < 2; i++)
		must(disks[i].image->size == RIG_DISK);
	return 0;
}
