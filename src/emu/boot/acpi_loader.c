/* SPDX-License-Identifier: MIT */
/*
 * The table loader's commands: 128 bytes each, numbers in little endian, names in fields of 56
 * bytes.  Firmware allocates memory for files, adds their addresses to what refers to them, and
 * computes the checksums.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "emu/boot/acpi.h"

#include <string.h>

#define COMMAND 128u
#define NAME    56u
enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_F_SEGMENT = 2 };

struct out {
	uint8_t *p; /* the next command */
};

static uint8_t *command(struct out *o, unsigned what, const char *file)
{
	uint8_t *p = o->p;

	store_le32(p, what);
	memcpy(p + 4, file, strlen(file));
	o->p += COMMAND;
	return p + 4 + NAME;
}

static void allocate(struct out *o, const char *file, uint32_t align, unsigned zone)
{
	uint8_t *p = command(o, ALLOCATE, file);

	store_le32(p, align);
	p[4] = (uint8_t)zone;
}

/* What lies at @at of @file is an offset in the tables. */
static void pointer(struct out *o, const char *file, uint32_t at, unsigned size)
{
	uint8_t *p = command(o, ADD_POINTER, file);

	memcpy(p, ACPI_FILE_TABLES, strlen(ACPI_FILE_TABLES));
	store_le32(p + NAME, at);
	p[NAME + 4] = (uint8_t)size;
}

static void sum(struct out *o, const char *file, uint32_t to, uint32_t from, uint32_t len)
{
	uint8_t *p = command(o, ADD_CHECKSUM, file);

	store_le32(p, to);
	store_le32(p + 4, from);
	store_le32(p + 8, len);
}

int acpi_loader(const struct acpi *a, uint8_t **out, size_t *len, struct err *e)
{
	unsigned n = 2 + a->refs + a->tables + 4;
	struct out o;

	*out = mem_zalloc(n, COMMAND, e);
	if (!*out)
		return -ENOMEM;
	*len = (size_t)n * COMMAND;
	o.p = *out;
	allocate(&o, ACPI_FILE_RSDP, 16, ZONE_F_SEGMENT);
	allocate(&o, ACPI_FILE_TABLES, 64, ZONE_HIGH);
	for (unsigned i = 0; i < a->refs; i++)
		pointer(&o, ACPI_FILE_TABLES, a->ref[i].at, a->ref[i].size);
	for (unsigned i = 0; i < a->tables; i++)
		sum(&o, ACPI_FILE_TABLES, a->table[i].at + 9, a->table[i].at, a->table[i].len);
	pointer(&o, ACPI_FILE_RSDP, 16, 4);
	pointer(&o, ACPI_FILE_RSDP, 24, 8);
	sum(&o, ACPI_FILE_RSDP, 8, 0, 20);
	sum(&o, ACPI_FILE_RSDP, 32, 0, ACPI_RSDP);
	return 0;
}
