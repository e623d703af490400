/* SPDX-License-Identifier: MIT */
#include "emu/boot/linux.h"

#include "base/bytes.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

#define RAM (64u << 20)

static void make_head(uint8_t *h)
{
	memset(h, 0, LINUX_HEAD);
	h[0x1f1] = 3;
	store_le16(h + 0x1fe, 0xaa55);
	h[0x201] = 0x66;
	memcpy(h + 0x202, "HdrS", 4);
	store_le16(h + 0x206, 0x20f);
	h[0x211] = 1;
	store_le32(h + 0x22c, 0x7fffffff);
	store_le32(h + 0x230, 0x200000);
	h[0x234] = 1;
	h[0x236] = 1;
	store_le32(h + 0x238, 2047);
	store_le64(h + 0x258, 0x1000000);
	store_le32(h + 0x260, 0x800000);
}

static int file_of(const void *p, size_t n, uint64_t size)
{
	int fd = memfd_create("test", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, p, n, 0), n);
	return fd;
}

static void headers(void **state)
{
	uint8_t h[LINUX_HEAD];
	struct linux_image k;
	struct err e = { 0 };

	make_head(h);
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), 0);
	assert_true(k.entry64 && k.relocatable);
	assert_int_equal(k.payload, 2048);
	assert_int_equal(k.payload_len, 10000 - 2048);
	assert_int_equal(k.pref, 0x1000000);
	assert_int_equal(k.header_end, 0x268);
	assert_int_equal(linux_parse(h, sizeof(h) - 1, 10000, &k, &e), -EINVAL);
	assert_int_equal(linux_parse(h, sizeof(h), 2048, &k, &e), -EINVAL);
	h[0x1f1] = 0;
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), 0);
	assert_int_equal(k.payload, 5 * 512);
	store_le32(h + 0x230, 3);
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), -EINVAL);
	make_head(h);
	store_le64(h + 0x258, UINT64_MAX - 5);
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), -EINVAL);
	make_head(h);
	h[0x236] = 0;
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), 0);
	assert_false(k.entry64);
	store_le16(h + 0x206, 0x203);
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), -ENOTSUP);
	h[0x202] = 'h';
	assert_int_equal(linux_parse(h, sizeof(h), 10000, &k, &e), -EINVAL);
}

/* A machine of RAM bytes; what linux_load() says. */
static int load(const uint8_t *head, uint64_t initrd, const char *line, uint8_t *ram,
		struct linux_entry *out)
{
	static const struct e820 map[] = { { 0, 0x9fc00, E820_RAM },
					   { 1 << 20, RAM - (1 << 20), E820_RAM } };
	struct linux_boot b = { .kernel_fd = file_of(head, LINUX_HEAD, 10000),
				.initrd_fd = -1,
				.cmdline = line,
				.map = map,
				.map_n = 2,
				.low_ram = RAM,
				.rsdp = 0xe0000 };
	struct err e = { 0 };
	struct mem *m;
	int r;

	if (initrd)
		b.initrd_fd = file_of("initrd", 6, initrd);
	assert_int_equal(pwrite(b.kernel_fd, "kernel", 6, 2048), 6);
	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_map(m, 0, RAM, ram, true, &e), 0);
	r = linux_load(m, &b, out, &e);
	assert_true(r == 0 || e.msg[0]);
	mem_free(m);
	close(b.kernel_fd);
	if (initrd)
		close(b.initrd_fd);
	return r;
}

static void loading(void **state)
{
	static char line[3000];
	struct linux_entry to;
	struct err e = { 0 };
	struct x86_cpu *c;
	uint8_t h[LINUX_HEAD], *ram;
	uint32_t at;

	make_head(h);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, &e), 0);
	assert_int_equal(load(h, 5000, "console=ttyS0", ram, &to), 0);
	assert_true(to.entry64);
	assert_int_equal(to.rip, 0x1000200);
	assert_memory_equal(ram + 0x1000000, "kernel", 6);
	at = load_le32(ram + to.params + 0x218);
	assert_int_equal(at, RAM - 8192);
	assert_memory_equal(ram + at, "initrd", 6);
	assert_int_equal(load_le32(ram + to.params + 0x21c), 5000);
	assert_string_equal((char *)ram + load_le32(ram + to.params + 0x228), "console=ttyS0");
	assert_int_equal(ram[to.params + 0x1e8], 2);
	assert_int_equal(load_le64(ram + to.params + 0x2d0 + 20), 1 << 20);
	assert_int_equal(load_le64(ram + to.params + 0x70), 0xe0000);
	assert_int_equal(ram[to.params + 0x210], 0xff);
	/* the walk of the last 2 MiB below 4 GiB */
	at = load_le32(ram + 0xa000 + 3 * 8) & ~0xfffu;
	assert_int_equal(load_le64(ram + at + 511 * 8), 0xffe00083);

	assert_int_equal(x86_cpu_new(&c, 0, &e), 0);
	linux_enter(c, &to);
	assert_true(x86_code64(c));
	assert_int_equal(c->rip, 0x1000200);
	assert_int_equal(c->gpr[X86_RSI], to.params);
	assert_int_equal(c->seg[X86_CS].sel, 0x10);
	x86_cpu_free(c);

	/* too large for where it wants to be: moved down; too large for all: refused */
	store_le64(h + 0x258, RAM - 0x1000);
	assert_int_equal(load(h, 0, "", ram, &to), 0);
	assert_int_equal(to.rip, 0x200200);
	h[0x234] = 0;
	assert_int_equal(load(h, 0, "", ram, &to), -ENOMEM);
	make_head(h);
	store_le32(h + 0x260, 0xffffffff);
	assert_int_equal(load(h, 0, "", ram, &to), -ENOMEM);
	make_head(h);
	assert_int_equal(load(h, RAM, "", ram, &to), -ENOMEM);
	assert_int_equal(load(h, RAM - 0x1800000, "", ram, &to), 0);
	assert_int_equal(load(h, RAM - 0x1800000 + 1, "", ram, &to), -ENOMEM);
	memset(line, 'x', sizeof(line) - 1);
	assert_int_equal(load(h, 0, line, ram, &to), -EINVAL);
	mem_dealloc(ram, RAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(loading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
