/* SPDX-License-Identifier: MIT */
/* The tables that the guest finds: sums, lengths, pointers, and processors as CPUID has them. */
#include "base/bytes.h"
#include "emu/boot/acpi.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define RAM (1u << 20)

static uint8_t *ram;
static struct mem *mem;

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

/* A table at @gpa: its length is right, and so is its sum. */
static const uint8_t *table(uint64_t gpa, const char *name)
{
	const uint8_t *p = ram + gpa;

	assert_in_range(gpa, ACPI_AT, ACPI_AT + ACPI_ROOM - 36);
	assert_in_range(load_le32(p + 4), 36, ACPI_AT + ACPI_ROOM - gpa);
	assert_int_equal(sum(p, load_le32(p + 4)), 0);
	if (name)
		assert_memory_equal(p, name, 4);
	return p;
}

static const uint8_t *find(const char *name)
{
	const uint8_t *rsdp = ram + ACPI_AT, *xsdt;

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	xsdt = table(load_le64(rsdp + 24), "XSDT");
	for (unsigned at = 36; at < load_le32(xsdt + 4); at += 8) {
		const uint8_t *t = table(load_le64(xsdt + at), NULL);

		if (!memcmp(t, name, 4))
			return t;
	}
	return NULL;
}

static void place(unsigned vcpus, unsigned cores, unsigned threads, bool q35)
{
	const struct x86_cpuid c = { .cpus = vcpus, .cores = cores, .threads = threads };
	struct acpi_env env = { .vcpus = vcpus,
				.low_ram = RAM,
				.pm_base = 0x600,
				.mmcfg = q35 ? ACPI_MMCFG : 0,
				.q35 = q35,
				.serials = { true, false } };
	struct acpi a;

	for (unsigned i = 0; i < vcpus; i++)
		env.apic_id[i] = (uint8_t)x86_cpuid_apic_id(&c, i);
	memset(ram, 0xaa, RAM);
	assert_int_equal(acpi_build(&env, &a, NULL), 0);
	assert_true(acpi_place(mem, &a));
	free(a.data);
}

static int begin(void **state)
{
	(void)state;
	assert_int_equal(mem_new(&mem, NULL), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, NULL), 0);
	assert_int_equal(mem_map(mem, 0, RAM, ram, true, NULL), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	mem_free(mem);
	mem_dealloc(ram, RAM);
	return 0;
}

static void test_tables_are_sound(void **state)
{
	const uint8_t *fadt;
	uint64_t facs;

	(void)state;
	place(1, 1, 1, false);
	assert_null(find("MCFG"));
	assert_non_null(find("HPET"));
	fadt = find("FACP");
	assert_non_null(fadt);
	/* both widths of a pointer lead to the same */
	facs = load_le32(fadt + 36);
	assert_int_equal(facs % 64, 0);
	assert_memory_equal(ram + facs, "FACS", 4);
	assert_int_equal(load_le32(ram + facs + 4), 64);
	table(load_le32(fadt + 40), "DSDT");
	if (load_le32(fadt + 4) >= 148 && load_le64(fadt + 140))
		assert_int_equal(load_le64(fadt + 140), load_le32(fadt + 40));
	place(1, 1, 1, true);
	assert_int_equal(load_le64(find("MCFG") + 44), ACPI_MMCFG);
}

/* The MADT's processors; how many. */
static unsigned processors(uint8_t ids[64])
{
	const uint8_t *t = find("APIC");
	unsigned n = 0, io = 0;

	for (unsigned at = 44; at < load_le32(t + 4); at += t[at + 1]) {
		assert_in_range(t[at + 1], 6, load_le32(t + 4) - at);
		io += t[at] == 1;
		if (t[at])
			continue;
		assert_int_equal(load_le32(t + at + 4), 1);
		ids[n++] = t[at + 3];
	}
	assert_int_equal(io, 1);
	return n;
}

static void test_processors_are_those_of_cpuid(void **state)
{
	static const struct {
		unsigned n, cores, threads;
	} shapes[] = { { 1, 1, 1 },  { 2, 2, 1 },   { 6, 3, 1 },  { 8, 2, 2 },
		       { 30, 5, 3 }, { 64, 64, 1 }, { 64, 1, 1 }, { 63, 7, 3 } };

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(shapes); k++) {
		unsigned n = shapes[k].n, cores = shapes[k].cores, threads = shapes[k].threads;
		struct x86_cpuid c = { .vendor = "GenuineIntel",
				       .max_leaf = 0x16,
				       .cpus = n,
				       .cores = cores,
				       .threads = threads };
		uint8_t ids[64];

		place(n, cores, threads, true);
		assert_int_equal(processors(ids), n);
		for (unsigned i = 0; i < n; i++) {
			const struct x86_cpuid_env env = { .index = ids[i], .apic = true };
			uint32_t one[4], smt[4], core[4];

			x86_cpuid(&c, &env, 1, 0, one);
			x86_cpuid(&c, &env, 0xb, 0, smt);
			x86_cpuid(&c, &env, 0xb, 1, core);
			assert_int_equal(one[1] >> 24, ids[i]);
			assert_int_equal(core[3], ids[i]);
			assert_int_equal(smt[1], threads);
			assert_int_equal(core[1], cores * threads);
			/* an ID is socket, core and thread */
			assert_int_equal(ids[i] >> core[0], i / (cores * threads));
			assert_int_equal(ids[i] >> smt[0] & ((1u << (core[0] - smt[0])) - 1),
					 i / threads % cores);
			assert_int_equal(ids[i] & ((1u << smt[0]) - 1), i % threads);
			assert_true(!i || ids[i] > ids[i - 1]);
			assert_true((one[1] >> 16 & 255) == 1u << core[0]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tables_are_sound, begin, end),
		cmocka_unit_test_setup_teardown(test_processors_are_those_of_cpuid, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
