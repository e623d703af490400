/* SPDX-License-Identifier: MIT */
/* Intel's table: what parses has scopes of possible depth, and no memory is taken beyond the
 * table's own size. */
#include "host/acpi_dmar.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct dmar d;
	size_t scopes = 0, known = 0;
	int r = dmar_parse(data, len, &d, &e);

	if (r < 0) {
		must(r == e.code && e.msg[0] && !d.parts && !d.n);
		must(r == -EINVAL || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(d.width >= 1 && d.width <= 256 && d.n <= len / 4);
	for (size_t i = 0; i < d.n; i++) {
		for (size_t k = 0; k < d.parts[i].n_scopes; k++) {
			const struct dmar_scope *s = &d.parts[i].scopes[k];

			must(s->depth >= 1 && s->depth <= DMAR_PATH_MAX);
		}
		scopes += d.parts[i].n_scopes;
	}
	for (int k = DMAR_DRHD; k <= DMAR_SATC; k++)
		known += dmar_count(&d, (enum dmar_kind)k);
	must(scopes <= len / 8 && known <= d.n);
	dmar_free(&d);
	return 0;
}
