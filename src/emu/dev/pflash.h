/* SPDX-License-Identifier: MIT */
/*
 * Flash memory with Intel's command set (JEDEC's common flash interface, command set 1), one byte
 * wide, blocks of 4 KiB: what firmware lies in, and where it keeps its variables.
 *
 * In its ordinary state it is read-only memory of the guest; while a command is under way reads
 * come here.  What is programmed is in the image at once.
 */
#ifndef EMU_DEV_PFLASH_H
#define EMU_DEV_PFLASH_H

#include "base/err.h"
#include "emu/bus.h"

#define PFLASH_BLOCK 4096u
#define PFLASH_MAX   (8u << 20)

struct pflash;
struct blk;
struct mem;
struct vcpu_group;

struct pflash_env {
	struct mem *mem;
	struct bus *bus;
	struct vcpu_group *group;
	struct blk *image; /* whole blocks, at most PFLASH_MAX; stays the caller's */
	const char *name;  /* of the image, for messages */
	uint64_t end;      /* the address after its last byte */
	bool readonly;
};

int pflash_new(struct pflash **out, const struct pflash_env *env, struct err *e) MUST_CHECK;
void pflash_free(struct pflash *f);
void pflash_reset(struct pflash *f);
uint64_t pflash_size(const struct pflash *f);
const uint8_t *pflash_bytes(const struct pflash *f);

#endif
