/* SPDX-License-Identifier: MIT */
#include "host/iommu_groups.h"

#include "base/mem.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS "/sys/kernel/iommu_groups"

static bool hex(struct span s, uint64_t *out)
{
	*out = 0;
	if (s.len < 3 || s.len > 18 || s.s[0] != '0' || s.s[1] != 'x')
		return false;
	for (size_t i = 2; i < s.len; i++) {
		char c = s.s[i];
		int d = c >= '0' && c <= '9'                     ? c - '0'
			: (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
								 : -1;

		if (d < 0)
			return false;
		*out = *out << 4 | (unsigned)d;
	}
	return true;
}

int iommu_regions_parse(const char *text, size_t len, struct iommu_region **out, size_t *n,
			struct err *e)
{
	struct span rest = { text, len }, line, word[3], more;
	unsigned nr = 0;
	int r = 0;

	*out = NULL;
	*n = 0;
	while (r == 0 && span_line(&rest, &line)) {
		struct iommu_region reg;

		nr++;
		if (!span_word(&line, &word[0]))
			continue;
		if (!span_word(&line, &word[1]) || !span_word(&line, &word[2]) ||
		    span_word(&line, &more) || !hex(word[0], &reg.start) ||
		    !hex(word[1], &reg.end)) {
			r = err_set(e, -EINVAL, "line %u is no range of addresses", nr);
			break;
		}
		span_copy(word[2], reg.type, sizeof(reg.type));
		r = mem_grow((void **)out, *n + 1, sizeof(reg), e);
		if (r == 0)
			(*out)[(*n)++] = reg;
	}
	if (r < 0) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return r;
}

static int read_regions(const struct host *h, struct iommu_group *g, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err why = { 0 };
	char path[96];
	size_t len;
	int r;

	snprintf(path, sizeof(path), GROUPS "/%u/reserved_regions", g->id);
	r = host_read(h, path, &text, &len, &why);
	/* before Linux 4.11 there is none */
	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		r = iommu_regions_parse(text, len, &g->regions, &g->n_regions, &why);
		if (r < 0)
			r = err_wrap(&why, r, "%s", path);
	}
	if (r == -ENOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r < 0)
		snprintf(g->regions_unknown, sizeof(g->regions_unknown), "%.127s", why.msg);
	return 0;
}

static int read_group(const struct host *h, unsigned id, struct iommu_group *g, struct err *e)
{
	struct host_list l = { 0 };
	char path[96], name[32];

	memset(g, 0, sizeof(*g));
	g->id = id;
	snprintf(path, sizeof(path), GROUPS "/%u/type", id);
	if (host_read_line(h, path, g->type, sizeof(g->type), NULL) < 0)
		g->type[0] = '\0';
	snprintf(path, sizeof(path), GROUPS "/%u/name", id);
	g->fake = host_read_line(h, path, name, sizeof(name), NULL) == 0 &&
		  !strcmp(name, "vfio-noiommu");
	snprintf(path, sizeof(path), GROUPS "/%u/devices", id);
	if (host_list(h, path, &l, NULL) == 0) {
		g->devices = l.v;
		g->n_devices = l.n;
	}
	return read_regions(h, g, e);
}

int iommu_groups_read(const struct host *h, struct iommu_group **out, size_t *n, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	int r = 0;

	*out = NULL;
	*n = 0;
	if (host_list(h, GROUPS, &l, NULL) < 0 || !l.n)
		return 0;
	*out = mem_zalloc(l.n, sizeof(**out), e);
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		struct span s = { l.v[i], strlen(l.v[i]) };
		unsigned long long id;

		if (span_u64(s, INT32_MAX, &id))
			r = read_group(h, (unsigned)id, &(*out)[(*n)++], e);
	}
	if (r < 0) {
		iommu_groups_free(*out, *n);
		*out = NULL;
		*n = 0;
	}
	return r;
}

void iommu_groups_free(struct iommu_group *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_devices; k++)
			free(v[i].devices[k]);
		free(v[i].devices);
		free(v[i].regions);
	}
	free(v);
}
