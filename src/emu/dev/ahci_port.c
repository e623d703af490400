/* SPDX-License-Identifier: MIT */
/* Registers of a port, and what it sends to memory. */
#include "base/bytes.h"
#include "emu/dev/ahci_int.h"
#include "emu/mem.h"

/* Where in the received FIS area (4.2.1). */
#define AT_PIO      0x20u
#define AT_D2H      0x40u
#define AT_SDB      0x58u
#define FIS_D2H     0x34
#define FIS_PIO     0x5f
#define FIS_SDB     0xa1
#define INTERRUPT   0x40
#define PIO_IN      0x20
#define SSTS_READY  0x113u /* there, 1.5 Gbit/s, active */
#define SCTL_DET    0x0fu
#define DET_RESET   1u
#define SIG_NONE    0xffffffffu
#define TFD_NONE    0x7fu
#define SERR_CHANGE 0x04000000u
#define IS_PCS      0x00000040u

void ahci_port_is(struct ahci_port *p, uint32_t bits)
{
	p->is |= bits;
	if (p->is & p->ie) {
		pthread_mutex_lock(&p->a->lock);
		p->a->is |= 1u << p->n;
		pthread_mutex_unlock(&p->a->lock);
	}
	ahci_irq(p->a);
}

/* ---- FISes (SATA 10.3) ---- */

static void send(struct ahci_port *p, unsigned at, const uint8_t *fis, size_t len)
{
	if ((p->cmd & CMD_FRE) && mem_write(p->a->env.mem, p->fis + at, fis, len) < 0)
		ahci_port_is(p, IS_HBF);
}

static void registers(uint8_t *f, const struct ata_plan *plan)
{
	for (unsigned i = 0; i < 3; i++) {
		f[4 + i] = (uint8_t)(plan->lba >> 8 * i);
		f[8 + i] = (uint8_t)(plan->lba >> 8 * (i + 3));
	}
	f[12] = plan->count;
}

void ahci_fis_d2h(struct ahci_port *p, const struct ata_plan *plan, bool interrupt)
{
	uint8_t f[20] = { FIS_D2H, (uint8_t)(interrupt ? INTERRUPT : 0), plan->status,
			  plan->error };

	registers(f, plan);
	p->tfd = plan->status | (uint32_t)plan->error << 8;
	send(p, AT_D2H, f, sizeof(f));
	if (interrupt)
		ahci_port_is(p, IS_DHR);
}

void ahci_fis_pio(struct ahci_port *p, const struct ata_plan *plan, uint32_t len)
{
	uint8_t f[20] = { FIS_PIO, INTERRUPT | PIO_IN, ATA_DRDY | ATA_DSC | ATA_DRQ, 0 };

	registers(f, plan);
	f[15] = plan->status;
	store_le16(f + 16, (uint16_t)len);
	send(p, AT_PIO, f, sizeof(f));
	ahci_port_is(p, IS_PIO);
}

void ahci_fis_sdb(struct ahci_port *p, uint32_t done, uint8_t status, uint8_t error)
{
	uint8_t f[8] = { FIS_SDB, INTERRUPT, status & 0x77, error };

	store_le32(f + 4, done);
	p->tfd = (p->tfd & 0x88) | (status & 0x77) | (uint32_t)error << 8;
	p->sact &= ~done;
	send(p, AT_SDB, f, sizeof(f));
	ahci_port_is(p, IS_SDB);
}

/* ---- state ---- */

/* The drive says what it is. */
static void say_hello(struct ahci_port *p)
{
	struct ata_plan hello = { .status = ATA_DRDY | ATA_DSC, .error = 1 };
	uint32_t s;

	if (!p->ata.present) {
		p->tfd = TFD_NONE;
		p->sig = SIG_NONE;
		p->ssts = 0;
		return;
	}
	s = ata_signature(&p->ata);
	hello.count = s & 255;
	hello.lba = s >> 8;
	if (p->ata.cdrom)
		hello.status = 0;
	p->sig = s;
	p->ssts = SSTS_READY;
	ahci_fis_d2h(p, &hello, false);
}

/* Waits for what is in work; what it did is not told. */
static void drain(struct ahci_port *p)
{
	pthread_mutex_lock(&p->lock);
	p->generation++;
	p->cmd &= ~(CMD_ST | CMD_CR);
	pthread_mutex_unlock(&p->lock);
	if (!p->ata.present || !p->a->jobs)
		return;
	disk_wait(p->ata.disk, true);
	jobs_drain(p->a->jobs);
	disk_wait(p->ata.disk, false);
}

static void stop(struct ahci_port *p)
{
	drain(p);
	pthread_mutex_lock(&p->lock);
	p->ci = p->sact = p->at_work = 0;
	p->stuck = false;
	pthread_mutex_unlock(&p->lock);
}

void ahci_port_reset(struct ahci_port *p)
{
	stop(p);
	pthread_mutex_lock(&p->lock);
	p->list = p->fis = 0;
	p->is = p->ie = p->sctl = 0;
	p->cmd = 6; /* spinning, powered */
	p->serr = 0;
	say_hello(p);
	pthread_mutex_unlock(&p->lock);
}

/* COMRESET. */
static void link_reset(struct ahci_port *p)
{
	stop(p);
	pthread_mutex_lock(&p->lock);
	p->tfd = TFD_NONE;
	p->sig = SIG_NONE;
	p->ssts = 0;
	pthread_mutex_unlock(&p->lock);
}

/* ---- registers ---- */

uint32_t ahci_port_read(struct ahci_port *p, unsigned reg)
{
	switch (reg) {
	case P_CLB:
		return (uint32_t)p->list;
	case P_CLBU:
		return (uint32_t)(p->list >> 32);
	case P_FB:
		return (uint32_t)p->fis;
	case P_FBU:
		return (uint32_t)(p->fis >> 32);
	case P_IS:
		return p->is;
	case P_IE:
		return p->ie;
	case P_CMD:
		return p->cmd;
	case P_TFD:
		return p->tfd;
	case P_SIG:
		return p->sig;
	case P_SSTS:
		return p->ssts;
	case P_SCTL:
		return p->sctl;
	case P_SERR:
		return p->serr;
	case P_SACT:
		return p->sact;
	case P_CI:
		return p->ci;
	default:
		return 0;
	}
}

static void set_cmd(struct ahci_port *p, uint32_t v)
{
	if (v & CMD_CLO)
		p->tfd &= ~(uint32_t)(ATA_BSY | ATA_DRQ);
	p->cmd = (p->cmd & ~(CMD_ST | CMD_FRE | CMD_KEPT | CMD_FR | CMD_CR)) |
		 (v & (CMD_ST | CMD_FRE | CMD_KEPT));
	if (p->cmd & CMD_FRE)
		p->cmd |= CMD_FR;
	if (p->cmd & CMD_ST) {
		p->cmd |= CMD_CR;
		ahci_start(p);
	}
}

static void locked_write(struct ahci_port *p, unsigned reg, uint32_t v)
{
	bool off = !(p->cmd & CMD_ST);

	switch (reg) {
	case P_CLB:
		p->list = off ? (p->list & ~UINT64_C(0xffffffff)) | (v & ~0x3ffu) : p->list;
		break;
	case P_CLBU:
		p->list = off ? (uint32_t)p->list | (uint64_t)v << 32 : p->list;
		break;
	case P_FB:
		p->fis = (p->fis & ~UINT64_C(0xffffffff)) | (v & ~0xffu);
		break;
	case P_FBU:
		p->fis = (uint32_t)p->fis | (uint64_t)v << 32;
		break;
	case P_IS:
		p->is &= ~v;
		ahci_port_is(p, 0);
		break;
	case P_IE:
		p->ie = v & IE_ALL;
		ahci_port_is(p, 0);
		break;
	case P_CMD:
		set_cmd(p, v);
		break;
	case P_SERR:
		p->serr &= ~v;
		break;
	case P_SACT:
		if (!off)
			p->sact |= v;
		break;
	case P_CI:
		if (off)
			break;
		p->ci |= v;
		ahci_start(p);
		break;
	default:
		break;
	}
}

static void set_sctl(struct ahci_port *p, uint32_t v)
{
	uint32_t was;

	pthread_mutex_lock(&p->lock);
	was = p->sctl;
	p->sctl = v & 0xfff;
	pthread_mutex_unlock(&p->lock);
	if ((v & SCTL_DET) == DET_RESET) {
		link_reset(p);
	} else if ((was & SCTL_DET) == DET_RESET && !(v & SCTL_DET)) {
		pthread_mutex_lock(&p->lock);
		say_hello(p);
		if (p->ata.present) {
			p->serr |= SERR_CHANGE;
			ahci_port_is(p, IS_PCS);
		}
		pthread_mutex_unlock(&p->lock);
	}
}

void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t v)
{
	/* these wait for requests, without the lock that the requests' ends take */
	if (reg == P_SCTL) {
		set_sctl(p, v);
		return;
	}
	if (reg == P_CMD && !(v & CMD_ST))
		stop(p);
	pthread_mutex_lock(&p->lock);
	locked_write(p, reg, v);
	pthread_mutex_unlock(&p->lock);
}
