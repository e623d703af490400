/* SPDX-License-Identifier: MIT */
/* Between ahci.c, ahci_port.c and ahci_cmd.c. */
#ifndef EMU_DEV_AHCI_INT_H
#define EMU_DEV_AHCI_INT_H

#include "emu/dev/ahci.h"
#include "emu/dev/ata.h"
#include "emu/dev/feed.h"
#include "emu/jobs.h"

#define AHCI_SLOTS 32u

/* Registers of a port (3.3), and their bits. */
enum {
	P_CLB = 0x00,
	P_CLBU = 0x04,
	P_FB = 0x08,
	P_FBU = 0x0c,
	P_IS = 0x10,
	P_IE = 0x14,
	P_CMD = 0x18,
	P_TFD = 0x20,
	P_SIG = 0x24,
	P_SSTS = 0x28,
	P_SCTL = 0x2c,
	P_SERR = 0x30,
	P_SACT = 0x34,
	P_CI = 0x38,
	P_SNTF = 0x3c,
};
#define CMD_ST   0x0001u
#define CMD_CLO  0x0008u
#define CMD_FRE  0x0010u
#define CMD_FR   0x4000u
#define CMD_CR   0x8000u
#define CMD_KEPT 0x11000000u /* ATAPI, ALPE: what software may say */
#define CCS(n)   ((n) << 8)
#define IS_DHR   0x00000001u /* register FIS */
#define IS_PIO   0x00000002u
#define IS_SDB   0x00000008u /* set device bits */
#define IS_TFE   0x40000000u /* error of the drive */
#define IS_HBF   0x20000000u /* no memory at some address */
#define IE_ALL   0xfdc000ffu

struct ahci_port;

/* A command in a slot. */
struct ahci_slot {
	struct ahci_port *port;
	unsigned n;
	struct job job;
	struct ata_plan plan;
	struct scsi_cmd *cmd; /* of a CD-ROM drive; one is enough: it queues nothing */
	uint8_t sector[ATA_SECTOR];
	struct feed feed;
	/* where in the table of pieces */
	uint64_t table;
	uint32_t entries, entry;
	uint64_t gpa;
	uint32_t left;
};

struct ahci_port {
	struct ahci *a;
	unsigned n;
	struct ata_drive ata;
	pthread_mutex_t lock; /* what follows */
	uint64_t list, fis;
	uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
	uint32_t at_work; /* slots whose jobs were handed over */
	bool stuck;       /* an error: nothing more is taken until CMD.ST was off */
	unsigned generation;
	struct ahci_slot *slot; /* AHCI_SLOTS, NULL without a drive */
	struct scsi_cmd packet;
};

struct ahci {
	struct ahci_env env;
	struct pci_dev pci;
	struct jobs *jobs;
	pthread_mutex_t lock; /* after a port's: what follows */
	uint32_t ghc, is;
	struct ahci_port port[AHCI_PORTS];
};

/* ahci_port.c; the port's lock is held but where said. */
uint32_t ahci_port_read(struct ahci_port *p, unsigned reg);
/* Takes the lock itself. */
void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t v);
void ahci_port_reset(struct ahci_port *p);
void ahci_port_is(struct ahci_port *p, uint32_t bits);
/* Sends a FIS to memory: register (D2H) with the drive's state. */
void ahci_fis_d2h(struct ahci_port *p, const struct ata_plan *plan, bool interrupt);
void ahci_fis_pio(struct ahci_port *p, const struct ata_plan *plan, uint32_t len);
void ahci_fis_sdb(struct ahci_port *p, uint32_t done, uint8_t status, uint8_t error);
/* The interrupt line from what the ports have.  Takes ahci.lock. */
void ahci_irq(struct ahci *a);

/* ahci_cmd.c */
void ahci_start(struct ahci_port *p);
void ahci_run(struct job *j, unsigned worker);
int64_t ahci_pieces(struct feed *f, struct sg *s, bool write);

#endif
