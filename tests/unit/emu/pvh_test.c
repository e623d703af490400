/* SPDX-License-Identifier: MIT */
#include "emu/boot/pvh.h"

#include "base/bytes.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

#define RAM       (32u << 20)
#define FILE_SIZE 0x3000u
#define NOTES     0x400u

static uint8_t f[FILE_SIZE];

static void segment(unsigned i, uint32_t type, uint64_t from, uint64_t at, uint64_t len,
		    uint64_t size)
{
	uint8_t *p = f + 64 + 56 * i;

	store_le32(p, type);
	store_le64(p + 8, from);
	store_le64(p + 24, at);
	store_le64(p + 32, len);
	store_le64(p + 40, size);
}

static size_t note(size_t at, const char *name, uint32_t type, unsigned len, uint64_t v)
{
	store_le32(f + at, (uint32_t)strlen(name) + 1);
	store_le32(f + at + 4, len);
	store_le32(f + at + 8, type);
	memcpy(f + at + 12, name, strlen(name) + 1);
	store_le64(f + at + 12 + ((strlen(name) + 4) & ~3u), v);
	return at + 12 + ((strlen(name) + 4) & ~3u) + ((len + 3) & ~3u);
}

static size_t make(void)
{
	size_t end;

	memset(f, 0, sizeof(f));
	memcpy(f, "\177ELF\2\1\1", 7);
	store_le16(f + 18, 62);
	store_le64(f + 32, 64);
	store_le16(f + 54, 56);
	store_le16(f + 56, 3);
	/* as linkers have them: others', and of another kind, in front */
	end = note(NOTES, "Linux", 18, 4, 0x1111);
	end = note(end, "Xen", 17, 6, 0x2222);
	end = note(end, "Xen", 18, 8, 0x1000123);
	segment(0, 4, NOTES, 0, end - NOTES, end - NOTES);
	segment(1, 1, 0x1000, 16 << 20, 0x800, 0x900);
	segment(2, 1, 0x2000, 17 << 20, 0x10, 0x2000);
	memset(f + 0x1000, 0x11, 0x800);
	memset(f + 0x2000, 0x22, 0x10);
	return end;
}

static void parse(void **state)
{
	struct pvh_image k;
	struct err e = { 0 };
	uint32_t entry = 0;
	size_t end = make();

	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), 0);
	assert_int_equal(k.parts, 2);
	assert_int_equal(k.hi, (17 << 20) + 0x2000);
	assert_int_equal(k.notes, 1);
	assert_true(pvh_find_entry(f + NOTES, end - NOTES, &entry));
	assert_int_equal(entry, 0x1000123);
	assert_false(pvh_find_entry(f + NOTES, end - NOTES - 1, &entry));
	/* an entry that 32 bits do not reach */
	note(NOTES, "Xen", 18, 8, UINT64_C(1) << 32);
	assert_false(pvh_find_entry(f + NOTES, 24, &entry));
	/* cut short, low, wrapping, more bytes than memory */
	assert_int_equal(pvh_parse(f, sizeof(f), 0x2008, &k, &e), -EINVAL);
	segment(2, 1, 0x2000, 0x8000, 0x10, 0x10);
	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), -ENOTSUP);
	segment(2, 1, 0x2000, 0xfffff000, 0x10, 0x2000);
	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), -ENOTSUP);
	segment(2, 1, 0x2000, 17 << 20, 0x10, 0xf);
	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
	make();
	store_le16(f + 18, 183);
	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
	make();
	store_le16(f + 56, 60000);
	assert_int_equal(pvh_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
}

static int file_of(const uint8_t *p, size_t n)
{
	int fd = memfd_create("kernel", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	return fd;
}

static void load(void **state)
{
	static const struct e820 map[] = { { 0, 0x9fc00, E820_RAM },
					   { 1 << 20, RAM - (1 << 20), E820_RAM } };
	const uint8_t rd[5] = "disk";
	struct linux_boot b = {
		.cmdline = "quiet", .map = map, .map_n = 2, .low_ram = RAM, .rsdp = 0xe0000
	};
	struct pvh_entry entry;
	struct err e = { 0 };
	struct mem *m;
	uint8_t *ram, *info, *mod;

	make();
	b.kernel_fd = file_of(f, sizeof(f));
	b.initrd_fd = file_of(rd, sizeof(rd));
	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, &e), 0);
	assert_int_equal(mem_map(m, 0, RAM, ram, true, &e), 0);
	memset(ram + (16 << 20), 0xee, 4096);
	assert_int_equal(pvh_load(m, &b, &entry, &e), 0);
	assert_int_equal(entry.eip, 0x1000123);
	assert_int_equal(ram[(16 << 20) + 0x7ff], 0x11);
	assert_int_equal(ram[(16 << 20) + 0x8ff], 0);
	assert_int_equal(ram[(16 << 20) + 0x900], 0xee);
	assert_int_equal(ram[(17 << 20) + 0xf], 0x22);
	info = ram + entry.info;
	assert_int_equal(load_le32(info), 0x336ec578);
	assert_string_equal(ram + load_le64(info + 24), "quiet");
	assert_int_equal(load_le64(info + 32), 0xe0000);
	assert_int_equal(load_le32(info + 48), 2);
	assert_int_equal(load_le64(ram + load_le64(info + 40) + 24), 1 << 20);
	assert_int_equal(load_le32(info + 12), 1);
	mod = ram + load_le64(info + 16);
	assert_int_equal(load_le64(mod + 8), sizeof(rd));
	assert_memory_equal(ram + load_le64(mod), rd, sizeof(rd));
	/* no room, no entry */
	b.low_ram = 16 << 20;
	assert_int_equal(pvh_load(m, &b, &entry, &e), -ENOMEM);
	b.low_ram = RAM;
	close(b.kernel_fd);
	store_le32(f + NOTES + 4, 0x7fffffff);
	b.kernel_fd = file_of(f, sizeof(f));
	assert_int_equal(pvh_load(m, &b, &entry, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "XEN_ELFNOTE_PHYS32_ENTRY"));
	close(b.kernel_fd);
	close(b.initrd_fd);
	mem_free(m);
	mem_dealloc(ram, RAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parse), cmocka_unit_test(load) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
