/* SPDX-License-Identifier: MIT */
#include "host/acpi_viot.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "host/acpi.h"

#include <stdlib.h>
#include <string.h>

/* Of each type; 0: one that is not known. */
static const uint8_t sizes[] = { 0, 24, 24, 16, 16 };

static bool is_endpoint(const struct viot_node *n)
{
	return n->type == VIOT_PCI_RANGE || n->type == VIOT_MMIO;
}

/* Of an endpoint, iommu is an offset until all nodes are known. */
static void parse_node(const uint8_t *p, struct viot_node *n)
{
	switch (n->type) {
	case VIOT_PCI_RANGE:
		n->endpoint = load_le32(p + 4);
		n->segment = load_le16(p + 8);
		n->last_segment = load_le16(p + 10);
		n->bdf = load_le16(p + 12);
		n->last_bdf = load_le16(p + 14);
		n->iommu = load_le16(p + 16);
		break;
	case VIOT_MMIO:
		n->endpoint = load_le32(p + 4);
		n->base = load_le64(p + 8);
		n->iommu = load_le16(p + 16);
		break;
	case VIOT_IOMMU_PCI:
		n->segment = n->last_segment = load_le16(p + 4);
		n->bdf = n->last_bdf = load_le16(p + 6);
		break;
	case VIOT_IOMMU_MMIO:
		n->base = load_le64(p + 8);
		break;
	default:
		break;
	}
}

static int by_offset(const void *key, const void *elem)
{
	size_t off = *(const size_t *)key, at = ((const struct viot_node *)elem)->offset;

	return off < at ? -1 : off > at;
}

static int resolve(struct viot *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++) {
		struct viot_node *node = &v->nodes[i];
		const struct viot_node *to;

		if (!is_endpoint(node))
			continue;
		/* nodes stand in the order of their offsets */
		to = bsearch(&node->iommu, v->nodes, v->n, sizeof(*v->nodes), by_offset);
		if (!to || is_endpoint(to))
			return err_set(e, -EUCLEAN,
				       "VIOT: the node at byte %zu names an IOMMU at byte %zu, "
				       "where none is",
				       node->offset, node->iommu);
		node->iommu = (size_t)(to - v->nodes);
	}
	return 0;
}

static int parse_all(const uint8_t *buf, size_t len, unsigned n, size_t at, struct viot *out,
		     struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		struct viot_node *node;
		size_t size = at <= len && len - at >= 4 ? load_le16(buf + at + 2) : 0;
		int r;

		if (size < 4 || size > len - at ||
		    (buf[at] < sizeof(sizes) && size < sizes[buf[at]]))
			return err_set(e, -EUCLEAN, "VIOT: no node %u of %u at byte %zu", i + 1,
				       n, at);
		r = mem_grow((void **)&out->nodes, out->n + 1, sizeof(*node), e);
		if (r < 0)
			return r;
		node = &out->nodes[out->n++];
		memset(node, 0, sizeof(*node));
		node->type = buf[at];
		node->offset = at;
		parse_node(buf + at, node);
		at += size;
	}
	return resolve(out, e);
}

int viot_parse(const uint8_t *buf, size_t len, struct viot *out, struct err *e)
{
	struct acpi_head head;
	int r = acpi_head_parse(buf, len, "VIOT", &head, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (head.length < 48)
		return err_set(e, -EUCLEAN, "VIOT: %u bytes are too few", head.length);
	out->sum_ok = head.sum_ok;
	r = parse_all(buf, head.length, load_le16(buf + 36), load_le16(buf + 38), out, e);
	if (r < 0)
		viot_free(out);
	return r;
}

int viot_read(const struct host *h, struct viot *out, struct err *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	r = acpi_read(h, "VIOT", &buf, &len, e);
	return r < 0 ? r : viot_parse(buf, len, out, e);
}

void viot_free(struct viot *v)
{
	free(v->nodes);
	memset(v, 0, sizeof(*v));
}
