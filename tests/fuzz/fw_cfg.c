/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what it likes with fw_cfg's ports, its DMA and the registers of shadow RAM:
 * what it reads is the items' bytes or zeros, what lies outside its memory stays as it was, and ROM
 * cannot be written.
 */
#include "emu/dev/fw_cfg.h"

#include "emu/dev/pam.h"
#include "emu/mem.h"
#include "tests/lib/fuzz.h"

#include <string.h>

#define RAM   (2u << 20)
#define GUARD 4096u
#define ROM   (128u << 10)

static struct bus *bus;
static struct mem *mem;
static uint8_t *ram, *rom;
static struct fw_cfg *f;
static struct pam *pam;

static void renew(void *arg)
{
	(void)arg;
	must(fw_cfg_change(f, "etc/live", "2222", 4));
}

static void start(void)
{
	struct err e = { 0 };
	struct pam_env env;

	must(bus_new(&bus, &e) == 0 && mem_new(&mem, &e) == 0);
	must(mem_alloc(RAM + GUARD, NULL, false, &ram, &e) == 0);
	must(mem_alloc(ROM, NULL, false, &rom, &e) == 0);
	must(mem_map(mem, 0, RAM, ram, true, &e) == 0);
	memset(rom, 0x5a, ROM);
	env = (struct pam_env){ mem, bus, ram, rom, ROM, false };
	must(pam_new(&pam, &env, &e) == 0);
	must(fw_cfg_new(&f, bus, mem, &e) == 0);
	must(fw_cfg_file(f, "etc/live", "1111", 4, &e) == 0);
	must(fw_cfg_file(f, "opt/empty", "", 0, &e) == 0);
	fw_cfg_on_select(f, "etc/live", renew, NULL);
}

/* The shadow registers, then a piece of it written. */
static void shadow(const uint8_t *p)
{
	uint64_t at = 0xa0000 + ((uint64_t)p[7] << 11 & 0x5ffff), v = 0x11;

	pam_set(pam, p, p[7], p[7] & 1);
	bus_write(bus, BUS_MEM, at, 1u << (p[7] & 3), v);
	if (mem_write(mem, at, &v, 4) < 0)
		bus_read(bus, BUS_MEM, at, 4);
	for (unsigned i = 0; i < ROM; i += 509)
		must(rom[i] == 0x5a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!f)
		start();
	fw_cfg_reset(f);
	memset(ram, 0, 0x2000);
	memset(ram + RAM, 0xa5, GUARD);
	for (; len >= 8; data += 8, len -= 8) {
		unsigned size = 1u << (data[1] & 3);
		uint64_t v;

		switch (data[0] & 7) {
		case 0:
			v = bus_read(bus, BUS_PORT, 0x510 + (data[1] >> 4), size);
			must(size == 8 || v < UINT64_C(1) << 8 * size);
			break;
		case 1:
			memcpy(&v, data, 8);
			bus_write(bus, BUS_PORT, 0x510 + (data[1] >> 4), size, v >> 16);
			break;
		case 2: /* a request, and its start */
			memcpy(ram + 0x100, data + 1, 7);
			bus_write(bus, BUS_PORT, 0x518, 4,
				  __builtin_bswap32(0x100u + data[7] % 16));
			break;
		case 3:
			memcpy(ram + 0x107 + data[1] % 8, data + 2, 6);
			break;
		default:
			shadow(data);
		}
	}
	for (unsigned i = 0; i < GUARD; i++)
		must(ram[RAM + i] == 0xa5);
	return 0;
}
