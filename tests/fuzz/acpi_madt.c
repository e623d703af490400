/* SPDX-License-Identifier: MIT */
/* Interrupt controllers and processors. */
#include "host/acpi_madt.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct madt m;
	int r = madt_parse(data, len, &m, &e);

	if (r < 0) {
		must(r == e.code && e.msg[0]);
		must(r == -EINVAL || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(m.entries <= len / 2);
	must(m.apics + m.gic_cpus + m.redistributors + m.its + m.msi_frames <= m.entries);
	must(madt_gic(&m) <= 4 && (madt_gic(&m) == 0) == !m.gicd);
	return 0;
}
