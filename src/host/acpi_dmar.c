/* SPDX-License-Identifier: MIT */
#include "host/acpi_dmar.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "host/acpi.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 48 /* where the structures begin */

/* What a structure has before its scopes. */
static const struct {
	uint16_t fixed;
	bool scopes;
} layout[] = {
	[DMAR_DRHD] = { 16, true },  [DMAR_RMRR] = { 24, true }, [DMAR_ATSR] = { 8, true },
	[DMAR_RHSA] = { 20, false }, [DMAR_ANDD] = { 8, false }, [DMAR_SATC] = { 8, true },
};

static int parse_scope(const uint8_t *p, size_t len, size_t at, struct dmar_part *part,
		       struct err *e)
{
	struct dmar_scope *s;
	uint8_t n = len >= 2 ? p[1] : 0;
	int r;

	if (len < 8 || n < 8 || n > len || n % 2)
		return err_set(e, -EUCLEAN,
			       "DMAR: the device scope at byte %zu has a length of %u", at, n);
	if ((n - 6) / 2 > DMAR_PATH_MAX)
		return err_set(e, -EUCLEAN,
			       "DMAR: the device scope at byte %zu goes through %d "
			       "bridges",
			       at, (n - 6) / 2 - 1);
	r = mem_grow((void **)&part->scopes, part->n_scopes + 1, sizeof(*s), e);
	if (r < 0)
		return r;
	s = &part->scopes[part->n_scopes++];
	memset(s, 0, sizeof(*s));
	s->type = p[0];
	s->enum_id = p[4];
	s->bus = p[5];
	s->depth = (uint8_t)((n - 6) / 2);
	for (unsigned i = 0; i < s->depth; i++) {
		s->path[i].dev = p[6 + 2 * i];
		s->path[i].fn = p[7 + 2 * i];
	}
	return n;
}

static void parse_fixed(const uint8_t *p, struct dmar_part *part)
{
	switch (part->kind) {
	case DMAR_DRHD:
		part->flags = p[4];
		part->segment = load_le16(p + 6);
		part->base = load_le64(p + 8);
		break;
	case DMAR_RMRR:
		part->segment = load_le16(p + 6);
		part->base = load_le64(p + 8);
		part->end = load_le64(p + 16);
		break;
	case DMAR_ATSR:
	case DMAR_SATC:
		part->flags = p[4];
		part->segment = load_le16(p + 6);
		break;
	case DMAR_RHSA:
		part->base = load_le64(p + 8);
		part->node = load_le32(p + 16);
		break;
	default:
		break;
	}
}

static int parse_part(const uint8_t *p, size_t len, size_t at, struct dmar_part *part,
		      struct err *e)
{
	memset(part, 0, sizeof(*part));
	part->kind = load_le16(p);
	if (part->kind >= ARRAY_SIZE(layout))
		return 0;
	if (len < layout[part->kind].fixed)
		return err_set(e, -EUCLEAN,
			       "DMAR: the structure at byte %zu is too short, %zu bytes", at,
			       len);
	parse_fixed(p, part);
	for (size_t pos = layout[part->kind].fixed; layout[part->kind].scopes && pos < len;) {
		int n = parse_scope(p + pos, len - pos, at + pos, part, e);

		if (n < 0)
			return n;
		pos += (size_t)n;
	}
	return 0;
}

static int parse_all(const uint8_t *buf, size_t len, struct dmar *out, struct err *e)
{
	for (size_t at = FIRST; at < len;) {
		size_t n = len - at >= 4 ? load_le16(buf + at + 2) : 0;
		int r;

		if (n < 4 || n > len - at)
			return err_set(e, -EUCLEAN,
				       "DMAR: the structure at byte %zu has a length of %zu",
				       at, n);
		r = mem_grow((void **)&out->parts, out->n + 1, sizeof(*out->parts), e);
		if (r == 0)
			r = parse_part(buf + at, n, at, &out->parts[out->n++], e);
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

int dmar_parse(const uint8_t *buf, size_t len, struct dmar *out, struct err *e)
{
	struct acpi_head head;
	int r = acpi_head_parse(buf, len, "DMAR", &head, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (head.length < FIRST)
		return err_set(e, -EUCLEAN, "DMAR: %u bytes are too few", head.length);
	out->sum_ok = head.sum_ok;
	out->width = buf[36] + 1u;
	out->intr_remap = buf[37] & 1;
	out->x2apic_opt_out = buf[37] & 2;
	out->dma_opt_in = buf[37] & 4;
	r = parse_all(buf, head.length, out, e);
	if (r < 0)
		dmar_free(out);
	return r;
}

int dmar_read(const struct host *h, struct dmar *out, struct err *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	r = acpi_read(h, "DMAR", &buf, &len, e);
	return r < 0 ? r : dmar_parse(buf, len, out, e);
}

size_t dmar_count(const struct dmar *d, enum dmar_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->parts[i].kind == kind;
	return n;
}

void dmar_free(struct dmar *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->parts[i].scopes);
	free(d->parts);
	memset(d, 0, sizeof(*d));
}
