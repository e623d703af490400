/* SPDX-License-Identifier: MIT */
#include "emu/boot/multiboot.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/io.h"
#include "base/mem.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAGIC 0x1badb002u
#define LOADER_MAGIC 0x2badb002u
#define WANTS_VIDEO  (1u << 2)
#define HAS_ADDRESS  (1u << 16)
/* Bits 0..15 must be understood: pages for modules, memory information. */
#define UNDERSTOOD   3u

#define INFO_MEMORY  (1u << 0)
#define INFO_CMDLINE (1u << 2)
#define INFO_MODULES (1u << 3)
#define INFO_MAP     (1u << 6)
#define INFO_LOADER  (1u << 9)
/* In the page of the information structure. */
#define PAGE_LOADER  0x80u
#define PAGE_MODULE  0xa0u
#define PAGE_MAP     0x100u

#define CMDLINE_MAX 0x4000u

struct header {
	const uint8_t *p;
	uint32_t offset; /* in the file */
	uint32_t flags;
};

static bool find(const uint8_t *head, size_t len, struct header *h)
{
	for (size_t at = 0; at + 12 <= len; at += 4) {
		uint32_t flags = load_le32(head + at + 4);

		if (load_le32(head + at) != HEADER_MAGIC ||
		    HEADER_MAGIC + flags + load_le32(head + at + 8) != 0)
			continue;
		*h = (struct header){ head + at, (uint32_t)at, flags };
		return true;
	}
	return false;
}

bool multiboot_has_header(const uint8_t *head, size_t len)
{
	struct header h;

	return find(head, len < MULTIBOOT_HEAD ? len : MULTIBOOT_HEAD, &h);
}

static int add_part(struct multiboot_image *k, uint64_t from, uint64_t file_len, uint32_t at,
		    uint32_t len, uint32_t size, struct err *e)
{
	if (size < len)
		size = len;
	if (!size)
		return 0;
	if (from > file_len || len > file_len - from)
		return err_set(e, -EINVAL, "the kernel ends within a part: %llu bytes",
			       (unsigned long long)file_len);
	if (size > UINT32_MAX - at)
		return err_set(e, -EINVAL, "a part of the kernel at %#x has %u bytes", at,
			       size);
	if (k->parts == MULTIBOOT_PARTS)
		return err_set(e, -EINVAL, "a kernel of more than %d parts", MULTIBOOT_PARTS);
	k->part[k->parts++] =
		(struct multiboot_part){ .from = from, .at = at, .len = len, .size = size };
	if (k->parts == 1 || at < k->lo)
		k->lo = at;
	if (at + size > k->hi)
		k->hi = at + size;
	return 0;
}

/* The header's own addresses: header, load, load end, bss end, entry. */
static int by_address(const struct header *h, size_t left, uint64_t file_len,
		      struct multiboot_image *k, struct err *e)
{
	if (left < 32)
		return err_set(e, -EINVAL, "the Multiboot header is cut short");
	uint32_t header = load_le32(h->p + 12), load = load_le32(h->p + 16);
	uint32_t end = load_le32(h->p + 20), bss = load_le32(h->p + 24);

	k->entry = load_le32(h->p + 28);
	if (header < load || header - load > h->offset)
		return err_set(e, -EINVAL,
			       "the Multiboot header says it lies at %#x, its file at %#x",
			       header, load);
	uint32_t from = h->offset - (header - load);
	uint64_t len = end ? (uint64_t)end - load : file_len - from;

	if ((end && end < load) || len > UINT32_MAX || (bss && bss < load + len))
		return err_set(e, -EINVAL, "the Multiboot header ends at %#x and %#x", end,
			       bss);
	return add_part(k, from, file_len, load, (uint32_t)len, bss ? bss - load : 0, e);
}

/* ELF of 32 bits for the 386: System V ABI, chapter 4. */
static int by_elf(const uint8_t *p, size_t len, uint64_t file_len, struct multiboot_image *k,
		  struct err *e)
{
	if (len < 52 || memcmp(p, "\177ELF", 4) != 0)
		return err_set(e, -EINVAL, "a Multiboot kernel that is not an ELF file");
	if (p[4] != 1 || p[5] != 1 || load_le16(p + 18) != 3)
		return err_set(e, -ENOTSUP,
			       "a Multiboot kernel must be a 32-bit ELF file for the 386");
	uint32_t off = load_le32(p + 28);
	uint16_t each = load_le16(p + 42), n = load_le16(p + 44);

	k->entry = load_le32(p + 24);
	if (each < 32 || off > len || (uint64_t)each * n > len - off)
		return err_set(e, -EINVAL, "ELF program headers at %#x: %u of %u bytes", off, n,
			       each);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *h = p + off + (size_t)i * each;
		int r = 0;

		if (load_le32(h) == 1) /* PT_LOAD: offset, physical address, sizes */
			r = add_part(k, load_le32(h + 4), file_len, load_le32(h + 12),
				     load_le32(h + 16), load_le32(h + 20), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int multiboot_parse(const uint8_t *head, size_t len, uint64_t file_len,
		    struct multiboot_image *out, struct err *e)
{
	struct multiboot_image k = { 0 };
	struct header h;
	int r;

	if (len > MULTIBOOT_HEAD)
		len = MULTIBOOT_HEAD;
	if (!find(head, len, &h))
		return err_set(e, -EINVAL,
			       "neither a Linux kernel image (bzImage) nor a "
			       "Multiboot or ELF kernel");
	if (h.flags & WANTS_VIDEO)
		return err_set(e, -ENOTSUP, "the Multiboot kernel wants a video mode");
	if (h.flags & 0xffff & ~UNDERSTOOD)
		return err_set(e, -ENOTSUP, "the Multiboot kernel wants unknown features: %#x",
			       h.flags);
	if (h.flags & HAS_ADDRESS)
		r = by_address(&h, len - h.offset, file_len, &k, e);
	else
		r = by_elf(head, len, file_len, &k, e);
	if (r < 0)
		return r;
	if (!k.parts)
		return err_set(e, -EINVAL, "a Multiboot kernel without anything to load");
	*out = k;
	return 0;
}

/* ---- placing ---- */

/* The next bytes behind kernel and module. */
struct room {
	struct mem *m;
	uint64_t at, end;
};

static uint8_t *take(struct room *r, uint64_t len, uint64_t align, uint32_t *at)
{
	uint64_t from = round_up(r->at, align);

	if (from > r->end || len > r->end - from)
		return NULL;
	*at = (uint32_t)from;
	r->at = from + len;
	return mem_ptr(r->m, from, len, true);
}

static int place(struct mem *m, int fd, const struct multiboot_part *p, struct err *e)
{
	uint8_t *to = mem_ptr(m, p->at, p->size, true);

	if (!to)
		return err_set(e, -ENOMEM,
			       "the guest has no memory for the kernel at %#x, %u bytes", p->at,
			       p->size);
	memset(to + p->len, 0, p->size - p->len);
	return io_pread(fd, to, p->len, p->from, e);
}

/* "name rest", as loaders make it. */
static int place_line(struct room *room, const char *name, const char *rest, uint32_t *at,
		      struct err *e)
{
	size_t a = strlen(name), b = rest ? strlen(rest) : 0;
	uint8_t *to;

	if (a + b + 2 > CMDLINE_MAX)
		return err_set(e, -EINVAL, "the kernel's command line is %zu bytes", a + b);
	to = take(room, a + b + 2, 4, at);
	if (!to)
		return err_set(e, -ENOMEM, "the guest has no memory for a command line");
	memcpy(to, name, a);
	to[a] = b ? ' ' : 0;
	if (b)
		memcpy(to + a + 1, rest, b);
	to[a + 1 + b] = 0;
	return 0;
}

static int place_module(struct room *room, const struct multiboot_boot *b, uint8_t *mod,
			struct err *e)
{
	uint64_t size;
	uint32_t at, line;
	uint8_t *to;
	int r = io_size(b->module_fd, &size, e);

	if (r < 0)
		return err_wrap(e, r, "module");
	to = take(room, size ? size : 1, MEM_PAGE, &at);
	if (!to)
		return err_set(e, -ENOMEM,
			       "a module of %llu MiB does not fit into %llu MiB of guest "
			       "memory beside the kernel",
			       (unsigned long long)(size >> 20),
			       (unsigned long long)(b->low_ram >> 20));
	r = io_pread(b->module_fd, to, (size_t)size, 0, e);
	if (r < 0)
		return err_wrap(e, r, "module");
	r = place_line(room, b->module ? b->module : "", NULL, &line, e);
	store_le32(mod, at);
	store_le32(mod + 4, at + (uint32_t)size);
	store_le32(mod + 8, line);
	store_le32(mod + 12, 0);
	return r;
}

/* A page of low memory that the kernel does not lie in. */
static uint8_t *info_page(struct mem *m, const struct multiboot_image *k, uint32_t *at)
{
	static const uint32_t places[] = { 0x9000, 0x1000, 0x20000, 0x80000 };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		*at = places[i];
		if (k->hi <= *at || k->lo >= *at + MEM_PAGE)
			return mem_ptr(m, *at, MEM_PAGE, true);
	}
	return NULL;
}

static void fill_map(uint8_t *page, uint32_t at, const struct multiboot_boot *b)
{
	for (size_t i = 0; i < b->map_n; i++) {
		uint8_t *p = page + PAGE_MAP + 24 * i;

		store_le32(p, 20); /* bytes that follow */
		store_le64(p + 4, b->map[i].base);
		store_le64(p + 12, b->map[i].size);
		store_le32(p + 20, b->map[i].type);
	}
	store_le32(page + 44, (uint32_t)(24 * b->map_n));
	store_le32(page + 48, at + PAGE_MAP);
}

static int read_image(int fd, struct multiboot_image *k, struct err *e)
{
	uint8_t *head = mem_zalloc(1, MULTIBOOT_HEAD, e);
	uint64_t file_len;
	size_t got;
	int r = head ? io_size(fd, &file_len, e) : -ENOMEM;

	if (r == 0)
		r = io_pread_upto(fd, head, MULTIBOOT_HEAD, 0, &got, e);
	if (r == 0)
		r = multiboot_parse(head, got, file_len, k, e);
	free(head);
	return r;
}

int multiboot_load(struct mem *m, const struct multiboot_boot *b, struct multiboot_entry *out,
		   struct err *e)
{
	struct multiboot_image k;
	uint32_t info = 0, line = 0,
		 flags = INFO_MEMORY | INFO_CMDLINE | INFO_MAP | INFO_LOADER;
	uint8_t *page;
	int r = read_image(b->kernel_fd, &k, e);

	for (unsigned i = 0; r == 0 && i < k.parts; i++)
		r = place(m, b->kernel_fd, &k.part[i], e);
	if (r < 0)
		return r;
	struct room room = { m, k.hi < 1 << 20 ? 1 << 20 : k.hi, b->low_ram };

	page = info_page(m, &k, &info);
	if (!page || b->map_n > (MEM_PAGE - PAGE_MAP) / 24)
		return err_set(e, -ENOMEM, "no memory for Multiboot's information");
	memset(page, 0, MEM_PAGE);
	r = place_line(&room, b->kernel, b->cmdline, &line, e);
	if (r == 0 && b->module_fd >= 0) {
		flags |= INFO_MODULES;
		store_le32(page + 20, 1);
		store_le32(page + 24, info + PAGE_MODULE);
		r = place_module(&room, b, page + PAGE_MODULE, e);
	}
	if (r < 0)
		return r;
	store_le32(page, flags);
	store_le32(page + 4, 640);
	store_le32(page + 8, (uint32_t)((b->low_ram - (1 << 20)) >> 10));
	store_le32(page + 16, line);
	fill_map(page, info, b);
	memcpy(page + PAGE_LOADER, "vemu", 5);
	store_le32(page + 64, info + PAGE_LOADER);
	*out = (struct multiboot_entry){ .eip = k.entry, .info = info };
	return 0;
}

void multiboot_enter(struct x86_cpu *c, const struct multiboot_entry *entry)
{
	/* Selectors may be any, and there is no GDT to load them from again. */
	x86_seg_flat(c, 0x10, 0x18, false);
	c->gdtr = (struct x86_table){ 0 };
	c->idtr = (struct x86_table){ 0 };
	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[X86_RAX] = LOADER_MAGIC;
	c->gpr[X86_RBX] = entry->info;
	c->rip = entry->eip;
	c->rflags = RFL_1;
	c->cr0 = CR0_PE | CR0_ET | CR0_NE;
}
