/* SPDX-License-Identifier: MIT */
/* Arm's table: every mapping goes to a node that is there. */
#include "host/acpi_iort.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct iort t;
	int r = iort_parse(data, len, &t, &e);

	if (r < 0) {
		must(r == e.code && e.msg[0] && !t.nodes && !t.n);
		must(r == -EINVAL || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(t.n <= len / 16);
	for (size_t i = 0; i < t.n; i++) {
		const struct iort_node *n = &t.nodes[i];

		must(n->offset < len && (i == 0 || n->offset > t.nodes[i - 1].offset));
		must(n->n_maps <= 65535 / 20 && n->n_rmrs <= 65535 / 20);
		must(!n->n_rmrs || n->type == IORT_RMR);
		for (size_t k = 0; k < n->n_maps; k++)
			must(n->maps[k].node < t.n);
	}
	iort_free(&t);
	return 0;
}
