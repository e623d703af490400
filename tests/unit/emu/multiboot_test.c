/* SPDX-License-Identifier: MIT */
#include "emu/boot/multiboot.h"

#include "base/bytes.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

#define RAM       (16u << 20)
#define FILE_SIZE 0x3000u

static uint8_t f[FILE_SIZE];

static void words(size_t at, unsigned n, const uint32_t *v)
{
	for (unsigned i = 0; i < n; i++)
		store_le32(f + at + 4 * i, v[i]);
}
#define WORDS(at, ...)                                   \
	do {                                             \
		const uint32_t w_[] = { __VA_ARGS__ };   \
		words(at, sizeof(w_) / sizeof(*w_), w_); \
	} while (0)

/* Two parts to load, one note; the header in the first part. */
static void make_elf(void)
{
	memset(f, 0, sizeof(f));
	memcpy(f, "\177ELF\1\1\1", 7);
	store_le16(f + 18, 3);
	WORDS(24, 0x200010, 52); /* entry, program headers */
	store_le16(f + 42, 32);
	store_le16(f + 44, 3);
	WORDS(52, 1, 0x1000, 0, 0x200000, 0x800, 0x800, 5, 0);
	WORDS(84, 4, 0, 0, 0, 99999999, 0, 4, 0);
	WORDS(116, 1, 0x2000, 0, 0x300000, 0x10, 0x2000, 6, 0);
	WORDS(0x1000, 0x1badb002, 3, 0u - 0x1badb002 - 3);
	f[0x2000] = 0x77;
}

static void elf(void **state)
{
	struct multiboot_image k;
	struct err e = { 0 };

	(void)state;
	make_elf();
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), 0);
	assert_int_equal(k.entry, 0x200010);
	assert_int_equal(k.parts, 2);
	assert_int_equal(k.lo, 0x200000);
	assert_int_equal(k.hi, 0x302000);
	/* not within the first 8 KiB */
	assert_int_equal(multiboot_parse(f, 0x1004, sizeof(f), &k, &e), -EINVAL);
	assert_int_equal(multiboot_parse(f, sizeof(f), 0x2008, &k, &e), -EINVAL);
	/* a part that wraps */
	store_le32(f + 116 + 12, 0xfffff000);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
	make_elf();
	f[4] = 2;
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), -ENOTSUP);
	make_elf();
	WORDS(0x1000, 0x1badb002, 4, 0u - 0x1badb002 - 4);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), -ENOTSUP);
	WORDS(0x1000, 0x1badb002, 3, 0u - 0x1badb002 - 4);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
}

static void addresses(void **state)
{
	struct multiboot_image k;
	struct err e = { 0 };

	(void)state;
	memset(f, 0, sizeof(f));
	/* header, load, load end, bss end, entry */
	WORDS(0x40, 0x1badb002, 1 << 16, 0u - 0x1badb002 - (1 << 16), 0x100020, 0x100000,
	      0x100100, 0x100400, 0x100080);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), 0);
	assert_int_equal(k.parts, 1);
	assert_int_equal(k.part[0].from, 0x20);
	assert_int_equal(k.part[0].at, 0x100000);
	assert_int_equal(k.part[0].len, 0x100);
	assert_int_equal(k.part[0].size, 0x400);
	assert_int_equal(k.entry, 0x100080);
	/* all of the file */
	WORDS(0x54, 0, 0);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), 0);
	assert_int_equal(k.part[0].len, sizeof(f) - 0x20);
	/* before the file's begin */
	WORDS(0x50, 0xff000);
	assert_int_equal(multiboot_parse(f, sizeof(f), sizeof(f), &k, &e), -EINVAL);
}

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("test", 0);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, 0), n);
	return fd;
}

static uint32_t at32(const uint8_t *ram, uint32_t at)
{
	return load_le32(ram + at);
}

static void load(void **state)
{
	static const struct e820 map[] = { { 0, 0x9fc00, E820_RAM },
					   { 1 << 20, RAM - (1 << 20), E820_RAM } };
	struct multiboot_boot b = { .kernel = "kernel",
				    .module = "mod",
				    .cmdline = "a b",
				    .map = map,
				    .map_n = 2,
				    .low_ram = RAM };
	struct multiboot_entry entry;
	struct err e = { 0 };
	struct x86_cpu *c;
	struct mem *m;
	uint8_t *ram;

	(void)state;
	make_elf();
	b.kernel_fd = file_of(f, sizeof(f));
	b.module_fd = file_of("module", 6);
	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, &e), 0);
	assert_int_equal(mem_map(m, 0, RAM, ram, true, &e), 0);
	memset(ram + 0x300000, 0xee, 0x2000);
	assert_int_equal(multiboot_load(m, &b, &entry, &e), 0);
	assert_int_equal(entry.eip, 0x200010);
	assert_int_equal(ram[0x300000], 0x77);
	assert_int_equal(ram[0x300010], 0);
	assert_int_equal(ram[0x301fff], 0);
	assert_int_equal(at32(ram, entry.info), 0x24d);
	assert_int_equal(at32(ram, entry.info + 8), (RAM >> 10) - 1024);
	assert_string_equal((char *)ram + at32(ram, entry.info + 16), "kernel a b");
	assert_int_equal(at32(ram, entry.info + 20), 1);
	uint32_t mod = at32(ram, entry.info + 24);

	assert_true(at32(ram, mod) >= 0x302000 && at32(ram, mod) % 4096 == 0);
	assert_int_equal(at32(ram, mod + 4) - at32(ram, mod), 6);
	assert_memory_equal(ram + at32(ram, mod), "module", 6);
	assert_string_equal((char *)ram + at32(ram, mod + 8), "mod");
	assert_int_equal(at32(ram, entry.info + 44), 48);
	assert_int_equal(at32(ram, at32(ram, entry.info + 48) + 24 + 4), 1 << 20);
	/* where the information would lie there is the kernel */
	store_le32(f + 116 + 12, 0x8800);
	assert_int_equal(pwrite(b.kernel_fd, f, sizeof(f), 0), sizeof(f));
	assert_int_equal(multiboot_load(m, &b, &entry, &e), 0);
	assert_int_equal(entry.info, 0x1000);
	/* no such memory */
	store_le32(f + 116 + 12, RAM - 0x1000);
	assert_int_equal(pwrite(b.kernel_fd, f, sizeof(f), 0), sizeof(f));
	assert_int_equal(multiboot_load(m, &b, &entry, &e), -ENOMEM);

	assert_int_equal(x86_cpu_new(&c, 0, &e), 0);
	multiboot_enter(c, &entry);
	assert_int_equal(c->gpr[X86_RAX], 0x2badb002);
	assert_int_equal(c->gpr[X86_RBX], entry.info);
	assert_true(x86_protected(c) && !(c->cr0 & CR0_PG));
	x86_cpu_free(c);
	close(b.kernel_fd);
	close(b.module_fd);
	mem_free(m);
	mem_dealloc(ram, RAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf),
		cmocka_unit_test(addresses),
		cmocka_unit_test(load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
