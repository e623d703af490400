/* SPDX-License-Identifier: MIT */
#include "host/iommu_dt.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* IOMMUs are at the root or in a bus below it.  Trees of big chips have some thousand
 * nodes, nearly all deeper. */
#define DEPTH_MAX 2
#define NODES_MAX 2000

bool iommu_dt_compatible(const char *prop, size_t len)
{
	static const char *const known[] = {
		"arm,smmu-v3",    "arm,smmu-v2",     "arm,smmu-v1",    "arm,mmu-500",
		"arm,mmu-401",    "arm,mmu-400",     "cavium,smmu-v2", "qcom,smmu-500",
		"qcom,smmu-v2",   "nvidia,smmu-500", "riscv,iommu",    "apple,dart",
		"rockchip,iommu", "virtio,pci-iommu"
	};

	for (size_t i = 0; i < len;) {
		const char *end = memchr(prop + i, '\0', len - i);
		size_t n = end ? (size_t)(end - (prop + i)) : len - i;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (n == strlen(known[k]) && !memcmp(prop + i, known[k], n))
				return true;
		i += n + 1;
	}
	return false;
}

static bool disabled(const struct host *h, const char *node)
{
	char path[600], status[16];

	snprintf(path, sizeof(path), "%s/status", node);
	/* a string property ends with a zero byte */
	return host_read_line(h, path, status, sizeof(status), NULL) == 0 &&
	       strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

static bool is_iommu(const struct host *h, const char *node)
{
	AUTO_FREE char *prop = NULL;
	char path[600];
	size_t len;

	snprintf(path, sizeof(path), "%s/compatible", node);
	return host_read(h, path, &prop, &len, NULL) == 0 && iommu_dt_compatible(prop, len) &&
	       !disabled(h, node);
}

/* Folders are nodes, files are properties; only names with '@' or of a bus are looked into. */
static bool search(const struct host *h, const char *node, unsigned depth, unsigned *left)
{
	AUTO_LIST struct host_list l = { 0 };
	bool found = false;
	char path[512];

	if (host_list(h, node, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n && !found && *left; i++) {
		const char *name = l.v[i];

		if (!strchr(name, '@') && strcmp(name, "soc") != 0 &&
		    strcmp(name, "platform") != 0 && strcmp(name, "iommu") != 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", node, name) >= sizeof(path))
			continue;
		(*left)--;
		found = is_iommu(h, path) ||
			(depth < DEPTH_MAX && search(h, path, depth + 1, left));
	}
	return found;
}

bool iommu_dt_has(const struct host *h)
{
	unsigned left = NODES_MAX;

	return search(h, "/proc/device-tree", 1, &left);
}
