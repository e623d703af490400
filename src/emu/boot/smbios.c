/* SPDX-License-Identifier: MIT */
#include "emu/boot/smbios.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

#define ROOM      65535u
#define MIB       (UINT64_C(1) << 20)
#define GIB4      (UINT64_C(1) << 32)
#define MAX_TEXTS 8u
/* Handles, as QEMU numbers them. */
#define H_SYSTEM  0x100u
#define H_BOARD   0x200u
#define H_CASE    0x300u
#define H_CPU     0x400u
#define H_ARRAY   0x1000u
#define H_DIMM    0x1100u
#define H_MAP     0x1300u
#define H_BOOT    0x2000u
#define H_END     0x7f00u

struct build {
	uint8_t *p;
	size_t n, most; /* bytes, and the largest structure */
	unsigned count;
	bool full;
	/* of the structure being written */
	size_t at;
	const char *text[MAX_TEXTS];
	unsigned texts;
};

static void byte(struct build *b, unsigned v)
{
	if (b->n == ROOM) {
		b->full = true;
		return;
	}
	b->p[b->n++] = (uint8_t)v;
}

static void number(struct build *b, unsigned size, uint64_t v)
{
	while (size--) {
		byte(b, v & 0xff);
		v >>= 8;
	}
}

static void begin(struct build *b, unsigned type, unsigned handle)
{
	b->at = b->n;
	b->texts = 0;
	byte(b, type);
	byte(b, 0);
	number(b, 2, handle);
}

/* The number of a text that follows the structure; 0 for none. */
static void text(struct build *b, const char *s)
{
	if (!s || !*s || b->texts == MAX_TEXTS) {
		byte(b, 0);
		return;
	}
	b->text[b->texts++] = s;
	byte(b, b->texts);
}

static void end(struct build *b)
{
	if (!b->full)
		b->p[b->at + 1] = (uint8_t)(b->n - b->at);
	for (unsigned i = 0; i < b->texts; i++) {
		for (const char *s = b->text[i]; *s; s++)
			byte(b, (unsigned char)*s);
		byte(b, 0);
	}
	if (!b->texts)
		byte(b, 0);
	byte(b, 0);
	if (b->n - b->at > b->most)
		b->most = b->n - b->at;
	b->count++;
}

static const char * or (const char *given, const char *otherwise)
{
	return given ? given : otherwise;
}

static void bios(struct build *b, char *const *t)
{
	begin(b, 0, 0);
	text(b, or (t[SMBIOS_BIOS_VENDOR], "hostkit"));
	text(b, or (t[SMBIOS_BIOS_VERSION], VERSION));
	number(b, 2, 0xe800);
	text(b, or (t[SMBIOS_BIOS_DATE], "01/01/2024"));
	byte(b, 0);           /* 64 KiB */
	number(b, 8, 8);      /* its characteristics are not said */
	number(b, 2, 0x1400); /* virtual machine, no more than that */
	number(b, 2, 0xffff);
	number(b, 2, 0xffff);
	end(b);
}

static void system_info(struct build *b, const struct smbios_env *env)
{
	char *const *t = env->text;
	const uint8_t *u = env->uuid;

	begin(b, 1, H_SYSTEM);
	text(b, or (t[SMBIOS_SYS_VENDOR], "hostkit"));
	text(b, or (t[SMBIOS_SYS_PRODUCT], env->machine));
	text(b, t[SMBIOS_SYS_VERSION]);
	text(b, t[SMBIOS_SYS_SERIAL]);
	/* the first three fields in little endian (7.2.1) */
	number(b, 4, load_be32(u));
	number(b, 2, load_be16(u + 4));
	number(b, 2, load_be16(u + 6));
	for (unsigned i = 8; i < 16; i++)
		byte(b, u[i]);
	byte(b, 6); /* started by its power switch */
	text(b, t[SMBIOS_SYS_SKU]);
	text(b, t[SMBIOS_SYS_FAMILY]);
	end(b);
}

/* Only where the command line says something of it, as QEMU does. */
static void board(struct build *b, char *const *t)
{
	bool any = false;

	for (unsigned i = SMBIOS_BOARD_VENDOR; i <= SMBIOS_BOARD_ASSET; i++)
		any |= t[i] != NULL;
	if (!any)
		return;
	begin(b, 2, H_BOARD);
	for (unsigned i = SMBIOS_BOARD_VENDOR; i <= SMBIOS_BOARD_ASSET; i++)
		text(b, t[i]);
	byte(b, 1); /* it hosts the others */
	byte(b, 0);
	number(b, 2, H_CASE);
	byte(b, 10); /* a mother board */
	byte(b, 0);
	end(b);
}

static void enclosure(struct build *b, char *const *t)
{
	begin(b, 3, H_CASE);
	text(b, or (t[SMBIOS_CASE_VENDOR], "hostkit"));
	byte(b, 1); /* other */
	text(b, t[SMBIOS_CASE_VERSION]);
	text(b, t[SMBIOS_CASE_SERIAL]);
	text(b, t[SMBIOS_CASE_ASSET]);
	byte(b, 3); /* safe: start, power, heat */
	byte(b, 3);
	byte(b, 3);
	byte(b, 2); /* security is not known */
	number(b, 4, 0);
	number(b, 4, 0); /* height, cords, contained elements */
	text(b, t[SMBIOS_CASE_SKU]);
	end(b);
}

static void processors(struct build *b, const struct smbios_env *env)
{
	unsigned threads = env->cores * env->threads;

	for (unsigned i = 0; i < env->sockets; i++) {
		begin(b, 4, H_CPU + i);
		text(b, "CPU");
		byte(b, 3); /* a central processor */
		byte(b, 1); /* family: other */
		text(b, "hostkit");
		number(b, 8, 0);
		text(b, env->machine);
		byte(b, 0);
		number(b, 2, 0);
		number(b, 2, 2000); /* MHz */
		number(b, 2, 2000);
		byte(b, 0x41); /* there, enabled */
		byte(b, 1);
		number(b, 2, 0xffff);
		number(b, 2, 0xffff);
		number(b, 2, 0xffff);
		byte(b, 0);
		byte(b, 0);
		byte(b, 0);
		byte(b, env->cores < 255 ? env->cores : 255);
		byte(b, env->cores < 255 ? env->cores : 255);
		byte(b, threads < 255 ? threads : 255);
		number(b, 2, 4); /* 64 bits */
		number(b, 2, 1);
		end(b);
	}
}

/* What memory is mapped where (type 19); in KiB, or where it does not fit there in bytes. */
static void mapped(struct build *b, unsigned handle, uint64_t first, uint64_t size)
{
	uint64_t last = first + size - 1;
	bool wide = last >> 10 >= UINT32_MAX;

	begin(b, 19, handle);
	number(b, 4, wide ? UINT32_MAX : first >> 10);
	number(b, 4, wide ? UINT32_MAX : last >> 10);
	number(b, 2, H_ARRAY);
	byte(b, 1);
	number(b, 8, wide ? first : 0);
	number(b, 8, wide ? last : 0);
	end(b);
}

static void memory(struct build *b, const struct smbios_env *env)
{
	uint64_t size = env->low_ram + env->high_ram, mib = size / MIB;

	begin(b, 16, H_ARRAY);
	byte(b, 1); /* other; system memory; errors are corrected */
	byte(b, 3);
	byte(b, 6);
	number(b, 4, size < UINT64_C(2) << 40 ? size >> 10 : 0x80000000);
	number(b, 2, 0xfffe);
	number(b, 2, 1);
	number(b, 8, size < UINT64_C(2) << 40 ? 0 : size);
	end(b);
	begin(b, 17, H_DIMM);
	number(b, 2, H_ARRAY);
	number(b, 2, 0xfffe);
	number(b, 2, 0xffff);
	number(b, 2, 0xffff);
	number(b, 2, mib < 0x7fff ? mib : 0x7fff);
	byte(b, 9); /* a DIMM */
	byte(b, 0);
	text(b, "DIMM 0");
	byte(b, 0);
	byte(b, 7); /* RAM */
	number(b, 2, 2);
	number(b, 2, 0);
	text(b, "hostkit");
	byte(b, 0);
	byte(b, 0);
	byte(b, 0);
	byte(b, 0);
	number(b, 4, mib < 0x7fff ? 0 : mib);
	number(b, 2, 0);
	number(b, 6, 0); /* volts */
	end(b);
	mapped(b, H_MAP, 0, env->low_ram);
	if (env->high_ram)
		mapped(b, H_MAP + 1, GIB4, env->high_ram);
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return (uint8_t)(0 - s);
}

/* The 32-bit entry point (5.2.1). */
static void anchor(uint8_t *a, const struct build *b)
{
	memset(a, 0, SMBIOS_ANCHOR);
	memcpy(a, "_SM_", 4);
	a[5] = SMBIOS_ANCHOR;
	a[6] = 2;
	a[7] = 8;
	store_le16(a + 8, (uint16_t)b->most);
	memcpy(a + 16, "_DMI_", 5);
	store_le16(a + 22, (uint16_t)b->n);
	store_le16(a + 28, (uint16_t)b->count);
	a[30] = 0x28;
	a[21] = sum(a + 16, 15);
	a[4] = sum(a, SMBIOS_ANCHOR);
}

int smbios_build(const struct smbios_env *env, struct smbios *out, struct err *e)
{
	struct build b = { .p = mem_zalloc(1, ROOM, e) };

	if (!b.p)
		return -ENOMEM;
	bios(&b, env->text);
	system_info(&b, env);
	board(&b, env->text);
	enclosure(&b, env->text);
	processors(&b, env);
	memory(&b, env);
	begin(&b, 32, H_BOOT);
	number(&b, 6, 0);
	byte(&b, 0); /* no errors */
	end(&b);
	begin(&b, 127, H_END);
	end(&b);
	if (b.full) {
		free(b.p);
		return err_set(e, -ENOSPC, "the texts of -smbios are longer than 64 KiB");
	}
	anchor(out->anchor, &b);
	out->tables = b.p;
	out->len = b.n;
	return 0;
}
