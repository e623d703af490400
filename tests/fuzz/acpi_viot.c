/* SPDX-License-Identifier: MIT */
/* virtio-iommu's table: every endpoint has an IOMMU that is there. */
#include "host/acpi_viot.h"

#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct viot v;
	int r = viot_parse(data, len, &v, &e);

	if (r < 0) {
		must(r == e.code && e.msg[0] && !v.nodes && !v.n);
		must(r == -EINVAL || r == -ENODATA || r == -EUCLEAN);
		return 0;
	}
	must(v.n <= len / 4);
	for (size_t i = 0; i < v.n; i++) {
		const struct viot_node *n = &v.nodes[i];

		must(n->offset < len);
		if (n->type == VIOT_PCI_RANGE || n->type == VIOT_MMIO)
			must(n->iommu < v.n && n->iommu != i);
	}
	viot_free(&v);
	return 0;
}
