/* SPDX-License-Identifier: MIT */
#include "emu/boot/linux_fw.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "emu/dev/fw_cfg.h"

#include <string.h>

/* Where QEMU's option ROM puts things. */
#define AT_SETUP   0x10000u
#define AT_CMDLINE 0x20000u
#define AT_KERNEL  0x100000u
#define SETUP_MAX  (64u * 512u + 512u)

/* Fields of the setup header (boot.rst). */
#define H_LOADER     0x210
#define H_LOADFLAGS  0x211
#define H_RAMDISK    0x218
#define H_RD_SIZE    0x21c
#define H_HEAP_END   0x224
#define H_CMDLINE    0x228
#define LOADER_QEMU  0xb0 /* the kind of loader that the ROM is */
#define CAN_USE_HEAP 0x80

static int initrd(struct fw_cfg *f, const struct linux_boot *b, const struct linux_image *k,
		  uint8_t *setup, struct err *e)
{
	uint64_t size = 0, at, top = min_u64((uint64_t)k->initrd_max + 1, b->low_ram);
	int r;

	if (b->initrd_fd < 0)
		return 0;
	/* firmware keeps its tables at the end of memory */
	top = top == b->low_ram && top > 4 << 20 ? top - (1 << 20) : top;
	r = io_size(b->initrd_fd, &size, e);
	if (r < 0)
		return err_wrap(e, r, "initrd");
	at = size && size < top ? round_down(top - size, 4096) : 0;
	if (at < AT_KERNEL + k->payload_len)
		return err_set(e, -ENOMEM, "an initrd of %llu bytes does not fit",
			       (unsigned long long)size);
	store_le32(setup + H_RAMDISK, (uint32_t)at);
	store_le32(setup + H_RD_SIZE, (uint32_t)size);
	r = fw_cfg_number(f, FW_CFG_INITRD_ADDR, 4, at, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_INITRD_SIZE, 4, size, e);
	return r < 0 ? r : fw_cfg_from_fd(f, FW_CFG_INITRD_DATA, b->initrd_fd, 0, size, e);
}

static int cmdline(struct fw_cfg *f, const struct linux_boot *b, const struct linux_image *k,
		   struct err *e)
{
	const char *line = b->cmdline ? b->cmdline : "";
	size_t len = strlen(line), most = k->cmdline_size ? k->cmdline_size : 255;
	int r;

	if (len > most)
		return err_set(e, -EINVAL,
			       "the kernel's command line is %zu bytes, it takes at most %zu",
			       len, most);
	r = fw_cfg_number(f, FW_CFG_CMDLINE_ADDR, 4, AT_CMDLINE, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_CMDLINE_SIZE, 4, len + 1, e);
	return r < 0 ? r : fw_cfg_item(f, FW_CFG_CMDLINE_DATA, line, len + 1, e);
}

int linux_fw_items(struct fw_cfg *f, const struct linux_boot *b, struct err *e)
{
	AUTO_FREE uint8_t *setup = mem_zalloc(1, SETUP_MAX, e);
	struct linux_image k;
	uint64_t size;
	size_t got;
	int r = setup ? io_size(b->kernel_fd, &size, e) : -ENOMEM;

	if (r == 0)
		r = io_pread_upto(b->kernel_fd, setup, SETUP_MAX, 0, &got, e);
	if (r == 0)
		r = linux_parse(setup, got, size, &k, e);
	if (r < 0)
		return r;
	if (k.payload > got)
		return err_set(e, -EINVAL, "the kernel's setup part is %llu bytes",
			       (unsigned long long)k.payload);
	setup[H_LOADER] = LOADER_QEMU;
	setup[H_LOADFLAGS] |= CAN_USE_HEAP;
	store_le16(setup + H_HEAP_END, (uint16_t)(AT_CMDLINE - AT_SETUP - 0x200));
	store_le32(setup + H_CMDLINE, AT_CMDLINE);
	r = initrd(f, b, &k, setup, e);
	if (r == 0)
		r = cmdline(f, b, &k, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_SETUP_ADDR, 4, AT_SETUP, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_SETUP_SIZE, 4, k.payload, e);
	if (r == 0)
		r = fw_cfg_item(f, FW_CFG_SETUP_DATA, setup, (size_t)k.payload, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_KERNEL_ADDR, 4, AT_KERNEL, e);
	if (r == 0)
		r = fw_cfg_number(f, FW_CFG_KERNEL_SIZE, 4, k.payload_len, e);
	return r < 0 ? r
		     : fw_cfg_from_fd(f, FW_CFG_KERNEL_DATA, b->kernel_fd, k.payload,
				      k.payload_len, e);
}
