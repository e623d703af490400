/* SPDX-License-Identifier: MIT */
#include "emu/dev/pam.h"

#include "base/mem.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define VGA_AT     0xa0000u
#define VGA_SIZE   0x20000u
#define SHADOW_AT  0xc0000u
#define SHADOW_LEN 0x40000u
#define PIECES     13u
#define ISA_BIOS   0x20000u /* what of the ROM lies below 1 MiB */
#define GIB4       (UINT64_C(1) << 32)
#define UNKNOWN    0xffu

struct pam {
	struct pam_env env;
	uint8_t now[PIECES]; /* PAM_READ, PAM_WRITE */
	uint8_t vga_ram;     /* 0, 1, or UNKNOWN */
	struct bus_region region;
};

/* Pieces are those of registers 1 to 6, then that of the first. */
static uint32_t piece_at(unsigned i)
{
	return i == PIECES - 1 ? 0xf0000 : SHADOW_AT + i * 0x4000;
}

static uint32_t piece_size(unsigned i)
{
	return i == PIECES - 1 ? 0x10000 : 0x4000;
}

static unsigned piece_of(uint32_t addr)
{
	return addr >= 0xf0000 ? PIECES - 1 : (addr - SHADOW_AT) / 0x4000;
}

/* The ROM's bytes at an address below 1 MiB, or NULL. */
static const uint8_t *rom_at(const struct pam *p, uint32_t addr)
{
	size_t shown = p->env.rom_size < ISA_BIOS ? p->env.rom_size : ISA_BIOS;
	uint32_t first = (1u << 20) - (uint32_t)shown;

	if (!p->env.rom || addr < first)
		return NULL;
	return p->env.rom + (p->env.rom_size - shown) + (addr - first);
}

/* A mapping that fails leaves the old one: there is no memory for a table of a few lines. */
static bool map(struct pam *p, uint32_t at, uint32_t size, const uint8_t *host, bool writable)
{
	/* what is not writable is not written: the cast takes no right away */
	return mem_map(p->env.mem, at, size, (uint8_t *)(uintptr_t)host, writable, NULL) == 0;
}

static void set_piece(struct pam *p, unsigned i, uint8_t how)
{
	uint32_t at = piece_at(i), size = piece_size(i);
	bool ok;

	if (p->now[i] == how)
		return;
	if (how & PAM_READ)
		ok = map(p, at, size, p->env.ram + at, how & PAM_WRITE);
	else
		ok = map(p, at, size, rom_at(p, at), false);
	p->now[i] = ok ? how : UNKNOWN;
}

void pam_set(struct pam *p, const uint8_t regs[PAM_REGS], uint8_t smram, bool smm)
{
	bool ram = (smram & SMRAM_ENABLE) && ((smram & SMRAM_OPEN) || smm);

	for (unsigned i = 0; i + 1 < PIECES; i++)
		set_piece(p, i, regs[1 + i / 2] >> (i % 2 ? 4 : 0) & 3);
	set_piece(p, PIECES - 1, regs[0] >> 4 & 3);
	if (p->vga_ram == ram)
		return;
	p->vga_ram = ram;
	if (!map(p, VGA_AT, VGA_SIZE, ram ? p->env.ram + VGA_AT : NULL, true))
		p->vga_ram = UNKNOWN;
}

/* Writes come here where a piece is not both read and written. */
static void shadow_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pam *p = dev;
	uint32_t at = SHADOW_AT + (uint32_t)off;

	if ((p->now[piece_of(at)] & (PAM_READ | PAM_WRITE)) != PAM_WRITE)
		return;
	for (unsigned i = 0; i < size; i++)
		p->env.ram[at + i] = (uint8_t)(v >> 8 * i);
}

static const struct bus_ops shadow_ops = { NULL, shadow_write, 1, 8 };

int pam_new(struct pam **out, const struct pam_env *env, struct err *e)
{
	struct pam *p = mem_zalloc(1, sizeof(*p), e);
	int r = 0;

	if (!p)
		return -ENOMEM;
	p->env = *env;
	memset(p->now, UNKNOWN, sizeof(p->now));
	p->vga_ram = UNKNOWN;
	p->region = (struct bus_region){ "bios shadow", BUS_MEM, SHADOW_AT, SHADOW_LEN,
					 &shadow_ops,   p,       NULL };
	r = bus_add(env->bus, &p->region, e);
	if (r == 0 && env->rom && !env->flash)
		r = mem_map(env->mem, GIB4 - env->rom_size, env->rom_size,
			    (uint8_t *)(uintptr_t)env->rom, false, e);
	if (r < 0) {
		pam_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void pam_free(struct pam *p)
{
	if (!p)
		return;
	bus_remove(p->env.bus, &p->region);
	free(p);
}
