/* SPDX-License-Identifier: MIT */
/*
 * Booting a Multiboot kernel (Multiboot specification 0.6.96) without firmware: an ELF file of
 * 32 bits, or any file whose header says where its bytes go.
 *
 * Kernel and module are files of somebody else: fields are checked against the file's length
 * and the guest's memory before anything is placed.
 */
#ifndef EMU_BOOT_MULTIBOOT_H
#define EMU_BOOT_MULTIBOOT_H

#include "emu/boot/linux.h"

/* Enough of a file to parse it: the header lies there, and so must ELF's program headers. */
#define MULTIBOOT_HEAD  8192
#define MULTIBOOT_PARTS 32

struct multiboot_part {
	uint64_t from;          /* in the file */
	uint32_t at, len, size; /* in memory: @len bytes of the file, zeroes up to @size */
};

struct multiboot_image {
	uint32_t entry;
	uint32_t lo, hi; /* all parts lie in [lo, hi) */
	unsigned parts;
	struct multiboot_part part[MULTIBOOT_PARTS];
};

bool multiboot_has_header(const uint8_t *head, size_t len);
/* @head are the first @len bytes of a file of @file_len.  -EINVAL: no such kernel, or one that
 * contradicts itself; -ENOTSUP: wants what is not offered (a video mode, 64-bit ELF). */
int multiboot_parse(const uint8_t *head, size_t len, uint64_t file_len,
		    struct multiboot_image *out, struct err *e) MUST_CHECK;

struct multiboot_boot {
	int kernel_fd;
	int module_fd; /* -1: none */
	/* First words of the command lines of kernel and module: their files' names. */
	const char *kernel, *module;
	const char *cmdline; /* or NULL */
	const struct e820 *map;
	size_t map_n;
	uint64_t low_ram; /* RAM is [0, low_ram) and what lies above 4 GiB */
};

struct multiboot_entry {
	uint32_t eip, info;
};

/* Places kernel, module, command lines and the information structure. */
int multiboot_load(struct mem *m, const struct multiboot_boot *b, struct multiboot_entry *out,
		   struct err *e) MUST_CHECK;
/* Puts a processor that was reset at the entry. */
void multiboot_enter(struct x86_cpu *c, const struct multiboot_entry *entry);

#endif
