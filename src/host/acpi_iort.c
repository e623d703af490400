/* SPDX-License-Identifier: MIT */
#include "host/acpi_iort.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "host/acpi.h"

#include <stdlib.h>
#include <string.h>

enum { NODE_SIZE = 16, MAP_SIZE = 20, RMR_SIZE = 20 };

/* What a node has at least; 0: only the header that all have. */
static const uint8_t sizes[] = {
	[IORT_ITS] = 20,     [IORT_NAMED] = 0, [IORT_ROOT_COMPLEX] = 32, [IORT_SMMU] = 40,
	[IORT_SMMU_V3] = 44, [IORT_PMCG] = 24, [IORT_RMR] = 28,
};

/* A list of @n things of @size bytes at @off of a node of @len bytes. */
static bool fits(size_t len, uint32_t off, uint32_t n, size_t size)
{
	return n == 0 || (off <= len && n <= (len - off) / size);
}

static int parse_maps(const uint8_t *p, size_t len, struct iort_node *node, struct err *e)
{
	uint32_t n = load_le32(p + 8), off = load_le32(p + 12);

	if (!fits(len, off, n, MAP_SIZE))
		return err_set(e, -EUCLEAN,
			       "IORT: the node at byte %zu has no room for %u mappings",
			       node->offset, n);
	if (!n)
		return 0;
	node->maps = mem_zalloc(n, sizeof(*node->maps), e);
	if (!node->maps)
		return -ENOMEM;
	node->n_maps = n;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *m = p + off + (size_t)i * MAP_SIZE;
		struct iort_map *map = &node->maps[i];

		map->in = load_le32(m);
		map->count = load_le32(m + 4); /* one less; made whole below */
		map->out = load_le32(m + 8);
		map->node = load_le32(m + 12); /* an offset until all nodes are known */
		map->single = load_le32(m + 16) & 1;
		if (map->count != UINT32_MAX)
			map->count++;
	}
	return 0;
}

static int parse_rmr(const uint8_t *p, size_t len, struct iort_node *node, struct err *e)
{
	uint32_t n = load_le32(p + 20), off = load_le32(p + 24);

	if (!fits(len, off, n, RMR_SIZE))
		return err_set(e, -EUCLEAN,
			       "IORT: the node at byte %zu has no room for %u ranges",
			       node->offset, n);
	node->flags = load_le32(p + 16);
	if (!n)
		return 0;
	node->rmrs = mem_zalloc(n, sizeof(*node->rmrs), e);
	if (!node->rmrs)
		return -ENOMEM;
	node->n_rmrs = n;
	for (uint32_t i = 0; i < n; i++) {
		node->rmrs[i].base = load_le64(p + off + (size_t)i * RMR_SIZE);
		node->rmrs[i].length = load_le64(p + off + (size_t)i * RMR_SIZE + 8);
	}
	return 0;
}

static int parse_node(const uint8_t *p, size_t len, struct iort_node *node, struct err *e)
{
	if (node->type < ARRAY_SIZE(sizes) && len < sizes[node->type])
		return err_set(e, -EUCLEAN,
			       "IORT: the node at byte %zu is too short, %zu bytes",
			       node->offset, len);
	node->id = p[3] ? load_le32(p + 4) : 0;
	switch (node->type) {
	case IORT_ITS:
		node->its = load_le32(p + 16);
		if (!fits(len, 20, node->its, 4))
			return err_set(e, -EUCLEAN,
				       "IORT: the node at byte %zu has no room for %u ITSs",
				       node->offset, node->its);
		break;
	case IORT_ROOT_COMPLEX:
		node->flags = load_le32(p + 24);
		node->segment = load_le32(p + 28);
		break;
	case IORT_SMMU:
		node->base = load_le64(p + 16);
		node->model = load_le32(p + 32);
		node->flags = load_le32(p + 36);
		break;
	case IORT_SMMU_V3:
		node->base = load_le64(p + 16);
		node->flags = load_le32(p + 24);
		node->model = load_le32(p + 40);
		break;
	case IORT_PMCG:
		node->base = load_le64(p + 16);
		break;
	case IORT_RMR: {
		int r = parse_rmr(p, len, node, e);

		if (r < 0)
			return r;
		break;
	}
	default:
		break;
	}
	return parse_maps(p, len, node, e);
}

static int by_offset(const void *key, const void *elem)
{
	size_t off = *(const size_t *)key, at = ((const struct iort_node *)elem)->offset;

	return off < at ? -1 : off > at;
}

/* Offsets in the table become indices; nodes are in the order of their offsets. */
static int resolve(struct iort *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->nodes[i].n_maps; k++) {
			struct iort_map *m = &t->nodes[i].maps[k];
			const struct iort_node *to =
				bsearch(&m->node, t->nodes, t->n, sizeof(*t->nodes), by_offset);

			if (!to)
				return err_set(
					e, -EUCLEAN,
					"IORT: a mapping of the node at byte %zu goes to "
					"byte %zu, where no node is",
					t->nodes[i].offset, m->node);
			m->node = (size_t)(to - t->nodes);
		}
	return 0;
}

static int parse_all(const uint8_t *buf, size_t len, uint32_t n, size_t at, struct iort *out,
		     struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		struct iort_node *node;
		size_t size;
		int r;

		size = at <= len && len - at >= NODE_SIZE ? load_le16(buf + at + 1) : 0;
		if (size < NODE_SIZE || size > len - at)
			return err_set(e, -EUCLEAN, "IORT: no node %u of %u at byte %zu", i + 1,
				       n, at);
		r = mem_grow((void **)&out->nodes, out->n + 1, sizeof(*node), e);
		if (r < 0)
			return r;
		node = &out->nodes[out->n++];
		memset(node, 0, sizeof(*node));
		node->type = buf[at];
		node->offset = at;
		r = parse_node(buf + at, size, node, e);
		if (r < 0)
			return r;
		at += size;
	}
	return resolve(out, e);
}

int iort_parse(const uint8_t *buf, size_t len, struct iort *out, struct err *e)
{
	struct acpi_head head;
	int r = acpi_head_parse(buf, len, "IORT", &head, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (head.length < 48)
		return err_set(e, -EUCLEAN, "IORT: %u bytes are too few", head.length);
	out->sum_ok = head.sum_ok;
	r = parse_all(buf, head.length, load_le32(buf + 36), load_le32(buf + 40), out, e);
	if (r < 0)
		iort_free(out);
	return r;
}

int iort_read(const struct host *h, struct iort *out, struct err *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	r = acpi_read(h, "IORT", &buf, &len, e);
	return r < 0 ? r : iort_parse(buf, len, out, e);
}

size_t iort_count(const struct iort *t, enum iort_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->nodes[i].type == type;
	return n;
}

void iort_free(struct iort *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->nodes[i].maps);
		free(t->nodes[i].rmrs);
	}
	free(t->nodes);
	memset(t, 0, sizeof(*t));
}
