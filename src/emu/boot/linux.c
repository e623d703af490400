/* SPDX-License-Identifier: MIT */
#include "emu/boot/linux.h"

#include "base/bytes.h"
#include "base/io.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"

#include <string.h>

/* Where things lie below 640 KiB. */
#define AT_GDT          0x0500
#define AT_PARAMS       0x7000
#define AT_PML4         0x9000
#define AT_PDPT         0xa000
#define AT_PD           0xb000 /* four of them: 4 GiB */
#define AT_CMDLINE      0x20000
#define CMDLINE_AT_MOST 0x10000

#define SEL_CS 0x10
#define SEL_DS 0x18

/* Fields of the setup header, at their offsets in file and zero page. */
#define H_START        0x1f1
#define H_SETUP_SECTS  0x1f1
#define H_BOOT_FLAG    0x1fe
#define H_JUMP         0x201
#define H_MAGIC        0x202
#define H_VERSION      0x206
#define H_LOADER       0x210
#define H_LOADFLAGS    0x211
#define H_CODE32       0x214
#define H_RAMDISK      0x218
#define H_RAMDISK_SIZE 0x21c
#define H_CMDLINE      0x228
#define H_INITRD_MAX   0x22c
#define H_ALIGN        0x230
#define H_RELOCATABLE  0x234
#define H_XLOADFLAGS   0x236
#define H_CMDLINE_SIZE 0x238
#define H_PREF         0x258
#define H_INIT_SIZE    0x260
#define H_END_MIN      0x264
#define LOADED_HIGH    0x01
#define XLF_KERNEL_64  0x01
#define LOADER_OTHER   0xff
/* Fields of the zero page alone. */
#define Z_RSDP         0x070
#define Z_E820_N       0x1e8
#define Z_E820         0x2d0

int linux_parse(const uint8_t *head, size_t len, uint64_t file_len, struct linux_image *out,
		struct err *e)
{
	struct linux_image k = { 0 };
	unsigned sects;

	if (len < LINUX_HEAD || load_le16(head + H_BOOT_FLAG) != 0xaa55 ||
	    memcmp(head + H_MAGIC, "HdrS", 4) != 0)
		return err_set(e, -EINVAL, "not a Linux kernel image (bzImage)");
	k.version = load_le16(head + H_VERSION);
	if (k.version < 0x206 || !(head[H_LOADFLAGS] & LOADED_HIGH))
		return err_set(
			e, -ENOTSUP,
			"a kernel of boot protocol %u.%02u; 2.06 is the oldest that works",
			k.version >> 8, k.version & 0xff);
	sects = head[H_SETUP_SECTS] ? head[H_SETUP_SECTS] : 4;
	k.payload = (sects + 1) * 512u;
	if (k.payload >= file_len)
		return err_set(e, -EINVAL, "the kernel ends within its setup part: %llu bytes",
			       (unsigned long long)file_len);
	k.payload_len = file_len - k.payload;
	k.header_end = (size_t)H_MAGIC + head[H_JUMP];
	if (k.header_end > LINUX_HEAD)
		k.header_end = LINUX_HEAD;
	k.initrd_max = load_le32(head + H_INITRD_MAX);
	k.cmdline_size = load_le32(head + H_CMDLINE_SIZE);
	k.relocatable = head[H_RELOCATABLE];
	k.align = load_le32(head + H_ALIGN);
	k.pref = 1 << 20;
	if (k.version >= 0x20a && k.header_end >= H_END_MIN) {
		k.pref = load_le64(head + H_PREF);
		k.init_size = load_le32(head + H_INIT_SIZE);
	}
	k.entry64 = k.version >= 0x20c && (load_le16(head + H_XLOADFLAGS) & XLF_KERNEL_64);
	if (k.relocatable && (!k.align || k.align & (k.align - 1) || k.align > 1u << 30))
		return err_set(e, -EINVAL, "the kernel wants an alignment of %#x", k.align);
	if (k.pref < 1 << 20 || k.pref >= UINT64_C(1) << 32)
		return err_set(e, -EINVAL, "the kernel wants to lie at %#llx",
			       (unsigned long long)k.pref);
	*out = k;
	return 0;
}

/* Where the kernel goes: where it wants to, or as low as it can be moved. */
static int place(const struct linux_image *k, uint64_t low_ram, uint64_t *at, uint64_t *end,
		 struct err *e)
{
	uint64_t need = max_u64(k->init_size, k->payload_len);

	*at = k->pref;
	if (k->relocatable && (*at > low_ram || need > low_ram - *at))
		*at = round_up(1 << 20, k->align);
	if (*at > low_ram || need > low_ram - *at)
		return err_set(e, -ENOMEM,
			       "the kernel needs %llu MiB at %llu MiB, the guest has %llu MiB",
			       (unsigned long long)(need >> 20),
			       (unsigned long long)(*at >> 20),
			       (unsigned long long)(low_ram >> 20));
	*end = *at + need;
	return 0;
}

static int load_initrd(struct mem *m, const struct linux_boot *b, const struct linux_image *k,
		       uint64_t floor, uint8_t *zero, struct err *e)
{
	uint64_t size, at, top = min_u64((uint64_t)k->initrd_max + 1, b->low_ram);
	void *p;
	int r;

	if (b->initrd_fd < 0)
		return 0;
	r = io_size(b->initrd_fd, &size, e);
	if (r < 0)
		return err_wrap(e, r, "initrd");
	if (!size)
		return err_set(e, -EINVAL, "the initrd is empty");
	at = size < top ? round_down(top - size, MEM_PAGE) : 0;
	p = at >= floor ? mem_ptr(m, at, size, true) : NULL;
	if (!p)
		return err_set(e, -ENOMEM,
			       "an initrd of %llu MiB does not fit into %llu MiB of guest "
			       "memory beside the kernel",
			       (unsigned long long)(size >> 20),
			       (unsigned long long)(b->low_ram >> 20));
	r = io_pread(b->initrd_fd, p, (size_t)size, 0, e);
	if (r < 0)
		return err_wrap(e, r, "initrd");
	store_le32(zero + H_RAMDISK, (uint32_t)at);
	store_le32(zero + H_RAMDISK_SIZE, (uint32_t)size);
	return 0;
}

static int load_cmdline(struct mem *m, const struct linux_boot *b, const struct linux_image *k,
			uint8_t *zero, struct err *e)
{
	const char *line = b->cmdline ? b->cmdline : "";
	size_t len = strlen(line), most = k->cmdline_size ? k->cmdline_size : 255;

	if (len > most || len >= CMDLINE_AT_MOST)
		return err_set(e, -EINVAL,
			       "the kernel's command line is %zu bytes, it takes at most %zu",
			       len, most < CMDLINE_AT_MOST ? most : CMDLINE_AT_MOST - 1u);
	if (mem_write(m, AT_CMDLINE, line, len + 1) < 0)
		return err_set(e, -ENOMEM, "the guest has no memory for a command line");
	store_le32(zero + H_CMDLINE, AT_CMDLINE);
	return 0;
}

static int load_map(const struct linux_boot *b, uint8_t *zero, struct err *e)
{
	if (b->map_n > E820_MAX)
		return err_set(e, -EINVAL, "a memory map of %zu ranges", b->map_n);
	zero[Z_E820_N] = (uint8_t)b->map_n;
	for (size_t i = 0; i < b->map_n; i++) {
		uint8_t *p = zero + Z_E820 + i * 20;

		store_le64(p, b->map[i].base);
		store_le64(p + 8, b->map[i].size);
		store_le32(p + 16, b->map[i].type);
	}
	return 0;
}

/* Descriptors for the entry, and 4 GiB of memory mapped to themselves in 2 MiB pages. */
static int load_tables(struct mem *m, bool entry64, struct err *e)
{
	uint8_t gdt[32] = { 0 };
	uint8_t *t = mem_ptr(m, AT_PML4, 6 * MEM_PAGE, true);

	if (!t)
		return err_set(e, -ENOMEM, "the guest has no memory at %#x", AT_PML4);
	store_le64(gdt + SEL_CS, entry64 ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
	store_le64(gdt + SEL_DS, 0x00cf93000000ffff);
	memset(t, 0, 6 * (size_t)MEM_PAGE);
	store_le64(t, AT_PDPT | 3);
	for (unsigned i = 0; i < 4; i++)
		store_le64(t + MEM_PAGE + i * 8, (AT_PD + i * MEM_PAGE) | 3);
	for (uint64_t i = 0; i < 4 * 512; i++)
		store_le64(t + 2 * MEM_PAGE + i * 8, i << 21 | 0x83);
	if (mem_write(m, AT_GDT, gdt, sizeof(gdt)) < 0)
		return err_set(e, -ENOMEM, "the guest has no memory at %#x", AT_GDT);
	return 0;
}

int linux_load(struct mem *m, const struct linux_boot *b, struct linux_entry *out,
	       struct err *e)
{
	uint8_t head[LINUX_HEAD], *zero = mem_ptr(m, AT_PARAMS, MEM_PAGE, true);
	struct linux_image k;
	uint64_t file_len, at = 0, end = 0;
	size_t got;
	void *p;
	int r = io_size(b->kernel_fd, &file_len, e);

	if (r == 0)
		r = io_pread_upto(b->kernel_fd, head, sizeof(head), 0, &got, e);
	if (r == 0)
		r = linux_parse(head, got, file_len, &k, e);
	if (r == 0)
		r = place(&k, b->low_ram, &at, &end, e);
	if (r < 0)
		return r;
	if (!zero)
		return err_set(e, -ENOMEM, "the guest has no memory at %#x", AT_PARAMS);
	p = mem_ptr(m, at, k.payload_len, true);
	if (!p)
		return err_set(e, -ENOMEM, "the guest has no memory for the kernel at %#llx",
			       (unsigned long long)at);
	r = io_pread(b->kernel_fd, p, (size_t)k.payload_len, k.payload, e);
	if (r < 0)
		return r;
	memset(zero, 0, MEM_PAGE);
	memcpy(zero + H_START, head + H_START, k.header_end - H_START);
	zero[H_LOADER] = LOADER_OTHER;
	store_le32(zero + H_CODE32, (uint32_t)at);
	store_le64(zero + Z_RSDP, b->rsdp);
	r = load_initrd(m, b, &k, end, zero, e);
	if (r == 0)
		r = load_cmdline(m, b, &k, zero, e);
	if (r == 0)
		r = load_map(b, zero, e);
	if (r == 0)
		r = load_tables(m, k.entry64, e);
	if (r < 0)
		return r;
	*out = (struct linux_entry){ .entry64 = k.entry64,
				     .rip = k.entry64 ? at + 0x200 : at,
				     .params = AT_PARAMS };
	return 0;
}

void linux_enter(struct x86_cpu *c, const struct linux_entry *entry)
{
	x86_seg_flat(c, SEL_CS, SEL_DS, entry->entry64);
	c->gdtr = (struct x86_table){ .base = AT_GDT, .limit = 31 };
	c->idtr = (struct x86_table){ 0 };
	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[X86_RSI] = entry->params;
	c->gpr[X86_RSP] = AT_PARAMS;
	c->rip = entry->rip;
	c->rflags = RFL_1;
	c->cr0 = CR0_PE | CR0_ET | CR0_NE;
	if (!entry->entry64)
		return;
	c->cr3 = AT_PML4;
	c->cr4 = CR4_PAE;
	c->efer = EFER_LME | EFER_LMA;
	c->cr0 |= CR0_PG;
}
