/* SPDX-License-Identifier: MIT */
/*
 * SCSI commands of disks (SBC-3) and CD-ROM drives (MMC-5), whatever carries them: virtio-scsi, or
 * ATAPI over IDE and AHCI.  scsi_decode() says what a command wants moved; the carrier moves
 * it.  Commands and parameters are the guest's choice.
 */
#ifndef EMU_DEV_SCSI_H
#define EMU_DEV_SCSI_H

#include "emu/disk.h"

#include <pthread.h>

#define SCSI_CDB       32
#define SCSI_BUF       4096u
#define SCSI_SENSE     18u
#define SCSI_CD_SECTOR 2048u

enum scsi_op {
	SCSI_NONE, /* nothing moves */
	SCSI_IN,   /* buf[0..len) goes to the guest */
	SCSI_OUT,  /* the guest gives len bytes for buf, then scsi_params() */
	SCSI_READ, /* len bytes of the image from off on, to the guest */
	SCSI_WRITE,
	SCSI_FLUSH,
};

enum scsi_status { SCSI_GOOD = 0, SCSI_CHECK = 2 };

struct scsi_cmd {
	/* in */
	uint8_t cdb[SCSI_CDB]; /* what is not given is 0 */
	/* out */
	enum scsi_op op;
	uint64_t off, len;
	bool fua;
	uint8_t buf[SCSI_BUF];
	enum scsi_status status;
	uint8_t sense[SCSI_SENSE];
};

struct scsi_unit {
	struct disk *disk;
	bool cdrom;
	pthread_mutex_t lock;   /* what follows */
	bool open, locked;      /* the tray */
	bool changed;           /* the medium, since the guest was told */
	bool asked;             /* somebody wants it out, and the guest was not told */
	uint8_t key, asc, ascq; /* for REQUEST SENSE */
};

void scsi_init(struct scsi_unit *u, struct disk *d, bool cdrom);
void scsi_fini(struct scsi_unit *u);
/* As after power-on. */
void scsi_reset(struct scsi_unit *u);
/* The tray, for the host; any thread.  Closed: another medium may be in the drive, which the caller
 * has put into the disk.  False: it was there already. */
bool scsi_tray_move(struct scsi_unit *u, bool open);
void scsi_tray(struct scsi_unit *u, bool *open, bool *locked);
/* The button is pressed: a guest that has locked the tray is told so when it asks. */
void scsi_tray_button(struct scsi_unit *u);

/* Bytes of a block. */
unsigned scsi_block(const struct scsi_unit *u);
/* Fills what is out.  A command that fails moves nothing.  scsi_decode_absent(): to a unit that is
 * not there, of a target that is (SPC-4 6.4.2, 6.33); REPORT LUNS is the caller's to fill. */
void scsi_decode_absent(struct scsi_cmd *c, bool first);
void scsi_decode(struct scsi_unit *u, struct scsi_cmd *c);
/* After SCSI_OUT, in a thread that may wait: does what c->buf asks for. */
void scsi_params(struct scsi_unit *u, struct scsi_cmd *c);
/* Length of the CDB that begins with @op. */
unsigned scsi_cdb_len(uint8_t op);

/* For those who move bytes and fail. */
void scsi_fail(struct scsi_unit *u, struct scsi_cmd *c, uint8_t key, uint8_t asc, uint8_t ascq);
void scsi_io_error(struct scsi_unit *u, struct scsi_cmd *c, int error, bool write);

#endif
