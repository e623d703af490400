/* SPDX-License-Identifier: MIT */
/* Between ide.c, ide_cmd.c, ide_packet.c and ide_dma.c. */
#ifndef EMU_DEV_IDE_INT_H
#define EMU_DEV_IDE_INT_H

#include "emu/dev/ata.h"
#include "emu/dev/feed.h"
#include "emu/dev/ide.h"
#include "emu/jobs.h"

#define IDE_BUF 65536u
#define CDB_LEN 12u

/* Control register. */
#define CTL_HOB   0x80
#define CTL_RESET 0x04
#define CTL_NIEN  0x02
/* Bus master. */
#define BM_START  0x01 /* command */
#define BM_TO_MEM 0x08
#define BM_ACTIVE 0x01 /* status */
#define BM_ERROR  0x02
#define BM_INT    0x04

/* The registers of a drive; the upper half of each is what was written before. */
struct ide_unit {
	struct ata_drive ata;
	uint16_t feature, count, lbal, lbam, lbah;
	uint8_t device, status, error;
};

enum ide_state {
	IDE_IDLE,
	IDE_JOB,  /* a thread is at work */
	IDE_IN,   /* the guest reads buf[at..end) */
	IDE_OUT,  /* it writes there */
	IDE_CDB,  /* it writes a command packet there */
	IDE_WAIT, /* for the bus master to be started */
};

struct ide_channel {
	struct mem *mem;
	struct irq irq;
	struct jobs *jobs;
	pthread_mutex_t lock; /* what follows */
	struct ide_unit unit[2];
	unsigned selected, active; /* which unit */
	uint8_t control;
	enum ide_state state;
	struct ata_plan plan;
	struct scsi_cmd cmd;
	bool packet;         /* cmd is at work */
	uint8_t *buf;        /* IDE_BUF; a job's while state is IDE_JOB */
	uint32_t at, end;    /* of the window */
	uint32_t have;       /* bytes of an answer in buf */
	uint64_t done;       /* bytes of the command's that were moved */
	unsigned generation; /* changes with each reset: jobs from before are forgotten */
	uint8_t bm_command, bm_status;
	uint32_t bm_table;
	struct job job;
	struct feed feed; /* the job's */
	uint32_t prd_at, prd_len, prd_gpa;
	bool prd_last;
	/* of the bus */
	struct bus_region ports, alt, bm;
};

struct ide {
	struct ide_env env;
	struct pci_dev pci;
	struct ide_channel channel[2];
	struct bus_region region;
};

/* All with the channel's lock held. */
static inline struct ide_unit *ide_at_work(struct ide_channel *c)
{
	return &c->unit[c->active];
}
void ide_raise(struct ide_channel *c);
/* The end of a command. */
void ide_done(struct ide_channel *c, uint8_t status, uint8_t error);
/* [at, end) of buf is the guest's to read or write. */
void ide_window(struct ide_channel *c, enum ide_state s, uint32_t at, uint32_t end);
void ide_signature(struct ide_unit *u);
void ide_job(struct ide_channel *c);
void ide_command(struct ide_channel *c, uint8_t command);
/* The window was read or written to its end. */
void ide_window_end(struct ide_channel *c);
void ide_packet_start(struct ide_channel *c);
void ide_packet_next(struct ide_channel *c);
void ide_packet_end(struct ide_channel *c);
/* A command waits, and the bus master was started: begins. */
void ide_dma_try(struct ide_channel *c);
/* Takes the lock of @c itself.  The reset by the control register, begun or ended. */
void ide_soft_reset(struct ide_channel *c);

/* In a job, without the lock. */
void ide_run(struct job *j, unsigned worker);
int ide_dma_run(struct ide_channel *c);
void ide_dma_begin(struct ide_channel *c);
/* With the lock. */
void ide_dma_end(struct ide_channel *c, int result);

extern const struct bus_ops ide_bm_ops;

#endif
