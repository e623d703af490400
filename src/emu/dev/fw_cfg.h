/* SPDX-License-Identifier: MIT */
/*
 * QEMU's channel from the machine to its firmware (docs/specs/fw_cfg.rst there): numbered items
 * and named files, read byte by byte through ports 510 and 511 or in one go by DMA (ports
 * 514..51b).
 *
 * The guest chooses selector, lengths and addresses: reads past an item's end give zeros, DMA to
 * what is not RAM sets the error bit.
 */
#ifndef EMU_DEV_FW_CFG_H
#define EMU_DEV_FW_CFG_H

#include "base/err.h"
#include "emu/bus.h"

#include <stddef.h>

/* Numbers of items that are no files. */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_UUID = 0x02,
	FW_CFG_RAM_SIZE = 0x03,
	FW_CFG_NOGRAPHIC = 0x04,
	FW_CFG_CPUS = 0x05,
	FW_CFG_KERNEL_ADDR = 0x07,
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_ADDR = 0x0a,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_CPUS_MAX = 0x0f,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_ADDR = 0x13,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_SETUP_ADDR = 0x16,
	FW_CFG_SETUP_SIZE = 0x17,
	FW_CFG_SETUP_DATA = 0x18,
	FW_CFG_DIRECTORY = 0x19,
	FW_CFG_FIRST_FILE = 0x20,
	FW_CFG_IRQ0 = 0x8002, /* the PIT is input 2 of the I/O APIC */
};
#define FW_CFG_NAME  56u /* of a file, with its NUL */
#define FW_CFG_FILES 96u

struct fw_cfg;
struct mem;

int fw_cfg_new(struct fw_cfg **out, struct bus *b, struct mem *m, struct err *e) MUST_CHECK;
void fw_cfg_free(struct fw_cfg *f);
/* What was selected, forgotten. */
void fw_cfg_reset(struct fw_cfg *f);

/* These before the guest runs; what was there under that number or name is replaced. */
int fw_cfg_item(struct fw_cfg *f, uint16_t key, const void *data, size_t len, struct err *e)
	MUST_CHECK;
int fw_cfg_number(struct fw_cfg *f, uint16_t key, unsigned bytes, uint64_t v, struct err *e)
	MUST_CHECK;
int fw_cfg_file(struct fw_cfg *f, const char *name, const void *data, size_t len, struct err *e)
	MUST_CHECK;
/* [off, off + len) of an open file, read when the guest asks for it.  The descriptor stays the
 * caller's. */
int fw_cfg_from_fd(struct fw_cfg *f, uint16_t key, int fd, uint64_t off, uint64_t len,
		   struct err *e) MUST_CHECK;

/* @fn is called when the guest selects a file of that name, before it reads; under the device's
 * lock, in a vCPU's thread.  It may call fw_cfg_change(). */
void fw_cfg_on_select(struct fw_cfg *f, const char *name, void (*fn)(void *arg), void *arg);
/* New content of the same length; false: there is no such file of that length. */
bool fw_cfg_change(struct fw_cfg *f, const char *name, const void *data, size_t len);

#endif
