/* SPDX-License-Identifier: MIT */
/* Intel 440FX, PIIX4 (82371AB), Q35 and ICH9 data sheets. */
#include "emu/machines/chipset.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/boot/acpi.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/pam.h"
#include "emu/vcpu.h"

#include <stdlib.h>
#include <string.h>

#define INTEL      0x8086
/* What a PC of QEMU's says that it is, in the bridge's subsystem: firmware asks for it. */
#define SUB_VENDOR 0x1af4
#define SUB_DEVICE 0x1100

/* Offsets: host bridges */
#define FX_PAM     0x59u
#define FX_SMRAM   0x72u
#define Q35_EXBAR  0x60u
#define Q35_PAM    0x90u
#define Q35_SMRAM  0x9du
#define EXBAR_ON   0x01u
#define SMRAM_BASE 0x02u
#define SMRAM_ALL  ((uint8_t)(SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCKED | SMRAM_ENABLE))
/* PIIX3 and ICH9 */
#define PIRQ_A     0x60u
#define PIRQ_E     0x68u
#define PIRQ_OFF   0x80u
#define ICH_PMBASE 0x40u
#define ICH_ACPI   0x44u
#define ICH_ON     0x80
#define ICH_RCBA   0xf0u
/* PIIX4 */
#define PM_BASE    0x40u
#define PM_DEVACTB 0x58u
#define PM_APMC_EN 0x02 /* of its last byte */
#define PM_MISC    0x80u
#define PM_ON      0x01

struct chipset {
	struct chipset_env env;
	struct pci_dev host, isa, pm;
	struct vcpu_job remap;
	unsigned lines;  /* a bit for each PCI line that is up */
	uint16_t driven; /* interrupts that they pull */
	pthread_mutex_t lock;
};

static bool touches(unsigned off, unsigned len, unsigned at, unsigned n)
{
	return off < at + n && off + len > at;
}

/* ---- host bridge ---- */

static void update_memory(void *arg)
{
	struct chipset *c = arg;
	const uint8_t *conf = c->host.config;
	bool q35 = c->env.q35;

	pam_set(c->env.pam, conf + (q35 ? Q35_PAM : FX_PAM), conf[q35 ? Q35_SMRAM : FX_SMRAM],
		false);
}

static void update_ecam(struct chipset *c)
{
	uint64_t v = load_le64(c->host.config + Q35_EXBAR);
	unsigned size = v >> 1 & 3;

	/* 256, 128 or 64 MiB */
	if (!(v & EXBAR_ON) || size == 3) {
		pci_ecam(c->env.pci, 0, 0);
		return;
	}
	pci_ecam(c->env.pci, v & UINT64_C(0xfffff0000000), (256u << 20) >> size);
}

static void host_written(struct pci_dev *d, unsigned off, unsigned len)
{
	struct chipset *c = d->owner;
	unsigned pam = c->env.q35 ? Q35_PAM : FX_PAM, smram = c->env.q35 ? Q35_SMRAM : FX_SMRAM;

	if (touches(off, len, smram, 1) && (d->config[smram] & SMRAM_LOCKED)) {
		/* until the next reset */
		d->config[smram] &= (uint8_t)~SMRAM_OPEN;
		d->writable[smram] = 0;
	}
	if (touches(off, len, pam, PAM_REGS) || touches(off, len, smram, 1))
		vcpu_exclusive(c->env.group, &c->remap);
	if (c->env.q35 && touches(off, len, Q35_EXBAR, 8))
		update_ecam(c);
}

/* ---- interrupts of PCI for the 8259s ---- */

void chipset_line(struct chipset *c, unsigned line, int level)
{
	/* PIIX counts from slot 1, ICH9 has registers E to H for slots that it does not own */
	unsigned base = c->env.q35 ? PIRQ_E : PIRQ_A, shift = c->env.q35 ? 0 : 3;
	uint16_t want = 0, change;

	pthread_mutex_lock(&c->lock);
	if (level)
		c->lines |= 1u << line;
	else
		c->lines &= ~(1u << line);
	for (unsigned i = 0; i < PCI_LINES; i++) {
		uint8_t to = c->isa.config[base + (i + shift) % PCI_LINES];

		/* 0, 1, 2, 8 and 13 are not PCI's to have */
		if ((c->lines & 1u << i) && !(to & PIRQ_OFF))
			want |= (uint16_t)(1u << (to & 15) & 0xdef8);
	}
	change = (uint16_t)(want ^ c->driven);
	c->driven = want;
	for (unsigned i = 0; i < 16; i++)
		if (change & 1u << i)
			c->env.pic.set(c->env.pic.arg, i, want >> i & 1);
	pthread_mutex_unlock(&c->lock);
}

/* ---- where the power management's ports are ---- */

static void update_pm(struct chipset *c)
{
	const uint8_t *conf = c->env.q35 ? c->isa.config : c->pm.config;
	bool on = c->env.q35 ? conf[ICH_ACPI] & ICH_ON : conf[PM_MISC] & PM_ON;

	acpi_pm_move(c->env.pm, on ? load_le16(conf + PM_BASE) & 0xff80 : 0);
}

static void isa_written(struct pci_dev *d, unsigned off, unsigned len)
{
	struct chipset *c = d->owner;

	if (c->env.q35 && touches(off, len, ICH_PMBASE, 5))
		update_pm(c);
}

static void pm_written(struct pci_dev *d, unsigned off, unsigned len)
{
	if (touches(off, len, PM_BASE, 4) || touches(off, len, PM_MISC, 1))
		update_pm(d->owner);
}

/* ---- life ---- */

void chipset_reset(struct chipset *c)
{
	bool q35 = c->env.q35, fw = c->env.firmware;
	uint8_t *h = c->host.config, *isa = c->isa.config, *pm = q35 ? isa : c->pm.config;
	unsigned smram = q35 ? Q35_SMRAM : FX_SMRAM;

	/* without firmware all is RAM, and everything where the tables say */
	memset(h + (q35 ? Q35_PAM : FX_PAM), fw ? 0 : 0x33, PAM_REGS);
	h[smram] = SMRAM_BASE;
	c->host.writable[smram] = SMRAM_ALL;
	memset(isa + PIRQ_A, PIRQ_OFF, PCI_LINES);
	if (q35) {
		memset(isa + PIRQ_E, PIRQ_OFF, 4);
		store_le64(h + Q35_EXBAR, fw ? 0 : ACPI_MMCFG | EXBAR_ON);
		isa[ICH_ACPI] = fw ? 0 : ICH_ON;
		store_le32(isa + ICH_RCBA, 0);
		update_ecam(c);
	} else {
		pm[PM_MISC] = fw ? 0 : PM_ON;
		/* system management mode is set up already: there is none */
		pm[PM_DEVACTB + 3] = PM_APMC_EN;
	}
	store_le32(pm + PM_BASE, (fw ? 0 : ACPI_PM_BASE) | 1);
	update_memory(c);
	update_pm(c);
}

static int add_host(struct chipset *c, struct err *e)
{
	bool q35 = c->env.q35;
	unsigned pam = q35 ? Q35_PAM : FX_PAM;

	c->host.name = "host bridge";
	c->host.owner = c;
	c->host.written = host_written;
	pci_ids(&c->host, INTEL, q35 ? 0x29c0 : 0x1237, 0x060000);
	c->host.config[PCI_REVISION] = q35 ? 0 : 2;
	c->host.writable[pam] = 0x30;
	memset(c->host.writable + pam + 1, 0x33, PAM_REGS - 1);
	if (q35)
		store_le64(c->host.writable + Q35_EXBAR, UINT64_C(0xfff0000007));
	return pci_add(c->env.pci, &c->host, 0, 0, e);
}

static int add_isa(struct chipset *c, struct err *e)
{
	bool q35 = c->env.q35;
	struct pci_dev *d = &c->isa;

	d->name = "isa bridge";
	d->owner = c;
	d->written = isa_written;
	pci_ids(d, INTEL, q35 ? 0x2918 : 0x7000, 0x060100);
	d->config[PCI_REVISION] = q35 ? 2 : 0;
	/* functions beside it come later */
	d->config[PCI_HEADER] = 0x80;
	memset(d->writable + PIRQ_A, 0x8f, 4);
	if (q35) {
		memset(d->writable + PIRQ_E, 0x8f, 4);
		store_le32(d->writable + ICH_PMBASE, 0xff80);
		d->writable[ICH_ACPI] = ICH_ON | 7;
		store_le32(d->writable + ICH_RCBA, 0xffffc001);
	}
	return pci_add(c->env.pci, d, q35 ? 31 : 1, 0, e);
}

static int add_pm(struct chipset *c, struct err *e)
{
	struct pci_dev *d = &c->pm;

	if (c->env.q35)
		return 0;
	d->name = "power management";
	d->owner = c;
	d->written = pm_written;
	pci_ids(d, INTEL, 0x7113, 0x068000);
	d->config[PCI_REVISION] = 3;
	d->config[PCI_STATUS] = 0x80;
	store_le16(d->config + PCI_STATUS, 0x0280);
	d->config[PCI_INT_PIN] = 1;
	store_le32(d->writable + PM_BASE, 0xffc0);
	store_le32(d->writable + PM_DEVACTB, 0xffffffff);
	d->writable[PM_MISC] = PM_ON;
	return pci_add(c->env.pci, d, 1, 3, e);
}

int chipset_new(struct chipset **out, const struct chipset_env *env, struct err *e)
{
	struct chipset *c = mem_zalloc(1, sizeof(*c), e);
	struct pci_dev *all[3];
	int r;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->env = *env;
	c->remap = (struct vcpu_job){ .run = update_memory, .arg = c };
	r = add_host(c, e);
	if (r == 0)
		r = add_isa(c, e);
	if (r == 0)
		r = add_pm(c, e);
	if (r < 0) {
		chipset_free(c);
		return r;
	}
	all[0] = &c->host;
	all[1] = &c->isa;
	all[2] = &c->pm;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		store_le16(all[i]->config + PCI_SUB_VENDOR, SUB_VENDOR);
		store_le16(all[i]->config + PCI_SUB_DEVICE, SUB_DEVICE);
	}
	*out = c;
	return 0;
}

void chipset_free(struct chipset *c)
{
	if (!c)
		return;
	pci_remove(&c->pm);
	pci_remove(&c->isa);
	pci_remove(&c->host);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
