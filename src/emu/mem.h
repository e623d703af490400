/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory: which addresses are RAM or ROM, and where their bytes are in this
 * process.  Everything else is the bus's (bus.h).
 *
 * The map changes rarely (PAM, SMRAM, flash, a BAR of video memory) and only while no vCPU
 * runs guest code (vcpu.h, vcpu_exclusive()).  Those who keep translations, the software
 * TLB and KVM, listen for changes; who keeps translated code also listens for writes by
 * devices.
 *
 * The guest chooses every address and length: all functions check them.
 */
#ifndef EMU_MEM_H
#define EMU_MEM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_PAGE 4096u

struct mem;

/* One run of addresses with bytes behind it.  Page aligned. */
struct mem_slot {
	uint64_t gpa, size;
	uint8_t *host;
	bool writable; /* ROM: reads go to the bytes, writes to the bus */
};

/* Called with no vCPU in guest code.  NULL members are not called. */
struct mem_listener {
	/* What [gpa, gpa + size) is has changed. */
	void (*changed)(void *arg, uint64_t gpa, uint64_t size);
	/* A device wrote these bytes of RAM; from any thread. */
	void (*written)(void *arg, uint64_t gpa, uint64_t len);
	void *arg;
};

#define MEM_LISTENERS 4

int mem_new(struct mem **out, struct err *e) MUST_CHECK;
/* Does not unmap what was given to mem_map(). */
void mem_free(struct mem *m);

/* Makes [gpa, gpa + size) these bytes, whatever was there; @host NULL: nothing (the bus).  It
 * becomes one slot with what continues it.
 * -EINVAL when not page aligned or wrapping. */
int mem_map(struct mem *m, uint64_t gpa, uint64_t size, uint8_t *host, bool writable,
	    struct err *e) MUST_CHECK;
int mem_listen(struct mem *m, const struct mem_listener *l, struct err *e) MUST_CHECK;

/*
 * The slot that holds @gpa, or false.  Any thread, also while the map changes: it is as it was
 * before or after.  Bytes that were mapped once stay in this process as long as @m, so what
 * was found may be used when the map has changed, as a device's transfer under way would.
 */
bool mem_slot_at(const struct mem *m, uint64_t gpa, struct mem_slot *out);
/* All, for who changes it or has stopped who does: valid until the next mem_map(). */
const struct mem_slot *mem_slots(const struct mem *m, size_t *n);

/* The bytes at [gpa, gpa + len) if all are in one slot (and writable, if @write); else NULL.
 * The guest may change them at any moment: copy once, then check. */
void *mem_ptr(const struct mem *m, uint64_t gpa, uint64_t len, bool write);
/* Copies, over slot borders; -EFAULT, with nothing said, where a byte is not memory. */
int mem_read(const struct mem *m, uint64_t gpa, void *buf, size_t len) MUST_CHECK;
/* For devices: tells the listeners. */
int mem_write(struct mem *m, uint64_t gpa, const void *buf, size_t len) MUST_CHECK;
/* Copies bytes one side of which others may change meanwhile.  1, 2, 4 or 8 are one access, as
 * the processor's own. */
void mem_copy(void *to, const void *from, size_t n);
/* Says that a device has written through mem_ptr(). */
void mem_written(struct mem *m, uint64_t gpa, uint64_t len);

/* Where the bytes to hand to mem_map() come from. */
struct mem_source {
	/* A folder (such as a mount of huge pages), where a file without a name is made; or a file to
	 * use as it is, which is made or grows where needed and never shrinks.  NULL: no file. */
	const char *path;
	bool memfd;        /* a file of the kernel's, with no path */
	bool shared;       /* a file's bytes are those of the guest, also for others */
	bool prealloc;     /* every page now, or an error */
	bool overcommit;   /* no space is set aside for pages not yet used */
	bool huge;         /* memfd: huge pages */
	uint64_t page;     /* their size; 0: the system's default */
	bool unsealed;     /* memfd: its size may be changed */
	bool merge;        /* equal pages may become one (KSM) */
	bool out_of_dumps; /* not in core dumps */
};

/* What was allocated.  @mapped is @size in whole pages of its source. */
struct mem_bytes {
	uint8_t *host;
	uint64_t mapped;
};

int mem_source_alloc(uint64_t size, const struct mem_source *from, struct mem_bytes *out,
		     struct err *e) MUST_CHECK;
void mem_source_free(struct mem_bytes *b);
/* The plain forms, for ROMs and tests: @path NULL is no file. */
int mem_alloc(uint64_t size, const char *path, bool prealloc, uint8_t **host, struct err *e)
	MUST_CHECK;
void mem_dealloc(uint8_t *host, uint64_t size);

#endif
