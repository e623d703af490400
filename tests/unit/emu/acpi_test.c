/* SPDX-License-Identifier: MIT */
/* The tables as a kernel finds them without firmware, and as firmware places them by the loader's
 * commands: both ways lead to the same bytes. */
#include "emu/boot/acpi.h"

#include "base/bytes.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define RAM (2u << 20)

static const struct acpi_env env = { .vcpus = 3,
				     .apic_id = { 0, 2, 4 },
				     .low_ram = RAM,
				     .pm_base = 0x600,
				     .mmcfg = ACPI_MMCFG,
				     .q35 = true,
				     .serials = { true, false } };

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

/* The table of that name, by the XSDT of the RSDP at @rsdp; NULL: there is none. */
static const uint8_t *table(const uint8_t *ram, const uint8_t *rsdp, const char *name)
{
	const uint8_t *x = ram + load_le64(rsdp + 24);

	assert_memory_equal(x, "XSDT", 4);
	for (uint32_t at = 36; at < load_le32(x + 4); at += 8) {
		const uint8_t *t = ram + load_le64(x + at);

		assert_int_equal(sum(t, load_le32(t + 4)), 0);
		if (!memcmp(t, name, 4))
			return t;
	}
	return NULL;
}

static void placed(void **state)
{
	struct err e = { 0 };
	struct acpi a;
	struct mem *m;
	uint8_t *ram;
	const uint8_t *rsdp, *t;

	(void)state;
	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, &e), 0);
	assert_int_equal(acpi_build(&env, &a, &e), 0);
	assert_false(acpi_place(m, &a));
	assert_int_equal(mem_map(m, 0, RAM, ram, true, &e), 0);
	assert_true(acpi_place(m, &a));
	rsdp = ram + ACPI_AT;
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	t = table(ram, rsdp, "FACP");
	assert_non_null(t);
	assert_int_equal(load_le32(t + 56), 0x600);
	assert_int_equal(load_le32(t + 76), 0x608);
	assert_int_equal(load_le32(t + 36), load_le64(t + 132));
	assert_int_equal(load_le32(t + 36) % 64, 0);
	assert_memory_equal(ram + load_le32(t + 36), "FACS", 4);
	assert_memory_equal(ram + load_le64(t + 140), "DSDT", 4);
	t = table(ram, rsdp, "MCFG");
	assert_int_equal(load_le64(t + 44), ACPI_MMCFG);
	assert_memory_equal(ram + load_le32(rsdp + 16), "RSDT", 4);
	assert_non_null(table(ram, rsdp, "APIC"));
	assert_non_null(table(ram, rsdp, "HPET"));
	free(a.data);
	mem_free(m);
	mem_dealloc(ram, RAM);
}

/* Does what firmware does: the tables go to the same place as above, the RSDP too. */
static void obey(const uint8_t *c, size_t len, struct acpi *a)
{
	for (; len; c += 128, len -= 128) {
		bool rsdp = !strcmp((const char *)c + 4, ACPI_FILE_RSDP);
		uint8_t *file = rsdp ? a->rsdp : a->data;
		size_t size = rsdp ? ACPI_RSDP : a->len;
		uint32_t at;

		assert_true(len >= 128);
		assert_true(rsdp || !strcmp((const char *)c + 4, ACPI_FILE_TABLES));
		switch (load_le32(c)) {
		case 1:
			assert_int_equal(c[64], rsdp ? 2 : 1);
			break;
		case 2:
			at = load_le32(c + 116);
			assert_string_equal((const char *)c + 60, ACPI_FILE_TABLES);
			assert_true(c[120] <= 8 && at + c[120] <= size);
			if (c[120] == 8)
				store_le64(file + at, load_le64(file + at) + ACPI_AT + 64);
			else
				store_le32(file + at, load_le32(file + at) + ACPI_AT + 64);
			break;
		case 3:
			at = load_le32(c + 60);
			assert_true(load_le32(c + 64) + load_le32(c + 68) <= size);
			file[at] = (uint8_t)(file[at] -
					     sum(file + load_le32(c + 64), load_le32(c + 68)));
			break;
		default:
			fail();
		}
	}
}

static void loaded(void **state)
{
	struct err e = { 0 };
	struct acpi a;
	struct mem *m;
	uint8_t *ram, *commands;
	size_t len;

	(void)state;
	assert_int_equal(mem_new(&m, &e), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, &e), 0);
	assert_int_equal(mem_map(m, 0, RAM, ram, true, &e), 0);
	assert_int_equal(acpi_build(&env, &a, &e), 0);
	assert_true(acpi_place(m, &a));
	assert_int_equal(acpi_loader(&a, &commands, &len, &e), 0);
	obey(commands, len, &a);
	assert_memory_equal(a.rsdp, ram + ACPI_AT, ACPI_RSDP);
	assert_memory_equal(a.data, ram + ACPI_AT + 64, a.len);
	free(commands);
	free(a.data);
	mem_free(m);
	mem_dealloc(ram, RAM);
}

/* What firmware programs changes what they say, not how long they are. */
static void same_length(void **state)
{
	static const uint64_t mmcfg[] = { 0, 0x80000000, 0xb0000000, 0xe0000000, 0xf0000000 };
	struct err e = { 0 };
	struct acpi a, b;

	(void)state;
	assert_int_equal(acpi_build(&env, &a, &e), 0);
	for (unsigned i = 0; i < sizeof(mmcfg) / sizeof(*mmcfg); i++) {
		struct acpi_env other = env;

		other.mmcfg = mmcfg[i];
		other.pm_base = (uint16_t)(0xb000 * (i & 1));
		assert_int_equal(acpi_build(&other, &b, &e), 0);
		assert_int_equal(a.len, b.len);
		free(b.data);
	}
	free(a.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placed),
		cmocka_unit_test(loaded),
		cmocka_unit_test(same_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
