/* SPDX-License-Identifier: MIT */
/*
 * ATA commands of disks (ATA8-ACS), whatever carries them: the ports of IDE or the memory of AHCI.
 * ata_plan() says what a command wants moved, the carrier moves it.  Registers are the
 * guest's choice.
 */
#ifndef EMU_DEV_ATA_H
#define EMU_DEV_ATA_H

#include "emu/dev/scsi.h"

#define ATA_SECTOR       512u
#define ATA_MULTIPLE_MAX 16u

/* Status and error. */
enum {
	ATA_ERR = 0x01,
	ATA_DRQ = 0x08,
	ATA_DSC = 0x10,
	ATA_DF = 0x20,
	ATA_DRDY = 0x40,
	ATA_BSY = 0x80,
	ATA_ABRT = 0x04,
	ATA_IDNF = 0x10,
	ATA_UNC = 0x40,
};

enum ata_move {
	ATA_NONE,
	ATA_READ,  /* len bytes of the image from off on, to the guest */
	ATA_WRITE, /* the other way */
	ATA_GIVE,  /* buf to the guest */
	ATA_TRIM,  /* len bytes from the guest, ata_trim() for each sector of them */
	ATA_FLUSH,
	ATA_PACKET, /* a SCSI command comes */
	ATA_RESET,  /* the signature is in the registers then */
};

/* A drive.  Fields change with commands: under the carrier's lock. */
struct ata_drive {
	struct disk *disk;
	struct scsi_unit unit; /* of a CD-ROM drive */
	bool cdrom, present;
	bool queued; /* the carrier has NCQ */
	unsigned number;
	uint8_t multiple; /* sectors per block of READ MULTIPLE */
	bool write_cache;
	uint8_t mode;            /* of transfers, as SET FEATURES has it */
	unsigned heads, sectors; /* for addresses by cylinder */
};

/* The task file, with what was written before in the upper halves. */
struct ata_regs {
	uint16_t feature, count;
	uint64_t lba; /* 48 bits */
	uint8_t device, command;
};

struct ata_plan {
	enum ata_move move;
	bool dma, fua, queued;
	uint64_t off;
	uint32_t len;
	uint32_t block; /* bytes at a time by PIO */
	uint8_t buf[ATA_SECTOR];
	uint8_t status, error;
	bool has_lba; /* lba is an answer */
	uint64_t lba;
	bool has_count; /* and so is count */
	uint8_t count;
	unsigned tag; /* of a queued command */
};

void ata_init(struct ata_drive *d, struct disk *disk, bool cdrom, unsigned number);
void ata_fini(struct ata_drive *d);
void ata_reset(struct ata_drive *d);
/* What IDENTIFY (PACKET) DEVICE gives. */
void ata_identify(const struct ata_drive *d, uint8_t *buf);
void ata_plan(struct ata_drive *d, const struct ata_regs *r, struct ata_plan *p);
/* The count and address registers after a reset: bytes count, lbal, lbam, lbah. */
uint32_t ata_signature(const struct ata_drive *d);

/* In a thread that may wait.  0 or a negative errno. */
int ata_trim(struct ata_drive *d, const uint8_t *sector);
int ata_flush(struct ata_drive *d);
/* The end of a command: status and error from what its transfer gave. */
void ata_finish(struct ata_plan *p, int result);

#endif
