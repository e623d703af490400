/* SPDX-License-Identifier: MIT */
#include "emu/dev/fw_cfg.h"

#include "base/bytes.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM (1u << 20)

struct bench {
	struct bus *bus;
	struct mem *mem;
	uint8_t *ram;
	struct fw_cfg *f;
};

static void setup(struct bench *b)
{
	struct err e = { 0 };

	assert_int_equal(bus_new(&b->bus, &e), 0);
	assert_int_equal(mem_new(&b->mem, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &b->ram, &e), 0);
	assert_int_equal(mem_map(b->mem, 0, RAM, b->ram, true, &e), 0);
	assert_int_equal(fw_cfg_new(&b->f, b->bus, b->mem, &e), 0);
}

static void teardown(struct bench *b)
{
	fw_cfg_free(b->f);
	mem_free(b->mem);
	mem_dealloc(b->ram, RAM);
	bus_free(b->bus);
}

static void choose(struct bench *b, uint16_t key)
{
	bus_write(b->bus, BUS_PORT, 0x510, 2, key);
}

static void take(struct bench *b, void *to, size_t n)
{
	uint8_t *p = to;

	while (n--)
		*p++ = (uint8_t)bus_read(b->bus, BUS_PORT, 0x511, 1);
}

/* Runs a DMA request that lies at 0x100; its control word afterwards. */
static uint32_t dma(struct bench *b, uint32_t control, uint32_t len, uint64_t addr)
{
	store_be32(b->ram + 0x100, control);
	store_be32(b->ram + 0x104, len);
	store_be64(b->ram + 0x108, addr);
	bus_write(b->bus, BUS_PORT, 0x514, 4, 0);
	bus_write(b->bus, BUS_PORT, 0x518, 4, __builtin_bswap32(0x100));
	return load_be32(b->ram + 0x100);
}

/* The number and length of a file, by the directory; 0: there is none of that name. */
static uint16_t look_up(struct bench *b, const char *name, uint32_t *len)
{
	uint8_t head[4], line[64];

	choose(b, FW_CFG_DIRECTORY);
	take(b, head, 4);
	for (uint32_t n = load_be32(head); n; n--) {
		take(b, line, sizeof(line));
		if (strcmp((const char *)line + 8, name) != 0)
			continue;
		*len = load_be32(line);
		return load_be16(line + 4);
	}
	return 0;
}

static void ports(void **state)
{
	struct err e = { 0 };
	struct bench b;
	char text[9] = "";
	uint32_t len = 0;

	(void)state;
	setup(&b);
	take(&b, text, 4);
	assert_string_equal(text, "QEMU");
	take(&b, text, 4); /* past its end */
	assert_memory_equal(text, "\0\0\0", 4);
	choose(&b, FW_CFG_ID);
	take(&b, text, 4);
	assert_memory_equal(text, "\3\0\0", 4);
	choose(&b, 0x1234);
	take(&b, text, 1);
	assert_int_equal(text[0], 0);
	assert_int_equal(fw_cfg_file(b.f, "opt/a", "first", 5, &e), 0);
	assert_int_equal(fw_cfg_file(b.f, "opt/b", "second", 6, &e), 0);
	assert_int_equal(fw_cfg_file(b.f, "opt/a", "again", 5, &e), 0);
	assert_int_equal(look_up(&b, "opt/b", &len), FW_CFG_FIRST_FILE + 1);
	assert_int_equal(len, 6);
	choose(&b, FW_CFG_FIRST_FILE);
	memset(text, 0, sizeof(text));
	take(&b, text, 8);
	assert_string_equal(text, "again");
	/* a name that does not fit is none */
	assert_int_equal(fw_cfg_file(b.f,
				     "123456789 123456789 123456789 123456789 123456789 123456",
				     "", 0, &e),
			 -EINVAL);
	/* the high byte of the selector alone selects nothing */
	choose(&b, FW_CFG_FIRST_FILE);
	bus_write(b.bus, BUS_PORT, 0x510, 1, 0);
	take(&b, text, 1);
	assert_int_equal(text[0], 'a');
	fw_cfg_reset(b.f);
	take(&b, text, 4);
	assert_memory_equal(text, "QEMU", 4);
	teardown(&b);
}

static void by_dma(void **state)
{
	struct err e = { 0 };
	struct bench b;

	(void)state;
	setup(&b);
	assert_int_equal(bus_read(b.bus, BUS_PORT, 0x514, 4), 0x554d4551);
	assert_int_equal(bus_read(b.bus, BUS_PORT, 0x518, 4), 0x47464320);
	assert_int_equal(fw_cfg_file(b.f, "opt/a", "0123456789", 10, &e), 0);
	memset(b.ram + 0x1000, 0xee, 32);
	/* select, skip, read in two steps, past the end */
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x0c, 3, 0), 0);
	assert_int_equal(dma(&b, 0x02, 4, 0x1000), 0);
	assert_memory_equal(b.ram + 0x1000, "3456\xee", 5);
	assert_int_equal(dma(&b, 0x02, 8, 0x1000), 0);
	assert_memory_equal(b.ram + 0x1000, "789\0\0\0\0\0\xee", 9);
	/* select and read at once */
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x0a, 2, 0x1000), 0);
	assert_memory_equal(b.ram + 0x1000, "01", 2);
	/* to what is no memory, partly or whole; nothing takes a write */
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x0a, 8, RAM - 4), 1);
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x0a, 8, UINT64_MAX - 3), 1);
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x0a, UINT32_MAX, 0x1000), 1);
	assert_int_equal(dma(&b, FW_CFG_FIRST_FILE << 16 | 0x18, 2, 0x1000), 1);
	/* a request that lies in nothing is not looked at */
	bus_write(b.bus, BUS_PORT, 0x514, 4, 0xffffffff);
	bus_write(b.bus, BUS_PORT, 0x518, 4, 0xffffffff);
	teardown(&b);
}

static void of_a_file(void **state)
{
	struct err e = { 0 };
	struct bench b;
	char text[5] = "";
	int fd = memfd_create("test", 0);

	(void)state;
	setup(&b);
	assert_int_equal(write(fd, "kernel", 6), 6);
	assert_int_equal(fw_cfg_from_fd(b.f, FW_CFG_KERNEL_DATA, fd, 2, 4, &e), 0);
	choose(&b, FW_CFG_KERNEL_DATA);
	take(&b, text, 4);
	assert_string_equal(text, "rnel");
	take(&b, text, 1);
	assert_int_equal(text[0], 0);
	/* it became shorter meanwhile */
	assert_int_equal(ftruncate(fd, 3), 0);
	assert_int_equal(dma(&b, FW_CFG_KERNEL_DATA << 16 | 0x0a, 4, 0x1000), 0);
	assert_memory_equal(b.ram + 0x1000, "\0\0\0", 4);
	teardown(&b);
	close(fd);
}

static void renew(void *arg)
{
	struct bench *b = arg;

	assert_true(fw_cfg_change(b->f, "etc/live", "new", 3));
	assert_false(fw_cfg_change(b->f, "etc/live", "longer", 6));
	assert_false(fw_cfg_change(b->f, "etc/other", "new", 3));
}

static void renewed(void **state)
{
	struct err e = { 0 };
	struct bench b;
	char text[4] = "";

	(void)state;
	setup(&b);
	assert_int_equal(fw_cfg_file(b.f, "etc/live", "old", 3, &e), 0);
	fw_cfg_on_select(b.f, "etc/live", renew, &b);
	choose(&b, FW_CFG_FIRST_FILE);
	take(&b, text, 3);
	assert_string_equal(text, "new");
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports),
		cmocka_unit_test(by_dma),
		cmocka_unit_test(of_a_file),
		cmocka_unit_test(renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
