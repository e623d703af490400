/* SPDX-License-Identifier: MIT */
/* Reserved regions, properties of a device tree, PCI addresses. */
#include "host/iommu.h"
#include "host/iommu_dt.h"
#include "host/pci.h"
#include "tests/lib/fuzz.h"

#include <string.h>

static void address(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1), again[32];
	uint8_t bus, dev, fn, bus2, dev2, fn2;
	uint32_t domain, domain2;
	struct err e = { 0 };

	must(s != NULL);
	memcpy(s, data, len);
	s[len] = '\0';
	if (pci_addr_parse(s, &domain, &bus, &dev, &fn, &e) < 0) {
		must(e.code == -EINVAL && e.msg[0]);
	} else {
		must(dev <= 31 && fn <= 7);
		snprintf(again, sizeof(again), "%04x:%02x:%02x.%x", domain, bus, dev, fn);
		must(pci_addr_parse(again, &domain2, &bus2, &dev2, &fn2, NULL) == 0);
		must(domain == domain2 && bus == bus2 && dev == dev2 && fn == fn2);
	}
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct iommu_region *v;
	struct err e = { 0 };
	size_t n;
	int r = iommu_regions_parse((const char *)data, len, &v, &n, &e);

	must(r == 0 || (r == -EINVAL && e.code == r && !v && !n));
	must(n <= len / 8);
	for (size_t i = 0; i < n; i++)
		must(v[i].type[0]);
	free(v);
	iommu_dt_compatible((const char *)data, len);
	address(data, len);
	return 0;
}
