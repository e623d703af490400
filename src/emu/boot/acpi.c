/* SPDX-License-Identifier: MIT */
/* ACPI specification 6.4, chapter 5.2, but for MCFG: PCI firmware specification. */
#include "emu/boot/acpi.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/boot/aml.h"
#include "emu/boot/dsdt.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/hpet.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define FACS_SIZE 64u
/* Where the tables go when the RSDP lies before them. */
#define PLACED_AT (ACPI_AT + 64)

struct build {
	struct aml a;
	struct acpi *to;
	const struct acpi_env *env;
};

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

/* Closes the table that began at @at. */
static uint32_t end(struct build *b, size_t at)
{
	struct aml *a = &b->a;

	if (!a->full && b->to->tables < ACPI_TABLES) {
		store_le32(a->p + at + 4, (uint32_t)(a->n - at));
		b->to->table[b->to->tables].at = (uint32_t)at;
		b->to->table[b->to->tables++].len = (uint32_t)(a->n - at);
	}
	return (uint32_t)at;
}

/* The address of what lies at @to. */
static void ref(struct build *b, unsigned size, uint32_t to)
{
	struct acpi *o = b->to;

	if (o->refs == ACPI_REFS) {
		b->a.full = true;
		return;
	}
	o->ref[o->refs].at = (uint32_t)b->a.n;
	o->ref[o->refs++].size = (uint8_t)size;
	if (size == 8)
		aml_qword(&b->a, to);
	else
		aml_dword(&b->a, to);
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

static uint32_t facs(struct aml *a)
{
	size_t at = a->n;

	for (const char *s = "FACS"; *s; s++)
		aml_byte(a, (unsigned char)*s);
	aml_dword(a, FACS_SIZE);
	while (a->n < at + FACS_SIZE && !a->full)
		aml_byte(a, 0);
	return (uint32_t)at;
}

#define FADT_WBINVD       (1u << 0)
#define FADT_SLEEP_BTN    (1u << 5) /* not a fixed one */
#define FADT_TMR_32       (1u << 8)
#define FADT_RESET        (1u << 10)
#define FADT_PROC_C1      (1u << 2)
#define FADT_APIC_CLUSTER (1u << 18)

#define BOOT_LEGACY (1u << 0)
#define BOOT_8042   (1u << 1)
#define BOOT_NO_VGA (1u << 2)

static uint32_t fadt(struct build *b, uint32_t facs_at, uint32_t dsdt_at)
{
	struct aml *a = &b->a;
	size_t at = begin(a, "FACP", 6);
	uint16_t pm = b->env->pm_base;

	ref(b, 4, facs_at);
	ref(b, 4, dsdt_at);
	aml_byte(a, 0);
	aml_byte(a, 0); /* no preferred profile */
	aml_word(a, ACPI_SCI);
	aml_dword(a, 0); /* no SMI command: ACPI is on */
	aml_dword(a, 0);
	aml_dword(a, pm + ACPI_PM_EVENT);
	aml_dword(a, 0);
	aml_dword(a, pm + ACPI_PM_CNT);
	aml_dword(a, 0);
	aml_dword(a, 0);
	aml_dword(a, pm + ACPI_PM_TIMER);
	aml_dword(a, ACPI_GPE_PORT);
	aml_dword(a, 0);
	aml_byte(a, 4); /* lengths: event, control, control 2, timer, GPE0, GPE1 */
	aml_byte(a, 2);
	aml_byte(a, 0);
	aml_byte(a, 4);
	aml_byte(a, ACPI_GPE_PORTS);
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
	aml_byte(a, 0x32); /* century in CMOS */
	aml_word(a, BOOT_LEGACY | BOOT_8042 | (b->env->vga ? 0 : BOOT_NO_VGA));
	aml_byte(a, 0);
	aml_dword(a, FADT_WBINVD | FADT_PROC_C1 | FADT_SLEEP_BTN | FADT_TMR_32 | FADT_RESET |
			     FADT_APIC_CLUSTER);
	gas(a, 8, 1, 0xcf9);
	aml_byte(a, 0x0e); /* what is written there */
	aml_word(a, 0);
	aml_byte(a, 0);
	ref(b, 8, facs_at);
	ref(b, 8, dsdt_at);
	gas(a, 32, 2, pm + ACPI_PM_EVENT);
	gas(a, 0, 0, 0);
	gas(a, 16, 2, pm + ACPI_PM_CNT);
	gas(a, 0, 0, 0);
	gas(a, 0, 0, 0);
	gas(a, 32, 3, pm + ACPI_PM_TIMER);
	gas(a, 8 * ACPI_GPE_PORTS, 1, ACPI_GPE_PORT);
	for (unsigned i = 0; i < 3; i++)
		gas(a, 0, 0, 0);
	aml_qword(a, 0); /* hypervisor vendor */
	return end(b, at);
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

static uint32_t madt(struct build *b)
{
	struct aml *a = &b->a;
	size_t at = begin(a, "APIC", 4);

	aml_dword(a, LAPIC_BASE);
	aml_dword(a, 1); /* there are 8259s, too */
	for (unsigned i = 0; i < b->env->vcpus; i++) {
		aml_byte(a, 0);
		aml_byte(a, 8);
		aml_byte(a, i);
		aml_byte(a, b->env->apic_id[i]);
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
	return end(b, at);
}

static uint32_t hpet(struct build *b)
{
	struct aml *a = &b->a;
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
	return end(b, at);
}

static uint32_t mcfg(struct build *b)
{
	struct aml *a = &b->a;
	size_t at = begin(a, "MCFG", 1);

	aml_qword(a, 0);
	aml_qword(a, b->env->mmcfg);
	aml_word(a, 0);
	aml_byte(a, 0);
	aml_byte(a, 255);
	aml_dword(a, 0);
	return end(b, at);
}

static uint32_t dsdt(struct build *b)
{
	size_t at = begin(&b->a, "DSDT", 2);

	dsdt_write(&b->a, b->env);
	return end(b, at);
}

static uint32_t root(struct build *b, const char *sig, unsigned each, const uint32_t *tables,
		     unsigned n)
{
	size_t at = begin(&b->a, sig, 1);

	for (unsigned i = 0; i < n; i++)
		ref(b, each, tables[i]);
	return end(b, at);
}

int acpi_build(const struct acpi_env *env, struct acpi *out, struct err *e)
{
	struct build b = { .to = out, .env = env };
	uint32_t tables[4], f;
	unsigned n = 0;

	*out = (struct acpi){ 0 };
	b.a.max = ACPI_ROOM - 64;
	b.a.p = out->data = mem_zalloc(1, b.a.max, e);
	if (!out->data)
		return -ENOMEM;
	/* it wants a multiple of 64, so it comes first */
	f = facs(&b.a);
	tables[n] = dsdt(&b);
	tables[n] = fadt(&b, f, tables[n]);
	n++;
	tables[n++] = madt(&b);
	if (!env->no_hpet)
		tables[n++] = hpet(&b);
	if (env->q35)
		tables[n++] = mcfg(&b);
	memcpy(out->rsdp, "RSD PTR ", 8);
	memcpy(out->rsdp + 9, "HKVEMU", 6);
	out->rsdp[15] = 2;
	store_le32(out->rsdp + 16, root(&b, "RSDT", 4, tables, n));
	store_le32(out->rsdp + 20, ACPI_RSDP);
	store_le64(out->rsdp + 24, root(&b, "XSDT", 8, tables, n));
	out->len = b.a.n;
	if (b.a.full) {
		free(out->data);
		out->data = NULL;
		return err_set(e, -ENOSPC, "ACPI's tables for %u vCPUs do not fit", env->vcpus);
	}
	return 0;
}

static void relocate(uint8_t *p, unsigned size, uint64_t by)
{
	if (size == 8)
		store_le64(p, load_le64(p) + by);
	else
		store_le32(p, (uint32_t)(load_le32(p) + by));
}

bool acpi_place(struct mem *m, const struct acpi *a)
{
	uint8_t *p = mem_ptr(m, ACPI_AT, ACPI_ROOM, true), *t, *r = p;

	if (!p || a->len > ACPI_ROOM - 64)
		return false;
	t = p + (PLACED_AT - ACPI_AT);
	memset(p, 0, 64);
	memcpy(r, a->rsdp, ACPI_RSDP);
	memcpy(t, a->data, a->len);
	for (unsigned i = 0; i < a->refs; i++)
		relocate(t + a->ref[i].at, a->ref[i].size, PLACED_AT);
	for (unsigned i = 0; i < a->tables; i++)
		checksum(t + a->table[i].at, a->table[i].len, t + a->table[i].at + 9);
	relocate(r + 16, 4, PLACED_AT);
	relocate(r + 24, 8, PLACED_AT);
	checksum(r, 20, r + 8);
	checksum(r, ACPI_RSDP, r + 32);
	mem_written(m, ACPI_AT, 64 + a->len);
	return true;
}
