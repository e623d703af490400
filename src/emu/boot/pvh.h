/* SPDX-License-Identifier: MIT */
/*
 * Booting an ELF kernel by Xen's PVH entry without firmware, as Linux's uncompressed vmlinux has
 * it (Xen, docs/misc/pvh.pandoc; public/arch-x86/hvm/start_info.h): 32 bits, no paging, ebx points
 * to a structure that says the rest.
 *
 * The kernel is somebody else's file: fields are checked against its length and the guest's memory
 * before anything is placed.
 */
#ifndef EMU_BOOT_PVH_H
#define EMU_BOOT_PVH_H

#include "emu/boot/linux.h"

/* Enough of a file for ELF's headers; the most that notes may have. */
#define PVH_HEAD  8192u
#define PVH_NOTES (64u << 10)
#define PVH_PARTS 32

struct pvh_part {
	uint64_t from;          /* in the file */
	uint32_t at, len, size; /* in memory: @len bytes of the file, zeroes up to @size */
};

struct pvh_image {
	unsigned parts, notes;
	uint32_t hi; /* all parts lie in [1 MiB, hi) */
	struct pvh_part part[PVH_PARTS];
	struct {
		uint64_t from;
		uint32_t len;
	} note[PVH_PARTS];
};

/* @head are the first @len bytes of a file of @file_len.  -EINVAL: no ELF file for x86, or one that
 * contradicts itself; -ENOTSUP: it wants to lie where it cannot. */
int pvh_parse(const uint8_t *head, size_t len, uint64_t file_len, struct pvh_image *out,
	      struct err *e) MUST_CHECK;
/* XEN_ELFNOTE_PHYS32_ENTRY of one segment of notes, or false. */
bool pvh_find_entry(const uint8_t *notes, size_t len, uint32_t *entry);

struct pvh_entry {
	uint32_t eip, info;
};

/* Places kernel, initrd, command line and the structure; b->rsdp must be given. */
int pvh_load(struct mem *m, const struct linux_boot *b, struct pvh_entry *out, struct err *e)
	MUST_CHECK;
/* Puts a processor that was reset at the entry. */
void pvh_enter(struct x86_cpu *c, const struct pvh_entry *entry);

#endif
