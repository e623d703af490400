/* SPDX-License-Identifier: MIT */
/*
 * Any reads and writes of flash memory: it stays within its image, which holds what it shows; a
 * read-only one never changes.
 */
#include "emu/dev/pflash.h"

#include "emu/mem.h"
#include "emu/vcpu.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/memblk.h"

#define SIZE (64u << 10)
#define END  0x20000u

struct unit {
	struct mem *mem;
	struct bus *bus;
	struct blk *image;
	struct pflash *flash;
};

static void start(struct unit *u, struct vcpu_group *g, bool readonly)
{
	static uint8_t blank[SIZE];
	struct pflash_env env = {
		.group = g, .name = "test", .end = END, .readonly = readonly
	};
	struct err e = { 0 };

	memset(blank, 0xff, SIZE);
	u->image = memblk_new(blank, SIZE);
	must(bus_new(&u->bus, &e) == 0 && mem_new(&u->mem, &e) == 0);
	env.mem = u->mem;
	env.bus = u->bus;
	env.image = u->image;
	must(pflash_new(&u->flash, &env, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct vcpu_group group;
	static struct vcpu vcpu;
	static struct unit rw, ro;

	if (!rw.flash) {
		vcpu_group_init(&group, &vcpu, 1);
		start(&rw, &group, false);
		start(&ro, &group, true);
	}
	for (; len >= 4; data += 4, len -= 4) {
		uint64_t at = END - SIZE + (data[0] | (uint64_t)data[1] << 8);
		unsigned size = 1u << (data[2] & 3);

		if (data[2] & 0x80) {
			must(bus_read(ro.bus, BUS_MEM, at, 1) < 256);
			bus_read(rw.bus, BUS_MEM, at, size);
			continue;
		}
		bus_write(rw.bus, BUS_MEM, at, size, data[3] * UINT64_C(0x0101010101010101));
		bus_write(ro.bus, BUS_MEM, at, size, data[3]);
	}
	pflash_reset(rw.flash);
	pflash_reset(ro.flash);
	must(mem_ptr(rw.mem, END - SIZE, SIZE, false) == pflash_bytes(rw.flash));
	must(!memcmp(pflash_bytes(rw.flash), memblk(rw.image)->m.p, SIZE));
	for (unsigned i = 0; i < SIZE; i++)
		must(pflash_bytes(ro.flash)[i] == 0xff);
	return 0;
}
