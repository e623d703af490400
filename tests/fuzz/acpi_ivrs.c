/* SPDX-License-Identifier: MIT */
/* AMD's table. */
#include "host/acpi_ivrs.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	size_t entries = 0, ioapics = 0;
	struct ivrs v;
	int r = ivrs_parse(data, len, &v, &e);

	if (r < 0) {
		must(r == e.code && e.msg[0] && !v.units && !v.memory);
		must(r == -EINVAL || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(v.pa_bits <= 127 && v.va_bits <= 127);
	for (size_t i = 0; i < v.n_units; i++) {
		must(v.units[i].ioapics + v.units[i].hpets <= v.units[i].entries);
		entries += v.units[i].entries;
		ioapics += v.units[i].ioapics;
	}
	must(entries <= len / 4 && ivrs_intr_remap(&v) == (ioapics > 0));
	for (size_t i = 0; i < v.n_memory; i++)
		must(v.memory[i].type >= 0x20 && v.memory[i].type <= 0x22);
	must(v.n_units + v.n_memory + v.unknown <= len / 4);
	ivrs_free(&v);
	return 0;
}
