/* SPDX-License-Identifier: MIT */
/*
 * Booting Linux without firmware: a bzImage by its 64-bit entry, or by its 32-bit one where it
 * has no other (Documentation/arch/x86/boot.rst, protocol 2.06 and later).
 *
 * Kernel and initrd are files of somebody else: header fields are checked against the file's
 * length and the guest's memory before anything is placed.
 */
#ifndef EMU_BOOT_LINUX_H
#define EMU_BOOT_LINUX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;
struct x86_cpu;

/* Enough of a file to parse its header. */
#define LINUX_HEAD 0x290

/* What a bzImage says of itself. */
struct linux_image {
	uint16_t version;
	bool entry64, relocatable;
	uint64_t payload; /* offset of the protected-mode part in the file */
	uint64_t payload_len;
	uint64_t pref;      /* where it wants to lie */
	uint32_t init_size; /* how much memory it needs there */
	uint32_t align;
	uint32_t initrd_max;   /* highest address an initrd may use */
	uint32_t cmdline_size; /* without the NUL */
	size_t header_end;     /* the setup header is [0x1f1, header_end) */
};

/* @head are the first @len bytes of a file of @file_len.  -EINVAL: not a bzImage, or one that
 * contradicts itself; -ENOTSUP: too old. */
int linux_parse(const uint8_t *head, size_t len, uint64_t file_len, struct linux_image *out,
		struct err *e) MUST_CHECK;

/* One line of the memory map handed to the kernel. */
struct e820 {
	uint64_t base, size;
	uint32_t type; /* 1 RAM, 2 reserved, 3 ACPI tables */
};
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_MAX = 128 };

struct linux_boot {
	int kernel_fd;
	int initrd_fd; /* -1: none */
	const char *cmdline;
	const struct e820 *map;
	size_t map_n;
	uint64_t low_ram; /* RAM is [0, low_ram) and what lies above 4 GiB */
	uint64_t rsdp;    /* 0: the kernel looks for it */
};

struct linux_entry {
	bool entry64;
	uint64_t rip, params;
};

/* Places kernel, initrd, command line, page tables and the zero page. */
int linux_load(struct mem *m, const struct linux_boot *b, struct linux_entry *out,
	       struct err *e) MUST_CHECK;
/* Puts a processor that was reset at the entry. */
void linux_enter(struct x86_cpu *c, const struct linux_entry *entry);

#endif
