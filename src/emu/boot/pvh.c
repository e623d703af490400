/* SPDX-License-Identifier: MIT */
#include "emu/boot/pvh.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>

#define PT_LOAD      1u
#define PT_NOTE      4u
#define NOTE_ENTRY   18u
#define MIB          (1u << 20)
#define MAGIC        0x336ec578u
/* Low memory that no part of a kernel lies in. */
#define INFO_AT      0x6000u
#define MAP_AT       0x6100u /* behind the structure and its one module */
#define MODULE_AT    0x6080u
#define CMDLINE_AT   0x8000u
#define CMDLINE_ROOM 0x8000u

/* A program header, of either width. */
struct segment {
	uint32_t type;
	uint64_t from, at, len, size;
};

static struct segment segment_of(const uint8_t *p, bool wide)
{
	if (wide)
		return (struct segment){ load_le32(p), load_le64(p + 8), load_le64(p + 24),
					 load_le64(p + 32), load_le64(p + 40) };
	return (struct segment){ load_le32(p), load_le32(p + 4), load_le32(p + 12),
				 load_le32(p + 16), load_le32(p + 20) };
}

static int add_part(struct pvh_image *k, const struct segment *s, struct err *e)
{
	if (!s->size)
		return 0;
	if (s->len > s->size)
		return err_set(e, -EINVAL, "an ELF segment has %#llx bytes in %#llx of memory",
			       (unsigned long long)s->len, (unsigned long long)s->size);
	if (s->at < MIB || s->at > UINT32_MAX || s->size > UINT32_MAX - s->at)
		return err_set(
			e, -ENOTSUP,
			"an ELF segment at %#llx, %#llx bytes: from 1 MiB to 4 GiB is room",
			(unsigned long long)s->at, (unsigned long long)s->size);
	if (k->parts == PVH_PARTS)
		return err_set(e, -EINVAL, "an ELF file of more than %d segments", PVH_PARTS);
	k->part[k->parts++] = (struct pvh_part){ s->from, (uint32_t)s->at, (uint32_t)s->len,
						 (uint32_t)s->size };
	if (s->at + s->size > k->hi)
		k->hi = (uint32_t)(s->at + s->size);
	return 0;
}

static int add_segment(struct pvh_image *k, const struct segment *s, uint64_t file_len,
		       struct err *e)
{
	if (s->type != PT_LOAD && s->type != PT_NOTE)
		return 0;
	if (s->from > file_len || s->len > file_len - s->from)
		return err_set(e, -EINVAL, "the ELF file ends within a segment: %llu bytes",
			       (unsigned long long)file_len);
	if (s->type == PT_LOAD)
		return add_part(k, s, e);
	if (s->len && s->len <= PVH_NOTES && k->notes < PVH_PARTS) {
		k->note[k->notes].from = s->from;
		k->note[k->notes++].len = (uint32_t)s->len;
	}
	return 0;
}

int pvh_parse(const uint8_t *p, size_t len, uint64_t file_len, struct pvh_image *out,
	      struct err *e)
{
	struct pvh_image k = { 0 };
	int r = 0;

	if (len > PVH_HEAD)
		len = PVH_HEAD;
	if (len < 64 || memcmp(p, "\177ELF", 4) != 0 || (p[4] != 1 && p[4] != 2) || p[5] != 1)
		return err_set(e, -EINVAL, "no ELF file");
	bool wide = p[4] == 2;
	unsigned want = wide ? 56 : 32, machine = load_le16(p + 18);
	uint64_t off = wide ? load_le64(p + 32) : load_le32(p + 28);
	unsigned each = load_le16(p + (wide ? 54 : 42)), n = load_le16(p + (wide ? 56 : 44));

	if (machine != (wide ? 62u : 3u))
		return err_set(e, -EINVAL, "an ELF file for machine %u, not for x86", machine);
	if (each < want || off > len || (uint64_t)each * n > len - off)
		return err_set(e, -EINVAL, "ELF program headers at %#llx: %u of %u bytes",
			       (unsigned long long)off, n, each);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct segment s = segment_of(p + off + (size_t)i * each, wide);

		r = add_segment(&k, &s, file_len, e);
	}
	if (r == 0 && !k.parts)
		r = err_set(e, -EINVAL, "an ELF file without anything to load");
	if (r == 0)
		*out = k;
	return r;
}

bool pvh_find_entry(const uint8_t *p, size_t len, uint32_t *entry)
{
	while (len >= 12) {
		uint64_t name = round_up(load_le32(p), 4), desc = load_le32(p + 4);
		uint64_t all = 12 + name + round_up(desc, 4);

		if (12 + name + desc > len)
			return false;
		if (load_le32(p + 8) == NOTE_ENTRY && load_le32(p) == 4 &&
		    !memcmp(p + 12, "Xen", 4) && (desc == 4 || desc == 8)) {
			uint64_t v =
				desc == 8 ? load_le64(p + 12 + name) : load_le32(p + 12 + name);

			*entry = (uint32_t)v;
			return v <= UINT32_MAX;
		}
		if (all >= len)
			return false;
		p += all;
		len -= (size_t)all;
	}
	return false;
}

/* ---- placing ---- */

static int find_entry(int fd, const struct pvh_image *k, uint32_t *entry, struct err *e)
{
	AUTO_FREE uint8_t *p = mem_zalloc(1, PVH_NOTES, e);
	int r = p ? 0 : -ENOMEM;

	for (unsigned i = 0; i < k->notes && r == 0; i++) {
		r = io_pread(fd, p, k->note[i].len, k->note[i].from, e);
		if (r == 0 && pvh_find_entry(p, k->note[i].len, entry))
			return 0;
	}
	return r < 0 ? r
		     : err_set(e, -EINVAL,
			       "an ELF file with neither a Multiboot header nor the note of a PVH "
			       "entry (XEN_ELFNOTE_PHYS32_ENTRY)");
}

static int read_image(int fd, struct pvh_image *k, struct err *e)
{
	AUTO_FREE uint8_t *head = mem_zalloc(1, PVH_HEAD, e);
	uint64_t file_len;
	size_t got = 0;
	int r = head ? io_size(fd, &file_len, e) : -ENOMEM;

	if (r == 0)
		r = io_pread_upto(fd, head, PVH_HEAD, 0, &got, e);
	return r < 0 ? r : pvh_parse(head, got, file_len, k, e);
}

static int place_parts(struct mem *m, const struct linux_boot *b, const struct pvh_image *k,
		       struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < k->parts && r == 0; i++) {
		const struct pvh_part *p = &k->part[i];
		uint8_t *to = mem_ptr(m, p->at, p->size, true);

		if (!to || p->at + (uint64_t)p->size > b->low_ram)
			return err_set(
				e, -ENOMEM,
				"the guest has no memory for the kernel at %#x, %u bytes",
				p->at, p->size);
		memset(to + p->len, 0, p->size - p->len);
		r = io_pread(b->kernel_fd, to, p->len, p->from, e);
	}
	return r;
}

/* At the end of memory below 4 GiB. */
static int place_initrd(struct mem *m, const struct linux_boot *b, const struct pvh_image *k,
			uint8_t *module, struct err *e)
{
	uint64_t size, at;
	uint8_t *to;
	int r = io_size(b->initrd_fd, &size, e);

	if (r < 0)
		return err_wrap(e, r, "initrd");
	at = size < b->low_ram ? (b->low_ram - size) & ~(uint64_t)(MEM_PAGE - 1) : 0;
	to = at >= k->hi ? mem_ptr(m, at, size, true) : NULL;
	if (size && !to)
		return err_set(
			e, -ENOMEM,
			"an initrd of %llu MiB does not fit into %llu MiB of guest memory "
			"beside the kernel",
			(unsigned long long)(size >> 20),
			(unsigned long long)(b->low_ram >> 20));
	store_le64(module, at);
	store_le64(module + 8, size);
	r = size ? io_pread(b->initrd_fd, to, (size_t)size, 0, e) : 0;
	return r < 0 ? err_wrap(e, r, "initrd") : 0;
}

static void place_map(uint8_t *p, const struct linux_boot *b)
{
	for (size_t i = 0; i < b->map_n; i++, p += 24) {
		store_le64(p, b->map[i].base);
		store_le64(p + 8, b->map[i].size);
		store_le32(p + 16, b->map[i].type);
	}
}

static int place_info(struct mem *m, const struct linux_boot *b, const struct pvh_image *k,
		      struct err *e)
{
	size_t line = b->cmdline ? strlen(b->cmdline) : 0;
	uint8_t *info = mem_ptr(m, INFO_AT, CMDLINE_AT - INFO_AT, true);
	uint8_t *text = mem_ptr(m, CMDLINE_AT, CMDLINE_ROOM, true);

	if (line >= CMDLINE_ROOM)
		return err_set(e, -EINVAL, "the kernel's command line is %zu bytes", line);
	if (!info || !text || b->map_n > (CMDLINE_AT - MAP_AT) / 24)
		return err_set(e, -ENOMEM, "no memory for what a PVH kernel is told");
	memset(info, 0, CMDLINE_AT - INFO_AT);
	memcpy(text, b->cmdline ? b->cmdline : "", line + 1);
	store_le32(info, MAGIC);
	store_le32(info + 4, 1); /* version */
	store_le64(info + 24, CMDLINE_AT);
	store_le64(info + 32, b->rsdp);
	store_le64(info + 40, MAP_AT);
	store_le32(info + 48, (uint32_t)b->map_n);
	place_map(info + (MAP_AT - INFO_AT), b);
	if (b->initrd_fd < 0)
		return 0;
	store_le32(info + 12, 1);
	store_le64(info + 16, MODULE_AT);
	return place_initrd(m, b, k, info + (MODULE_AT - INFO_AT), e);
}

int pvh_load(struct mem *m, const struct linux_boot *b, struct pvh_entry *out, struct err *e)
{
	struct pvh_image k;
	uint32_t entry = 0;
	int r = read_image(b->kernel_fd, &k, e);

	if (r == 0)
		r = find_entry(b->kernel_fd, &k, &entry, e);
	if (r == 0)
		r = place_parts(m, b, &k, e);
	if (r == 0)
		r = place_info(m, b, &k, e);
	if (r == 0)
		*out = (struct pvh_entry){ entry, INFO_AT };
	return r;
}

void pvh_enter(struct x86_cpu *c, const struct pvh_entry *entry)
{
	x86_seg_flat(c, 0x10, 0x18, false);
	c->gdtr = (struct x86_table){ 0 };
	c->idtr = (struct x86_table){ 0 };
	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[X86_RBX] = entry->info;
	c->rip = entry->eip;
	c->rflags = RFL_1;
	c->cr0 = CR0_PE | CR0_ET | CR0_NE;
}
