/* SPDX-License-Identifier: MIT */
/* ACPI specification 6.4, chapter 5.2, but for MCFG: PCI firmware specification. */
#include "emu/boot/acpi.h"

#include "base/bytes.h"
#include "emu/boot/aml.h"
#include "emu/boot/dsdt.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/hpet.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/mem.h"

#include <string.h>

#define HEADER 36u

static void checksum(uint8_t *p, size_t len, uint8_t *at)
{
	uint8_t sum = 0;

	*at = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	*at = (uint8_t)(0 - sum);
}

static size_t begin(struct aml *a, const char *sig, unsigned revision)
{
	size_t at;

	while (a->n % 16)
		aml_byte(a, 0);
	at = a->n;
	for (unsigned i = 0; i < 4; i++)
		aml_byte(a, (unsigned char)sig[i]);
	aml_dword(a, 0);
	aml_byte(a, revision);
	aml_byte(a, 0);
	for (const char *s = "HKVEMUHOSTKIT "; *s; s++)
		aml_byte(a, (unsigned char)*s);
	aml_dword(a, 1);
	for (const char *s = "HKIT"; *s; s++)
		aml_byte(a, (unsigned char)*s);
	aml_dword(a, 1);
	return at;
}

/* Returns the address of the table that began at @at. */
static uint64_t end(struct aml *a, size_t at)
{
	if (!a->full) {
		store_le32(a->p + at + 4, (uint32_t)(a->n - at));
		checksum(a->p + at, a->n - at, a->p + at + 9);
	}
	return ACPI_AT + at;
}

/* A generic address: a port. */
static void gas(struct aml *a, unsigned bits, unsigned access, uint64_t port)
{
	aml_byte(a, port ? 1 : 0);
	aml_byte(a, port ? bits : 0);
	aml_byte(a, 0);
	aml_byte(a, port ? access : 0);
	aml_qword(a, port);
}

static uint64_t facs(struct aml *a)
{
	size_t at;

	while (a->n % 64)
		aml_byte(a, 0);
	at = a->n;
	for (const char *s = "FACS"; *s; s++)
		aml_byte(a, (unsigned char)*s);
	aml_dword(a, 64);
	while (a->n < at + 64 && !a->full)
		aml_byte(a, 0);
	return ACPI_AT + at;
}

#define FADT_WBINVD       (1u << 0)
#define FADT_SLEEP_BTN    (1u << 5) /* not a fixed one */
#define FADT_TMR_32       (1u << 8)
#define FADT_RESET        (1u << 10)
#define FADT_PROC_C1      (1u << 2)
#define FADT_APIC_CLUSTER (1u << 18)

static uint64_t fadt(struct aml *a, uint64_t facs_at, uint64_t dsdt_at)
{
	size_t at = begin(a, "FACP", 6);

	aml_dword(a, (uint32_t)facs_at);
	aml_dword(a, (uint32_t)dsdt_at);
	aml_byte(a, 0);
	aml_byte(a, 0); /* no preferred profile */
	aml_word(a, ACPI_SCI);
	aml_dword(a, 0); /* no SMI command: ACPI is on */
	aml_dword(a, 0);
	aml_dword(a, ACPI_PM_EVENT);
	aml_dword(a, 0);
	aml_dword(a, ACPI_PM_CNT);
	aml_dword(a, 0);
	aml_dword(a, 0);
	aml_dword(a, ACPI_PM_TIMER);
	aml_dword(a, 0);
	aml_dword(a, 0);
	aml_byte(a, 4); /* lengths: event, control, control 2, timer, GPE0, GPE1 */
	aml_byte(a, 2);
	aml_byte(a, 0);
	aml_byte(a, 4);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_word(a, 0x0fff); /* no C2, no C3 */
	aml_word(a, 0x0fff);
	aml_word(a, 0);
	aml_word(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 0x32);            /* century in CMOS */
	aml_word(a, 0x0003 | 0x0004); /* legacy devices, an 8042, no VGA */
	aml_byte(a, 0);
	aml_dword(a, FADT_WBINVD | FADT_PROC_C1 | FADT_SLEEP_BTN | FADT_TMR_32 | FADT_RESET |
			     FADT_APIC_CLUSTER);
	gas(a, 8, 1, 0xcf9);
	aml_byte(a, 0x0e); /* what is written there */
	aml_word(a, 0);
	aml_byte(a, 0);
	aml_qword(a, facs_at);
	aml_qword(a, dsdt_at);
	gas(a, 32, 2, ACPI_PM_EVENT);
	gas(a, 0, 0, 0);
	gas(a, 16, 2, ACPI_PM_CNT);
	gas(a, 0, 0, 0);
	gas(a, 0, 0, 0);
	gas(a, 32, 3, ACPI_PM_TIMER);
	for (unsigned i = 0; i < 4; i++)
		gas(a, 0, 0, 0);
	aml_qword(a, 0); /* hypervisor vendor */
	return end(a, at);
}

static void override(struct aml *a, unsigned irq, unsigned gsi, unsigned flags)
{
	aml_byte(a, 2);
	aml_byte(a, 10);
	aml_byte(a, 0);
	aml_byte(a, irq);
	aml_dword(a, gsi);
	aml_word(a, flags);
}

static uint64_t madt(struct aml *a, unsigned vcpus, const uint8_t *apic_id)
{
	size_t at = begin(a, "APIC", 4);

	aml_dword(a, LAPIC_BASE);
	aml_dword(a, 1); /* there are 8259s, too */
	for (unsigned i = 0; i < vcpus; i++) {
		aml_byte(a, 0);
		aml_byte(a, 8);
		aml_byte(a, i);
		aml_byte(a, apic_id[i]);
		aml_dword(a, 1);
	}
	aml_byte(a, 1);
	aml_byte(a, 12);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_dword(a, IOAPIC_BASE);
	aml_dword(a, 0);
	override(a, 0, 2, 0);
	override(a, ACPI_SCI, ACPI_SCI, 0x0d); /* level, active high */
	aml_byte(a, 4);                        /* LINT1 of all is NMI */
	aml_byte(a, 6);
	aml_byte(a, 0xff);
	aml_word(a, 0);
	aml_byte(a, 1);
	return end(a, at);
}

static uint64_t hpet(struct aml *a)
{
	size_t at = begin(a, "HPET", 1);

	aml_dword(a, HPET_ID);
	aml_byte(a, 0);
	aml_byte(a, 64);
	aml_byte(a, 0);
	aml_byte(a, 0);
	aml_qword(a, HPET_BASE);
	aml_byte(a, 0);
	aml_word(a, 0x80); /* the shortest period, in ticks */
	aml_byte(a, 0);
	return end(a, at);
}

static uint64_t mcfg(struct aml *a)
{
	size_t at = begin(a, "MCFG", 1);

	aml_qword(a, 0);
	aml_qword(a, ACPI_MMCFG);
	aml_word(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 255);
	aml_dword(a, 0);
	return end(a, at);
}

bool acpi_place(const struct acpi_env *env)
{
	struct aml a = { .p = mem_ptr(env->mem, ACPI_AT, ACPI_ROOM, true), .max = ACPI_ROOM };
	uint64_t tables[4], at;
	unsigned n = 0;
	size_t xsdt;

	if (!a.p)
		return false;
	a.n = 48; /* the RSDP comes first, and is filled in last */
	at = facs(&a);
	xsdt = begin(&a, "DSDT", 2);
	dsdt_write(&a, env);
	tables[n++] = fadt(&a, at, end(&a, xsdt));
	/* begin() of the next must not lie inside the arguments of the last */
	tables[n++] = madt(&a, env->vcpus, env->apic_id);
	tables[n++] = hpet(&a);
	if (env->q35)
		tables[n++] = mcfg(&a);
	xsdt = begin(&a, "XSDT", 1);
	for (unsigned i = 0; i < n; i++)
		aml_qword(&a, tables[i]);
	at = end(&a, xsdt);
	memset(a.p, 0, 48);
	memcpy(a.p, "RSD PTR ", 8);
	memcpy(a.p + 9, "HKVEMU", 6);
	a.p[15] = 2;
	store_le32(a.p + 20, 36);
	store_le64(a.p + 24, at);
	checksum(a.p, 20, a.p + 8);
	checksum(a.p, 36, a.p + 32);
	mem_written(env->mem, ACPI_AT, a.n);
	return !a.full;
}
